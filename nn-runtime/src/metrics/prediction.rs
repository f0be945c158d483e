//! What a model predicts, and the metric that goes with it.

use ndarray::ArrayView2;

use super::measure::Needs;
use super::regression::r_squared;
use super::{Average, Measure, Metric, largest};
use crate::data::TargetColumns;
use crate::kernels::Real;
use crate::model::{TargetKind, Train};

/// What the first output of a model says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prediction {
    /// A score for each of these classes.
    Classes(usize),
    /// A score for each of these classes, at each of several places.
    Places(usize),
    /// Whether the target is 1, as probability or as log-odds.
    YesOrNo { logits: bool },
    /// Several answers, each yes or no.
    Answers { logits: bool },
    /// Numbers, as many.
    Numbers(usize),
}

impl Prediction {
    /// Of a model on such targets; none if its first output does not have the shape of the target.
    pub(crate) fn of<M: Train>(target: &TargetColumns) -> Option<Self> {
        let predicted = M::OUTPUTS.first()?.len();
        let yes_or_no = !matches!(target, TargetColumns::Values { .. });
        match M::TARGET {
            TargetKind::Class { classes } => (predicted == classes).then_some(Self::Classes(classes)),
            TargetKind::Classes { len, classes } => {
                (predicted == len * classes).then_some(Self::Places(classes))
            }
            TargetKind::Binary { len, .. } | TargetKind::Values { len } if len != predicted => None,
            TargetKind::Binary { len: 1, logits } => Some(Self::YesOrNo { logits }),
            TargetKind::Binary { logits, .. } => Some(Self::Answers { logits }),
            TargetKind::Values { len: 1 } if yes_or_no => Some(Self::YesOrNo { logits: false }),
            TargetKind::Values { len } => Some(Self::Numbers(len)),
            TargetKind::None => None,
        }
    }

    fn classes(self) -> usize {
        match self {
            Self::Classes(classes) => classes,
            Self::YesOrNo { .. } => 2,
            Self::Places(_) | Self::Answers { .. } | Self::Numbers(_) => 0,
        }
    }

    /// Whether a measure can be computed from it.
    pub(super) fn serves(self, measure: Measure) -> bool {
        match (measure.needs(), self) {
            (Needs::Numbers, Self::Numbers(_)) | (Needs::Scores, Self::Classes(_)) => true,
            (Needs::Classes | Needs::Probabilities, Self::Classes(_) | Self::YesOrNo { .. }) => {
                let classes = self.classes();
                match measure.average() {
                    Some(Average::Binary) => classes == 2,
                    Some(Average::Class(class)) => class < classes,
                    _ => true,
                }
            }
            _ => false,
        }
    }

    /// What it is, for messages.
    pub(super) fn describe(self) -> String {
        match self {
            Self::Classes(classes) => format!("one of {classes} classes"),
            Self::Places(classes) => format!("one of {classes} classes at each of several places"),
            Self::YesOrNo { .. } => "yes or no".to_owned(),
            Self::Answers { .. } => "several answers, each yes or no".to_owned(),
            Self::Numbers(1) => "a number".to_owned(),
            Self::Numbers(columns) => format!("{columns} numbers"),
        }
    }

    /// Accuracy, where prediction and target have to be on the same side of a threshold or the largest prediction has
    /// to be that of the right class, or R².
    pub(super) fn metric<T: Real>(
        self,
        predictions: ArrayView2<'_, T>,
        targets: ArrayView2<'_, T>,
    ) -> Metric {
        match self {
            Self::Classes(_) => {
                let rows = predictions.rows().into_iter().zip(targets.column(0));
                let right = rows
                    .filter(|(row, target)| largest(row.iter().copied()) == Some(target.to_f64() as usize));
                Metric::Accuracy(right.count() as f64 / predictions.nrows() as f64)
            }
            Self::Places(classes) => {
                let right = predictions.rows().into_iter().zip(targets.rows()).flat_map(|(row, targets)| {
                    let scores: Vec<f64> = row.iter().map(|score| score.to_f64()).collect();
                    let is_right = move |(place, target): (usize, &T)| {
                        let scores = scores[place * classes..][..classes].iter().copied();
                        largest(scores) == Some(target.to_f64() as usize)
                    };
                    targets.into_iter().enumerate().map(is_right).collect::<Vec<_>>()
                });
                Metric::Accuracy(right.filter(|right| *right).count() as f64 / targets.len() as f64)
            }
            Self::YesOrNo { logits } | Self::Answers { logits } => {
                let threshold = if logits { 0.0 } else { 0.5 };
                let pairs = predictions.iter().zip(targets);
                let right = pairs.filter(|(p, t)| (p.to_f64() > threshold) == (t.to_f64() > 0.5)).count();
                Metric::Accuracy(right as f64 / predictions.len() as f64)
            }
            Self::Numbers(_) => {
                let columns = predictions.columns().into_iter().zip(targets.columns());
                let values =
                    columns.map(|(p, t)| r_squared(p.iter().zip(t).map(|(p, t)| (p.to_f64(), t.to_f64()))));
                Metric::RSquared(values.sum::<f64>() / predictions.ncols() as f64)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::{Metric, Prediction, r_squared};

    #[test]
    fn the_largest_prediction_is_the_class() {
        let predictions = array![[0.1, 0.7, 0.2], [0.5, 0.1, 0.4], [0.3, 0.3, 0.3], [f64::NAN, 0.0, 1.0]];
        let targets = array![[1.0], [2.0], [0.0], [2.0]];
        assert_eq!(Prediction::Classes(3).metric(predictions.view(), targets.view()), Metric::Accuracy(0.5));
    }

    #[test]
    fn every_place_counts() {
        // Two examples of two places and two classes.
        let predictions = array![[0.1, 0.9, 0.8, 0.2], [0.4, 0.6, f64::NAN, 0.1]];
        let targets = array![[1.0, 1.0], [1.0, 0.0]];
        assert_eq!(Prediction::Places(2).metric(predictions.view(), targets.view()), Metric::Accuracy(0.5));
    }

    #[test]
    fn yes_or_no_is_decided_at_the_threshold() {
        let (probabilities, logits) =
            (array![[0.9_f32, 0.2], [0.6, 0.5]], array![[2.0_f32, -1.0], [0.4, 0.0]]);
        let targets = array![[1.0, 0.0], [0.0, 0.0]];
        assert_eq!(
            Prediction::Answers { logits: false }.metric(probabilities.view(), targets.view()),
            Metric::Accuracy(0.75)
        );
        assert_eq!(
            Prediction::Answers { logits: true }.metric(logits.view(), targets.view()),
            Metric::Accuracy(0.75)
        );
    }

    #[test]
    fn r_squared_is_the_mean_over_the_columns() {
        let columns = Prediction::Numbers(2)
            .metric(array![[1.0, 2.0], [3.0, 2.0]].view(), array![[1.0, 1.0], [3.0, 3.0]].view());
        assert_eq!(columns, Metric::RSquared(0.5));
        let constant = r_squared([(5.0, 5.0), (4.0, 5.0)].into_iter());
        assert_eq!(constant, 0.0);
    }
}
