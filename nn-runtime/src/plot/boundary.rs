//! What a model of two inputs makes of the plane.

use ndarray::Array2;

use super::chart::Tile;
use super::svg::{color, tint};
use super::{Chart, Figure};
use crate::data::{self, Dataset};
use crate::ext::ModelExt;
use crate::kernels::Real;
use crate::metrics::{Prediction, class_names, first_output, largest};
use crate::model::Train;
use crate::{Error, Result};

/// Fields along each axis.
const FIELDS: [usize; 2] = [160, 110];
/// Shades from one class to the other.
const SHADES: f64 = 12.0;

/// The classes that a model of two inputs predicts, over the range of a dataset, with its examples: fields have the
/// colour of the predicted class, the paler the less sure the model is.
///
/// # Errors
/// If the dataset is empty or not what the model takes, or the model does not take two inputs or does not predict a
/// class, or yes or no.
pub fn decision_boundary<M: Train>(model: &M, dataset: &Dataset<M::Scalar>) -> Result<Figure> {
    data::for_model::<M>(dataset)?;
    let prediction = Prediction::of::<M>(dataset.target());
    let classes = match prediction {
        Some(Prediction::Classes(classes)) if M::INPUT_LEN == 2 => classes,
        Some(Prediction::YesOrNo { .. }) if M::INPUT_LEN == 2 => 2,
        _ => return Err(Error::NoBoundary { model: M::NAME, inputs: M::INPUT_LEN }),
    };
    if dataset.is_empty() {
        return Err(Error::Empty { what: "the dataset to draw", missing: "rows" });
    }
    let logits = matches!(prediction, Some(Prediction::YesOrNo { logits: true }));
    let ranges = [range(dataset, 0), range(dataset, 1)];
    let [across, up] = FIELDS;
    let middle = |axis: usize, i: usize| edge(ranges[axis], i as f64 + 0.5, FIELDS[axis]);
    let inputs = Array2::from_shape_fn((up * across, 2), |(field, axis)| {
        M::Scalar::from_f64(middle(axis, if axis == 0 { field % across } else { field / across }))
    });
    let outputs = model.predict(inputs.view())?;
    let outputs = first_output::<M>(outputs.as_slice().unwrap_or_default())?;
    let fills: Vec<String> = outputs
        .rows()
        .into_iter()
        .map(|row| {
            let scores: Vec<f64> = row.iter().map(|score| score.to_f64()).collect();
            let (class, surety) = decided(&scores, logits);
            // Rounded, so that neighbours join into one field.
            tint(color(class), 0.08 + 0.5 * (surety * SHADES).round() / SHADES)
        })
        .collect();

    let mut chart = Chart::new(format!("{}: decision boundary", M::NAME))
        .x_label(dataset.features()[0].clone())
        .y_label(dataset.features()[1].clone())
        .x_range(ranges[0].0, ranges[0].1)
        .y_range(ranges[1].0, ranges[1].1);
    chart.tiles =
        fills.chunks_exact(across).enumerate().flat_map(|(row, fills)| tiles(ranges, row, fills)).collect();
    for (class, name) in class_names(dataset.target(), classes).into_iter().enumerate() {
        let (inputs, targets) = (dataset.inputs(), dataset.targets());
        let rows = inputs.rows().into_iter().zip(targets.column(0));
        // A yes or no may be a probability.
        let own = |target: f64| if classes == 2 { usize::from(target > 0.5) } else { target as usize };
        let points = rows
            .filter(|(_, target)| own(target.to_f64()) == class)
            .map(|(x, _)| (x[0].to_f64(), x[1].to_f64()));
        chart = chart.points(name, points);
    }
    Ok(chart.figure())
}

/// The range of an input, with some room.
fn range<T: Real>(dataset: &Dataset<T>, column: usize) -> (f64, f64) {
    let (low, high) = dataset
        .inputs()
        .column(column)
        .iter()
        .map(|x| x.to_f64())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    let room = if high > low { 0.08 * (high - low) } else { low.abs().max(1.0) };
    (low - room, high + room)
}

fn edge((low, high): (f64, f64), at: f64, fields: usize) -> f64 {
    low + (high - low) * at / fields as f64
}

/// The class, and how sure it is: from 0, where it is as probable as another, to 1.
fn decided(scores: &[f64], logits: bool) -> (usize, f64) {
    if let [score] = *scores {
        let probability = if logits { 1.0 / (1.0 + (-score).exp()) } else { score };
        return (usize::from(probability > 0.5), (2.0 * probability - 1.0).abs().clamp(0.0, 1.0));
    }
    let class = largest(scores.iter().copied()).unwrap_or(0);
    let others = scores.iter().enumerate().filter(|(other, _)| *other != class).map(|(_, score)| *score);
    (class, (scores[class] - others.fold(0.0, f64::max)).clamp(0.0, 1.0))
}

/// The fields of a row; neighbours of one colour are one.
fn tiles(ranges: [(f64, f64); 2], row: usize, fills: &[String]) -> Vec<Tile> {
    let mut tiles = Vec::new();
    let mut start = 0;
    for run in fills.chunk_by(|a, b| a == b) {
        let end = start + run.len();
        let x = (edge(ranges[0], start as f64, FIELDS[0]), edge(ranges[0], end as f64, FIELDS[0]));
        let y = (edge(ranges[1], row as f64, FIELDS[1]), edge(ranges[1], (row + 1) as f64, FIELDS[1]));
        tiles.push(Tile { x, y, fill: run[0].clone() });
        start = end;
    }
    tiles
}

#[cfg(test)]
mod tests {
    use super::decided;

    #[test]
    fn sureness_is_the_lead_over_the_next() {
        assert_eq!(decided(&[0.75], false), (1, 0.5));
        assert_eq!(decided(&[0.0], true), (0, 0.0));
        assert_eq!(decided(&[0.25, 0.0, 0.75], false), (2, 0.5));
        assert_eq!(decided(&[f64::NAN, 0.0], false).0, 0);
    }
}
