//! What is usually asked for, at once; and what measures are computed from, of a model on a dataset.

use std::fmt;

use super::evaluate::{WHAT, first_output};
use super::measuring::{Measuring, Parts};
use super::{Average, ClassScores, ConfusionMatrix, Measure, Regression, Scores};
use crate::data::{self, Dataset, TargetColumns};
use crate::ext::ModelExt;
use crate::model::{TargetKind, Train};
use crate::{Error, Result};

/// How a model does on a dataset, class by class or column by column.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Report {
    /// Of a model that predicts a class, or yes or no. Its text is that of scikit-learn's `classification_report`.
    Classification(ConfusionMatrix),
    /// Of a model that predicts numbers.
    Regression(Regression),
}

/// What a person wants to know of a model on a dataset: precision, recall and F1 of each class, or the errors in each
/// column.
///
/// # Errors
/// If the dataset is empty or not what the model takes, if the model's first output does not have the shape of its
/// target, if there are several targets of yes or no, or if a prediction is NaN.
pub fn report<M: Train>(model: &M, dataset: &Dataset<M::Scalar>) -> Result<Report> {
    let yes_or_no = !matches!(dataset.target(), TargetColumns::Values { .. });
    match M::TARGET {
        TargetKind::Values { .. } if !yes_or_no => Regression::of(model, dataset).map(Report::Regression),
        _ => ConfusionMatrix::of(model, dataset).map(Report::Classification),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Classification(matrix) => f.write_str(matrix.report().trim_end()),
            Self::Regression(regression) => regression.fmt(f),
        }
    }
}

impl ConfusionMatrix {
    /// Of a model that predicts a class, or yes or no, on a dataset.
    ///
    /// # Errors
    /// As [`report`], and if the model predicts something else.
    pub fn of<M: Train>(model: &M, dataset: &Dataset<M::Scalar>) -> Result<Self> {
        let parts = collect(model, dataset, Measure::Accuracy)?;
        let matrix = parts.matrix.unwrap_or_else(|| Self::new(0));
        let names = class_names(dataset.target(), matrix.classes());
        matrix.with_names(names)
    }
}

impl Scores {
    /// Of a model that predicts yes or no, on a dataset. Log-odds stay log-odds.
    ///
    /// # Errors
    /// As [`report`], and if the model predicts something else.
    pub fn of<M: Train>(model: &M, dataset: &Dataset<M::Scalar>) -> Result<Self> {
        let parts = collect(model, dataset, Measure::RocAuc(Average::Binary))?;
        // Of a model with two classes, the scores are those of class 1.
        let second = || parts.class_scores.as_ref().map(|scores| scores.one_vs_rest(1));
        Ok(parts.scores.or_else(second).unwrap_or_default())
    }
}

impl ClassScores {
    /// Of a model that predicts a class, on a dataset.
    ///
    /// # Errors
    /// As [`report`], and if the model predicts something else.
    pub fn of<M: Train>(model: &M, dataset: &Dataset<M::Scalar>) -> Result<Self> {
        let parts = collect(model, dataset, Measure::TopK(1))?;
        Ok(parts.class_scores.unwrap_or_else(|| Self::new(0)))
    }
}

impl Regression {
    /// Of a model that predicts numbers, on a dataset.
    ///
    /// # Errors
    /// As [`report`], and if the model predicts something else.
    pub fn of<M: Train>(model: &M, dataset: &Dataset<M::Scalar>) -> Result<Self> {
        let parts = collect(model, dataset, Measure::RSquared)?;
        let regression = parts.regression.unwrap_or_else(|| Self::new(0));
        match dataset.target() {
            TargetColumns::Values { names } => regression.with_names(names),
            _ => Ok(regression),
        }
    }
}

/// What a measure is computed from.
fn collect<M: Train>(model: &M, dataset: &Dataset<M::Scalar>, measure: Measure) -> Result<Parts> {
    data::for_model::<M>(dataset)?;
    if dataset.is_empty() {
        return Err(Error::Empty { what: WHAT, missing: "rows" });
    }
    let mut measuring = Measuring::new::<M>(&[measure], dataset.target())?;
    let outputs = model.predict(dataset.inputs())?;
    let outputs = outputs.as_slice().unwrap_or_default();
    measuring.collect(first_output::<M>(outputs)?, dataset.targets())?;
    Ok(measuring.into_parts())
}

/// The names of this number of classes.
pub(crate) fn class_names(target: &TargetColumns, classes: usize) -> Vec<String> {
    match target {
        TargetColumns::Equals { category, .. } => vec![format!("not {category}"), category.clone()],
        TargetColumns::Class { classes: names, .. } => {
            // A model may have more classes than occurred in the table.
            let more = (names.len()..classes).map(|class| class.to_string());
            names.iter().cloned().chain(more).collect()
        }
        TargetColumns::Values { .. } => (0..classes).map(|class| class.to_string()).collect(),
    }
}
