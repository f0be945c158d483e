//! Models in [safetensors](https://huggingface.co/docs/safetensors) files.
//!
//! One tensor for each parameter, under its name, in its shape. The entry `nn-model` of the file's metadata is a JSON
//! object with the name of the model and the scaler of its data, if any. Files without it, such as those that other
//! programs write, are read too.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use crate::error::quoted;
use crate::file::replace;
use crate::kernels::Real;
use crate::model::{Model, ParamInfo};
use crate::{Error, FittedScaler, Result};

/// The name of the entry in the metadata. There is one, because their order in the file is random.
const ENTRY: &str = "nn-model";

/// What a file says about the model beside its parameters.
#[derive(Serialize, Deserialize)]
struct Entry {
    /// The name of the model.
    model: String,
    /// The scaler of the data that it was trained on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scaler: Option<FittedScaler>,
}

/// Writes a model, and the scaler of its data, to a file. The file is replaced as a whole or not at all.
///
/// # Errors
/// If the file cannot be written.
pub fn save<M: Model>(model: &M, scaler: Option<&FittedScaler>, path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    let failed = |source| Error::File { action: "write", path: path.to_owned(), source };
    let bytes = serialize(model, scaler).map_err(io::Error::other).map_err(failed)?;
    replace(path, &bytes).map_err(failed)
}

/// Reads a model, and the scaler of its data if there is one, from a file.
///
/// # Errors
/// If the file cannot be read, is damaged, or holds another model: tensors of other names, shapes or types, or the
/// name of another model.
pub fn load<M: Model>(path: impl AsRef<Path>) -> Result<(M, Option<FittedScaler>)> {
    let path = path.as_ref();
    let bytes =
        fs::read(path).map_err(|source| Error::File { action: "read", path: path.to_owned(), source })?;
    let corrupt = |source| Error::Corrupt { path: path.to_owned(), source };

    let file = SafeTensors::deserialize(&bytes).map_err(|error| corrupt(error.into()))?;
    same_tensors::<M>(&file, path)?;
    let scaler = match entry(&bytes).map_err(corrupt)? {
        None => None,
        Some(Entry { model, .. }) if model != M::NAME => {
            return Err(Error::ModelName { path: path.to_owned(), model: M::NAME, found: model });
        }
        Some(Entry { scaler, .. }) => scaler,
    };
    if scaler.as_ref().is_some_and(|scaler| !scaler.is_valid()) {
        return Err(corrupt("a scale is zero, negative or infinite".into()));
    }

    let mut model = M::new(0);
    for param in stored::<M>() {
        let tensor = file.tensor(param.name).map_err(|error| corrupt(error.into()))?;
        same_kind::<M>(param, &tensor, path)?;
        let values = &mut model.stored_flat_mut()[param.offset..param.offset + param.len()];
        read_values(tensor.data(), values);
    }
    Ok((model, scaler))
}

fn serialize<M: Model>(
    model: &M,
    scaler: Option<&FittedScaler>,
) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    let data = write_values(model.stored_flat());
    let width = size_of::<M::Scalar>();
    let mut tensors = Vec::new();
    for param in stored::<M>() {
        let bytes = &data[param.offset * width..(param.offset + param.len()) * width];
        tensors.push((param.name, TensorView::new(dtype::<M::Scalar>(), param.shape.to_vec(), bytes)?));
    }
    let entry = Entry { model: M::NAME.to_owned(), scaler: scaler.cloned() };
    let metadata = [(ENTRY.to_owned(), serde_json::to_string(&entry)?)].into_iter().collect();
    Ok(safetensors::serialize(tensors, Some(metadata))?)
}

/// The parameters, then the states.
pub(crate) fn stored<M: Model>() -> impl Iterator<Item = &'static ParamInfo> {
    M::PARAMS.iter().chain(M::STATES.iter().map(|state| &state.tensor))
}

/// What the metadata says about the model, if anything.
fn entry(bytes: &[u8]) -> Result<Option<Entry>, Box<dyn std::error::Error + Send + Sync>> {
    let (_, metadata) = SafeTensors::read_metadata(bytes)?;
    let text = metadata.metadata().as_ref().and_then(|entries| entries.get(ENTRY));
    Ok(text.map(|text| serde_json::from_str(text)).transpose()?)
}

/// Checks that the file has the model's tensors and no others.
fn same_tensors<M: Model>(file: &SafeTensors<'_>, path: &Path) -> Result<()> {
    let found: BTreeSet<&str> = file.names().into_iter().collect();
    let expected: BTreeSet<&str> = stored::<M>().map(|param| param.name).collect();
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

/// Checks type and shape of a tensor.
pub(crate) fn same_kind<M: Model>(param: &ParamInfo, tensor: &TensorView<'_>, path: &Path) -> Result<()> {
    let (model, path, name) = (M::NAME, path.to_owned(), param.name);
    if tensor.shape() != param.shape {
        let found = tensor.shape().to_vec();
        return Err(Error::TensorShape { path, model, tensor: name, expected: param.shape, found });
    }
    if tensor.dtype() != dtype::<M::Scalar>() {
        let expected = if is_single::<M::Scalar>() { "F32" } else { "F64" };
        let found = format!("{:?}", tensor.dtype());
        return Err(Error::TensorType { path, model, tensor: name, expected, found });
    }
    Ok(())
}

fn is_single<T: Real>() -> bool {
    size_of::<T>() == size_of::<f32>()
}

pub(crate) fn dtype<T: Real>() -> Dtype {
    if is_single::<T>() { Dtype::F32 } else { Dtype::F64 }
}

/// Little-endian bytes, as the format wants.
pub(crate) fn write_values<T: Real>(values: &[T]) -> Vec<u8> {
    let values = values.iter().map(|value| value.to_f64());
    if is_single::<T>() {
        values.flat_map(|value| (value as f32).to_le_bytes()).collect()
    } else {
        values.flat_map(f64::to_le_bytes).collect()
    }
}

pub(crate) fn read_values<T: Real>(bytes: &[u8], values: &mut [T]) {
    if is_single::<T>() {
        for (value, bytes) in values.iter_mut().zip(bytes.as_chunks().0) {
            *value = T::from_f64(f64::from(f32::from_le_bytes(*bytes)));
        }
    } else {
        for (value, bytes) in values.iter_mut().zip(bytes.as_chunks().0) {
            *value = T::from_f64(f64::from_le_bytes(*bytes));
        }
    }
}
