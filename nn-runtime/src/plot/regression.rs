//! Predicted numbers against true ones.

use ndarray::ArrayView1;

use super::{Chart, Figure};
use crate::kernels::Real;
use crate::metrics::r_squared;

/// A dot for each example: the prediction over the true value, beside the line on which both are equal. `[n]` each;
/// `unit` is that of the target, "" if it has none.
pub fn predicted_against_true<'p, 't, P: Real, T: Real>(
    predictions: impl Into<ArrayView1<'p, P>>,
    targets: impl Into<ArrayView1<'t, T>>,
    unit: &str,
) -> Figure {
    let (predictions, targets) = (predictions.into(), targets.into());
    let points: Vec<_> = targets.iter().zip(predictions).map(|(t, p)| (t.to_f64(), p.to_f64())).collect();
    let finite = points.iter().flat_map(|&(t, p)| [t, p]).filter(|value| value.is_finite());
    let (low, high) = finite
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    // Of one value or none, some range around it.
    let (low, high) = if low < high {
        (low, high)
    } else if low.is_finite() {
        (low - 1.0, low + 1.0)
    } else {
        (0.0, 1.0)
    };
    let (low, high) = (low - 0.04 * (high - low), high + 0.04 * (high - low));

    let r2 = r_squared(points.iter().map(|&(t, p)| (p, t)));
    Chart::new("Predicted against true values")
        .x_label(labelled("true value", unit))
        .y_label(labelled("predicted value", unit))
        .x_range(low, high)
        .y_range(low, high)
        .square()
        .points(format!("examples, R² = {r2:.3}"), points)
        .reference("predicted = true", [(low, low), (high, high)])
        .figure()
}

/// A dot for each example: what the prediction lacks (true value - prediction) over the prediction. `[n]` each; `unit`
/// is that of the target, "" if it has none.
pub fn residuals<'p, 't, P: Real, T: Real>(
    predictions: impl Into<ArrayView1<'p, P>>,
    targets: impl Into<ArrayView1<'t, T>>,
    unit: &str,
) -> Figure {
    let (predictions, targets) = (predictions.into(), targets.into());
    let points: Vec<_> =
        predictions.iter().zip(targets).map(|(p, t)| (p.to_f64(), t.to_f64() - p.to_f64())).collect();
    let finite = || points.iter().map(|point| point.0).filter(|value| value.is_finite());
    let ends = [finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max)];
    Chart::new("Residuals")
        .x_label(labelled("predicted value", unit))
        .y_label(labelled("true value - predicted value", unit))
        .points("", points)
        .reference("", ends.map(|end| (end, 0.0)))
        .figure()
}

fn labelled(what: &str, unit: &str) -> String {
    if unit.is_empty() { what.to_owned() } else { format!("{what} ({unit})") }
}
