//! The one number that is shown unless another is asked for.

use std::fmt;

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
