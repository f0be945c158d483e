//! The runtime, driven by models that are written by hand as `nn_model!` would write them.
#![cfg(all(feature = "train", feature = "data"))]

mod callbacks;
mod checkpoints;
mod early_stopping;
mod extensions;
mod groups;
mod lbfgs;
mod mismatches;
mod models;
mod optimizers;
mod resume;
mod schedules;
mod threads;
mod training;
