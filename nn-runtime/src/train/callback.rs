//! What is told how a training goes, and can stop it.

use std::fmt;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::Memory;
use crate::history::History;
use crate::model::Model;
use crate::{Error, Result};

/// What is told how a training of models of type `M` goes, and can look at the model, change it, or stop.
///
/// Every method has a default that does nothing. [`Trainer::callback`](super::Trainer::callback) takes a callback by
/// value, or as `&mut` to be looked at afterwards.
///
/// ```
/// use nn_runtime::model::{Model, Train};
/// use nn_runtime::prelude::*;
/// use nn_runtime::{Callback, Flow, Stop, Training};
///
/// /// Remembers the loss of every batch, and stops once one is small enough.
/// #[derive(Default)]
/// struct GoodEnough {
///     losses: Vec<f64>,
/// }
///
/// impl<M: Model> Callback<M> for GoodEnough {
///     fn on_batch(&mut self, training: &mut Training<'_, M>) -> nn_runtime::Result<Flow> {
///         self.losses.push(training.loss());
///         if training.loss() < 0.01 {
///             return Ok(Flow::Break(Stop::early("the loss is small enough")));
///         }
///         Ok(Flow::Continue(()))
///     }
/// }
///
/// # fn run<M: Train<Scalar = f32>>(mut model: M, train: Dataset) -> nn_runtime::Result<()> {
/// let mut losses = GoodEnough::default();
/// Trainer::new(Sgd::new(0.1)).callback(&mut losses).fit(&mut model, &train, None)?;
/// println!("{} updates", losses.losses.len());
/// # Ok(()) }
/// ```
///
/// A training that fails ends with its error: [`on_end`](Self::on_end) is not called.
pub trait Callback<M: Model>: Send {
    /// Before the first batch, also of a training that goes on from a checkpoint: [`restore`](Self::restore) is called
    /// next.
    ///
    /// # Errors
    /// Those of the callback, which end the training.
    fn on_start(&mut self, training: &mut Training<'_, M>) -> Result<Flow> {
        let _ = training;
        Ok(Flow::Continue(()))
    }

    /// After each update: [`Training::loss`] is that of the batch before the update.
    ///
    /// # Errors
    /// Those of the callback, which end the training.
    fn on_batch(&mut self, training: &mut Training<'_, M>) -> Result<Flow> {
        let _ = training;
        Ok(Flow::Continue(()))
    }

    /// After each epoch and its evaluation, which is the last one of [`Training::history`].
    ///
    /// # Errors
    /// Those of the callback, which end the training.
    fn on_epoch(&mut self, training: &mut Training<'_, M>) -> Result<Flow> {
        let _ = training;
        Ok(Flow::Continue(()))
    }

    /// After the last epoch, or the one in which a callback stopped. [`History::stopped`] says which.
    ///
    /// # Errors
    /// Those of the callback, which are returned in the place of the history.
    fn on_end(&mut self, training: &mut Training<'_, M>) -> Result<()> {
        let _ = training;
        Ok(())
    }

    /// Puts into a checkpoint what the callback needs to go on as if nothing had happened.
    fn save(&self, memory: &mut Memory) {
        let _ = memory;
    }

    /// Takes from a checkpoint what [`save`](Self::save) has put there. What is missing was not there to be saved.
    ///
    /// # Errors
    /// If it makes no sense.
    fn restore(&mut self, memory: &Memory) -> Result<()> {
        let _ = memory;
        Ok(())
    }
}

/// Whether a training goes on: `Flow::Continue(())` or `Flow::Break(stop)`.
pub type Flow = ControlFlow<Stop>;

/// Why a training ended before its last epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Stop {
    /// There was nothing more to gain.
    Early {
        /// Why, as a clause: "the validation loss did not improve for 10 epochs".
        reason: String,
    },
    /// Somebody wanted the program to end. The training could go on.
    Interrupted,
}

impl Stop {
    /// Nothing more to gain, for this reason: a clause such as "the loss is small enough".
    pub fn early(reason: impl Into<String>) -> Self {
        Self::Early { reason: reason.into() }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Early { reason } => write!(f, "stopped early: {reason}"),
            Self::Interrupted => write!(f, "interrupted"),
        }
    }
}

/// A training at one moment, for a [`Callback`].
#[derive(Debug)]
pub struct Training<'a, M> {
    pub(super) model: &'a mut M,
    pub(super) history: &'a History,
    pub(super) now: Now,
}

/// The numbers of a [`Training`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Now {
    pub(super) epoch: usize,
    pub(super) epochs: usize,
    pub(super) batch: usize,
    pub(super) batches: Option<usize>,
    pub(super) of_rows: Option<usize>,
    pub(super) rows: u64,
    pub(super) updates: u64,
    pub(super) loss: f64,
    pub(super) learning_rate: f64,
}

impl<M: Model> Training<'_, M> {
    /// The model.
    pub fn model(&self) -> &M {
        self.model
    }

    /// The model, to change.
    pub fn model_mut(&mut self) -> &mut M {
        self.model
    }

    /// The epochs so far.
    pub fn history(&self) -> &History {
        self.history
    }

    /// The number of the epoch, counted from 1.
    pub fn epoch(&self) -> usize {
        self.now.epoch
    }

    /// The number of the last epoch.
    pub fn epochs(&self) -> usize {
        self.now.epochs
    }

    /// Batches of this epoch so far; 0 before the first.
    pub fn batch(&self) -> usize {
        self.now.batch
    }

    /// Batches of each epoch, if the number of rows is known.
    pub fn batches(&self) -> Option<usize> {
        self.now.batches
    }

    /// Rows of this epoch so far.
    pub fn rows(&self) -> u64 {
        self.now.rows
    }

    /// Rows of each epoch, if their number is known.
    pub fn epoch_rows(&self) -> Option<usize> {
        self.now.of_rows
    }

    /// Updates of the parameters so far, those of earlier epochs included.
    pub fn updates(&self) -> u64 {
        self.now.updates
    }

    /// In [`on_batch`](Callback::on_batch) the mean loss of the batch before its update; afterwards the mean over all
    /// rows of the epoch so far, each measured just before the update that it took part in. NaN before the first batch.
    pub fn loss(&self) -> f64 {
        self.now.loss
    }

    /// The learning rate of the last update, or of the first one before that.
    pub fn learning_rate(&self) -> f64 {
        self.now.learning_rate
    }
}

/// No callback.
impl<M: Model> Callback<M> for () {}

/// One after the other. All are called, also after one that stops; the first one's reason is given.
impl<M: Model, A: Callback<M>, B: Callback<M>> Callback<M> for (A, B) {
    fn on_start(&mut self, training: &mut Training<'_, M>) -> Result<Flow> {
        Ok(first(self.0.on_start(training)?, self.1.on_start(training)?))
    }

    fn on_batch(&mut self, training: &mut Training<'_, M>) -> Result<Flow> {
        Ok(first(self.0.on_batch(training)?, self.1.on_batch(training)?))
    }

    fn on_epoch(&mut self, training: &mut Training<'_, M>) -> Result<Flow> {
        Ok(first(self.0.on_epoch(training)?, self.1.on_epoch(training)?))
    }

    fn on_end(&mut self, training: &mut Training<'_, M>) -> Result<()> {
        self.0.on_end(training)?;
        self.1.on_end(training)
    }

    fn save(&self, memory: &mut Memory) {
        self.0.save(memory);
        self.1.save(memory);
    }

    fn restore(&mut self, memory: &Memory) -> Result<()> {
        self.0.restore(memory)?;
        self.1.restore(memory)
    }
}

fn first(a: Flow, b: Flow) -> Flow {
    if a.is_break() { a } else { b }
}

/// What stands behind a pointer.
macro_rules! forward {
    ($Pointer:ty) => {
        impl<M: Model, C: Callback<M> + ?Sized> Callback<M> for $Pointer {
            fn on_start(&mut self, training: &mut Training<'_, M>) -> Result<Flow> {
                (**self).on_start(training)
            }

            fn on_batch(&mut self, training: &mut Training<'_, M>) -> Result<Flow> {
                (**self).on_batch(training)
            }

            fn on_epoch(&mut self, training: &mut Training<'_, M>) -> Result<Flow> {
                (**self).on_epoch(training)
            }

            fn on_end(&mut self, training: &mut Training<'_, M>) -> Result<()> {
                (**self).on_end(training)
            }

            fn save(&self, memory: &mut Memory) {
                (**self).save(memory);
            }

            fn restore(&mut self, memory: &Memory) -> Result<()> {
                (**self).restore(memory)
            }
        }
    };
}

forward!(&mut C);
forward!(Box<C>);

impl Error {
    /// The failure of a [`Callback`], with the error behind it or a text.
    pub fn callback(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Callback { source: source.into() }
    }
}
