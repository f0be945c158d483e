//! From the counts of each class to one number.

/// How a measure of several classes becomes one number; names and meanings are scikit-learn's.
///
/// Classes that are neither among the targets nor among the predictions take no part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Average {
    /// Of class 1 alone: the positive one of two.
    Binary,
    /// Of the class with this index alone.
    Class(usize),
    /// Over all decisions at once, whatever the class. Of precision, recall and F1 this is the accuracy.
    Micro,
    /// The mean over the classes.
    Macro,
    /// The mean over the classes, weighted by their examples.
    Weighted,
}

impl Average {
    /// The end of a measure's name: "" for [`Binary`](Self::Binary), "_macro", "_class2".
    pub(super) fn suffix(self) -> String {
        match self {
            Self::Binary => String::new(),
            Self::Class(class) => format!("_class{class}"),
            Self::Micro => "_micro".to_owned(),
            Self::Macro => "_macro".to_owned(),
            Self::Weighted => "_weighted".to_owned(),
        }
    }

    /// The one class that counts, if there is only one.
    pub(super) fn class(self) -> Option<usize> {
        match self {
            Self::Binary => Some(1),
            Self::Class(class) => Some(class),
            Self::Micro | Self::Macro | Self::Weighted => None,
        }
    }
}

/// The mean of values with weights; NaN if these are nothing.
pub(super) fn weighted_mean(values: impl IntoIterator<Item = (f64, f64)>) -> f64 {
    let (sum, weight) = values
        .into_iter()
        .fold((0.0, 0.0), |(sum, total), (value, weight)| (sum + weight * value, total + weight));
    sum / weight
}

/// A quotient, and 0 where nothing is divided by nothing, which is scikit-learn's `zero_division`.
pub(super) fn ratio(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 0.0 } else { part / whole }
}
