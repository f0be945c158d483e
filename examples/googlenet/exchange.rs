//! Weights, inputs and results in files, for `tests/outside/googlenet.py`, which compares them with `PyTorch`.
//!
//! Scalars are `f32` in little-endian order, one after the other.

use std::fs;
use std::path::Path;

use ndarray::Array2;
use nn_examples::Outcome;
use nn_runtime::prelude::*;

use super::model::{GoogLeNet, Reduced};

/// Reads `<Model>.inputs`, `<Model>.targets` and the weights `<Model>.theirs.safetensors` from the folder, and writes
/// weights of its own as `<Model>.ours.safetensors`. With both it predicts and differentiates the loss:
/// `<Model>.<ours|theirs>.p` and `.gradient`.
pub(crate) fn run(folder: &Path) -> Outcome<()> {
    both::<GoogLeNet>(folder, false)?;
    both::<Reduced>(folder, true)
}

fn both<M: Train<Scalar = f32>>(folder: &Path, differentiate: bool) -> Outcome<()> {
    let file = |what: &str| folder.join(format!("{}.{what}", M::NAME));
    let inputs = rows(&file("inputs"), M::INPUT_LEN)?;
    M::new(7).save(file("ours.safetensors"))?;
    for whose in ["ours", "theirs"] {
        let model = M::load(file(&format!("{whose}.safetensors")))?;
        let p = model.predict(inputs.view())?;
        write(&file(&format!("{whose}.p")), p.iter().copied())?;
        if differentiate {
            let targets = rows(&file("targets"), M::TARGET_LEN)?;
            let (loss, gradient) = model.loss_and_gradient(inputs.view(), targets.view())?;
            write(&file(&format!("{whose}.gradient")), gradient)?;
            write(&file(&format!("{whose}.loss")), [loss])?;
        }
    }
    Ok(())
}

fn rows(path: &Path, columns: usize) -> Outcome<Array2<f32>> {
    let bytes = fs::read(path)?;
    let (scalars, _) = bytes.as_chunks::<4>();
    let scalars: Vec<f32> = scalars.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
    Ok(Array2::from_shape_vec((scalars.len() / columns, columns), scalars)?)
}

fn write(path: &Path, scalars: impl IntoIterator<Item = f32>) -> Outcome<()> {
    let bytes: Vec<u8> = scalars.into_iter().flat_map(f32::to_le_bytes).collect();
    Ok(fs::write(path, bytes)?)
}
