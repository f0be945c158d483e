//! How good predictions are, in terms that people compare.
//!
//! Three ways to them: [`evaluate_with`] computes any [`Measure`]s of a model on a dataset; [`report`] prints what is
//! usually asked for; [`ConfusionMatrix`], [`Scores`], [`ClassScores`] and [`Regression`] take predictions and targets
//! of any origin, batch after batch.
//!
//! Values, conventions for what divides by zero included, are those of scikit-learn's functions of the same names.

mod average;
mod class_scores;
mod confusion;
mod evaluate;
mod measure;
mod measuring;
mod metric;
mod prediction;
mod regression;
mod report;
mod scores;

pub use average::Average;
pub use class_scores::ClassScores;
pub use confusion::{ClassReport, ConfusionMatrix};
pub(crate) use evaluate::Evaluator;
pub use evaluate::{Evaluation, evaluate, evaluate_with};
pub use measure::Measure;
pub(crate) use measuring::Measuring;
pub use metric::Metric;
pub use regression::Regression;
pub use report::{Report, report};
pub use scores::{PrPoint, RocPoint, Scores};
#[cfg(feature = "plot")]
pub(crate) use {evaluate::first_output, prediction::Prediction, regression::r_squared, report::class_names};

use crate::kernels::Real;

/// The index of the largest value, the first of several; none if one is NaN.
pub(crate) fn largest<T: Real>(values: impl Iterator<Item = T>) -> Option<usize> {
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
