//! Scaling columns to comparable ranges.

use super::{Columns, Dataset, FittedPreprocessor, Preprocessor};
use crate::Result;
use crate::kernels::Real;

/// How all columns are scaled, before their statistics are known. A [`Preprocessor`] scales each in its own way, fills in
/// missing values, and knows categories.
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
    Robust,
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

    /// To median 0 and a distance of 1 between the quartiles, which a few outliers do not change.
    pub fn robust() -> Self {
        Self { method: Method::Robust, targets: false }
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
        let (steps, all) = (Preprocessor::new(), Columns::All);
        let inputs = match self.method {
            Method::Standard => steps.standard(all),
            Method::MinMax => steps.min_max(all),
            Method::Robust => steps.robust(all),
        };
        let both = match (self.targets, self.method) {
            (false, _) => inputs,
            (true, Method::Standard) => inputs.standard_targets(),
            (true, Method::MinMax) => inputs.min_max_targets(),
            (true, Method::Robust) => inputs.robust_targets(),
        };
        both.fit(train)
    }
}

/// A scaler whose statistics are known: preprocessing in one step, `(value - center) / scale`.
pub type FittedScaler = FittedPreprocessor;

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
}
