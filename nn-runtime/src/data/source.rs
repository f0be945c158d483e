//! Rows to train on, in batches, wherever they are kept.

use std::ops::ControlFlow;

use super::{Dataset, TargetColumns};
use crate::batch::Batch;
use crate::kernels::Real;
use crate::{InvalidSetting, Result, random};

/// The order in which the rows of one epoch are visited.
///
/// The same order gives the same batches, on any number of threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// The seed of the whole training.
    pub seed: u64,
    /// The epoch, counted from 1. Each epoch has an order of its own.
    pub epoch: u64,
    /// Whether rows are shuffled. If not, they come in their own order, whatever the seed.
    pub shuffled: bool,
}

impl Order {
    /// Rows in the order that the seed gives for this epoch.
    pub fn shuffled(seed: u64, epoch: u64) -> Self {
        Self { seed, epoch, shuffled: true }
    }

    /// Rows in their own order.
    pub fn sequential(epoch: u64) -> Self {
        Self { seed: 0, epoch, shuffled: false }
    }
}

/// Takes a batch, and says whether to go on to the next one.
///
/// The batch borrows from the source: what is to be kept of it has to be copied.
pub type Visit<'v, T> = dyn FnMut(&Batch<'_, T>) -> Result<ControlFlow<()>> + 'v;

/// Rows of inputs and targets that are visited in batches, epoch by epoch. They need not be in memory.
///
/// [`Dataset`] is one whose rows are, [`Stream`](crate::Stream) one whose rows are read again in each epoch.
///
/// ```
/// # fn main() -> nn_runtime::Result<()> {
/// use std::ops::ControlFlow;
///
/// use ndarray::Array2;
/// use nn_runtime::prelude::*;
/// use nn_runtime::{Order, Source};
///
/// let data = Dataset::new(Array2::<f32>::zeros((100, 3)), Array2::zeros((100, 1)))?;
/// let mut sizes = Vec::new();
/// data.epoch(Order::shuffled(7, 1), 32, 0, &mut |batch| {
///     sizes.push(batch.len());
///     Ok(ControlFlow::Continue(()))
/// })?;
/// assert_eq!(sizes, [32, 32, 32, 4]);
/// # Ok(()) }
/// ```
pub trait Source<T: Real>: Sync {
    /// The names of the feature columns.
    fn features(&self) -> &[String];

    /// What the target columns say.
    fn target(&self) -> &TargetColumns;

    /// Number of rows of an epoch, if it is known before they were visited.
    fn rows(&self) -> Option<usize>;

    /// All rows, if they are in memory. Their values can then be checked once, and not batch by batch.
    fn dataset(&self) -> Option<&Dataset<T>> {
        None
    }

    /// Visits the rows of one epoch, in this order, in batches of `batch_rows`; the last one has what is left.
    ///
    /// The first `skip` batches are left out, to go on where a training was interrupted. Once `visit` says to stop,
    /// no more batches are made.
    ///
    /// # Errors
    /// If `batch_rows` is 0, rows cannot be read, or `visit` fails.
    fn epoch(&self, order: Order, batch_rows: usize, skip: usize, visit: &mut Visit<'_, T>) -> Result<()>;
}

impl<T: Real> Source<T> for Dataset<T> {
    fn features(&self) -> &[String] {
        self.features()
    }

    fn target(&self) -> &TargetColumns {
        self.target()
    }

    fn rows(&self) -> Option<usize> {
        Some(self.len())
    }

    fn dataset(&self) -> Option<&Dataset<T>> {
        Some(self)
    }

    /// Batches borrow the rows where they are. Shuffling allocates one number per row, and a batch nothing.
    fn epoch(&self, order: Order, batch_rows: usize, skip: usize, visit: &mut Visit<'_, T>) -> Result<()> {
        at_least_one_row(batch_rows)?;
        let mut numbers = Vec::new();
        let mut rows = self.batch();
        if order.shuffled {
            numbers.resize(self.len(), 0);
            random::permute(&mut numbers, random::stream(order.seed, order.epoch));
            rows = rows.with_order(&numbers);
        }
        for range in rows.tiles(batch_rows).skip(skip) {
            if visit(&rows.slice(range))?.is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// Checks that batches of so many rows get through all of them.
pub(super) fn at_least_one_row(batch_rows: usize) -> Result<()> {
    match batch_rows {
        0 => Err(InvalidSetting { setting: "batch size", value: 0.0, range: "at least 1" }.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use ndarray::Array2;

    use super::{Order, Source};
    use crate::data::Dataset;
    use crate::{Error, random};

    fn counting(n: usize) -> Dataset<f64> {
        let inputs = Array2::from_shape_fn((n, 2), |(row, column)| (10 * row + column) as f64);
        Dataset::new(inputs, Array2::from_shape_fn((n, 1), |(row, _)| row as f64)).unwrap()
    }

    /// The targets, which number the rows, batch by batch.
    fn batches(source: &dyn Source<f64>, order: Order, batch_rows: usize, skip: usize) -> Vec<Vec<usize>> {
        let mut batches = Vec::new();
        let mut visit = |batch: &crate::model::Batch<'_, f64>| {
            let row = |i: usize| {
                assert_eq!(batch.input_row(i)[0], 10.0 * batch.target_row(i)[0], "rows stay together");
                batch.target_row(i)[0] as usize
            };
            batches.push((0..batch.len()).map(row).collect());
            Ok(ControlFlow::Continue(()))
        };
        source.epoch(order, batch_rows, skip, &mut visit).unwrap();
        batches
    }

    #[test]
    fn rows_in_their_own_order() {
        let data = counting(7);
        assert_eq!(batches(&data, Order::sequential(1), 3, 0), [vec![0, 1, 2], vec![3, 4, 5], vec![6]]);
        assert_eq!(batches(&data, Order::sequential(1), 3, 2), [vec![6]]);
        assert!(batches(&data, Order::sequential(1), 3, 9).is_empty());
        assert_eq!(batches(&data, Order::sequential(1), 100, 0).len(), 1);
        assert!(batches(&counting(0), Order::shuffled(1, 1), 3, 0).is_empty());
    }

    #[test]
    fn shuffled_rows_are_those_of_the_stream_of_their_epoch() {
        let data = counting(50);
        for epoch in [1, 2] {
            let mut order = vec![0; 50];
            random::permute(&mut order, random::stream(7, epoch));
            let order: Vec<usize> = order.into_iter().map(|row| row as usize).collect();
            let visited = batches(&data, Order::shuffled(7, epoch), 16, 0);
            assert_eq!(visited.concat(), order);
            assert_eq!(batches(&data, Order::shuffled(7, epoch), 16, 1), visited[1..]);
        }
        let epoch = |epoch| batches(&data, Order::shuffled(7, epoch), 16, 0);
        assert_ne!(epoch(1), epoch(2));
    }

    #[test]
    fn a_visit_can_end_an_epoch_or_fail() {
        let mut visits = 0;
        let mut visit = |_: &crate::model::Batch<'_, f64>| {
            visits += 1;
            Ok(if visits == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        };
        counting(10).epoch(Order::sequential(1), 2, 0, &mut visit).unwrap();
        assert_eq!(visits, 2);
        let error = Error::NonFiniteLoss { epoch: 1, batch: 1, loss: f64::NAN, parameter: None };
        let mut error = Some(error);
        let mut visit = |_: &crate::model::Batch<'_, f64>| match error.take() {
            Some(error) => Err(error),
            None => Ok(ControlFlow::Continue(())),
        };
        assert!(counting(10).epoch(Order::sequential(1), 2, 0, &mut visit).is_err());
    }

    #[test]
    fn batches_have_rows() {
        let error = counting(3).epoch(Order::sequential(1), 0, 0, &mut |_| Ok(ControlFlow::Continue(())));
        assert_eq!(error.unwrap_err().to_string(), "the batch size is 0, but must be at least 1");
    }

    /// The type of a dataset's scalars follows from what takes it, as it does with a model.
    #[cfg(feature = "data")]
    #[test]
    fn scalars_are_inferred_through_the_trait() {
        fn rows(source: &impl Source<f32>) -> Option<usize> {
            source.rows()
        }
        let table = crate::Table::from_reader("a,b\n1,2\n3,4\n".as_bytes()).unwrap();
        let data = table.dataset(&["a"], crate::Target::column("b")).unwrap();
        assert_eq!(rows(&data), Some(2));
    }
}
