//! The runtime, driven by models that are written by hand as `nn_model!` would write them.
#![cfg(all(feature = "train", feature = "data"))]

mod checkpoints;
mod extensions;
mod measures;
mod mismatches;
mod models;
mod optimizers;
#[cfg(feature = "plot")]
mod plots;
mod threads;
mod training;
