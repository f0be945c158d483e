//! Rows that are read again in each epoch, and need not fit into memory.

#[cfg(feature = "data")]
mod encode;
#[cfg(feature = "data")]
mod files;
#[cfg(feature = "npy")]
mod npy;
mod reader;
mod window;

use std::ops::ControlFlow;
use std::sync::OnceLock;

use ndarray::Array2;

use super::source::{Visit, at_least_one_row};
use super::{Dataset, Order, Source, TargetColumns};
use crate::kernels::Real;
use crate::{Error, InvalidSetting, Result};

pub use reader::RowReader;

/// Rows that wait to be shuffled, unless told otherwise.
const BUFFER: usize = 65_536;

/// A source of rows that are read, or made, again in each epoch. Memory is bounded by its buffers.
///
/// A thread of its own reads ahead: while the rows of one buffer are trained on, the next one is filled and shuffled.
/// There are two, of [`buffer`](Self::buffer) rows each. If one holds all rows, the batches are, bit for bit, those of
/// a [`Dataset`] with the same rows. Otherwise rows are shuffled among those of their buffer, and rows that no longer
/// fill a batch move into the next buffer, so that only the last batch of an epoch is short. A file whose rows are
/// sorted, by class for example, should be shuffled once before.
///
/// ```
/// # fn main() -> nn_runtime::Result<()> {
/// use nn_runtime::{Source, Stream};
///
/// // A million rows of y = x², which are never in memory together.
/// let parabola = Stream::<f32>::from_fn(1, 1, |_epoch| {
///     let mut row = 0;
///     Ok(move |x: &mut [f32], y: &mut [f32]| {
///         x[0] = (row % 1000) as f32 / 500.0 - 1.0;
///         y[0] = x[0] * x[0];
///         row += 1;
///         Ok(row <= 1_000_000)
///     })
/// })?
/// .with_rows(1_000_000)
/// .buffer(10_000)?;
/// assert_eq!(parabola.rows(), Some(1_000_000));
/// # Ok(()) }
/// ```
pub struct Stream<T = f32> {
    features: Vec<String>,
    target: TargetColumns,
    origin: String,
    open: Box<Open<T>>,
    buffer: usize,
    /// Rows of an epoch: what the reader promises, or else what the first epoch had.
    rows: OnceLock<usize>,
}

/// Starts an epoch.
type Open<T> = dyn Fn(u64) -> Result<Box<dyn RowReader<T>>> + Send + Sync;

impl<T: Real> Stream<T> {
    /// Rows of `inputs` features and `targets` targets, from what `open` gives at the start of each epoch: a
    /// [`RowReader`], or a function that writes the next row into two slices and says whether there was one.
    ///
    /// `open` gets the number of the epoch, counted from 1. Readers should give the same rows in each epoch; those that
    /// vary them at random can take their seed from it. Columns are named `x[0]`, …, and `target[0]`, ….
    ///
    /// # Errors
    /// If there are no features.
    pub fn from_fn<R, F>(inputs: usize, targets: usize, open: F) -> Result<Self>
    where
        R: RowReader<T> + 'static,
        F: Fn(u64) -> Result<R> + Send + Sync + 'static,
    {
        let names = super::dataset::numbered("target", targets);
        let features = super::dataset::numbered("x", inputs);
        Self::new(features, TargetColumns::Values { names }, "the stream".to_owned(), open)
    }

    /// Rows from the iterator that `open` gives at the start of each epoch: pairs of the inputs and the targets of one
    /// row. Otherwise as [`from_fn`](Self::from_fn).
    ///
    /// # Errors
    /// If there are no features. Rows of other lengths are an error when they are read.
    pub fn from_rows<I, X, Y, F>(inputs: usize, targets: usize, open: F) -> Result<Self>
    where
        I: Iterator<Item = Result<(X, Y)>> + Send + 'static,
        X: AsRef<[T]>,
        Y: AsRef<[T]>,
        F: Fn(u64) -> Result<I> + Send + Sync + 'static,
    {
        Self::from_fn(inputs, targets, move |epoch| Ok(reader::Pairs::new(open(epoch)?)))
    }

    pub(super) fn new<R, F>(
        features: Vec<String>,
        target: TargetColumns,
        origin: String,
        open: F,
    ) -> Result<Self>
    where
        R: RowReader<T> + 'static,
        F: Fn(u64) -> Result<R> + Send + Sync + 'static,
    {
        if features.is_empty() {
            return Err(Error::Empty { what: "the stream", missing: "feature columns" });
        }
        let open = Box::new(move |epoch| Ok(Box::new(open(epoch)?) as Box<dyn RowReader<T>>));
        Ok(Self { features, target, origin, open, buffer: BUFFER, rows: OnceLock::new() })
    }

    /// How many rows are shuffled together: 65536 unless told otherwise. Two buffers of so many rows are kept, each at
    /// least as large as a batch.
    ///
    /// # Errors
    /// If it is 0 or above 4294967295.
    pub fn buffer(self, rows: usize) -> Result<Self> {
        if rows == 0 || u32::try_from(rows).is_err() {
            let range = "from 1 to 4294967295";
            return Err(InvalidSetting { setting: "buffer of a stream", value: rows as f64, range }.into());
        }
        Ok(Self { buffer: rows, ..self })
    }

    /// The stream with a promise of how many rows an epoch has, for those who show progress.
    #[must_use]
    pub fn with_rows(self, rows: usize) -> Self {
        Self { rows: OnceLock::from(rows), ..self }
    }

    /// The stream with other names for its feature columns.
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

    /// The stream with its one target column as the index of one of these classes.
    ///
    /// # Errors
    /// If there is not one target column.
    pub fn with_classes(mut self, classes: &[&str]) -> Result<Self> {
        if self.target.len() != 1 {
            return Err(Error::NameCount { names: 1, columns: self.target.len() });
        }
        let classes = classes.iter().map(|&class| class.to_owned()).collect();
        self.target = TargetColumns::Class { column: "class".to_owned(), classes };
        Ok(self)
    }

    /// Reads up to `most` rows, those of the first epoch, into memory: to validate on, or to look at.
    ///
    /// # Errors
    /// If rows cannot be read.
    pub fn to_dataset(&self, most: usize) -> Result<Dataset<T>> {
        let (mut inputs, mut targets, mut len) = (Vec::new(), Vec::new(), 0);
        let mut visit = |batch: &crate::model::Batch<'_, T>| {
            for i in 0..batch.len().min(most - len) {
                inputs.extend_from_slice(batch.input_row(i));
                targets.extend_from_slice(batch.target_row(i));
                len += 1;
            }
            Ok(if len < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        };
        if most > 0 {
            self.epoch(Order::sequential(1), self.buffer, 0, &mut visit)?;
        }
        let matrix = |width, values| -> Result<Array2<T>> { super::dataset::matrix(len, width, values) };
        let (inputs, targets) = (matrix(self.features.len(), inputs)?, matrix(self.target.len(), targets)?);
        Dataset::from_parts(inputs, targets, self.features.clone(), self.target.clone())
    }
}

impl<T: Real> Source<T> for Stream<T> {
    fn features(&self) -> &[String] {
        &self.features
    }

    fn target(&self) -> &TargetColumns {
        &self.target
    }

    /// What was promised, or what the first whole epoch had.
    fn rows(&self) -> Option<usize> {
        self.rows.get().copied()
    }

    /// Buffers are allocated once per epoch, and nothing for a batch.
    fn epoch(&self, order: Order, batch_rows: usize, skip: usize, visit: &mut Visit<'_, T>) -> Result<()> {
        at_least_one_row(batch_rows)?;
        let reader = window::Checked::new((self.open)(order.epoch)?, self);
        let sizes = window::Sizes {
            inputs: self.features.len(),
            targets: self.target.len(),
            buffer: self.buffer,
            batch: batch_rows,
        };
        if let Some(rows) = window::visit(reader, order, &sizes, skip, visit)? {
            // Another epoch may have been faster.
            let _ = self.rows.set(rows);
        }
        Ok(())
    }
}

impl<T> std::fmt::Debug for Stream<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { features, target, origin, buffer, rows, .. } = self;
        f.debug_struct("Stream")
            .field("origin", origin)
            .field("features", features)
            .field("target", target)
            .field("buffer", buffer)
            .field("rows", &rows.get())
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "data"))]
mod file_tests;
#[cfg(test)]
mod tests;
