//! Loss and gradient of a batch, in buffers that are allocated once, on as many threads as pay.
//!
//! A batch is cut into partitions by its length alone. Each has its own sums, which are added in the order of the
//! partitions: one thread and sixty-four compute the same bits.

use core::ops::Range;

use crate::batch::Batch;
use crate::kernels::{AlignedVec, Real};
use crate::model::Train;
use crate::optim::Optimizer;

/// Rows of which partitions are multiples: whole tiles of every lowering.
const GRAIN: usize = 128;
/// The most partitions of a batch: a bound on the memory for sums, and on the threads that a step can use.
const MOST_PARTITIONS: usize = 16;
/// Floating-point operations, about 20 µs on one core, below which a second thread does not pay.
const WORTH_THREAD: u64 = 1_000_000;

/// The buffers for gradients of one model over batches of up to some length.
pub struct Gradients<M: Train> {
    largest_batch: usize,
    shared: AlignedVec<M::Scalar>,
    sums: Vec<AlignedVec<M::Scalar>>,
    /// One for each partition that may run at the same time as others, at least one.
    workspaces: Vec<AlignedVec<M::Scalar>>,
    gradient: AlignedVec<M::Scalar>,
}

impl<M: Train> Gradients<M> {
    /// Allocates for batches of up to `largest_batch` examples.
    pub fn new(largest_batch: usize) -> Self {
        let partitions = most_partitions(largest_batch);
        let workspaces = if threads_pay(largest_batch, M::FLOPS_TRAIN) { partitions } else { 1 };
        Self {
            largest_batch,
            shared: AlignedVec::zeroed(M::SHARED_LEN),
            sums: (0..partitions).map(|_| AlignedVec::zeroed(M::SUMS_LEN)).collect(),
            workspaces: (0..workspaces).map(|_| AlignedVec::zeroed(M::WORKSPACE)).collect(),
            gradient: AlignedVec::zeroed(M::PARAM_COUNT),
        }
    }

    /// The mean loss of the batch and its gradient, `[PARAM_COUNT]`. Allocates nothing.
    ///
    /// # Panics
    /// If the batch is empty or larger than was allocated for, or not of the model's widths.
    pub fn loss_and_gradient(
        &mut self,
        model: &M,
        batch: &Batch<'_, M::Scalar>,
    ) -> (M::Scalar, &[M::Scalar]) {
        let loss = self.run(model, batch, M::accumulate);
        (loss, &self.gradient)
    }

    /// The mean loss of the batch. Allocates nothing.
    ///
    /// # Panics
    /// As [`loss_and_gradient`](Self::loss_and_gradient).
    pub fn loss(&mut self, model: &M, batch: &Batch<'_, M::Scalar>) -> M::Scalar {
        self.run(model, batch, M::accumulate_loss)
    }

    fn run(&mut self, model: &M, batch: &Batch<'_, M::Scalar>, accumulate: Accumulate<M>) -> M::Scalar {
        let examples = batch.len();
        assert!(
            (1..=self.largest_batch).contains(&examples),
            "{examples} of up to {} examples",
            self.largest_batch
        );
        assert_eq!(
            (batch.input_len(), batch.target_len()),
            (M::INPUT_LEN, M::TARGET_LEN),
            "widths of the batch"
        );

        model.prepare(&mut self.shared);
        let shared: &[M::Scalar] = &self.shared;
        let used = partitions(examples).len();
        let partition =
            |i: usize, sums: &mut AlignedVec<M::Scalar>, workspace: &mut AlignedVec<M::Scalar>| {
                sums.fill(M::Scalar::ZERO);
                let range = partitions(examples).nth(i).unwrap_or(0..0);
                accumulate(model, shared, &batch.slice(range), sums, workspace);
            };
        let sums = &mut self.sums[..used];
        match &mut self.workspaces[..] {
            #[cfg(feature = "rayon")]
            workspaces if used > 1 && workspaces.len() >= used && threads_pay(examples, M::FLOPS_TRAIN) => {
                use rayon::prelude::*;

                let pairs = sums.par_iter_mut().zip(workspaces).with_max_len(1);
                pairs.enumerate().for_each(|(i, (sums, workspace))| partition(i, sums, workspace));
            }
            workspaces => {
                for (i, sums) in sums.iter_mut().enumerate() {
                    partition(i, sums, &mut workspaces[0]);
                }
            }
        }
        if let [total, rest @ ..] = sums {
            for part in rest {
                for (sum, &addend) in total.iter_mut().zip(part.iter()) {
                    *sum += addend;
                }
            }
        }
        model.finish(&mut self.shared, &mut self.sums[0], examples, &mut self.gradient)
    }
}

/// [`Train::accumulate`] or [`Train::accumulate_loss`].
type Accumulate<M> = fn(
    &M,
    &[<M as crate::Model>::Scalar],
    &Batch<'_, <M as crate::Model>::Scalar>,
    &mut [<M as crate::Model>::Scalar],
    &mut [<M as crate::Model>::Scalar],
);

/// A model's gradients and the state of its optimiser: one call per training step.
pub struct Stepper<'o, M: Train, O> {
    gradients: Gradients<M>,
    optimizer: &'o O,
    state: AlignedVec<M::Scalar>,
    steps: u64,
}

impl<'o, M: Train, O: Optimizer<M::Scalar>> Stepper<'o, M, O> {
    /// Allocates for batches of up to `largest_batch` examples. The state of the optimiser is that before its first
    /// step.
    pub fn new(optimizer: &'o O, largest_batch: usize) -> Self {
        let state = AlignedVec::zeroed(optimizer.state_per_parameter() * M::PARAM_COUNT);
        Self { gradients: Gradients::new(largest_batch), optimizer, state, steps: 0 }
    }

    /// One update of the model's parameters. Returns the mean loss of the batch before it. Allocates nothing.
    ///
    /// # Panics
    /// As [`Gradients::loss_and_gradient`].
    pub fn step(&mut self, model: &mut M, batch: &Batch<'_, M::Scalar>) -> M::Scalar {
        let (loss, gradient) = self.gradients.loss_and_gradient(model, batch);
        self.steps += 1;
        self.optimizer.update(self.steps, model.params_flat_mut(), gradient, &mut self.state);
        loss
    }
}

/// Whether work on so many examples, of `flops` floating-point operations each, is worth a second thread.
pub(crate) fn threads_pay(examples: usize, flops: u64) -> bool {
    cfg!(feature = "rayon") && (examples as u64).saturating_mul(flops) >= 2 * WORTH_THREAD
}

/// Cuts `len` rows into at most [`MOST_PARTITIONS`] runs of nearly equal length, whole multiples of [`GRAIN`] but
/// the last.
pub(crate) fn partitions(len: usize) -> impl ExactSizeIterator<Item = Range<usize>> {
    let size = len.div_ceil(MOST_PARTITIONS).next_multiple_of(GRAIN).max(GRAIN);
    (0..len.div_ceil(size)).map(move |i| i * size..len.min((i + 1) * size))
}

/// The most partitions of any batch of up to `len` rows. A batch just past a multiple of the grain has fewer than a
/// somewhat shorter one.
fn most_partitions(len: usize) -> usize {
    len.div_ceil(GRAIN).clamp(1, MOST_PARTITIONS)
}

#[cfg(test)]
mod tests {
    use super::{GRAIN, MOST_PARTITIONS, most_partitions, partitions};

    #[test]
    fn partitions_cover_a_batch_in_whole_tiles() {
        for len in (0..600).chain([2047, 2048, 2049, 100_003]) {
            let mut end = 0;
            for part in partitions(len) {
                assert_eq!(part.start, end);
                assert!(!part.is_empty());
                assert!(part.len().is_multiple_of(GRAIN) || part.end == len);
                end = part.end;
            }
            assert_eq!(end, len);
            assert!(partitions(len).len() <= MOST_PARTITIONS);
        }
    }

    #[test]
    fn shorter_batches_fit_into_the_buffers_of_longer_ones() {
        assert!(partitions(2049).len() < partitions(2048).len());
        let mut most = 1;
        for len in 0..5000 {
            most = most.max(partitions(len).len());
            assert!(most <= most_partitions(len), "{len} rows");
        }
        assert_eq!(most, MOST_PARTITIONS);
    }
}
