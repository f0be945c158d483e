//! What can be measured of a model, by name.

use std::borrow::Cow;
use std::fmt;

use super::Average;

/// What is to be measured of a model's predictions: with [`evaluate_with`](super::evaluate_with), or after each epoch
/// of a training.
///
/// Measures of classes take models that predict a class or one yes or no, where yes is class 1; those of numbers take
/// models that predict any numbers. All agree with the functions of scikit-learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Measure {
    /// The fraction of examples whose class is predicted.
    Accuracy,
    /// The mean recall of the classes.
    BalancedAccuracy,
    /// The fraction of examples whose class has one of this many largest scores.
    TopK(usize),
    /// Of what is predicted as a class, the fraction that is.
    Precision(Average),
    /// Of a class's examples, the fraction that is found.
    Recall(Average),
    /// The harmonic mean of precision and recall.
    F1(Average),
    /// The correlation coefficient of Matthews.
    Matthews,
    /// The area under the receiver operating characteristic; of more than two classes, of each against the rest.
    RocAuc(Average),
    /// The area under the precision-recall curve; of more than two classes, of each against the rest.
    AveragePrecision(Average),
    /// The mean negative logarithm of the probability of the right class.
    LogLoss,
    /// The mean squared difference of probabilities and truth.
    Brier,
    /// The coefficient of determination R², the mean over the target columns.
    RSquared,
    /// R², the mean over the target columns weighted by their variances.
    RSquaredVarianceWeighted,
    /// The mean squared error.
    MeanSquaredError,
    /// The root of the mean squared error.
    RootMeanSquaredError,
    /// The mean absolute error.
    MeanAbsoluteError,
    /// The mean absolute error relative to the target.
    MeanAbsolutePercentageError,
}

/// What a measure is computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// Predicted classes.
    Classes,
    /// Scores of any scale.
    Scores,
    /// Probabilities.
    Probabilities,
    /// Numbers.
    Numbers,
}

impl Measure {
    /// The name in histories and tables: `accuracy`, `f1_macro`, `roc_auc`, `mae`. A measure of class 1 of two has the
    /// bare name.
    pub fn name(self) -> Cow<'static, str> {
        let averaged = |name: &'static str, average: Average| match average {
            Average::Binary => Cow::Borrowed(name),
            average => Cow::Owned(format!("{name}{}", average.suffix())),
        };
        match self {
            Self::Accuracy => "accuracy".into(),
            Self::BalancedAccuracy => "balanced_accuracy".into(),
            Self::TopK(k) => format!("top_{k}_accuracy").into(),
            Self::Precision(average) => averaged("precision", average),
            Self::Recall(average) => averaged("recall", average),
            Self::F1(average) => averaged("f1", average),
            Self::Matthews => "matthews".into(),
            Self::RocAuc(average) => averaged("roc_auc", average),
            Self::AveragePrecision(average) => averaged("average_precision", average),
            Self::LogLoss => "log_loss".into(),
            Self::Brier => "brier".into(),
            Self::RSquared => "r2".into(),
            Self::RSquaredVarianceWeighted => "r2_variance_weighted".into(),
            Self::MeanSquaredError => "mse".into(),
            Self::RootMeanSquaredError => "rmse".into(),
            Self::MeanAbsoluteError => "mae".into(),
            Self::MeanAbsolutePercentageError => "mape".into(),
        }
    }

    /// Whether a larger value is a better one.
    pub fn larger_is_better(self) -> bool {
        !matches!(
            self,
            Self::LogLoss
                | Self::Brier
                | Self::MeanSquaredError
                | Self::RootMeanSquaredError
                | Self::MeanAbsoluteError
                | Self::MeanAbsolutePercentageError
        )
    }

    pub(super) fn needs(self) -> Needs {
        match self {
            Self::Accuracy
            | Self::BalancedAccuracy
            | Self::Precision(_)
            | Self::Recall(_)
            | Self::F1(_)
            | Self::Matthews => Needs::Classes,
            Self::TopK(_) => Needs::Scores,
            Self::RocAuc(_) | Self::AveragePrecision(_) | Self::LogLoss | Self::Brier => Needs::Probabilities,
            Self::RSquared
            | Self::RSquaredVarianceWeighted
            | Self::MeanSquaredError
            | Self::RootMeanSquaredError
            | Self::MeanAbsoluteError
            | Self::MeanAbsolutePercentageError => Needs::Numbers,
        }
    }

    /// How it is averaged over classes, if it is.
    pub(super) fn average(self) -> Option<Average> {
        match self {
            Self::Precision(average)
            | Self::Recall(average)
            | Self::F1(average)
            | Self::RocAuc(average)
            | Self::AveragePrecision(average) => Some(average),
            _ => None,
        }
    }
}

impl fmt::Display for Measure {
    /// The name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::{Average, Measure};

    #[test]
    fn names_tell_averages_apart() {
        assert_eq!(Measure::F1(Average::Binary).to_string(), "f1");
        assert_eq!(Measure::F1(Average::Macro).to_string(), "f1_macro");
        assert_eq!(Measure::RocAuc(Average::Class(2)).to_string(), "roc_auc_class2");
        assert_eq!(Measure::TopK(3).to_string(), "top_3_accuracy");
        assert!(Measure::F1(Average::Micro).larger_is_better() && !Measure::LogLoss.larger_is_better());
    }
}
