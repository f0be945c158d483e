//! The runtime, driven by models that are written by hand as `nn_model!` would write them.
#![cfg(all(feature = "train", feature = "data"))]

mod checkpoints;
mod extensions;
mod frames;
mod mismatches;
mod models;
mod optimizers;
mod sources;
mod threads;
mod training;
