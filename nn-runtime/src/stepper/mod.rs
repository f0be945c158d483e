//! Loss and gradient of a batch, and training steps, in buffers that are allocated once, on as many threads as pay.
//!
//! A batch is cut into partitions by shapes alone. Each has its own sums, which are added in the order of the
//! partitions: one thread and sixty-four compute the same bits. The batch of a wide model is one partition, whose
//! kernels share their work among the threads.
//!
//! What follows the sums is one pass over *panels* of parameters: the panel's sums are added up, divided by the number
//! of examples, given to the optimiser and cleared for the next step while they are in cache.

mod clip;
mod panels;
mod states;
mod sums;

use core::ops::Range;

pub use clip::Clip;
pub(crate) use panels::Run;

use self::panels::{Columns, Update};
use self::sums::Sums;
use crate::batch::Batch;
use crate::kernels::{AlignedVec, Real};
#[cfg(feature = "rayon")]
use crate::kernels::{level, with_level};
use crate::model::Train;
use crate::optim::{Optimizer, Step};

/// Floating-point operations, 20 to 40 µs on one core, below which a second thread does not pay: it may have to be woken
/// up first.
const WORTH_THREAD: u64 = 2_500_000;

/// The buffers for gradients of one model over batches of up to some length.
pub struct Gradients<M: Train> {
    sums: Sums<M>,
    gradient: AlignedVec<M::Scalar>,
}

impl<M: Train> Gradients<M> {
    /// Allocates for batches of up to `largest_batch` examples.
    pub fn new(largest_batch: usize) -> Self {
        Self { sums: Sums::new(largest_batch), gradient: AlignedVec::zeroed(M::STORED_COUNT) }
    }

    /// The mean loss of the batch, as a training step sees it, and its gradient, `[PARAM_COUNT]`. Allocates nothing.
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
        (loss, &self.gradient[..M::PARAM_COUNT])
    }

    /// The mean loss of the batch outside of training. Allocates nothing.
    ///
    /// # Panics
    /// As [`loss_and_gradient`](Self::loss_and_gradient).
    pub fn loss(&mut self, model: &M, batch: &Batch<'_, M::Scalar>) -> M::Scalar {
        self.sums.run(model, batch, M::accumulate_loss);
        self.sums.finish(model, batch.len(), &mut self.gradient)
    }
}

/// A model's gradients and the state of its optimiser: one call per training step.
pub struct Stepper<'o, M: Train, O> {
    sums: Sums<M>,
    /// Of models whose sums are not the gradient, and where it is clipped.
    gradient: AlignedVec<M::Scalar>,
    optimizer: &'o O,
    /// Of each panel for itself.
    state: AlignedVec<M::Scalar>,
    /// All parameters, in order, cut where they are updated differently.
    runs: Vec<Run>,
    clip: Option<Clip>,
    factor: f64,
    updates: u64,
    refused: Option<Refused>,
}

/// Why a step left the parameters as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The loss is not finite.
    Loss,
    /// The norm of the gradient, which was to be clipped, is not finite.
    Norm,
}

impl<'o, M: Train, O: Optimizer<M::Scalar>> Stepper<'o, M, O> {
    /// Allocates for batches of up to `largest_batch` examples. The state of the optimiser is that before its first
    /// step.
    pub fn new(optimizer: &'o O, largest_batch: usize) -> Self {
        let gradient = if M::HAS_PLAIN_SUMS { 0 } else { M::STORED_COUNT };
        Self {
            sums: Sums::new(largest_batch),
            gradient: AlignedVec::zeroed(gradient),
            optimizer,
            state: AlignedVec::zeroed(optimizer.state_per_parameter() * M::PARAM_COUNT),
            runs: vec![Run::all(M::PARAM_COUNT)],
            clip: None,
            factor: 1.0,
            updates: 0,
            refused: None,
        }
    }

    /// Clips the gradient in every step. Allocates memory for it.
    #[must_use]
    pub fn with_clip(self, clip: Clip) -> Self {
        Self { clip: Some(clip), gradient: AlignedVec::zeroed(M::STORED_COUNT), ..self }
    }

    /// Updates parameters differently, before the first step: `runs` has all of them, in order.
    pub(crate) fn with_runs(self, runs: Vec<Run>) -> Self {
        debug_assert_eq!(runs.iter().map(|run| run.len).sum::<usize>(), M::PARAM_COUNT);
        Self { runs, ..self }
    }

    /// From the next step on, the learning rate is that of the optimiser times `factor`: finite and at least 0.
    pub fn set_factor(&mut self, factor: f64) {
        self.factor = factor;
    }

    /// Updates so far.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// One update of the model's parameters. Returns the mean loss of the batch before it. Allocates nothing, but for
    /// a block of the pool's queue every 63 steps that are worth threads and called from outside of the pool.
    ///
    /// If the loss is not finite, nor the norm of a gradient that is to be clipped, the parameters stay as they are.
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
        self.refused = None;
        self.sums.run(model, batch, M::accumulate);
        let plain = M::HAS_PLAIN_SUMS && self.clip.is_none();
        let loss = if plain {
            self.sums.plain_loss(examples)
        } else {
            self.sums.finish(model, examples, &mut self.gradient)
        };
        if !loss.is_finite() {
            self.refused = Some(Refused::Loss);
            return loss;
        }
        if let Some(clip) = self.clip
            && !clip.apply(&mut self.gradient[..M::PARAM_COUNT])
        {
            self.refused = Some(Refused::Norm);
            return loss;
        }
        states::move_towards(model, &self.gradient, examples);
        self.updates += 1;
        let step = Step::new(self.updates).with_factor(self.factor);
        let update = Update { optimizer: self.optimizer, step, runs: &self.runs };
        let (params, state) = (model.params_flat_mut(), &mut *self.state);
        if plain {
            self.sums.consume(params, state, examples, &update);
        } else {
            update.apply(Columns { params, state, sums: [&mut self.gradient[..M::PARAM_COUNT]] }, None);
        }
        loss
    }

    /// What the optimiser remembers: the first number of all parameters, in their order, then the second, ….
    pub(crate) fn state(&self) -> Vec<Vec<M::Scalar>> {
        let slots = self.optimizer.state_per_parameter();
        let of_panel = |panel: Range<usize>, slot: usize| {
            &self.state[panel.start * slots + slot * panel.len()..][..panel.len()]
        };
        (0..slots)
            .map(|slot| panels::panels(&self.runs).flat_map(|panel| of_panel(panel, slot)).copied().collect())
            .collect()
    }

    /// Goes on after so many updates, with what [`state`](Self::state) gave.
    pub(crate) fn restore(&mut self, updates: u64, state: &[Vec<M::Scalar>]) {
        self.updates = updates;
        for panel in panels::panels(&self.runs) {
            for (slot, values) in state.iter().enumerate() {
                let at = panel.start * state.len() + slot * panel.len();
                self.state[at..at + panel.len()].copy_from_slice(&values[panel.clone()]);
            }
        }
    }

    /// Why the last step left the parameters as they are, if it did.
    pub(crate) fn refused(&self) -> Option<Refused> {
        self.refused
    }

    /// The position of the first parameter whose gradient is not finite, after a step that was refused.
    pub(crate) fn gradient_not_finite(&mut self) -> Option<usize> {
        if M::HAS_PLAIN_SUMS && self.clip.is_none() {
            self.sums.first_not_finite()
        } else {
            self.gradient[..M::PARAM_COUNT].iter().position(|value| !value.is_finite())
        }
    }
}

/// Whether work on so many examples, of `flops` floating-point operations each, is worth a second thread.
pub(crate) fn threads_pay(examples: usize, flops: u64) -> bool {
    cfg!(feature = "rayon") && (examples as u64).saturating_mul(flops) >= 2 * WORTH_THREAD
}

/// Cuts `len` rows into at most so many runs of nearly equal length, whole multiples of `grain` but the last.
pub(crate) fn runs(len: usize, grain: usize, most: usize) -> impl ExactSizeIterator<Item = Range<usize>> {
    let size = len.div_ceil(most).next_multiple_of(grain).max(1);
    (0..len.div_ceil(size)).map(move |i| i * size..len.min((i + 1) * size))
}

#[cfg(test)]
mod tests {
    use super::runs;
    use super::sums::MOST_PARTITIONS;

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
}
