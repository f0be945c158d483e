//! The runtime, driven by models that are written by hand as `nn_model!` would write them.
#![cfg(all(feature = "train", feature = "data"))]

mod callbacks;
mod checkpoints;
mod early_stopping;
mod extensions;
mod frames;
mod groups;
mod lbfgs;
mod measures;
mod mismatches;
mod models;
mod optimizers;
#[cfg(feature = "plot")]
mod plots;
mod resume;
mod schedules;
mod sources;
mod threads;
mod training;
