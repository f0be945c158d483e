//! Trainings that survive what happens to their process.
//!
//! A checkpoint is one [safetensors](https://huggingface.co/docs/safetensors) file, which other programs can read:
//!
//! | tensors | |
//! |---|---|
//! | `param/<name>` | the parameters |
//! | `optim/<k>/<name>` | what the optimiser remembers: k from 0, as many as it has for each parameter |
//! | `<callback>/<name>` | what callbacks keep that is like parameters; `best/<name>` by [`EarlyStopping`](super::EarlyStopping) |
//!
//! The entry `nn-checkpoint` of the metadata is a checksum, eight hexadecimal digits, and a JSON object: version, names
//! of model and optimiser, position in the data, schedule, history, and the scaler of the data. The checksum is the
//! CRC-32 of that object and of names, types, shapes and bytes of all tensors in the order of their names: a file of
//! which a single bit is wrong is refused.

mod file;
mod snapshot;

use std::path::{Path, PathBuf};

use crate::{FittedScaler, InvalidSetting, Result};

pub(super) use file::{Float, Position, Saved, Setup, State, encode, is_free, read};
pub use snapshot::Snapshot;

/// Where a training writes its checkpoints, and when: after every epoch, unless told otherwise, and where it ends.
///
/// A new checkpoint takes the place of the one before, as a whole or not at all: whenever the process is killed, there
/// is one from which the training [goes on](super::Trainer::resume), with the bits that it would have had.
///
/// ```
/// # use nn_runtime::prelude::*;
/// use nn_runtime::Checkpoint;
///
/// # fn run<M: Train<Scalar = f32>>(mut model: M, train: Dataset, valid: Dataset) -> nn_runtime::Result<()> {
/// // Killed and started again, the program goes on.
/// let trainer = Trainer::new(Adam::new(1e-3)).checkpoint(Checkpoint::new("run.safetensors").every_batches(100));
/// let history = trainer.fit_or_resume(&mut model, &train, &valid)?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Checkpoint {
    path: PathBuf,
    epochs: usize,
    batches: Option<usize>,
    scaler: Option<FittedScaler>,
}

impl Checkpoint {
    /// Checkpoints in this file. One training at a time may write it.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), epochs: 1, batches: None, scaler: None }
    }

    /// After every so many epochs, at least 1.
    #[must_use]
    pub fn every_epochs(self, epochs: usize) -> Self {
        Self { epochs, ..self }
    }

    /// Also after every so many batches, at least 1, counted from the start of the training.
    #[must_use]
    pub fn every_batches(self, batches: usize) -> Self {
        Self { batches: Some(batches), ..self }
    }

    /// With the scaler of the data, so that nothing else is needed to use what was trained.
    #[must_use]
    pub fn with_scaler(self, scaler: &FittedScaler) -> Self {
        Self { scaler: Some(scaler.clone()), ..self }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn scaler(&self) -> Option<&FittedScaler> {
        self.scaler.as_ref()
    }

    pub(super) fn validate(&self) -> Result<(), InvalidSetting> {
        let range = "at least 1";
        if self.epochs == 0 {
            return Err(InvalidSetting {
                setting: "number of epochs between checkpoints",
                value: 0.0,
                range,
            });
        }
        if self.batches == Some(0) {
            return Err(InvalidSetting {
                setting: "number of batches between checkpoints",
                value: 0.0,
                range,
            });
        }
        Ok(())
    }

    /// Whether one is due after so many batches of the training.
    pub(super) fn is_due_after_batch(&self, updates: u64) -> bool {
        self.batches.is_some_and(|batches| updates.is_multiple_of(batches as u64))
    }

    /// Whether one is due after this epoch.
    pub(super) fn is_due_after_epoch(&self, epoch: usize) -> bool {
        epoch.is_multiple_of(self.epochs)
    }
}

impl From<&str> for Checkpoint {
    fn from(path: &str) -> Self {
        Self::new(path)
    }
}

impl From<String> for Checkpoint {
    fn from(path: String) -> Self {
        Self::new(path)
    }
}

impl From<&Path> for Checkpoint {
    fn from(path: &Path) -> Self {
        Self::new(path)
    }
}

impl From<PathBuf> for Checkpoint {
    fn from(path: PathBuf) -> Self {
        Self::new(path)
    }
}
