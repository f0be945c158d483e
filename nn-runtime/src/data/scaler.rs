//! Scaling columns to comparable ranges.

use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use super::{Dataset, TargetColumns};
use crate::error::quoted;
use crate::kernels::Real;
use crate::{Error, Result};

/// How columns are scaled, before their statistics are known.
///
/// ```
/// # fn main() -> nn_runtime::Result<()> {
/// use ndarray::array;
/// use nn_runtime::prelude::*;
///
/// let data = Dataset::new(array![[1.0_f32], [2.0], [3.0]], array![[10.0], [20.0], [30.0]])?;
/// let scaler = Scaler::min_max().fit(&data)?;
/// assert_eq!(scaler.transform(&data)?.inputs(), array![[0.0], [0.5], [1.0]]);
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scaler {
    method: Method,
    targets: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Standard,
    MinMax,
}

impl Scaler {
    /// To mean 0 and standard deviation 1 (of the rows as a population: divided by n).
    pub fn standard() -> Self {
        Self { method: Method::Standard, targets: false }
    }

    /// To the range from 0 to 1.
    pub fn min_max() -> Self {
        Self { method: Method::MinMax, targets: false }
    }

    /// Also scales the targets, which must be numbers.
    #[must_use]
    pub fn with_targets(self) -> Self {
        Self { targets: true, ..self }
    }

    /// Learns the statistics of each column. Fit on the training part alone: what is learnt from validation rows
    /// makes the validation loss look better than it is.
    ///
    /// A column in which all values are the same is only shifted, to 0.
    ///
    /// # Errors
    /// If there are no rows, or targets are to be scaled that are no numbers.
    pub fn fit<T: Real>(&self, train: &Dataset<T>) -> Result<FittedScaler> {
        if train.is_empty() {
            return Err(Error::Empty { what: "the dataset that a scaler is fitted on", missing: "rows" });
        }
        let inputs = self.columns(train.inputs(), |i| train.features()[i].clone());
        let targets = match (self.targets, train.target()) {
            (false, _) => None,
            (true, TargetColumns::Values { names }) if !names.is_empty() => {
                Some(self.columns(train.targets(), |i| names[i].clone()))
            }
            (true, target) => return Err(Error::ScalerTarget { found: target.describe() }),
        };
        Ok(FittedScaler { inputs, targets })
    }

    fn columns<T: Real>(self, values: ArrayView2<'_, T>, name: impl Fn(usize) -> String) -> Vec<Column> {
        let column = |(i, values): (usize, ndarray::ArrayView1<'_, T>)| {
            let n = values.len() as f64;
            let values = || values.iter().map(|value| value.to_f64());
            let low = values().fold(f64::INFINITY, f64::min);
            let high = values().fold(f64::NEG_INFINITY, f64::max);
            let (center, scale) = match self.method {
                // Computed from the sums, the mean of equal values may differ from them by a rounding error, and a
                // deviation that is not quite 0 would blow that up.
                _ if low == high => (low, 1.0),
                Method::MinMax => (low, high - low),
                Method::Standard => {
                    let mean = values().sum::<f64>() / n;
                    (mean, (values().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt())
                }
            };
            Column { name: name(i), center, scale }
        };
        values.columns().into_iter().enumerate().map(column).collect()
    }
}

/// The scaling of each column: `(value - center) / scale`.
///
/// It remembers the names of the columns that it was fitted on, and refuses datasets with others. Saved with a model
/// (see [`Pipeline`](crate::Pipeline)), it makes the model take raw inputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FittedScaler {
    inputs: Vec<Column>,
    targets: Option<Vec<Column>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Column {
    name: String,
    center: f64,
    scale: f64,
}

impl FittedScaler {
    /// The dataset with scaled inputs, and targets if they were asked for.
    ///
    /// # Errors
    /// If the columns are not those of the fit, or a scaled value is not finite.
    pub fn transform<T: Real>(&self, dataset: &Dataset<T>) -> Result<Dataset<T>> {
        same_names(&self.inputs, dataset.features())?;
        let targets = match (&self.targets, dataset.target()) {
            (None, _) => dataset.targets().to_owned(),
            (Some(columns), TargetColumns::Values { names }) => {
                same_names(columns, names)?;
                apply(columns, dataset.targets(), scaled)?
            }
            (Some(_), target) => return Err(Error::ScalerTarget { found: target.describe() }),
        };
        dataset.with_values(apply(&self.inputs, dataset.inputs(), scaled)?, targets)
    }

    /// Inputs, `[n, features]`, scaled.
    ///
    /// # Errors
    /// If the number of columns is not that of the fit.
    pub fn transform_inputs<T: Real>(&self, inputs: ArrayView2<'_, T>) -> Result<Array2<T>> {
        apply(&self.inputs, inputs, scaled)
    }

    /// Scaled inputs, `[n, features]`, in their original units.
    ///
    /// # Errors
    /// If the number of columns is not that of the fit.
    pub fn inverse_inputs<T: Real>(&self, inputs: ArrayView2<'_, T>) -> Result<Array2<T>> {
        apply(&self.inputs, inputs, unscaled)
    }

    /// Scaled targets or predictions, `[n, targets]`, in their original units; as they are if targets were not scaled.
    ///
    /// # Errors
    /// If targets were scaled and the number of columns is not that of the fit.
    pub fn inverse_targets<T: Real>(&self, targets: ArrayView2<'_, T>) -> Result<Array2<T>> {
        match &self.targets {
            None => Ok(targets.to_owned()),
            Some(columns) => apply(columns, targets, unscaled),
        }
    }

    /// Number of feature columns.
    pub(crate) fn input_columns(&self) -> usize {
        self.inputs.len()
    }

    /// The names of the feature columns.
    pub(crate) fn input_names(&self) -> Vec<String> {
        self.inputs.iter().map(|column| column.name.clone()).collect()
    }

    /// Number of target columns, if they are scaled.
    pub(crate) fn target_columns(&self) -> Option<usize> {
        self.targets.as_ref().map(Vec::len)
    }

    /// Whether every scale can be divided by, which a file that was edited may have broken.
    pub(crate) fn is_valid(&self) -> bool {
        let mut columns = self.inputs.iter().chain(self.targets.iter().flatten());
        columns.all(|column| column.center.is_finite() && column.scale.is_finite() && column.scale > 0.0)
    }
}

fn scaled(value: f64, column: &Column) -> f64 {
    (value - column.center) / column.scale
}

fn unscaled(value: f64, column: &Column) -> f64 {
    value * column.scale + column.center
}

fn apply<T: Real>(
    columns: &[Column],
    values: ArrayView2<'_, T>,
    f: impl Fn(f64, &Column) -> f64,
) -> Result<Array2<T>> {
    if columns.len() != values.ncols() {
        return Err(Error::ScalerColumns {
            expected: format!("{} columns", columns.len()),
            found: format!("{} columns", values.ncols()),
        });
    }
    let value = |(row, i)| T::from_f64(f(values[[row, i]].to_f64(), &columns[i]));
    Ok(Array2::from_shape_fn(values.dim(), value))
}

fn same_names(columns: &[Column], names: &[String]) -> Result<()> {
    if columns.iter().map(|column| &column.name).eq(names) {
        return Ok(());
    }
    Err(Error::ScalerColumns {
        expected: quoted(columns.iter().map(|column| column.name.as_str())),
        found: quoted(names.iter().map(String::as_str)),
    })
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};
    use proptest::prelude::*;

    use super::Scaler;
    use crate::Error;
    use crate::data::Dataset;

    fn dataset() -> Dataset<f64> {
        Dataset::new(
            array![[1.0, 0.1, 5.0], [2.0, 0.1, -5.0], [6.0, 0.1, 0.0]],
            array![[100.0], [300.0], [200.0]],
        )
        .unwrap()
    }

    #[test]
    fn standard_columns_have_mean_0_and_deviation_1() {
        let data = dataset();
        let scaled = Scaler::standard().fit(&data).unwrap().transform(&data).unwrap();
        for i in [0, 2] {
            let column = scaled.inputs().column(i).to_owned();
            approx::assert_abs_diff_eq!(column.sum(), 0.0, epsilon = 1e-14);
            approx::assert_abs_diff_eq!(column.mapv(|v| v * v).sum() / 3.0, 1.0, epsilon = 1e-14);
        }
        assert_eq!(scaled.targets(), data.targets(), "targets are left alone unless asked for");
    }

    #[test]
    fn min_max_columns_reach_from_0_to_1() {
        let data = dataset();
        let scaled = Scaler::min_max().with_targets().fit(&data).unwrap().transform(&data).unwrap();
        assert_eq!(scaled.inputs(), array![[0.0, 0.0, 1.0], [0.2, 0.0, 0.0], [1.0, 0.0, 0.5]]);
        assert_eq!(scaled.targets(), array![[0.0], [1.0], [0.5]]);
    }

    #[test]
    fn constant_columns_become_0() {
        let same = Array2::from_elem((1000, 1), 0.1_f32);
        let data = Dataset::new(same, Array2::zeros((1000, 1))).unwrap();
        for scaler in [Scaler::standard(), Scaler::min_max()] {
            let scaled = scaler.fit(&data).unwrap().transform(&data).unwrap();
            assert!(scaled.inputs().iter().all(|&v| v == 0.0));
        }
    }

    #[test]
    fn statistics_come_from_the_fit_alone() {
        let (train, other) = (dataset(), Dataset::new(array![[11.0, 0.6, 15.0]], array![[500.0]]).unwrap());
        let scaled = Scaler::min_max().fit(&train).unwrap().transform(&other).unwrap();
        assert_eq!(scaled.inputs(), array![[2.0, 0.5, 2.0]]);
    }

    proptest! {
        #[test]
        fn the_inverse_undoes_the_scaling(values in prop::collection::vec(-1e6..1e6_f64, 2..40), min_max: bool) {
            let inputs = Array2::from_shape_vec((values.len(), 1), values).unwrap();
            let data = Dataset::new(inputs.clone(), inputs).unwrap();
            let scaler = if min_max { Scaler::min_max() } else { Scaler::standard() };
            let fitted = scaler.with_targets().fit(&data).unwrap();
            let scaled = fitted.transform(&data).unwrap();
            let pairs = [
                (fitted.inverse_inputs(scaled.inputs()).unwrap(), data.inputs()),
                (fitted.inverse_targets(scaled.targets()).unwrap(), data.targets()),
            ];
            for (restored, original) in pairs {
                for (r, o) in restored.iter().zip(original) {
                    prop_assert!((r - o).abs() <= 1e-8, "{r} != {o}");
                }
            }
        }
    }

    #[test]
    fn other_columns_are_refused() {
        let fitted = Scaler::standard().fit(&dataset()).unwrap();
        let renamed = dataset().with_feature_names(&["a", "b", "c"]).unwrap();
        let error = fitted.transform(&renamed).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the scaler was fitted on `x[0]`, `x[1]`, `x[2]`, but is applied to `a`, `b`, `c`"
        );
        let error = fitted.transform_inputs(array![[1.0, 2.0]].view()).unwrap_err();
        assert!(matches!(error, Error::ScalerColumns { .. }), "{error}");
    }

    #[test]
    fn only_numbers_and_rows_can_be_fitted() {
        let classes = Dataset::with_classes(array![[1.0_f32]], &[0], &["a"]).unwrap();
        assert!(matches!(Scaler::standard().with_targets().fit(&classes), Err(Error::ScalerTarget { .. })));
        let empty = dataset().split(0.0, 0).0;
        assert!(matches!(Scaler::standard().fit(&empty), Err(Error::Empty { .. })));
    }

    #[test]
    fn a_file_that_was_edited_is_noticed() {
        let fitted = Scaler::standard().fit(&dataset()).unwrap();
        assert!(fitted.is_valid());
        for broken in [0.0, -1.0, f64::INFINITY] {
            let mut broken_scaler = fitted.clone();
            broken_scaler.inputs[1].scale = broken;
            assert!(!broken_scaler.is_valid());
        }
    }
}
