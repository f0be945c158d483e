//! What is done to columns before a model sees them, learnt from the training part.

mod fitted;
mod rule;
#[cfg(test)]
mod tests;

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::{Dataset, TargetColumns, statistics};
use crate::error::quoted;
use crate::kernels::Real;
use crate::{Error, Result};

pub use fitted::FittedPreprocessor;
use fitted::{Step, TargetColumn};
use rule::Rule;

/// Steps of preprocessing, before their statistics are known. Each step is fitted on what the steps before it give.
///
/// Statistics are taken over the values that are there; missing values stay missing until a step fills them in.
///
/// ```
/// # fn main() -> nn_runtime::Result<()> {
/// use ndarray::array;
/// use nn_runtime::prelude::*;
/// use nn_runtime::{Impute, Unseen};
///
/// let x = array![[1.0_f32, 0.0], [f32::NAN, 2.0], [3.0, 1.0]];
/// let data = Dataset::with_missing(x, array![[10.0], [20.0], [30.0]])?.with_feature_names(&["age", "kind"])?;
/// let fitted = Preprocessor::new()
///     .impute(["age"], Impute::Mean)
///     .min_max(["age"])
///     .one_hot(["kind"], Unseen::Ignore)
///     .standard_targets()
///     .fit(&data)?;
/// let ready = fitted.transform(&data)?;
/// assert_eq!(ready.features(), ["age", "kind=0", "kind=1", "kind=2"]);
/// assert_eq!(ready.inputs().row(1).to_vec(), [0.5, 0.0, 0.0, 1.0]);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Preprocessor {
    steps: Vec<(Columns, Method)>,
    targets: Vec<Method>,
}

/// The columns of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Columns {
    /// All that there are after the steps before.
    All,
    /// Those with these names.
    Named(Vec<String>),
}

impl<const N: usize> From<[&str; N]> for Columns {
    fn from(names: [&str; N]) -> Self {
        Self::from(&names[..])
    }
}

impl From<&[&str]> for Columns {
    fn from(names: &[&str]) -> Self {
        Self::Named(names.iter().map(|&name| name.to_owned()).collect())
    }
}

/// What is filled in where a value is missing.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Impute {
    /// The mean of the column.
    Mean,
    /// The median of the column, the mean of the two middle values if their number is even.
    Median,
    /// The most frequent value of the column, the smallest of several.
    MostFrequent,
    /// This number.
    Constant(f64),
}

/// What becomes of a value that is none of the categories.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Unseen {
    /// An error that names the row.
    #[default]
    Error,
    /// Zeros for all categories; -1 where categories are numbered by [`Preprocessor::ordinal`].
    Ignore,
    /// A category `other`, which comes after the others.
    Other,
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Method {
    Standard,
    MinMax,
    Robust,
    Log1p,
    Impute(Impute),
    OneHot(Unseen),
    Ordinal(Unseen),
}

impl Preprocessor {
    /// No steps.
    pub fn new() -> Self {
        Self::default()
    }

    /// To mean 0 and standard deviation 1 (of the rows as a population: divided by n).
    #[must_use]
    pub fn standard(self, columns: impl Into<Columns>) -> Self {
        self.step(columns, Method::Standard)
    }

    /// To the range from 0 to 1.
    #[must_use]
    pub fn min_max(self, columns: impl Into<Columns>) -> Self {
        self.step(columns, Method::MinMax)
    }

    /// To median 0 and a distance of 1 between the quartiles, which a few outliers do not change.
    #[must_use]
    pub fn robust(self, columns: impl Into<Columns>) -> Self {
        self.step(columns, Method::Robust)
    }

    /// To the logarithm of 1 + x, for values above -1 that span orders of magnitude.
    #[must_use]
    pub fn log1p(self, columns: impl Into<Columns>) -> Self {
        self.step(columns, Method::Log1p)
    }

    /// Missing values, NaN in a [`Dataset`], are filled in.
    #[must_use]
    pub fn impute(self, columns: impl Into<Columns>, with: Impute) -> Self {
        self.step(columns, Method::Impute(with))
    }

    /// A column for each value that occurs, ascending, named `column=value`: 1 where the column has it, 0 elsewhere.
    #[must_use]
    pub fn one_hot(self, columns: impl Into<Columns>, unseen: Unseen) -> Self {
        self.step(columns, Method::OneHot(unseen))
    }

    /// The place of the value among those that occur, ascending, from 0.
    #[must_use]
    pub fn ordinal(self, columns: impl Into<Columns>, unseen: Unseen) -> Self {
        self.step(columns, Method::Ordinal(unseen))
    }

    /// Targets, which must be numbers, to mean 0 and standard deviation 1. Predictions of a
    /// [`Pipeline`](crate::Pipeline) are in the original units.
    #[must_use]
    pub fn standard_targets(self) -> Self {
        self.target_step(Method::Standard)
    }

    /// Targets to the range from 0 to 1, as [`standard_targets`](Self::standard_targets).
    #[must_use]
    pub fn min_max_targets(self) -> Self {
        self.target_step(Method::MinMax)
    }

    /// Targets to median 0 and a distance of 1 between the quartiles, as
    /// [`standard_targets`](Self::standard_targets).
    #[must_use]
    pub fn robust_targets(self) -> Self {
        self.target_step(Method::Robust)
    }

    /// Targets above -1 to the logarithm of 1 + y, as [`standard_targets`](Self::standard_targets).
    #[must_use]
    pub fn log1p_targets(self) -> Self {
        self.target_step(Method::Log1p)
    }

    fn step(mut self, columns: impl Into<Columns>, method: Method) -> Self {
        self.steps.push((columns.into(), method));
        self
    }

    fn target_step(mut self, method: Method) -> Self {
        self.targets.push(method);
        self
    }

    /// Learns what the steps need. Fit on the training part alone: what is learnt from validation rows makes the
    /// validation loss look better than it is.
    ///
    /// # Errors
    /// If there are no rows, no column of a name, a column without any value, a value that a step cannot take, or
    /// targets are to be scaled that are no numbers.
    pub fn fit<T: Real>(&self, train: &Dataset<T>) -> Result<FittedPreprocessor> {
        if train.is_empty() {
            return Err(Error::Empty { what: "the dataset that a scaler is fitted on", missing: "rows" });
        }
        let targets = self.fit_targets(train)?;
        let mut values: Array2<f64> = train.inputs().mapv(Real::to_f64);
        let mut names = train.features().to_vec();
        let mut steps = Vec::new();
        for (columns, method) in &self.steps {
            let mut rules: Vec<Option<Rule>> = vec![None; names.len()];
            match columns {
                Columns::All => {
                    for (i, rule) in rules.iter_mut().enumerate() {
                        *rule = Some(method.fit(values.column(i).to_vec(), &names[i])?);
                    }
                }
                Columns::Named(chosen) => {
                    for name in chosen {
                        let at = position(&names, name)?;
                        rules[at] = Some(method.fit(values.column(at).to_vec(), name)?);
                    }
                }
            }
            let step = Step::new(rules);
            values = step.apply(values.view(), &names)?;
            names = step.names(&names);
            steps.push(step);
        }
        Ok(FittedPreprocessor::new(train.features().to_vec(), steps, names, targets))
    }

    fn fit_targets<T: Real>(&self, train: &Dataset<T>) -> Result<Option<Vec<TargetColumn>>> {
        if self.targets.is_empty() {
            return Ok(None);
        }
        let names = match train.target() {
            TargetColumns::Values { names } if !names.is_empty() => names,
            target => return Err(Error::ScalerTarget { found: target.describe() }),
        };
        let mut columns = Vec::new();
        for (name, column) in names.iter().zip(train.targets().columns()) {
            let mut values: Vec<f64> = column.iter().map(|value| value.to_f64()).collect();
            let mut rules = Vec::new();
            for method in &self.targets {
                let rule = method.fit(values.clone(), name)?;
                for (row, value) in values.iter_mut().enumerate() {
                    *value = rule.single(*value).map_err(|needed| failed(row, name, *value, needed))?;
                }
                rules.push(rule);
            }
            columns.push(TargetColumn { name: name.clone(), rules });
        }
        Ok(Some(columns))
    }
}

impl Method {
    /// Learns from the values of a column, of which some may be missing.
    fn fit(self, mut values: Vec<f64>, name: &str) -> Result<Rule> {
        values.retain(|value| !value.is_nan());
        if let Self::Impute(Impute::Constant(value)) = self {
            return Ok(Rule::Fill { value });
        }
        let none = || Error::NoValues { column: name.to_owned() };
        let mean = statistics::mean(&values).ok_or_else(none)?;
        let n = values.len() as f64;
        let deviation = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt();
        values.sort_by(f64::total_cmp);
        let quantile = |q| statistics::quantile(&values, q).unwrap_or(mean);
        let (low, high) = (quantile(0.0), quantile(1.0));
        // Without a spread there is nothing to divide by. Computed from the sums, the mean of equal values may differ
        // from them by a rounding error, and a deviation that is not quite 0 would blow that up.
        let scale = |center: f64, spread: f64| {
            let center = if low == high { low } else { center };
            Rule::Scale { center, scale: if low == high || spread == 0.0 { 1.0 } else { spread } }
        };
        let categories = || {
            let mut distinct = values.clone();
            distinct.dedup();
            distinct
        };
        Ok(match self {
            Self::Standard => scale(mean, deviation),
            Self::MinMax => scale(low, high - low),
            Self::Robust => scale(quantile(0.5), quantile(0.75) - quantile(0.25)),
            Self::Log1p => Rule::Log1p,
            Self::Impute(Impute::Mean) => Rule::Fill { value: mean },
            Self::Impute(Impute::Median) => {
                Rule::Fill { value: statistics::median(&mut values).unwrap_or(mean) }
            }
            Self::Impute(Impute::MostFrequent) => {
                Rule::Fill { value: statistics::most_frequent(&mut values).unwrap_or(mean) }
            }
            Self::Impute(Impute::Constant(value)) => Rule::Fill { value },
            Self::OneHot(unseen) => Rule::OneHot { categories: categories(), unseen },
            Self::Ordinal(unseen) => Rule::Ordinal { categories: categories(), unseen },
        })
    }
}

fn position(names: &[String], name: &str) -> Result<usize> {
    names.iter().position(|other| other == name).ok_or_else(|| Error::UnknownFeature {
        column: name.to_owned(),
        available: quoted(names.iter().map(String::as_str)),
    })
}

fn failed(row: usize, column: &str, value: f64, needed: &'static str) -> Error {
    Error::Preprocess { row, column: column.to_owned(), value, needed }
}
