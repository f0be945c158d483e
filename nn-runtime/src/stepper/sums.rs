//! What is summed over a batch, and how a batch is cut for that.

use core::ops::Range;

use super::panels::{Columns, Update};
use super::{runs, threads_pay};
use crate::batch::Batch;
use crate::kernels::{AlignedVec, Real, sums::mean};
#[cfg(feature = "rayon")]
use crate::kernels::{level, with_level};
use crate::model::Train;
use crate::optim::Optimizer;

/// The most partitions of a batch: a bound on the memory for sums, and on the threads that a step can use.
pub(super) const MOST_PARTITIONS: usize = 16;
/// Floating-point operations of a partition: 12 to 20 µs of one core.
const WORTH_PARTITION: u64 = 1_200_000;

/// What is summed over a batch, by partitions.
pub(super) struct Sums<M: Train> {
    largest_batch: usize,
    shared: AlignedVec<M::Scalar>,
    partitions: Vec<Sum<M::Scalar>>,
    /// How many partitions the last batch had.
    used: usize,
    /// One for each partition that may run at the same time as others, at least one.
    workspaces: Vec<AlignedVec<M::Scalar>>,
}

/// The sums over one partition. A lead puts the gradient, which usually follows the loss, at the start of a line.
struct Sum<T: Real> {
    buffer: AlignedVec<T>,
    is_zero: bool,
}

impl<T: Real> Sum<T> {
    const LEAD: usize = T::LANES - 1;

    fn new(len: usize) -> Self {
        Self { buffer: AlignedVec::zeroed(Self::LEAD + len), is_zero: true }
    }

    fn scalars(&mut self) -> &mut [T] {
        &mut self.buffer[Self::LEAD..]
    }
}

impl<M: Train> Sums<M> {
    pub(super) fn new(largest_batch: usize) -> Self {
        let partitions = most_partitions::<M>(largest_batch);
        let workspaces = if threads_pay(largest_batch, M::FLOPS_TRAIN) { partitions } else { 1 };
        Self {
            largest_batch,
            shared: AlignedVec::zeroed(M::SHARED_LEN),
            partitions: (0..partitions).map(|_| Sum::new(M::SUMS_LEN)).collect(),
            used: 0,
            workspaces: (0..workspaces).map(|_| AlignedVec::zeroed(M::workspace(largest_batch))).collect(),
        }
    }

    /// Sums up the batch, partition by partition.
    pub(super) fn run(&mut self, model: &M, batch: &Batch<'_, M::Scalar>, accumulate: Accumulate<M>) {
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
        let accumulate =
            |range: Range<usize>, sum: &mut Sum<M::Scalar>, workspace: &mut AlignedVec<M::Scalar>| {
                if !core::mem::take(&mut sum.is_zero) {
                    sum.buffer.fill(M::Scalar::ZERO);
                }
                accumulate(model, shared, &batch.slice(range), sum.scalars(), workspace);
            };
        let most = most_partitions::<M>(examples);
        if most == 1 {
            self.used = 1;
            return accumulate(0..examples, &mut self.partitions[0], &mut self.workspaces[0]);
        }
        let ranges = runs(examples, M::TILE, most);
        self.used = ranges.len();
        let sums = &mut self.partitions[..self.used];
        match &mut self.workspaces[..] {
            #[cfg(feature = "rayon")]
            workspaces if workspaces.len() >= sums.len() && threads_pay(examples, M::FLOPS_TRAIN) => {
                use rayon::prelude::*;

                let level = level();
                let pairs = sums.par_iter_mut().zip(workspaces).with_max_len(1).enumerate();
                pairs.for_each(|(i, (sum, workspace))| {
                    let range = runs(examples, M::TILE, most).nth(i).unwrap_or(0..0);
                    with_level(level, || accumulate(range, sum, workspace));
                });
            }
            workspaces => {
                for (range, sum) in ranges.zip(sums) {
                    accumulate(range, sum, &mut workspaces[0]);
                }
            }
        }
    }

    /// Returns the mean loss, and leaves its gradient in `gradient`.
    pub(super) fn finish(&mut self, model: &M, examples: usize, gradient: &mut [M::Scalar]) -> M::Scalar {
        let (total, parts) = self.total();
        for part in parts {
            mean(total, &[part.scalars()], 1);
        }
        model.finish(&mut self.shared, self.partitions[0].scalars(), examples, gradient)
    }

    /// The mean loss of models whose sums are the loss and the gradient.
    pub(super) fn plain_loss(&mut self, examples: usize) -> M::Scalar {
        let mut loss = M::Scalar::ZERO;
        for sum in &mut self.partitions[..self.used] {
            loss += sum.scalars()[0];
        }
        loss / M::Scalar::from_f64(examples as f64)
    }

    /// The position of the first parameter whose sum is not finite, for models whose sums are the loss and the
    /// gradient.
    pub(super) fn first_not_finite(&mut self) -> Option<usize> {
        let sums = self.partitions[..self.used].iter_mut();
        sums.filter_map(|sum| sum.scalars()[1..].iter().position(|value| !value.is_finite())).min()
    }

    /// Updates the parameters panel by panel, and clears the sums.
    ///
    /// For models whose sums are the loss and the gradient.
    pub(super) fn consume(
        &mut self,
        params: &mut [M::Scalar],
        state: &mut [M::Scalar],
        examples: usize,
        update: &Update<'_, impl Optimizer<M::Scalar>>,
    ) {
        for sum in &mut self.partitions[..self.used] {
            sum.scalars()[0] = M::Scalar::ZERO;
            sum.is_zero = true;
        }
        match &mut self.partitions[..self.used] {
            [sum] => {
                let sums = [&mut sum.scalars()[1..]];
                update.apply(Columns { params, state, sums }, Some(examples));
            }
            partitions => {
                let mut sums: [&mut [M::Scalar]; MOST_PARTITIONS] = Default::default();
                for (to, sum) in sums.iter_mut().zip(partitions) {
                    *to = &mut sum.scalars()[1..];
                }
                update.apply(Columns { params, state, sums }, Some(examples));
            }
        }
    }

    /// The sums of the first partition, and the others.
    fn total(&mut self) -> (&mut [M::Scalar], &mut [Sum<M::Scalar>]) {
        match &mut self.partitions[..self.used] {
            [first, rest @ ..] => (first.scalars(), rest),
            [] => (&mut [], &mut []),
        }
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

/// The most partitions of any batch of up to `examples`: each is worth a thread. Those of a wide model are one,
/// because they would have sums as large as its weights, and so are those of one that sees its batch.
fn most_partitions<M: Train>(examples: usize) -> usize {
    let worth = WORTH_PARTITION.div_ceil(M::FLOPS_TRAIN.max(1));
    let count = examples as u64 / worth.max(M::TILE as u64);
    if M::IS_WIDE || M::SEES_BATCH { 1 } else { count.clamp(1, MOST_PARTITIONS as u64) as usize }
}
