//! A checkpoint that is looked at.

use std::path::Path;

use super::file::{Saved, read};
use crate::history::History;
use crate::model::Model;
use crate::{FittedScaler, Result};

/// What a [`Checkpoint`](super::Checkpoint) holds, to be used without going on with the training.
///
/// ```no_run
/// # use nn_runtime::prelude::*;
/// use nn_runtime::Snapshot;
///
/// # fn run<M: Train<Scalar = f32>>() -> nn_runtime::Result<()> {
/// let snapshot = Snapshot::<M>::load("run.safetensors")?;
/// println!("{}", snapshot.history());
/// let model = snapshot.best().unwrap_or_else(|| snapshot.model());
/// Pipeline::new(model, snapshot.scaler().cloned())?.save("model.safetensors")
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Snapshot<M: Model> {
    saved: Saved<M::Scalar>,
}

impl<M: Model> Snapshot<M> {
    /// Reads a checkpoint.
    ///
    /// # Errors
    /// If the file cannot be read, is damaged or no checkpoint, or holds another model.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Ok(Self { saved: read::<M>(path.as_ref())? })
    }

    /// The model with the parameters of the last update.
    pub fn model(&self) -> M {
        with_parameters(&self.saved.parameters)
    }

    /// The model with the parameters of its best epoch, if an [`EarlyStopping`](crate::EarlyStopping) kept them.
    pub fn best(&self) -> Option<M> {
        self.saved.callbacks.get("best").map(|parameters| with_parameters(parameters))
    }

    /// The epochs so far.
    pub fn history(&self) -> &History {
        &self.saved.training.history
    }

    /// The scaler of the data, if the checkpoint was given one.
    pub fn scaler(&self) -> Option<&FittedScaler> {
        self.saved.training.scaler.as_ref()
    }

    /// Updates so far.
    pub fn updates(&self) -> u64 {
        self.saved.training.position.updates
    }
}

fn with_parameters<M: Model>(parameters: &[M::Scalar]) -> M {
    let mut model = M::new(0);
    model.stored_flat_mut()[..parameters.len()].copy_from_slice(parameters);
    model
}
