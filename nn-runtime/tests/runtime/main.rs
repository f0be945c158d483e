//! The runtime, driven by models that are written by hand as `nn_model!` would write them.
#![cfg(all(feature = "train", feature = "data"))]

mod callbacks;
mod checkpoints;
mod extensions;
mod groups;
mod mismatches;
mod models;
mod optimizers;
mod schedules;
mod threads;
mod training;
