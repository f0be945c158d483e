//! How far numbers are from their targets.

use std::fmt;

use ndarray::ArrayView2;

use super::average::weighted_mean;
use super::confusion::{same_rows, same_width};
use crate::Result;
use crate::kernels::Real;

/// The errors of predicted numbers, by their sums alone: nothing is kept of an example.
///
/// Rows are added one by one, so that it makes no difference, to the last bit, into which batches they are cut.
/// Means over several target columns are scikit-learn's `uniform_average`.
#[derive(Clone, Debug, PartialEq)]
pub struct Regression {
    names: Vec<String>,
    rows: u64,
    columns: Vec<Column>,
}

/// The sums of one target column.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Column {
    /// The mean of the targets.
    mean: f64,
    /// The sum of their squared distances from the mean.
    spread: f64,
    /// Sums over the errors: squares, magnitudes, magnitudes relative to the target.
    squares: f64,
    magnitudes: f64,
    relative: f64,
}

impl Column {
    /// Adds an example, which makes that many rows. Mean and spread by Welford's method, which does not cancel.
    fn add(&mut self, prediction: f64, target: f64, rows: f64) {
        let distance = target - self.mean;
        self.mean += distance / rows;
        self.spread += distance * (target - self.mean);
        let error = (target - prediction).abs();
        self.squares += error * error;
        self.magnitudes += error;
        self.relative += error / target.abs().max(f64::EPSILON);
    }

    fn r2(&self) -> f64 {
        match (self.squares == 0.0, self.spread == 0.0) {
            (true, true) => 1.0,
            (false, true) => 0.0,
            _ => 1.0 - self.squares / self.spread,
        }
    }
}

/// R² of one column of predictions and targets.
pub(crate) fn r_squared(pairs: impl Iterator<Item = (f64, f64)>) -> f64 {
    let mut column = Column::default();
    for (row, (prediction, target)) in pairs.enumerate() {
        column.add(prediction, target, (row + 1) as f64);
    }
    column.r2()
}

impl Regression {
    /// For this number of target columns, without an example.
    pub fn new(columns: usize) -> Self {
        Self {
            names: (0..columns).map(|column| format!("target[{column}]")).collect(),
            rows: 0,
            columns: vec![Column::default(); columns],
        }
    }

    /// With other names for the columns.
    ///
    /// # Errors
    /// If there are more or fewer names than columns.
    pub fn with_names<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Result<Self> {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        if names.len() != self.columns.len() {
            return Err(crate::Error::NameCount { names: names.len(), columns: self.columns.len() });
        }
        self.names = names;
        Ok(self)
    }

    /// Adds predictions and targets, `[n, columns]` each.
    ///
    /// # Errors
    /// If the shapes do not fit; nothing is added then.
    pub fn update<'p, 't, P: Real, T: Real>(
        &mut self,
        predictions: impl Into<ArrayView2<'p, P>>,
        targets: impl Into<ArrayView2<'t, T>>,
    ) -> Result<()> {
        let (predictions, targets) = (predictions.into(), targets.into());
        same_rows(predictions.nrows(), targets.nrows())?;
        same_width("columns", self.columns.len(), predictions.ncols())?;
        same_width("columns", self.columns.len(), targets.ncols())?;
        for (predictions, targets) in predictions.rows().into_iter().zip(targets.rows()) {
            self.rows += 1;
            let rows = self.rows as f64;
            for ((column, p), t) in self.columns.iter_mut().zip(predictions).zip(targets) {
                column.add(p.to_f64(), t.to_f64(), rows);
            }
        }
        Ok(())
    }

    /// Adds the examples of another (Chan, Golub and `LeVeque`, 1979).
    ///
    /// # Errors
    /// If that has another number of columns.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        same_width("columns", self.columns.len(), other.columns.len())?;
        if other.rows == 0 {
            return Ok(());
        }
        let (own, others) = (self.rows as f64, other.rows as f64);
        let rows = own + others;
        for (column, other) in self.columns.iter_mut().zip(&other.columns) {
            let distance = other.mean - column.mean;
            column.mean += distance * others / rows;
            column.spread += other.spread + distance * distance * own * others / rows;
            column.squares += other.squares;
            column.magnitudes += other.magnitudes;
            column.relative += other.relative;
        }
        self.rows += other.rows;
        Ok(())
    }

    /// Forgets all examples.
    pub fn clear(&mut self) {
        self.rows = 0;
        self.columns.fill(Column::default());
    }

    /// Number of examples.
    pub fn len(&self) -> u64 {
        self.rows
    }

    /// Whether there are no examples.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The coefficient of determination R², the mean over the columns: 1 for exact predictions, 0 for those as good as
    /// the mean of the targets. A constant column, such as that of a single example, counts as 1 if it is predicted
    /// exactly and as 0 otherwise.
    pub fn r2(&self) -> f64 {
        self.mean_of(Column::r2)
    }

    /// R², the mean over the columns weighted by the variances of their targets; the plain mean if all are constant.
    pub fn r2_variance_weighted(&self) -> f64 {
        if self.columns.iter().all(|column| column.spread == 0.0) {
            return self.r2();
        }
        weighted_mean(self.columns.iter().map(|column| (column.r2(), column.spread)))
    }

    /// The mean squared error.
    pub fn mse(&self) -> f64 {
        self.mean_of(|column| column.squares / self.rows as f64)
    }

    /// The square root of the mean squared error, the mean over the columns; in the units of the targets.
    pub fn rmse(&self) -> f64 {
        self.mean_of(|column| (column.squares / self.rows as f64).sqrt())
    }

    /// The mean absolute error; in the units of the targets.
    pub fn mae(&self) -> f64 {
        self.mean_of(|column| column.magnitudes / self.rows as f64)
    }

    /// The mean absolute error relative to the magnitude of the target, which counts as at least 2.2e-16: 0.1 means
    /// ten per cent.
    pub fn mape(&self) -> f64 {
        self.mean_of(|column| column.relative / self.rows as f64)
    }

    /// The mean over the columns; NaN without an example.
    fn mean_of(&self, measure: impl Fn(&Column) -> f64) -> f64 {
        if self.is_empty() {
            return f64::NAN;
        }
        self.columns.iter().map(measure).sum::<f64>() / self.columns.len() as f64
    }
}

impl fmt::Display for Regression {
    /// A table of R², root mean squared error and mean absolute error, the mean of the targets and their standard
    /// deviation (of the population), with a line for each column.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let several = self.columns.len() > 1;
        let longest = self.names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
        let width = longest.max(if several { "mean".len() } else { 0 });
        write!(
            f,
            "{:width$}  {:>9}  {:>9}  {:>9}  {:>11}  {:>11}",
            "", "R²", "RMSE", "MAE", "target mean", "target std"
        )?;
        let rows = self.rows as f64;
        let short = crate::history::short;
        for (name, column) in self.names.iter().zip(&self.columns) {
            let errors = [(column.squares / rows).sqrt(), column.magnitudes / rows].map(short);
            let targets = [column.mean, (column.spread / rows).sqrt()].map(short);
            let [rmse, mae] = errors;
            let [mean, std] = targets;
            let r2 = column.r2();
            write!(f, "\n{name:<width$}  {r2:>9.4}  {rmse:>9}  {mae:>9}  {mean:>11}  {std:>11}")?;
        }
        if several {
            let (r2, rmse, mae) = (self.r2(), short(self.rmse()), short(self.mae()));
            write!(f, "\n{:<width$}  {r2:>9.4}  {rmse:>9}  {mae:>9}", "mean")?;
        }
        write!(f, "\n{} examples", self.rows)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array, s};
    use proptest::prelude::*;

    use super::Regression;

    #[test]
    fn r2_compares_with_the_mean() {
        let r2 = |predictions: [f64; 4]| {
            let mut sums = Regression::new(1);
            sums.update(
                &Array2::from_shape_fn((4, 1), |(i, _)| predictions[i]),
                &array![[1.0], [2.0], [3.0], [6.0]],
            )
            .unwrap();
            sums.r2()
        };
        assert_eq!(r2([1.0, 2.0, 3.0, 6.0]), 1.0);
        assert_eq!(r2([3.0; 4]), 0.0);
        assert_eq!(r2([1.0, 2.0, 3.0, 4.0]), 1.0 - 4.0 / 14.0);
    }

    #[test]
    fn constant_columns_are_right_or_wrong() {
        let mut sums = Regression::new(2);
        sums.update(&array![[5.0, 5.0], [5.0, 4.0]], &array![[5.0, 5.0], [5.0, 5.0]]).unwrap();
        assert_eq!(sums.r2(), 0.5);
        assert_eq!(sums.r2_variance_weighted(), 0.5);
        assert!(Regression::new(1).r2().is_nan() && Regression::new(1).r2_variance_weighted().is_nan());
    }

    #[test]
    fn the_table_has_a_line_for_each_column() {
        let mut sums = Regression::new(2).with_names(["height", "weight"]).unwrap();
        sums.update(&array![[1.0, 60.0], [2.0, 81.0]], &array![[1.5, 60.0], [2.0, 80.0]]).unwrap();
        let expected = "\
R²       RMSE        MAE  target mean   target std
height    -1.0000     0.3536     0.2500        1.750       0.2500
weight     0.9950     0.7071     0.5000        70.00        10.00
mean      -0.0025     0.5303     0.3750
2 examples";
        assert_eq!(sums.to_string().trim_start(), expected);
        let error = sums.update(&array![[1.0]], &array![[1.0]]).unwrap_err();
        assert_eq!(error.to_string(), "1 columns, but the metric is one of 2 columns");
    }

    proptest! {
        #[test]
        fn cuts_make_no_difference(values in prop::collection::vec(-1e3..1e3, 4..80), cut in 0.0..1.0) {
            let rows = values.len() / 4;
            let pairs = Array2::from_shape_vec((rows, 4), values[..4 * rows].to_vec()).unwrap();
            let (p, t) = (pairs.slice(s![.., ..2]), pairs.slice(s![.., 2..]));
            let cut = (cut * rows as f64) as usize;
            let (mut whole, mut first, mut second) = (Regression::new(2), Regression::new(2), Regression::new(2));
            whole.update(p, t).unwrap();
            first.update(p.slice(s![..cut, ..]), t.slice(s![..cut, ..])).unwrap();
            second.update(p.slice(s![cut.., ..]), t.slice(s![cut.., ..])).unwrap();
            let mut merged = first.clone();
            merged.merge(&second).unwrap();
            first.update(p.slice(s![cut.., ..]), t.slice(s![cut.., ..])).unwrap();
            prop_assert_eq!(&first, &whole);
            for (a, b) in [(merged.r2(), whole.r2()), (merged.mse(), whole.mse()), (merged.mape(), whole.mape())] {
                prop_assert!((a - b).abs() <= 1e-9 * b.abs().max(1.0), "{} {}", a, b);
            }
        }
    }
}
