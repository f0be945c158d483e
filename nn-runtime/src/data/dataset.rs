//! Rows of inputs and targets.

use std::ops::Range;

use ndarray::{Array2, ArrayView2};

use crate::batch::Batch;
use crate::kernels::Real;
use crate::{Error, InvalidSetting, Result, random};

/// Inputs and targets of examples, one row each. All values are finite, but for inputs that are missing: see
/// [`with_missing`](Self::with_missing).
///
/// Scalars are `f32` unless the model says otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset<T = f32> {
    inputs: Array2<T>,
    targets: Array2<T>,
    features: Vec<String>,
    target: TargetColumns,
    /// How much each row counts; all the same if there are none.
    pub(super) weights: Option<Vec<T>>,
    /// The shape of the inputs of one example.
    shape: Vec<usize>,
}

/// What the target columns of a dataset say.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TargetColumns {
    /// Numbers.
    Values {
        /// The name of each column.
        names: Vec<String>,
    },
    /// 1 where a column held a category, 0 elsewhere.
    Equals {
        /// The column.
        column: String,
        /// The category.
        category: String,
    },
    /// The index of the category that a column held.
    Class {
        /// The column.
        column: String,
        /// The categories, in the order of their indices.
        classes: Vec<String>,
    },
}

impl TargetColumns {
    /// Number of columns.
    #[allow(clippy::len_without_is_empty)] // how many there are matters, not whether there are any
    pub fn len(&self) -> usize {
        match self {
            Self::Values { names } => names.len(),
            Self::Equals { .. } | Self::Class { .. } => 1,
        }
    }

    /// What the targets are, for messages.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Values { names } if names.is_empty() => "absent".to_owned(),
            Self::Values { names } => {
                let names = crate::error::quoted(names.iter().map(String::as_str));
                format!("the numbers {names}")
            }
            Self::Equals { column, category } => format!("0 or 1 for `{column}` = `{category}`"),
            Self::Class { column, classes } => format!("the {} classes of `{column}`", classes.len()),
        }
    }

    /// The name of a target column, for messages.
    pub(crate) fn name(&self, index: usize) -> &str {
        match self {
            Self::Values { names } => &names[index],
            Self::Equals { column, .. } | Self::Class { column, .. } => column,
        }
    }
}

impl<T: Real> Dataset<T> {
    /// Examples from arrays, `[n, features]` and `[n, targets]`. The columns are named `x[0]`, `x[1]`, … and
    /// `target[0]`, ….
    ///
    /// Class indices are targets like any other: whole numbers in one column.
    ///
    /// # Errors
    /// If the arrays have different numbers of rows or no columns of inputs, or a value is not finite.
    pub fn new(inputs: Array2<T>, targets: Array2<T>) -> Result<Self> {
        let features = numbered("x", inputs.ncols());
        let names = numbered("target", targets.ncols());
        Self::from_parts(inputs, targets, features, TargetColumns::Values { names })
    }

    /// Examples from an array, `[n, features]`, and the class of each row as an index into `classes`.
    ///
    /// # Errors
    /// As [`new`](Self::new), and if a label is not below the number of classes.
    pub fn with_classes(inputs: Array2<T>, labels: &[usize], classes: &[&str]) -> Result<Self> {
        if let Some(row) = labels.iter().position(|&label| label >= classes.len()) {
            return Err(if classes.is_empty() {
                Error::Empty { what: "the list of classes", missing: "names" }
            } else {
                Error::ClassLabel { row, label: labels[row] as f64, classes: classes.len() }
            });
        }
        let features = numbered("x", inputs.ncols());
        let targets = labels.iter().map(|&label| T::from_f64(label as f64)).collect();
        let classes = classes.iter().map(|&class| class.to_owned()).collect();
        let target = TargetColumns::Class { column: "class".to_owned(), classes };
        Self::from_parts(inputs, matrix(labels.len(), 1, targets)?, features, target)
    }

    /// The dataset with other names for its feature columns.
    ///
    /// # Errors
    /// If there are more or fewer names than columns.
    pub fn with_feature_names(mut self, names: &[&str]) -> Result<Self> {
        if names.len() != self.features.len() {
            return Err(Error::NameCount { names: names.len(), columns: self.features.len() });
        }
        self.features = names.iter().map(|&name| name.to_owned()).collect();
        Ok(self)
    }

    /// As [`new`](Self::new), but NaN in the inputs is a value that is missing, which a
    /// [`Preprocessor`](crate::Preprocessor) has to fill in before training.
    ///
    /// # Errors
    /// If the arrays have different numbers of rows or no columns of inputs, an input is infinite or a target not finite.
    pub fn with_missing(inputs: Array2<T>, targets: Array2<T>) -> Result<Self> {
        let features = numbered("x", inputs.ncols());
        let names = numbered("target", targets.ncols());
        Self::with_missing_from_parts(inputs, targets, features, TargetColumns::Values { names })
    }

    pub(super) fn from_parts(
        inputs: Array2<T>,
        targets: Array2<T>,
        features: Vec<String>,
        target: TargetColumns,
    ) -> Result<Self> {
        same_rows(&inputs, &targets)?;
        all_finite(&inputs, |column| features[column].clone())?;
        Self::with_missing_from_parts(inputs, targets, features, target)
    }

    /// Inputs may be NaN.
    pub(super) fn with_missing_from_parts(
        inputs: Array2<T>,
        targets: Array2<T>,
        features: Vec<String>,
        target: TargetColumns,
    ) -> Result<Self> {
        same_rows(&inputs, &targets)?;
        let infinite = |value: T| !value.is_finite() && !value.is_nan();
        none_is(infinite, &inputs, |column| features[column].clone())?;
        all_finite(&targets, |column| target.name(column).to_owned())?;
        let shape = vec![inputs.ncols()];
        let (inputs, targets) = (row_major(inputs), row_major(targets));
        Ok(Self { inputs, targets, features, target, weights: None, shape })
    }

    /// Number of examples.
    pub fn len(&self) -> usize {
        self.inputs.nrows()
    }

    /// Whether there are no examples.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The inputs, `[n, features]`.
    pub fn inputs(&self) -> ArrayView2<'_, T> {
        self.inputs.view()
    }

    /// The shape of the inputs of one example: of a picture its rows and columns, otherwise the number of features.
    pub fn input_shape(&self) -> &[usize] {
        &self.shape
    }

    /// The dataset with another shape for the inputs of one example, which stay as they are.
    ///
    /// # Errors
    /// If the shape is not of as many numbers as there are features.
    pub fn with_input_shape(self, shape: &[usize]) -> Result<Self> {
        if shape.iter().try_fold(1_usize, |product, &len| product.checked_mul(len))
            != Some(self.inputs.ncols())
        {
            return Err(Error::InputShape { shape: shape.to_vec(), columns: self.inputs.ncols() });
        }
        Ok(Self { shape: shape.to_vec(), ..self })
    }

    /// The targets, `[n, targets]`; class indices as whole numbers.
    pub fn targets(&self) -> ArrayView2<'_, T> {
        self.targets.view()
    }

    /// Row and column of the first input that is missing, if one is.
    pub(super) fn first_missing(&self) -> Option<(usize, usize)> {
        self.inputs.indexed_iter().find(|(_, value)| value.is_nan()).map(|(at, _)| at)
    }

    /// The names of the feature columns.
    pub fn features(&self) -> &[String] {
        &self.features
    }

    /// What the target columns say.
    pub fn target(&self) -> &TargetColumns {
        &self.target
    }

    /// The names of the classes, in the order of their indices, if the target is a class.
    pub fn classes(&self) -> Option<&[String]> {
        match &self.target {
            TargetColumns::Class { classes, .. } => Some(classes),
            _ => None,
        }
    }

    /// All examples as a batch, with their weights if they have any.
    pub fn batch(&self) -> Batch<'_, T> {
        let (inputs, targets) = (flat(&self.inputs), flat(&self.targets));
        let batch = Batch::new(inputs, self.inputs.ncols(), targets, self.targets.ncols());
        self.weights.as_ref().map_or(batch, |weights| batch.with_weights(weights))
    }

    /// Shuffles the rows by the seed and cuts them in two: `fraction` of them, rounded, and the rest.
    ///
    /// # Panics
    /// If `fraction` is not from 0 to 1; [`try_split`](Self::try_split) reports that as an error.
    #[must_use]
    pub fn split(&self, fraction: f64, seed: u64) -> (Self, Self) {
        match self.try_split(fraction, seed) {
            Ok(parts) => parts,
            Err(error) => panic!("{error}"),
        }
    }

    /// Shuffles the rows by the seed and cuts them in two: `fraction` of them, rounded, and the rest.
    ///
    /// # Errors
    /// If `fraction` is not from 0 to 1.
    pub fn try_split(&self, fraction: f64, seed: u64) -> Result<(Self, Self)> {
        part_of_the_whole(fraction)?;
        let first = (self.len() as f64 * fraction).round() as usize;
        let mut order = vec![0; self.len()];
        random::permute(&mut order, random::stream(seed, 0));
        Ok((self.part(&order, 0..first), self.part(&order, first..self.len())))
    }

    /// The rows with the numbers `order[range]`.
    fn part(&self, order: &[u32], range: Range<usize>) -> Self {
        let rows: Vec<usize> = order[range].iter().map(|&row| row as usize).collect();
        self.rows_at(&rows)
    }

    /// The rows with these numbers, in this order, with their weights. A row may come more than once.
    ///
    /// # Errors
    /// If there is no such row.
    pub fn select(&self, rows: &[usize]) -> Result<Self> {
        match rows.iter().find(|&&row| row >= self.len()) {
            Some(&row) => Err(Error::UnknownRow { row, rows: self.len() }),
            None => Ok(self.rows_at(rows)),
        }
    }

    /// The rows with these numbers, which exist.
    pub(super) fn rows_at(&self, rows: &[usize]) -> Self {
        Self {
            inputs: row_major(self.inputs.select(ndarray::Axis(0), rows)),
            targets: row_major(self.targets.select(ndarray::Axis(0), rows)),
            features: self.features.clone(),
            target: self.target.clone(),
            weights: self.weights.as_ref().map(|weights| rows.iter().map(|&row| weights[row]).collect()),
            shape: self.shape.clone(),
        }
    }

    /// The same rows with other weights.
    pub(super) fn weighted(self, weights: Option<Vec<T>>) -> Self {
        Self { weights, ..self }
    }

    /// The same examples with other values and features.
    pub(super) fn with_columns(
        &self,
        inputs: Array2<T>,
        targets: Array2<T>,
        features: Vec<String>,
    ) -> Result<Self> {
        let values = Self::with_missing_from_parts(inputs, targets, features, self.target.clone())?;
        let is_same = values.inputs.ncols() == self.inputs.ncols();
        let shape = if is_same { self.shape.clone() } else { values.shape };
        Ok(Self { weights: self.weights.clone(), shape, ..values })
    }
}

/// Checks the fraction of a split.
pub(super) fn part_of_the_whole(fraction: f64) -> Result<()> {
    if (0.0..=1.0).contains(&fraction) {
        return Ok(());
    }
    Err(InvalidSetting { setting: "fraction of a split", value: fraction, range: "from 0 to 1" }.into())
}

/// A row-major matrix of these elements.
pub(super) fn matrix<T>(rows: usize, columns: usize, elements: Vec<T>) -> Result<Array2<T>> {
    Array2::from_shape_vec((rows, columns), elements).map_err(|_| Error::TooManyRows { rows })
}

/// The same matrix, stored row after row.
fn row_major<T: Real>(matrix: Array2<T>) -> Array2<T> {
    if matrix.is_standard_layout() { matrix } else { matrix.as_standard_layout().into_owned() }
}

/// The elements of a matrix that went through [`row_major`].
fn flat<T>(matrix: &Array2<T>) -> &[T] {
    matrix.as_slice().unwrap_or_else(|| unreachable!("datasets are stored row after row"))
}

pub(super) fn numbered(name: &str, count: usize) -> Vec<String> {
    (0..count).map(|i| format!("{name}[{i}]")).collect()
}

/// Checks that inputs and targets make a dataset.
fn same_rows<T>(inputs: &Array2<T>, targets: &Array2<T>) -> Result<()> {
    if inputs.nrows() != targets.nrows() {
        return Err(Error::RowCount { inputs: inputs.nrows(), targets: targets.nrows() });
    }
    if inputs.ncols() == 0 {
        return Err(Error::Empty { what: "the dataset", missing: "feature columns" });
    }
    if u32::try_from(inputs.nrows()).is_err() {
        return Err(Error::TooManyRows { rows: inputs.nrows() });
    }
    Ok(())
}

fn all_finite<T: Real>(matrix: &Array2<T>, column_name: impl Fn(usize) -> String) -> Result<()> {
    none_is(|value| !value.is_finite(), matrix, column_name)
}

fn none_is<T: Real>(
    bad: impl Fn(T) -> bool,
    matrix: &Array2<T>,
    column_name: impl Fn(usize) -> String,
) -> Result<()> {
    match matrix.indexed_iter().find(|(_, value)| bad(**value)) {
        None => Ok(()),
        Some(((row, column), value)) => {
            Err(Error::NonFinite { row, column: column_name(column), value: value.to_f64() })
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};
    use proptest::prelude::*;

    use super::Dataset;
    use crate::Error;

    /// `n` rows of which row r is (r, 2 r) with the target -r.
    fn counting(n: usize) -> Dataset<f64> {
        let inputs = Array2::from_shape_fn((n, 2), |(row, column)| (row * (column + 1)) as f64);
        let targets = Array2::from_shape_fn((n, 1), |(row, _)| -(row as f64));
        Dataset::new(inputs, targets).unwrap()
    }

    proptest! {
        #[test]
        fn a_split_keeps_every_row_once(n in 0_usize..200, fraction in 0.0..=1.0, seed: u64) {
            let data = counting(n);
            let (train, valid) = data.split(fraction, seed);
            prop_assert_eq!(train.len(), (n as f64 * fraction).round() as usize);
            let mut rows = Vec::new();
            for part in [&train, &valid] {
                for (x, t) in part.inputs().rows().into_iter().zip(part.targets()) {
                    prop_assert!(x[1] == 2.0 * x[0] && *t == -x[0]);
                    rows.push(x[0] as usize);
                }
            }
            rows.sort_unstable();
            prop_assert_eq!(rows, (0..n).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_split_depends_on_its_seed_alone() {
        let data = counting(50);
        assert_eq!(data.split(0.8, 7), data.split(0.8, 7));
        assert_ne!(data.split(0.8, 7), data.split(0.8, 8));
        assert_ne!(
            data.split(0.8, 7).0.inputs(),
            data.inputs().slice(ndarray::s![..40, ..]),
            "rows are shuffled"
        );
    }

    #[test]
    fn fractions_outside_of_the_whole_are_refused() {
        for fraction in [-0.1, 1.1, f64::NAN] {
            assert!(matches!(counting(5).try_split(fraction, 0), Err(Error::Setting(_))));
        }
    }

    #[test]
    #[should_panic(expected = "the fraction of a split is 80, but must be from 0 to 1")]
    fn split_panics_on_a_percentage() {
        let _ = counting(5).split(80.0, 0);
    }

    #[test]
    fn arrays_must_match_and_be_finite() {
        let x = array![[1.0_f32, 2.0], [3.0, 4.0]];
        assert!(matches!(
            Dataset::new(x.clone(), array![[1.0]]),
            Err(Error::RowCount { inputs: 2, targets: 1 })
        ));
        assert!(matches!(
            Dataset::new(Array2::<f32>::zeros((2, 0)), array![[1.0], [2.0]]),
            Err(Error::Empty { .. })
        ));
        let error = Dataset::new(array![[1.0_f32, 2.0], [3.0, f32::NAN]], array![[1.0], [2.0]]).unwrap_err();
        assert_eq!(error.to_string(), "row 1: `x[1]` is NaN; every value must be finite");
        let error = Dataset::new(x, array![[f32::INFINITY], [2.0]]).unwrap_err();
        assert!(
            matches!(&error, Error::NonFinite { row: 0, column, .. } if column == "target[0]"),
            "{error}"
        );
    }

    #[test]
    fn labels_must_be_classes() {
        let x = array![[1.0_f32], [2.0]];
        let data = Dataset::with_classes(x.clone(), &[1, 0], &["a", "b"]).unwrap();
        assert_eq!(data.targets(), array![[1.0], [0.0]]);
        let error = Dataset::with_classes(x.clone(), &[0, 2], &["a", "b"]).unwrap_err();
        assert!(matches!(error, Error::ClassLabel { row: 1, classes: 2, .. }), "{error}");
        assert!(matches!(Dataset::with_classes(x, &[0, 0], &[]), Err(Error::Empty { .. })));
    }

    #[test]
    fn names_must_be_as_many_as_columns() {
        assert_eq!(counting(2).with_feature_names(&["u", "v"]).unwrap().features(), ["u", "v"]);
        assert!(matches!(
            counting(2).with_feature_names(&["u"]),
            Err(Error::NameCount { names: 1, columns: 2 })
        ));
    }

    #[test]
    fn column_major_arrays_are_read_row_by_row() {
        let x = array![[1.0_f64, 2.0, 3.0], [4.0, 5.0, 6.0]].reversed_axes();
        let data = Dataset::new(x, array![[0.0], [1.0], [2.0]]).unwrap();
        assert_eq!(data.batch().input_row(1), [2.0, 5.0]);
    }
}
