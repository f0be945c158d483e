//! Preprocessing whose statistics are known.

use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use super::failed;
use super::rule::Rule;
use crate::data::{Dataset, TargetColumns, dataset};
use crate::error::quoted;
use crate::kernels::Real;
use crate::{Error, Result};

/// Steps that were fitted, by a [`Preprocessor`](crate::Preprocessor) or a [`Scaler`](crate::Scaler).
///
/// It remembers the names of the columns that it was fitted on, and refuses datasets with others. Saved with a model
/// (see [`Pipeline`](crate::Pipeline)), it makes the model take raw inputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FittedPreprocessor {
    /// The columns of the fit.
    inputs: Vec<String>,
    steps: Vec<Step>,
    /// The columns that they become.
    outputs: Vec<String>,
    targets: Option<Vec<TargetColumn>>,
}

/// What is done to each column, if anything.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Step {
    rules: Vec<Option<Rule>>,
}

/// What is done to a target column, one rule after another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct TargetColumn {
    pub(super) name: String,
    pub(super) rules: Vec<Rule>,
}

impl Step {
    pub(super) fn new(rules: Vec<Option<Rule>>) -> Self {
        Self { rules }
    }

    /// The names of the columns that these columns become.
    pub(super) fn names(&self, names: &[String]) -> Vec<String> {
        let columns = self.rules.iter().zip(names);
        columns
            .flat_map(|(rule, name)| match rule {
                Some(rule) => rule.names(name),
                None => vec![name.clone()],
            })
            .collect()
    }

    /// Columns that the step makes.
    fn width(&self) -> usize {
        self.rules.iter().map(|rule| rule.as_ref().map_or(1, Rule::width)).sum()
    }

    /// What rows of the right width become; names are for errors.
    pub(super) fn apply(&self, values: ArrayView2<'_, f64>, names: &[String]) -> Result<Array2<f64>> {
        let mut out = Vec::with_capacity(values.nrows() * self.width());
        for (row, values) in values.rows().into_iter().enumerate() {
            for ((rule, &value), name) in self.rules.iter().zip(values).zip(names) {
                match rule {
                    None => out.push(value),
                    Some(rule) => {
                        rule.push(value, &mut out).map_err(|needed| failed(row, name, value, needed))?;
                    }
                }
            }
        }
        dataset::matrix(values.nrows(), self.width(), out)
    }

    /// The values that became these.
    fn invert(&self, values: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
        let mut out = Vec::with_capacity(values.nrows() * self.rules.len());
        for values in values.rows() {
            let values = values.to_vec();
            let mut rest = &values[..];
            for rule in &self.rules {
                let (own, others) = rest.split_at(rule.as_ref().map_or(1, Rule::width));
                out.push(rule.as_ref().map_or(own[0], |rule| rule.invert(own)));
                rest = others;
            }
        }
        dataset::matrix(values.nrows(), self.rules.len(), out)
    }
}

impl TargetColumn {
    fn apply(&self, value: f64) -> Result<f64, &'static str> {
        self.rules.iter().try_fold(value, |value, rule| rule.single(value))
    }

    fn invert(&self, value: f64) -> f64 {
        self.rules.iter().rev().fold(value, |value, rule| rule.invert(&[value]))
    }
}

impl FittedPreprocessor {
    pub(super) fn new(
        inputs: Vec<String>,
        steps: Vec<Step>,
        outputs: Vec<String>,
        targets: Option<Vec<TargetColumn>>,
    ) -> Self {
        Self { inputs, steps, outputs, targets }
    }

    /// The dataset with preprocessed inputs, and targets if they were asked for.
    ///
    /// # Errors
    /// If the columns are not those of the fit, a step cannot take a value, or a new value is not finite.
    pub fn transform<T: Real>(&self, dataset: &Dataset<T>) -> Result<Dataset<T>> {
        same_names(&self.inputs, dataset.features())?;
        let targets = match (&self.targets, dataset.target()) {
            (None, _) => dataset.targets().to_owned(),
            (Some(columns), TargetColumns::Values { names }) => {
                let fitted: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
                same_names(&fitted, names)?;
                let mut targets = dataset.targets().to_owned();
                for ((row, i), value) in targets.indexed_iter_mut() {
                    let (old, column) = (value.to_f64(), &columns[i]);
                    let new = column.apply(old).map_err(|needed| failed(row, &column.name, old, needed))?;
                    *value = T::from_f64(new);
                }
                targets
            }
            (Some(_), target) => return Err(Error::ScalerTarget { found: target.describe() }),
        };
        dataset.with_columns(self.transform_inputs(dataset.inputs())?, targets, self.outputs.clone())
    }

    /// Inputs, `[n, features]` of the fit, preprocessed, `[n, outputs]`. NaN is a missing value.
    ///
    /// # Errors
    /// If the number of columns is not that of the fit, or a step cannot take a value.
    pub fn transform_inputs<T: Real>(&self, inputs: ArrayView2<'_, T>) -> Result<Array2<T>> {
        same_count(self.inputs.len(), inputs.ncols())?;
        let (mut values, mut names) = (inputs.mapv(Real::to_f64), self.inputs.clone());
        for step in &self.steps {
            values = step.apply(values.view(), &names)?;
            names = step.names(&names);
        }
        Ok(values.mapv(T::from_f64))
    }

    /// Preprocessed inputs, `[n, outputs]`, in their original units, `[n, features]`. What was filled in stays so; a
    /// value that was none of the categories is NaN.
    ///
    /// # Errors
    /// If the number of columns is not that of preprocessed inputs.
    pub fn inverse_inputs<T: Real>(&self, inputs: ArrayView2<'_, T>) -> Result<Array2<T>> {
        same_count(self.outputs.len(), inputs.ncols())?;
        let mut values = inputs.mapv(Real::to_f64);
        for step in self.steps.iter().rev() {
            values = step.invert(values.view())?;
        }
        Ok(values.mapv(T::from_f64))
    }

    /// Preprocessed targets or predictions, `[n, targets]`, in their original units; as they are if targets were left
    /// alone.
    ///
    /// # Errors
    /// If targets were preprocessed and the number of columns is not that of the fit.
    pub fn inverse_targets<T: Real>(&self, targets: ArrayView2<'_, T>) -> Result<Array2<T>> {
        let Some(columns) = &self.targets else { return Ok(targets.to_owned()) };
        same_count(columns.len(), targets.ncols())?;
        let value = |(row, i): (usize, usize)| T::from_f64(columns[i].invert(targets[[row, i]].to_f64()));
        Ok(Array2::from_shape_fn(targets.dim(), value))
    }

    /// The names of the columns after preprocessing.
    pub fn features(&self) -> &[String] {
        &self.outputs
    }

    /// Number of feature columns of the fit.
    pub(crate) fn input_columns(&self) -> usize {
        self.inputs.len()
    }

    /// Number of target columns, if they are preprocessed.
    pub(crate) fn target_columns(&self) -> Option<usize> {
        self.targets.as_ref().map(Vec::len)
    }

    /// Whether every rule can be applied to the columns before it, which a file that was edited may have broken.
    pub(crate) fn is_valid(&self) -> bool {
        let mut width = self.inputs.len();
        for step in &self.steps {
            if step.rules.len() != width || !step.rules.iter().flatten().all(Rule::is_valid) {
                return false;
            }
            width = step.width();
        }
        let mut targets = self.targets.iter().flatten().flat_map(|column| &column.rules);
        width == self.outputs.len() && targets.all(Rule::is_valid)
    }
}

fn same_count(expected: usize, found: usize) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    Err(Error::ScalerColumns { expected: format!("{expected} columns"), found: format!("{found} columns") })
}

fn same_names(expected: &[String], found: &[String]) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    let list = |names: &[String]| quoted(names.iter().map(String::as_str));
    Err(Error::ScalerColumns { expected: list(expected), found: list(found) })
}
