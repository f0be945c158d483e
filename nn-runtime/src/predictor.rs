//! Repeated prediction of batches, in buffers that are allocated once, on as many threads as pay.

use core::ops::Range;

use crate::batch::Batch;
use crate::kernels::AlignedVec;
#[cfg(feature = "rayon")]
use crate::kernels::{Level, level, with_level};
use crate::model::Model;
use crate::stepper::threads_pay;

/// Rows that are computed together on one thread: whole tiles of every lowering, a second-level cache full of rows of
/// usual models, and work for some ten microseconds of the smallest that threads pay for.
const ROWS: usize = 256;

/// Operations of a batch that is computed in one run from which on it is worth waking a pool for its kernels.
#[cfg(feature = "rayon")]
const WORTH_POOL: u64 = 100_000_000;

/// The outputs of batches of up to some length, without an allocation: [`ModelExt::predict`](crate::ModelExt::predict)
/// makes one for each call.
pub struct Predictor<M: Model> {
    largest_batch: usize,
    /// One for each run of rows that may be computed at the same time as others, at least one.
    workspaces: Vec<AlignedVec<M::Scalar>>,
}

impl<M: Model> Predictor<M> {
    /// Allocates for batches of up to `largest_batch` examples.
    pub fn new(largest_batch: usize) -> Self {
        // With two runs for a thread, one that is held up does not hold up the others.
        let runs = if threads_pay(largest_batch, M::FLOPS_FORWARD) { 2 * threads() } else { 1 };
        let workspaces = runs.min(largest_batch.div_ceil(ROWS)).max(1);
        Self {
            largest_batch,
            workspaces: (0..workspaces).map(|_| AlignedVec::zeroed(M::FORWARD_WORKSPACE)).collect(),
        }
    }

    /// Computes the outputs of a batch, row-major `[batch.len(), OUTPUT_LEN]`. A row's bits depend neither on the rows
    /// beside it nor on the number of threads. Allocates nothing.
    ///
    /// # Panics
    /// If the batch is larger than was allocated for or not of the model's width, or `outputs` has another length.
    pub fn predict(&mut self, model: &M, batch: &Batch<'_, M::Scalar>, outputs: &mut [M::Scalar]) {
        assert!(
            batch.len() <= self.largest_batch,
            "{} of up to {} examples",
            batch.len(),
            self.largest_batch
        );
        assert_eq!(batch.input_len(), M::INPUT_LEN, "columns of the batch");
        assert_eq!(outputs.len(), batch.len() * M::OUTPUT_LEN, "scalars of the outputs");
        if outputs.is_empty() {
            return;
        }
        let run = Run { model, batch, rows: 0..batch.len() };
        #[cfg(feature = "rayon")]
        if self.workspaces.len() > 1 && threads_pay(batch.len(), M::FLOPS_FORWARD) {
            return run.fork(outputs, &mut self.workspaces, level());
        }
        #[cfg(feature = "rayon")]
        if batch.len() as u64 * M::FLOPS_FORWARD >= WORTH_POOL && rayon::current_thread_index().is_none() {
            // Large kernels share their work, but only on a thread of a pool.
            let level = level();
            return rayon::scope(|_| with_level(level, || run.compute(outputs, &mut self.workspaces[0])));
        }
        run.compute(outputs, &mut self.workspaces[0]);
    }
}

/// How many threads may compute at the same time.
fn threads() -> usize {
    #[cfg(feature = "rayon")]
    return rayon::current_num_threads();
    #[cfg(not(feature = "rayon"))]
    1
}

/// Adjacent rows of a batch.
struct Run<'a, M: Model> {
    model: &'a M,
    batch: &'a Batch<'a, M::Scalar>,
    rows: Range<usize>,
}

impl<M: Model> Run<'_, M> {
    fn compute(self, outputs: &mut [M::Scalar], workspace: &mut AlignedVec<M::Scalar>) {
        self.model.forward(&self.batch.slice(self.rows), outputs, workspace);
    }

    /// Halves the rows and the workspaces, until there is one of either.
    #[cfg(feature = "rayon")]
    fn fork(self, outputs: &mut [M::Scalar], workspaces: &mut [AlignedVec<M::Scalar>], level: Level) {
        if workspaces.len() < 2 || self.rows.len() <= ROWS {
            return with_level(level, || self.compute(outputs, &mut workspaces[0]));
        }
        let half = (self.rows.len() / 2).next_multiple_of(ROWS).min(self.rows.len() - 1);
        let middle = self.rows.start + half;
        let (upper, lower) = outputs.split_at_mut(half * M::OUTPUT_LEN);
        let count = workspaces.len().div_ceil(2);
        let (first, second) = workspaces.split_at_mut(count);
        let Self { model, batch, rows } = self;
        let (before, after) = (rows.start..middle, middle..rows.end);
        rayon::join(
            || Run { model, batch, rows: before }.fork(upper, first, level),
            || Run { model, batch, rows: after }.fork(lower, second, level),
        );
    }
}
