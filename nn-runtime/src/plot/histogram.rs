//! How values are distributed.

use super::svg::{Area, Svg};
use super::{Chart, Figure};
use crate::kernels::Real;
use crate::model::Model;

/// The panels of a figure with several.
const PANEL: (f64, f64) = (360.0, 260.0);
/// Panels beside each other.
const COLUMNS: usize = 2;
/// More bars would be thinner than can be seen.
const MOST_BINS: f64 = 60.0;

/// How many values lie in each of a row of equal bins, whose number is that of numpy's `auto`. Values that are not
/// finite are left out.
pub fn histogram(
    title: impl Into<String>,
    x_label: impl Into<String>,
    values: impl IntoIterator<Item = f64>,
) -> Figure {
    chart(title.into(), x_label.into(), values.into_iter().collect()).figure()
}

/// A histogram for each parameter of a model.
pub fn weights<M: Model>(model: &M) -> Figure {
    parameters::<M>("weights", model.params_flat())
}

/// A histogram of the gradient of each parameter, `[PARAM_COUNT]` in the order of the parameters, as
/// [`loss_and_gradient`](crate::TrainExt::loss_and_gradient) gives it.
///
/// # Panics
/// If the gradient has another length.
pub fn gradients<M: Model>(gradient: &[M::Scalar]) -> Figure {
    assert_eq!(gradient.len(), M::PARAM_COUNT, "scalars of the gradient");
    parameters::<M>("gradients", gradient)
}

fn parameters<M: Model>(what: &str, values: &[M::Scalar]) -> Figure {
    let charts: Vec<Chart> = M::PARAMS
        .iter()
        .map(|param| {
            let values = values[param.offset..param.offset + param.len()].iter().map(|value| value.to_f64());
            let shape = if param.shape.is_empty() { String::new() } else { format!(" {:?}", param.shape) };
            chart(format!("{}{shape}", param.name), format!("{what} of {}", M::NAME), values.collect())
        })
        .collect();
    let columns = charts.len().clamp(1, COLUMNS);
    let rows = charts.len().div_ceil(columns).max(1);
    let (width, height) = PANEL;
    let title = format!("{}: {what}", M::NAME);
    let mut svg = Svg::new(columns as f64 * width, rows as f64 * height + 8.0, &title);
    for (i, chart) in charts.iter().enumerate() {
        let (left, top) = ((i % columns) as f64 * width, (i / columns) as f64 * height);
        chart.draw(&mut svg, Area { left, top, width, height });
    }
    Figure::new(svg.finish())
}

fn chart(title: String, x_label: String, values: Vec<f64>) -> Chart {
    Chart::new(title).x_label(x_label).y_label("count").bars(bins(values))
}

/// The bins as (left, right, count).
fn bins(mut values: Vec<f64>) -> Vec<(f64, f64, f64)> {
    values.retain(|value| value.is_finite());
    values.sort_unstable_by(f64::total_cmp);
    let (Some(&low), Some(&high)) = (values.first(), values.last()) else { return Vec::new() };
    let span = high - low;
    if !(span > 0.0 && span.is_finite()) {
        // All the same, or too far apart for a float to tell.
        let half = (0.05 * low.abs()).max(0.05);
        return if span == 0.0 { vec![(low - half, low + half, values.len() as f64)] } else { Vec::new() };
    }
    let n = values.len() as f64;
    let quantile = |q: f64| values[((n - 1.0) * q).round() as usize];
    // The rules of Sturges and of Freedman and Diaconis, whichever has more bins.
    let sturges = n.log2().ceil() + 1.0;
    let width = 2.0 * (quantile(0.75) - quantile(0.25)) / n.cbrt();
    let freedman = if width > 0.0 { (span / width).ceil() } else { 1.0 };
    let count = sturges.max(freedman).min(MOST_BINS) as usize;

    let mut counts = vec![0.0; count];
    for value in values {
        let bin = ((value - low) / span * count as f64) as usize;
        counts[bin.min(count - 1)] += 1.0;
    }
    let edge = |i: usize| low + span * i as f64 / count as f64;
    counts.into_iter().enumerate().map(|(i, counted)| (edge(i), edge(i + 1), counted)).collect()
}

#[cfg(test)]
mod tests {
    use super::bins;

    #[test]
    fn every_value_is_in_one_bin() {
        let values: Vec<f64> = (0..1000).map(|i| (f64::from(i) * 0.37).sin()).collect();
        let bins = bins(values);
        assert_eq!(bins.iter().map(|bin| bin.2).sum::<f64>(), 1000.0);
        assert!(bins.len() > 5 && bins.windows(2).all(|pair| pair[0].1 == pair[1].0));
    }

    #[test]
    fn constant_and_odd_values_have_bins() {
        assert_eq!(bins(vec![2.0; 7]), [(1.9, 2.1, 7.0)]);
        assert_eq!(bins(vec![f64::NAN, f64::INFINITY]), []);
        assert_eq!(bins(vec![-f64::MAX, f64::MAX]), []);
    }
}
