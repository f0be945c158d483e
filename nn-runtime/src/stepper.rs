//! Loss and gradient of a batch, and training steps, in buffers that are allocated once, on as many threads as pay.
//!
//! A batch is cut into partitions by shapes alone. Each has its own sums, which are added in the order of the
//! partitions: one thread and sixty-four compute the same bits. The batch of a wide model is one partition, whose
//! kernels share their work among the threads.
//!
//! What follows the sums is one pass over *panels* of parameters: the panel's sums are added up, divided by the number
//! of examples, given to the optimiser and cleared for the next step while they are in cache.

use core::ops::Range;

use crate::batch::Batch;
use crate::kernels::{AlignedVec, Real, sums::mean};
#[cfg(feature = "rayon")]
use crate::kernels::{Level, level, with_level};
use crate::model::Train;
use crate::optim::Optimizer;

/// The most partitions of a batch: a bound on the memory for sums, and on the threads that a step can use.
const MOST_PARTITIONS: usize = 16;
/// Floating-point operations, 20 to 40 µs on one core, below which a second thread does not pay: it may have to be woken
/// up first.
const WORTH_THREAD: u64 = 2_500_000;
/// Floating-point operations of a partition: 12 to 20 µs of one core.
const WORTH_PARTITION: u64 = 1_200_000;
/// Parameters of a panel: with gradient and state, they stay in the first-level cache while they are worked on.
const PANEL: usize = 4096;
/// Parameters, some 40 µs of work, that are worth a task of their own.
#[cfg(feature = "rayon")]
const WORTH_TASK: usize = 16 * PANEL;

/// The buffers for gradients of one model over batches of up to some length.
pub struct Gradients<M: Train> {
    sums: Sums<M>,
    gradient: AlignedVec<M::Scalar>,
}

impl<M: Train> Gradients<M> {
    /// Allocates for batches of up to `largest_batch` examples.
    pub fn new(largest_batch: usize) -> Self {
        Self { sums: Sums::new(largest_batch), gradient: AlignedVec::zeroed(M::PARAM_COUNT) }
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
        self.sums.run(model, batch, M::accumulate);
        let loss = self.sums.finish(model, batch.len(), &mut self.gradient);
        (loss, &self.gradient)
    }

    /// The mean loss of the batch. Allocates nothing.
    ///
    /// # Panics
    /// As [`loss_and_gradient`](Self::loss_and_gradient).
    pub fn loss(&mut self, model: &M, batch: &Batch<'_, M::Scalar>) -> M::Scalar {
        self.sums.run(model, batch, M::accumulate_loss);
        self.sums.finish(model, batch.len(), &mut self.gradient)
    }
}

/// What is summed over a batch, by partitions.
struct Sums<M: Train> {
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
    fn new(largest_batch: usize) -> Self {
        let partitions = most_partitions::<M>(largest_batch);
        let workspaces = if threads_pay(largest_batch, M::FLOPS_TRAIN) { partitions } else { 1 };
        Self {
            largest_batch,
            shared: AlignedVec::zeroed(M::SHARED_LEN),
            partitions: (0..partitions).map(|_| Sum::new(M::SUMS_LEN)).collect(),
            used: 0,
            workspaces: (0..workspaces).map(|_| AlignedVec::zeroed(M::WORKSPACE)).collect(),
        }
    }

    /// Sums up the batch, partition by partition.
    fn run(&mut self, model: &M, batch: &Batch<'_, M::Scalar>, accumulate: Accumulate<M>) {
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
    fn finish(&mut self, model: &M, examples: usize, gradient: &mut [M::Scalar]) -> M::Scalar {
        let (total, parts) = self.total();
        for part in parts {
            mean(total, &[part.scalars()], 1);
        }
        model.finish(&mut self.shared, self.partitions[0].scalars(), examples, gradient)
    }

    /// Returns the mean loss, hands parameters, state and gradient to `update` panel by panel, and clears the sums.
    ///
    /// For models whose sums are the loss and the gradient.
    fn consume(
        &mut self,
        params: &mut [M::Scalar],
        state: &mut [M::Scalar],
        examples: usize,
        update: &(impl Fn(&mut [M::Scalar], &[M::Scalar], &mut [M::Scalar]) + Sync),
    ) -> M::Scalar {
        let mut loss = M::Scalar::ZERO;
        for sum in &mut self.partitions[..self.used] {
            loss += core::mem::take(&mut sum.scalars()[0]);
            sum.is_zero = true;
        }
        match &mut self.partitions[..self.used] {
            [sum] => {
                let sums = Columns { params, state, sums: [&mut sum.scalars()[1..]] };
                sums.for_each_panel(&|panel| panel.take_step(examples, update));
            }
            partitions => {
                let mut sums: [&mut [M::Scalar]; MOST_PARTITIONS] = Default::default();
                for (to, sum) in sums.iter_mut().zip(partitions) {
                    *to = &mut sum.scalars()[1..];
                }
                let sums = Columns { params, state, sums };
                sums.for_each_panel(&|panel| panel.take_step(examples, update));
            }
        }
        loss / M::Scalar::from_f64(examples as f64)
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

/// A model's gradients and the state of its optimiser: one call per training step.
pub struct Stepper<'o, M: Train, O> {
    sums: Sums<M>,
    /// Of models whose sums are not the gradient.
    gradient: AlignedVec<M::Scalar>,
    optimizer: &'o O,
    /// Of each panel for itself.
    state: AlignedVec<M::Scalar>,
    steps: u64,
}

impl<'o, M: Train, O: Optimizer<M::Scalar>> Stepper<'o, M, O> {
    /// Allocates for batches of up to `largest_batch` examples. The state of the optimiser is that before its first
    /// step.
    pub fn new(optimizer: &'o O, largest_batch: usize) -> Self {
        let gradient = if M::HAS_PLAIN_SUMS { 0 } else { M::PARAM_COUNT };
        Self {
            sums: Sums::new(largest_batch),
            gradient: AlignedVec::zeroed(gradient),
            optimizer,
            state: AlignedVec::zeroed(optimizer.state_per_parameter() * M::PARAM_COUNT),
            steps: 0,
        }
    }

    /// One update of the model's parameters. Returns the mean loss of the batch before it. Allocates nothing, but for
    /// a block of the pool's queue every 63 steps that are worth threads and called from outside of the pool.
    ///
    /// # Panics
    /// As [`Gradients::loss_and_gradient`].
    pub fn step(&mut self, model: &mut M, batch: &Batch<'_, M::Scalar>) -> M::Scalar {
        // Work handed out from inside of the pool does not have to wake it up each time.
        #[cfg(feature = "rayon")]
        if threads_pay(batch.len(), M::FLOPS_TRAIN) && rayon::current_thread_index().is_none() {
            let level = level();
            return rayon::scope(|_| with_level(level, || self.step_here(model, batch)));
        }
        self.step_here(model, batch)
    }

    fn step_here(&mut self, model: &mut M, batch: &Batch<'_, M::Scalar>) -> M::Scalar {
        let examples = batch.len();
        self.sums.run(model, batch, M::accumulate);
        self.steps += 1;
        let update = self.optimizer.begin(self.steps);
        if M::HAS_PLAIN_SUMS {
            return self.sums.consume(model.params_flat_mut(), &mut self.state, examples, &update);
        }
        let loss = self.sums.finish(model, examples, &mut self.gradient);
        let (params, state) = (model.params_flat_mut(), &mut *self.state);
        let columns = Columns { params, state, sums: [&mut *self.gradient] };
        columns
            .for_each_panel(&|Columns { params, state, sums: [gradient] }| update(params, gradient, state));
        loss
    }
}

/// Some of the parameters, their state, and their sums in `R` partitions, of which the last ones may be missing.
struct Columns<'a, T, const R: usize> {
    params: &'a mut [T],
    state: &'a mut [T],
    sums: [&'a mut [T]; R],
}

impl<'a, T: Real, const R: usize> Columns<'a, T, R> {
    /// Hands the parameters to `f` panel by panel, on several threads if that pays.
    fn for_each_panel(self, f: &(impl Fn(Columns<'_, T, R>) + Sync)) {
        #[cfg(feature = "rayon")]
        if self.params.len() >= 2 * WORTH_TASK
            && rayon::current_thread_index().is_some()
            && rayon::current_num_threads() > 1
        {
            return self.share(level(), f);
        }
        self.for_each_here(f);
    }

    #[cfg(feature = "rayon")]
    fn share(self, level: Level, f: &(impl Fn(Columns<'_, T, R>) + Sync)) {
        let count = self.params.len();
        if count < 2 * WORTH_TASK {
            return with_level(level, || self.for_each_here(f));
        }
        let (first, second) = self.split_at((count / 2).next_multiple_of(PANEL));
        rayon::join(|| first.share(level, f), || second.share(level, f));
    }

    fn for_each_here(self, f: &impl Fn(Columns<'_, T, R>)) {
        let mut rest = self;
        while rest.params.len() > PANEL {
            let (panel, others) = rest.split_at(PANEL);
            f(panel);
            rest = others;
        }
        f(rest);
    }

    fn split_at(self, at: usize) -> (Self, Self) {
        let per_parameter = self.state.len().checked_div(self.params.len()).unwrap_or(0);
        let (params, other_params) = self.params.split_at_mut(at);
        let (state, other_state) = self.state.split_at_mut(at * per_parameter);
        let mut other_sums: [&'a mut [T]; R] = core::array::from_fn(|_| Default::default());
        let mut sums = self.sums;
        for (sums, others) in sums.iter_mut().zip(&mut other_sums) {
            let at = at.min(sums.len());
            let (first, second) = core::mem::take(sums).split_at_mut(at);
            (*sums, *others) = (first, second);
        }
        (Self { params, state, sums }, Self { params: other_params, state: other_state, sums: other_sums })
    }

    /// Turns the sums into the mean gradient for `update`, and clears them.
    fn take_step(self, examples: usize, update: &impl Fn(&mut [T], &[T], &mut [T])) {
        let Self { params, state, mut sums } = self;
        let [gradient, parts @ ..] = &mut sums[..] else { return };
        let used = parts.iter().take_while(|part| !part.is_empty()).count();
        mean(gradient, &parts[..used], examples);
        update(params, gradient, state);
        gradient.fill(T::ZERO);
        for part in &mut parts[..used] {
            part.fill(T::ZERO);
        }
    }
}

/// Whether work on so many examples, of `flops` floating-point operations each, is worth a second thread.
pub(crate) fn threads_pay(examples: usize, flops: u64) -> bool {
    cfg!(feature = "rayon") && (examples as u64).saturating_mul(flops) >= 2 * WORTH_THREAD
}

/// The most partitions of any batch of up to `examples`: each is worth a thread. Those of a wide model are one,
/// because they would have sums as large as its weights.
fn most_partitions<M: Train>(examples: usize) -> usize {
    let worth = WORTH_PARTITION.div_ceil(M::FLOPS_TRAIN.max(1));
    let count = examples as u64 / worth.max(M::TILE as u64);
    if M::IS_WIDE { 1 } else { count.clamp(1, MOST_PARTITIONS as u64) as usize }
}

/// Cuts `len` rows into at most so many runs of nearly equal length, whole multiples of `grain` but the last.
pub(crate) fn runs(len: usize, grain: usize, most: usize) -> impl ExactSizeIterator<Item = Range<usize>> {
    let size = len.div_ceil(most).next_multiple_of(grain).max(1);
    (0..len.div_ceil(size)).map(move |i| i * size..len.min((i + 1) * size))
}

#[cfg(test)]
mod tests {
    use super::{Columns, MOST_PARTITIONS, PANEL, runs};

    #[test]
    fn partitions_cover_a_batch_in_whole_tiles() {
        for len in (0..600).chain([2047, 2048, 2049, 100_003]) {
            for grain in [1, 16, 64, 256] {
                for most in [1, 2, 7, MOST_PARTITIONS] {
                    let mut end = 0;
                    for part in runs(len, grain, most) {
                        assert_eq!(part.start, end);
                        assert!(!part.is_empty());
                        assert!(part.len().is_multiple_of(grain) || part.end == len);
                        end = part.end;
                    }
                    assert_eq!(end, len);
                    assert!(runs(len, grain, most).len() <= most);
                }
            }
        }
    }

    /// Every parameter is updated once, with the sum over the partitions, wherever panels and threads end.
    #[test]
    fn panels_cover_the_parameters() {
        for count in [1, 15, PANEL - 1, PANEL, 3 * PANEL + 5, 40 * PANEL + 1] {
            for used in [1, 3] {
                let mut params = vec![0.0_f32; count];
                let mut state: Vec<f32> = vec![0.0; 2 * count];
                let mut sums: Vec<Vec<f32>> =
                    (0..used).map(|r| (0..count).map(|i| (8 * (i + r)) as f32).collect()).collect();
                let update = |params: &mut [f32], gradient: &[f32], state: &mut [f32]| {
                    assert!(params.len() <= PANEL && state.len() == 2 * params.len());
                    state.fill(1.0);
                    for (param, gradient) in params.iter_mut().zip(gradient) {
                        *param += gradient;
                    }
                };
                let mut columns: [&mut [f32]; 4] = Default::default();
                for (to, sums) in columns.iter_mut().zip(&mut sums) {
                    *to = sums;
                }
                let work = || {
                    Columns { params: &mut params, state: &mut state, sums: columns }
                        .for_each_panel(&|panel| panel.take_step(8, &update));
                };
                #[cfg(feature = "rayon")]
                rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap().install(work);
                #[cfg(not(feature = "rayon"))]
                work();
                let added = if used == 1 { 0 } else { 3 };
                for (i, &param) in params.iter().enumerate() {
                    assert_eq!(param, (used * i + added) as f32, "parameter {i} of {count}");
                }
                assert!(state.iter().all(|&state| state == 1.0));
                assert!(sums.iter().flatten().all(|&sum| sum == 0.0));
            }
        }
    }
}
