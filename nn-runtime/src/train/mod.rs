//! Training: the loop, and what can be set, seen and stopped in it.

mod callback;
mod checkpoint;
mod early_stopping;
mod group;
mod lbfgs;
mod memory;
#[cfg(feature = "progress")]
mod progress;
mod resume;
mod run;
pub mod schedule;
#[cfg(feature = "signals")]
mod signals;

use std::path::PathBuf;

use crate::data::{self, Dataset, Source};
use crate::history::History;
use crate::metrics::Measure;
use crate::model::Train;
use crate::optim::{InvalidSetting, Optimizer};
use crate::stepper::Clip;
use crate::{Error, Result};

pub use callback::{Callback, Flow, Stop, Training};
pub use checkpoint::{Checkpoint, Snapshot};
pub use early_stopping::EarlyStopping;
pub use group::Group;
pub use lbfgs::Lbfgs;
pub use memory::Memory;
#[cfg(feature = "progress")]
pub use progress::Progress;
#[cfg(feature = "signals")]
pub use signals::StopOnCtrlC;

use schedule::{Constant, Schedule};

/// Trains models by mini-batches: 100 epochs of batches of 32 rows, unless told otherwise.
///
/// The optimiser is one of [`optim`](crate::optim) or any other [`Optimizer`].
///
/// The same seed, data and model give the same bits on the same kind of processor, on any number of threads.
#[derive(Clone, Debug)]
pub struct Trainer<O, S = Constant, C = ()> {
    optimizer: O,
    schedule: S,
    callback: C,
    settings: Settings,
}

/// What does not depend on types.
#[derive(Clone, Debug)]
struct Settings {
    epochs: usize,
    batch: BatchSize,
    seed: u64,
    clip: Option<Clip>,
    groups: Vec<Group>,
    measures: Vec<Measure>,
    checkpoint: Option<Checkpoint>,
    resume: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BatchSize {
    Rows(usize),
    All,
}

impl<O> Trainer<O> {
    /// A trainer with this optimiser.
    pub fn new(optimizer: O) -> Self {
        let settings = Settings {
            epochs: 100,
            batch: BatchSize::Rows(32),
            seed: 0,
            clip: None,
            groups: Vec::new(),
            measures: Vec::new(),
            checkpoint: None,
            resume: None,
        };
        Self { optimizer, schedule: Constant, callback: (), settings }
    }
}

impl<O, S, C> Trainer<O, S, C> {
    /// How often every row of the training data is visited.
    #[must_use]
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.settings.epochs = epochs;
        self
    }

    /// Rows per update. The last batch of an epoch has what is left.
    #[must_use]
    pub fn batch_size(mut self, rows: usize) -> Self {
        self.settings.batch = BatchSize::Rows(rows);
        self
    }

    /// One update per epoch, for the mean loss over all rows, in their own order.
    #[must_use]
    pub fn full_batch(mut self) -> Self {
        self.settings.batch = BatchSize::All;
        self
    }

    /// The seed of the order in which rows are visited, which is another one in each epoch, and of what `dropout` drops.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// How the learning rate changes in the course of the training.
    #[must_use]
    pub fn schedule<N>(self, schedule: N) -> Trainer<O, N, C> {
        let Self { optimizer, callback, settings, .. } = self;
        Trainer { optimizer, schedule, callback, settings }
    }

    /// Clips the gradient of every batch, before the optimiser gets it.
    #[must_use]
    pub fn clip(mut self, clip: Clip) -> Self {
        self.settings.clip = Some(clip);
        self
    }

    /// A group of parameters with a learning rate or weight decay of their own, beside those that were given before.
    #[must_use]
    pub fn group(mut self, group: Group) -> Self {
        self.settings.groups.push(group);
        self
    }

    /// What is measured after each epoch beside the loss and the metric, on the validation data if there is any; it is in
    /// the history under the measures' names, where early stopping and plots find it.
    #[must_use]
    pub fn measures(mut self, measures: impl IntoIterator<Item = Measure>) -> Self {
        self.settings.measures.extend(measures);
        self
    }

    /// A callback, which is called after those that were given before: by value, or as `&mut` to be looked at
    /// afterwards.
    #[must_use]
    pub fn callback<N>(self, callback: N) -> Trainer<O, S, (C, N)> {
        let Self { optimizer, schedule, callback: before, settings } = self;
        Trainer { optimizer, schedule, callback: (before, callback), settings }
    }

    /// Stops when the validation loss has not improved for `patience` epochs, and gives the model the parameters of its
    /// best epoch. [`EarlyStopping`] as a [`callback`](Self::callback) has more settings.
    #[must_use]
    pub fn early_stopping(self, patience: usize) -> Trainer<O, S, (C, EarlyStopping)> {
        self.callback(EarlyStopping::new(patience).restore_best())
    }

    /// Shows how the training goes on the standard error stream: a bar for each epoch in a terminal, otherwise a line.
    #[cfg(feature = "progress")]
    #[must_use]
    pub fn progress(self) -> Trainer<O, S, (C, Progress)> {
        self.callback(Progress::new())
    }

    /// Ends after the batch in which somebody presses Ctrl-C: [`fit`](Self::fit) writes a checkpoint, if one was asked
    /// for, and returns a history that says so. Ctrl-C for the second time ends the process.
    #[cfg(feature = "signals")]
    #[must_use]
    pub fn stop_on_ctrl_c(self) -> Trainer<O, S, (C, StopOnCtrlC)> {
        self.callback(StopOnCtrlC::new())
    }

    /// Writes checkpoints: to a file after every epoch, or as a [`Checkpoint`] says.
    #[must_use]
    pub fn checkpoint(mut self, checkpoint: impl Into<Checkpoint>) -> Self {
        self.settings.checkpoint = Some(checkpoint.into());
        self
    }

    /// Goes on from a checkpoint, in the place of the model's parameters. It ends with the bits of a training that was
    /// never interrupted, if data, optimiser, schedule and callbacks are the same; the number of epochs may be another.
    ///
    /// A training that was stopped early is over, and is not gone on with.
    #[must_use]
    pub fn resume(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings.resume = Some(path.into());
        self
    }

    /// [`fit`](Self::fit), which goes on from its own [checkpoint](Self::checkpoint) if that was written before.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), and if there is no checkpoint to write.
    pub fn fit_or_resume<'v, M, D>(
        self,
        model: &mut M,
        train: &D,
        valid: impl Into<Option<&'v Dataset<M::Scalar>>>,
    ) -> Result<History>
    where
        M: Train,
        D: Source<M::Scalar> + ?Sized,
        O: Optimizer<M::Scalar>,
        S: Schedule,
        C: Callback<M>,
    {
        let checkpoint = self.settings.checkpoint.as_ref().ok_or(Error::NoCheckpoint)?;
        let path = checkpoint.path().to_owned();
        let exists =
            path.try_exists().map_err(|source| Error::File { action: "read", path: path.clone(), source })?;
        let trainer = if exists { self.resume(path) } else { self };
        trainer.fit(model, train, valid)
    }

    /// Trains the model on `train`, a dataset or another [`Source`] of rows, and measures it on `valid` after every
    /// epoch: a dataset, or `None`.
    ///
    /// The model keeps the parameters of the last update, also if training stops with an error. A trainer that is
    /// needed again can be cloned.
    ///
    /// # Errors
    /// If a setting makes no sense, data is empty, not what the model takes or cannot be read, the loss or a parameter
    /// stops being finite, a callback fails, or a checkpoint cannot be written or gone on from.
    pub fn fit<'v, M, D>(
        self,
        model: &mut M,
        train: &D,
        valid: impl Into<Option<&'v Dataset<M::Scalar>>>,
    ) -> Result<History>
    where
        M: Train,
        D: Source<M::Scalar> + ?Sized,
        O: Optimizer<M::Scalar>,
        S: Schedule,
        C: Callback<M>,
    {
        let batch_rows = self.settings.batch_rows(train.rows())?;
        let batches = train.rows().map(|rows| rows.div_ceil(batch_rows));
        self.optimizer.validate()?;
        self.schedule.validate(batches.map(|batches| (batches * self.settings.epochs) as u64))?;
        if let Some(clip) = self.settings.clip {
            clip.validate()?;
        }
        if let Some(checkpoint) = &self.settings.checkpoint {
            checkpoint.validate()?;
        }
        match train.dataset() {
            Some(train) => data::for_model::<M>(train)?,
            None => data::columns_for_model::<M>(train)?,
        }
        let valid = valid.into();
        if let Some(valid) = valid {
            data::for_model::<M>(valid)?;
        }
        let training = || run::run(self, model, train, valid, batch_rows);
        // Work handed out from inside of the pool does not have to wake it up first.
        #[cfg(feature = "rayon")]
        if crate::stepper::threads_pay(batch_rows, M::FLOPS_TRAIN) {
            return rayon::scope(|_| training());
        }
        training()
    }
}

impl Settings {
    /// Rows of all batches but the last, of so many rows altogether.
    fn batch_rows(&self, rows: Option<usize>) -> Result<usize> {
        if self.batch == BatchSize::Rows(0) {
            return Err(InvalidSetting { setting: "batch size", value: 0.0, range: "at least 1" }.into());
        }
        if self.epochs == 0 {
            return Err(
                InvalidSetting { setting: "number of epochs", value: 0.0, range: "at least 1" }.into()
            );
        }
        match (self.batch, rows) {
            (_, Some(0)) => Err(Error::Empty { what: "the training data", missing: "rows" }),
            (BatchSize::Rows(batch), Some(rows)) => Ok(batch.min(rows)),
            (BatchSize::Rows(batch), None) => Ok(batch),
            (BatchSize::All, Some(rows)) => Ok(rows),
            (BatchSize::All, None) => Err(Error::UncountedRows),
        }
    }
}
