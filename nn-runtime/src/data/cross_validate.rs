//! A measurement for each fold, and what they say together.

use std::fmt;

use super::statistics::{mean, sample_deviation};
use super::text::{aligned, short};
use super::{Dataset, Fold};
use crate::kernels::Real;
use crate::metrics::Evaluation;
use crate::{Error, Result};

/// Named measures of one fold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores(Vec<(String, f64)>);

impl Scores {
    /// No measures.
    pub fn new() -> Self {
        Self::default()
    }

    /// These, and another one.
    #[must_use]
    pub fn with(mut self, name: &str, value: f64) -> Self {
        self.0.push((name.to_owned(), value));
        self
    }
}

impl From<Evaluation> for Scores {
    /// The loss, and the metric if there is one.
    fn from(evaluation: Evaluation) -> Self {
        let scores = Self::new().with("loss", evaluation.loss);
        match evaluation.metric {
            Some(metric) => scores.with(metric.name(), metric.value()),
            None => scores,
        }
    }
}

/// The measures of all folds.
///
/// [`Display`](fmt::Display) makes a table of it: one row for each measure.
#[derive(Clone, Debug, PartialEq)]
pub struct CrossValidation {
    metrics: Vec<FoldMetric>,
}

/// One measure on all folds.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FoldMetric {
    /// Its name.
    pub name: String,
    /// Its value on each fold.
    pub values: Vec<f64>,
    /// The mean.
    pub mean: f64,
    /// The standard deviation of a sample, divided by n - 1; NaN of one fold.
    pub std: f64,
}

/// Calls `measure` with the number, the training part and the validation part of each fold, one after another. It
/// trains a new model, and returns an [`Evaluation`] or [`Scores`].
///
/// What is learnt from data, such as scaling, has to be learnt from the training part of each fold.
///
/// ```no_run
/// # use nn_runtime::model::Train;
/// # fn run<Logistic: Train<Scalar = f32>>(data: nn_runtime::Dataset) -> nn_runtime::Result<()> {
/// use nn_runtime::prelude::*;
/// use nn_runtime::cross_validate;
///
/// let result = cross_validate(&data, &data.k_fold_stratified(5, 7)?, |fold, train, valid| {
///     let scaler = Scaler::standard().fit(train)?;
///     let mut model = Logistic::new(fold as u64);
///     Trainer::new(Sgd::new(0.5)).fit(&mut model, &scaler.transform(train)?, None)?;
///     evaluate(&model, &scaler.transform(valid)?)
/// })?;
/// println!("{result}");
/// # Ok(()) }
/// ```
///
/// # Errors
/// If there are no folds, a fold has a row that the dataset lacks, `measure` fails, or folds have different measures.
pub fn cross_validate<T: Real, S: Into<Scores>>(
    dataset: &Dataset<T>,
    folds: &[Fold],
    mut measure: impl FnMut(usize, &Dataset<T>, &Dataset<T>) -> Result<S>,
) -> Result<CrossValidation> {
    let mut measured: Vec<(String, Vec<f64>)> = Vec::new();
    for (number, fold) in folds.iter().enumerate() {
        let (train, valid) = fold.of(dataset)?;
        let Scores(scores) = measure(number, &train, &valid)?.into();
        if number == 0 {
            measured = scores.iter().map(|(name, _)| (name.clone(), Vec::new())).collect();
        }
        let names =
            |scores: &mut dyn Iterator<Item = &String>| scores.cloned().collect::<Vec<_>>().join(", ");
        if !measured.iter().map(|(name, _)| name).eq(scores.iter().map(|(name, _)| name)) {
            return Err(Error::FoldScores {
                fold: number,
                expected: names(&mut measured.iter().map(|(name, _)| name)),
                found: names(&mut scores.iter().map(|(name, _)| name)),
            });
        }
        for ((_, values), (_, value)) in measured.iter_mut().zip(scores) {
            values.push(value);
        }
    }
    if folds.is_empty() {
        return Err(Error::Empty { what: "the cross-validation", missing: "folds" });
    }
    let metric = |(name, values): (String, Vec<f64>)| FoldMetric {
        name,
        mean: mean(&values).unwrap_or(f64::NAN),
        std: sample_deviation(&values).unwrap_or(f64::NAN),
        values,
    };
    Ok(CrossValidation { metrics: measured.into_iter().map(metric).collect() })
}

impl CrossValidation {
    /// The measures, in the order in which they were returned.
    pub fn metrics(&self) -> &[FoldMetric] {
        &self.metrics
    }

    /// The measure of this name.
    pub fn metric(&self, name: &str) -> Option<&FoldMetric> {
        self.metrics.iter().find(|metric| metric.name == name)
    }
}

impl fmt::Display for CrossValidation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let folds = self.metrics.first().map_or(0, |metric| metric.values.len());
        write!(f, "{folds} folds")?;
        let mut rows = vec![["", "mean", "std", "min", "max"].map(str::to_owned)];
        for FoldMetric { name, values, mean, std } in &self.metrics {
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            rows.push([name.clone(), short(*mean), short(*std), short(least), short(most)]);
        }
        aligned(f, &rows)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::{Scores, cross_validate};
    use crate::data::Dataset;
    use crate::{Error, Result};

    fn data() -> Dataset<f64> {
        let inputs = Array2::from_shape_fn((6, 1), |(row, _)| row as f64);
        Dataset::new(inputs.clone(), inputs).unwrap()
    }

    #[test]
    fn measures_have_mean_and_deviation() {
        let folds = data().time_folds(2).unwrap();
        let result = cross_validate(&data(), &folds, |fold, train, valid| {
            assert_eq!((train.len(), valid.len()), (2 + 2 * fold, 2));
            let mean = valid.inputs().mean().unwrap_or(0.0);
            Ok(Scores::new().with("mean", mean).with("rows", train.len() as f64))
        });
        let result = result.unwrap();
        let mean = result.metric("mean").unwrap();
        assert_eq!((mean.values.as_slice(), mean.mean), (&[2.5, 4.5][..], 3.5));
        assert_eq!(mean.std, 2.0_f64.sqrt());
        assert_eq!(
            result.to_string(),
            "2 folds
      mean      std  min  max
mean   3.5  1.41421  2.5  4.5
rows     3  1.41421    2    4"
        );
    }

    #[test]
    fn folds_have_the_same_measures() {
        let folds = data().k_fold(3, 1).unwrap();
        let error = cross_validate(&data(), &folds, |fold, _, _| {
            Ok(Scores::new().with(if fold == 2 { "loss" } else { "error" }, 0.0))
        });
        assert!(matches!(error, Err(Error::FoldScores { fold: 2, .. })), "{error:?}");
        let failing =
            |_: usize, _: &Dataset<f64>, _: &Dataset<f64>| -> Result<Scores> { Err(Error::NoWeight) };
        assert!(matches!(cross_validate(&data(), &folds, failing), Err(Error::NoWeight)));
        assert!(matches!(cross_validate(&data(), &[], failing), Err(Error::Empty { .. })));
    }
}
