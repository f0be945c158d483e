//! Pictures of trainings, predictions and models, as SVG and, with the feature `png`, as PNG.
//!
//! Functions give a [`Figure`], which owns all that it shows; [`Chart`] draws any other lines and points.
//!
//! ```no_run
//! # use nn_runtime::prelude::*;
//! # fn run<M: Train<Scalar = f32>>(model: M, history: History, test: Dataset) -> nn_runtime::Result<()> {
//! use nn_runtime::{ConfusionMatrix, metrics::Scores, plot};
//!
//! history.save_svg("learning_curves.svg")?;
//! plot::confusion(&ConfusionMatrix::of(&model, &test)?).save_svg("confusion.svg")?;
//! plot::roc(&Scores::of(&model, &test)?).save_svg("roc.svg")?;
//! # Ok(()) }
//! ```
//!
//! Colours are those of Okabe and Ito, which people with any kind of colour vision tell apart. Equal data give equal
//! bytes.

mod axis;
mod boundary;
mod chart;
mod curves;
mod figure;
mod histogram;
mod images;
mod matrix;
#[cfg(feature = "png")]
mod png;
mod regression;
mod svg;

pub use boundary::decision_boundary;
pub use chart::Chart;
pub use curves::{learning_curves, metric_curves, precision_recall, roc, roc_of_classes};
pub use figure::Figure;
pub use histogram::{gradients, histogram, weights};
pub use images::images;
pub use matrix::confusion;
pub use regression::{predicted_against_true, residuals};
