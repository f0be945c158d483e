//! The bytes of a checkpoint.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as StdError;
use std::fs;
use std::path::Path;

use safetensors::tensor::{SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use crate::checkpoint::{dtype, read_values, same_kind, write_values};
use crate::error::quoted;
use crate::history::{History, float};
use crate::kernels::Real;
use crate::model::Model;
use crate::{Error, FittedScaler, Result};

/// The name of the entry in the metadata. There is one, because their order in the file is random.
const ENTRY: &str = "nn-checkpoint";
/// The version of the format. A change that older programs cannot read increases it.
const VERSION: u32 = 1;

/// Numbers of state that need no tensor each to be believed, because a model without parameters has none.
const FEW_SLOTS: usize = 16;

/// A number of which every bit counts, be it finite or not.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::train) struct Float(#[serde(with = "float")] pub(in crate::train) f64);

/// What a checkpoint holds.
#[derive(Clone, Debug)]
pub(in crate::train) struct Saved<T> {
    pub(in crate::train) training: State,
    pub(in crate::train) parameters: Vec<T>,
    /// What the optimiser remembers: the first number of all parameters, the second, ….
    pub(in crate::train) optimizer: Vec<Vec<T>>,
    /// What callbacks keep that is like parameters.
    pub(in crate::train) callbacks: BTreeMap<String, Vec<T>>,
}

/// A training, but for what is kept as tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::train) struct State {
    /// What has to be the same when the training goes on.
    pub(in crate::train) setup: Setup,
    pub(in crate::train) position: Position,
    pub(in crate::train) schedule: Vec<Float>,
    pub(in crate::train) callbacks: BTreeMap<String, Vec<Float>>,
    pub(in crate::train) history: History,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::train) scaler: Option<FittedScaler>,
}

/// What decides about every bit of a training beside its data, and can be compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::train) struct Setup {
    pub(in crate::train) optimizer: String,
    /// The seed of the rows' order, unless it is their own.
    pub(in crate::train) seed: Option<u64>,
    pub(in crate::train) rows: Option<usize>,
    pub(in crate::train) batch_rows: usize,
}

/// How far a training is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::train) struct Position {
    /// The epoch, counted from 1.
    pub(in crate::train) epoch: usize,
    /// Whether that epoch is over and was measured.
    pub(in crate::train) measured: bool,
    /// Batches of that epoch so far.
    pub(in crate::train) batch: usize,
    /// Rows of that epoch so far.
    pub(in crate::train) rows: u64,
    /// The losses of those rows.
    pub(in crate::train) sum: Float,
    /// Seconds of that epoch so far.
    pub(in crate::train) seconds: Float,
    /// Updates of the whole training so far.
    pub(in crate::train) updates: u64,
    /// The loss that callbacks were told last.
    pub(in crate::train) loss: Float,
    /// The learning rate of the last update.
    pub(in crate::train) learning_rate: Float,
}

/// The entry of the metadata, behind its checksum.
#[derive(Serialize, Deserialize)]
struct Entry {
    version: u32,
    model: String,
    /// Numbers that the optimiser remembers for each parameter.
    slots: usize,
    /// The names under which callbacks keep what is like parameters.
    likes: BTreeSet<String>,
    training: State,
}

/// All that is read of another version.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

/// The name of the set of tensors with the parameters.
const PARAMETERS: &str = "param";

/// The name of the set of tensors with the number `slot` that the optimiser remembers of each parameter.
fn slot(slot: usize) -> String {
    format!("optim/{slot}")
}

/// Whether a callback can keep something under this name.
pub(in crate::train) fn is_free(name: &str) -> bool {
    !(name.is_empty() || name == PARAMETERS || name == "optim" || name.contains('/'))
}

/// The file.
pub(in crate::train) fn encode<M: Model>(
    saved: Saved<M::Scalar>,
) -> Result<Vec<u8>, Box<dyn StdError + Send + Sync>> {
    let Saved { training, parameters, optimizer, callbacks } = saved;
    let likes = callbacks.keys().cloned().collect();
    let entry =
        Entry { version: VERSION, model: M::NAME.to_owned(), slots: optimizer.len(), likes, training };
    let slots = optimizer.into_iter().enumerate().map(|(i, values)| (slot(i), values));
    let sets: Vec<(String, Vec<u8>)> = [(PARAMETERS.to_owned(), parameters)]
        .into_iter()
        .chain(slots)
        .chain(callbacks)
        .map(|(set, values)| (set, write_values(&values)))
        .collect();
    let width = size_of::<M::Scalar>();
    let mut tensors = BTreeMap::new();
    for (set, bytes) in &sets {
        for param in M::PARAMS {
            let bytes = &bytes[param.offset * width..(param.offset + param.len()) * width];
            let tensor = TensorView::new(dtype::<M::Scalar>(), param.shape.to_vec(), bytes)?;
            tensors.insert(format!("{set}/{}", param.name), tensor);
        }
    }
    let text = serde_json::to_string(&entry)?;
    let sum = checksum(&text, tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)));
    let metadata = [(ENTRY.to_owned(), format!("{sum:08x} {text}"))].into_iter().collect();
    Ok(safetensors::serialize(tensors, Some(metadata))?)
}

/// Reads a checkpoint of a model.
pub(in crate::train) fn read<M: Model>(path: &Path) -> Result<Saved<M::Scalar>> {
    let bytes =
        fs::read(path).map_err(|source| Error::File { action: "read", path: path.to_owned(), source })?;
    let corrupt = |source| Error::Corrupt { path: path.to_owned(), source };
    let file = SafeTensors::deserialize(&bytes).map_err(|error| corrupt(error.into()))?;
    let text = checked_text(&bytes, &file, path)?;
    let Version { version } = serde_json::from_str(&text).map_err(|error| corrupt(error.into()))?;
    if version != VERSION {
        return Err(Error::CheckpointVersion { path: path.to_owned(), found: version, known: VERSION });
    }
    let entry: Entry = serde_json::from_str(&text).map_err(|error| corrupt(error.into()))?;
    let Entry { model, slots, likes, training, .. } = entry;
    if model != M::NAME {
        return Err(Error::ModelName { path: path.to_owned(), model: M::NAME, found: model });
    }
    if training.scaler.as_ref().is_some_and(|scaler| !scaler.is_valid()) {
        return Err(corrupt("a scale is zero, negative or infinite".into()));
    }

    // Names are made for all of them before they are looked for.
    if slots > file.len().max(FEW_SLOTS) {
        let claim =
            format!("it claims {slots} numbers of state for each parameter in {} tensors", file.len());
        return Err(corrupt(claim.into()));
    }
    let names = || (0..slots).map(slot).chain(likes.iter().cloned()).chain([PARAMETERS.to_owned()]);
    same_tensors::<M>(&file, names(), path)?;
    let set = |set: &str| read_set::<M>(&file, set, path);
    Ok(Saved {
        training,
        parameters: set(PARAMETERS)?,
        optimizer: (0..slots).map(|i| set(&slot(i))).collect::<Result<_>>()?,
        callbacks: likes.iter().map(|name| Ok((name.clone(), set(name)?))).collect::<Result<_>>()?,
    })
}

/// What the metadata says, if the checksum agrees with it and with the tensors.
fn checked_text(bytes: &[u8], file: &SafeTensors<'_>, path: &Path) -> Result<String> {
    let path = || path.to_owned();
    let (_, metadata) = SafeTensors::read_metadata(bytes)
        .map_err(|error| Error::Corrupt { path: path(), source: error.into() })?;
    let foreign = || Error::NotACheckpoint { path: path() };
    let entry = metadata.metadata().as_ref().and_then(|entries| entries.get(ENTRY)).ok_or_else(foreign)?;
    let (found, text) = entry.split_once(' ').ok_or_else(foreign)?;
    let mut tensors = file.tensors();
    tensors.sort_by(|(a, _), (b, _)| a.cmp(b));
    let computed = checksum(text, tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)));
    // Compared as text: a digit of another case is another byte than what was written.
    let computed = format!("{computed:08x}");
    if found != computed {
        return Err(Error::Checksum { path: path(), found: found.to_owned(), computed });
    }
    Ok(text.to_owned())
}

/// The CRC-32 of a text and of names, types, shapes and bytes of tensors.
fn checksum<'t>(text: &str, tensors: impl Iterator<Item = (&'t str, &'t TensorView<'t>)>) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(text.as_bytes());
    for (name, tensor) in tensors {
        sum.update(format!("{name} {:?} {:?}", tensor.dtype(), tensor.shape()).as_bytes());
        sum.update(tensor.data());
    }
    sum.finalize()
}

/// Checks that the file has a tensor of each set for each parameter, and no others.
fn same_tensors<M: Model>(
    file: &SafeTensors<'_>,
    sets: impl Iterator<Item = String>,
    path: &Path,
) -> Result<()> {
    let found: BTreeSet<&str> = file.names().into_iter().collect();
    let expected: Vec<String> =
        sets.flat_map(|set| M::PARAMS.iter().map(move |param| format!("{set}/{}", param.name))).collect();
    let expected: BTreeSet<&str> = expected.iter().map(String::as_str).collect();
    if found == expected {
        return Ok(());
    }
    Err(Error::Tensors {
        path: path.to_owned(),
        model: M::NAME,
        missing: quoted(expected.difference(&found).copied()),
        unexpected: quoted(found.difference(&expected).copied()),
    })
}

fn read_set<M: Model>(file: &SafeTensors<'_>, set: &str, path: &Path) -> Result<Vec<M::Scalar>> {
    let mut values = vec![M::Scalar::ZERO; M::PARAM_COUNT];
    for param in M::PARAMS {
        let tensor = file
            .tensor(&format!("{set}/{}", param.name))
            .map_err(|error| Error::Corrupt { path: path.to_owned(), source: error.into() })?;
        same_kind::<M>(param, &tensor, path)?;
        read_values(tensor.data(), &mut values[param.offset..param.offset + param.len()]);
    }
    Ok(values)
}
