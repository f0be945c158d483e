//! How good predictions are, in terms that people compare.

use std::fmt;

use ndarray::ArrayView2;

use crate::data::{self, Dataset, TargetColumns};
use crate::kernels::{AlignedVec, Real};
use crate::model::{TargetKind, Train};
use crate::predictor::Predictor;
use crate::stepper::Gradients;
use crate::{Error, Result};

/// A measure of predictions.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Metric {
    /// The fraction of examples whose class is predicted, from 0 to 1. Over several yes-or-no targets, the fraction
    /// of right answers.
    Accuracy(f64),
    /// The coefficient of determination R², the mean over the target columns: 1 for exact predictions, 0 for those as
    /// good as the mean of the targets. A constant column counts as 1 if it is predicted exactly and as 0 otherwise.
    RSquared(f64),
}

impl Metric {
    /// The name in histories: "accuracy" or "r2".
    pub fn name(self) -> &'static str {
        match self {
            Self::Accuracy(_) => "accuracy",
            Self::RSquared(_) => "r2",
        }
    }

    /// The value.
    pub fn value(self) -> f64 {
        match self {
            Self::Accuracy(value) | Self::RSquared(value) => value,
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accuracy(value) => write!(f, "accuracy {:.2} %", 100.0 * value),
            Self::RSquared(value) => write!(f, "R² {value:.4}"),
        }
    }
}

/// Loss and metric of a model on a dataset.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Evaluation {
    /// The mean loss.
    pub loss: f64,
    /// Accuracy for classes and yes-or-no targets, R² for numbers; none if the model's first output does not have
    /// the shape of the target.
    pub metric: Option<Metric>,
}

impl Evaluation {
    /// The metric's value, as scikit-learn's `score`: accuracy or R². NaN if there is no metric.
    pub fn score(&self) -> f64 {
        self.metric.map_or(f64::NAN, Metric::value)
    }
}

impl fmt::Display for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "loss {:.6}", self.loss)?;
        match self.metric {
            Some(metric) => write!(f, ", {metric}"),
            None => Ok(()),
        }
    }
}

/// Loss and metric of a model on a dataset.
///
/// # Errors
/// If the dataset is empty or not what the model takes.
pub fn evaluate<M: Train>(model: &M, dataset: &Dataset<M::Scalar>) -> Result<Evaluation> {
    data::for_model::<M>(dataset)?;
    Ok(Evaluator::new(dataset, "the dataset to evaluate on")?.evaluate(model))
}

/// Rows whose loss is computed at a time. Their mean is taken in double precision.
const CHUNK: usize = 4096;

/// A dataset, checked against a model, with the buffers to evaluate on it again and again.
pub(crate) struct Evaluator<'d, M: Train> {
    dataset: &'d Dataset<M::Scalar>,
    gradients: Gradients<M>,
    predictor: Predictor<M>,
    outputs: AlignedVec<M::Scalar>,
    score: Option<Score>,
}

impl<'d, M: Train> Evaluator<'d, M> {
    /// For a dataset that was checked against the model; `what` it is, for the error if it is empty.
    pub(crate) fn new(dataset: &'d Dataset<M::Scalar>, what: &'static str) -> Result<Self> {
        if dataset.is_empty() {
            return Err(Error::Empty { what, missing: "rows" });
        }
        let score = Score::of::<M>(dataset.target());
        let outputs = if score.is_some() { dataset.len() * M::OUTPUT_LEN } else { 0 };
        Ok(Self {
            dataset,
            gradients: Gradients::new(dataset.len().min(CHUNK)),
            predictor: Predictor::new(dataset.len()),
            outputs: AlignedVec::zeroed(outputs),
            score,
        })
    }

    pub(crate) fn evaluate(&mut self, model: &M) -> Evaluation {
        Evaluation { loss: self.loss(model), metric: self.metric(model) }
    }

    fn loss(&mut self, model: &M) -> f64 {
        let batch = self.dataset.batch();
        let sum: f64 = batch
            .tiles(CHUNK)
            .map(|rows| {
                let n = rows.len() as f64;
                n * self.gradients.loss(model, &batch.slice(rows)).to_f64()
            })
            .sum();
        sum / batch.len() as f64
    }

    pub(crate) fn metric(&mut self, model: &M) -> Option<Metric> {
        let score = self.score?;
        self.predictor.predict(model, &self.dataset.batch(), &mut self.outputs);
        let outputs = ArrayView2::from_shape((self.dataset.len(), M::OUTPUT_LEN), &self.outputs).ok()?;
        // The first output is the prediction; a model may have others beside it.
        let predictions = outputs.slice_move(ndarray::s![.., ..M::OUTPUTS[0].len()]);
        Some(score.metric(predictions, self.dataset.targets()))
    }
}

/// How predictions are compared with targets.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Score {
    /// The largest prediction is that of the right class.
    LargestIsClass,
    /// Prediction and target are on the same side: of this threshold, and of one half.
    Above(f64),
    /// R².
    RSquared,
}

impl Score {
    fn of<M: Train>(target: &TargetColumns) -> Option<Self> {
        let predicted = M::OUTPUTS.first()?.len();
        let yes_or_no = !matches!(target, TargetColumns::Values { .. });
        match M::TARGET {
            TargetKind::Class { classes } => (predicted == classes).then_some(Self::LargestIsClass),
            TargetKind::Binary { len, logits } => {
                (predicted == len).then_some(Self::Above(if logits { 0.0 } else { 0.5 }))
            }
            TargetKind::Values { len } if predicted == len => {
                Some(if yes_or_no { Self::Above(0.5) } else { Self::RSquared })
            }
            TargetKind::Values { .. } | TargetKind::None => None,
        }
    }

    fn metric<T: Real>(self, predictions: ArrayView2<'_, T>, targets: ArrayView2<'_, T>) -> Metric {
        match self {
            Self::LargestIsClass => {
                let rows = predictions.rows().into_iter().zip(targets.column(0));
                let right = rows
                    .filter(|(row, target)| largest(row.iter().copied()) == Some(target.to_f64() as usize));
                Metric::Accuracy(right.count() as f64 / predictions.nrows() as f64)
            }
            Self::Above(threshold) => {
                let pairs = predictions.iter().zip(targets);
                let right = pairs.filter(|(p, t)| (p.to_f64() > threshold) == (t.to_f64() > 0.5)).count();
                Metric::Accuracy(right as f64 / predictions.len() as f64)
            }
            Self::RSquared => {
                let columns = predictions.columns().into_iter().zip(targets.columns());
                let sum: f64 = columns
                    .map(|(p, t)| r_squared(p.iter().map(|p| p.to_f64()), t.iter().map(|t| t.to_f64())))
                    .sum();
                Metric::RSquared(sum / predictions.ncols() as f64)
            }
        }
    }
}

/// The index of the largest value, the first of several; none if one is NaN.
fn largest<T: Real>(values: impl Iterator<Item = T>) -> Option<usize> {
    let mut best = None;
    for (i, value) in values.enumerate() {
        if value.is_nan() {
            return None;
        }
        if best.is_none_or(|(_, largest)| value > largest) {
            best = Some((i, value));
        }
    }
    best.map(|(i, _)| i)
}

fn r_squared(predictions: impl Iterator<Item = f64>, targets: impl Iterator<Item = f64> + Clone) -> f64 {
    let (n, sum) = targets.clone().fold((0.0, 0.0), |(n, sum), t| (n + 1.0, sum + t));
    let mean = sum / n;
    let (mut residual, mut total) = (0.0, 0.0);
    for (p, t) in predictions.zip(targets) {
        residual += (t - p).powi(2);
        total += (t - mean).powi(2);
    }
    match (residual == 0.0, total == 0.0) {
        (true, true) => 1.0,
        (false, true) => 0.0,
        _ => 1.0 - residual / total,
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::{Evaluation, Metric, Score, r_squared};

    #[test]
    fn the_largest_prediction_is_the_class() {
        let predictions = array![[0.1, 0.7, 0.2], [0.5, 0.1, 0.4], [0.3, 0.3, 0.3], [f64::NAN, 0.0, 1.0]];
        let targets = array![[1.0], [2.0], [0.0], [2.0]];
        assert_eq!(Score::LargestIsClass.metric(predictions.view(), targets.view()), Metric::Accuracy(0.5));
    }

    #[test]
    fn yes_or_no_is_decided_at_the_threshold() {
        let (probabilities, logits) =
            (array![[0.9_f32, 0.2], [0.6, 0.5]], array![[2.0_f32, -1.0], [0.4, 0.0]]);
        let targets = array![[1.0, 0.0], [0.0, 0.0]];
        assert_eq!(Score::Above(0.5).metric(probabilities.view(), targets.view()), Metric::Accuracy(0.75));
        assert_eq!(Score::Above(0.0).metric(logits.view(), targets.view()), Metric::Accuracy(0.75));
    }

    #[test]
    fn r_squared_compares_with_the_mean() {
        let targets = [1.0, 2.0, 3.0, 6.0];
        let r2 = |predictions: [f64; 4]| r_squared(predictions.into_iter(), targets.into_iter());
        assert_eq!(r2(targets), 1.0);
        assert_eq!(r2([3.0; 4]), 0.0);
        assert_eq!(r2([1.0, 2.0, 3.0, 4.0]), 1.0 - 4.0 / 14.0);
        assert_eq!(r_squared([5.0, 5.0].into_iter(), [5.0, 5.0].into_iter()), 1.0);
        assert_eq!(r_squared([5.0, 4.0].into_iter(), [5.0, 5.0].into_iter()), 0.0);
        let columns = Score::RSquared
            .metric(array![[1.0, 2.0], [3.0, 2.0]].view(), array![[1.0, 1.0], [3.0, 3.0]].view());
        assert_eq!(columns, Metric::RSquared(0.5));
    }

    #[test]
    fn display() {
        let evaluation = Evaluation { loss: 0.25, metric: Some(Metric::Accuracy(0.967)) };
        assert_eq!(evaluation.to_string(), "loss 0.250000, accuracy 96.70 %");
        assert_eq!(Metric::RSquared(0.5).to_string(), "R² 0.5000");
    }
}
