//! Training: the loop, and what can be set, seen and stopped in it.

mod callback;
mod run;

use crate::data::{self, Dataset};
use crate::history::History;
use crate::model::Train;
use crate::optim::{InvalidSetting, Optimizer};
use crate::{Error, Result};

pub use callback::{Callback, Flow, Stop, Training};

/// Trains models by mini-batches: 100 epochs of batches of 32 rows, unless told otherwise.
///
/// The optimiser is one of [`optim`](crate::optim) or any other [`Optimizer`].
///
/// The same seed, data and model give the same bits on the same kind of processor, on any number of threads.
#[derive(Clone, Debug)]
pub struct Trainer<O, C = ()> {
    optimizer: O,
    epochs: usize,
    batch: BatchSize,
    seed: u64,
    callback: C,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BatchSize {
    Rows(usize),
    All,
}

impl<O> Trainer<O> {
    /// A trainer with this optimiser.
    pub fn new(optimizer: O) -> Self {
        Self { optimizer, epochs: 100, batch: BatchSize::Rows(32), seed: 0, callback: () }
    }
}

impl<O, C> Trainer<O, C> {
    /// How often every row of the training data is visited.
    #[must_use]
    pub fn epochs(self, epochs: usize) -> Self {
        Self { epochs, ..self }
    }

    /// Rows per update. The last batch of an epoch has what is left.
    #[must_use]
    pub fn batch_size(self, rows: usize) -> Self {
        Self { batch: BatchSize::Rows(rows), ..self }
    }

    /// One update per epoch, for the mean loss over all rows, in their own order.
    #[must_use]
    pub fn full_batch(self) -> Self {
        Self { batch: BatchSize::All, ..self }
    }

    /// The seed of the order in which rows are visited, which is another one in each epoch.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// A callback, which is called after those that were given before: by value, or as `&mut` to be looked at
    /// afterwards.
    #[must_use]
    pub fn callback<N>(self, callback: N) -> Trainer<O, (C, N)> {
        let Self { optimizer, epochs, batch, seed, callback: before } = self;
        Trainer { optimizer, epochs, batch, seed, callback: (before, callback) }
    }

    /// Trains the model on `train`, and measures it on `valid` after every epoch: a dataset, or `None`.
    ///
    /// The model keeps the parameters of the last update, also if training stops with an error. A trainer that is
    /// needed again can be cloned.
    ///
    /// # Errors
    /// If a setting makes no sense, a dataset is empty or not what the model takes, the loss or a parameter stops being
    /// finite, or a callback fails.
    pub fn fit<'v, M>(
        self,
        model: &mut M,
        train: &Dataset<M::Scalar>,
        valid: impl Into<Option<&'v Dataset<M::Scalar>>>,
    ) -> Result<History>
    where
        M: Train,
        O: Optimizer<M::Scalar>,
        C: Callback<M>,
    {
        self.optimizer.validate()?;
        let batch_rows = match self.batch {
            BatchSize::Rows(0) => {
                return Err(InvalidSetting { setting: "batch size", value: 0.0, range: "at least 1" }.into());
            }
            BatchSize::Rows(rows) => rows.min(train.len()),
            BatchSize::All => train.len(),
        };
        if self.epochs == 0 {
            return Err(
                InvalidSetting { setting: "number of epochs", value: 0.0, range: "at least 1" }.into()
            );
        }
        data::for_model::<M>(train)?;
        if train.is_empty() {
            return Err(Error::Empty { what: "the training data", missing: "rows" });
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
