//! The runtime of the `nn_model!` compiler: data, training, checkpoints, and the kernels that generated code calls.
//!
//! ```no_run
//! # use nn_runtime::model::Train;
//! # fn run<Logistic: Train<Scalar = f32>>() -> nn_runtime::Result<()> {
//! use nn_runtime::prelude::*;
//!
//! let data = Table::from_csv("iris.csv")?;
//! let (train, valid) = data
//!     .dataset(&["petal_length", "petal_width"], Target::equals("species", "virginica"))?
//!     .split(0.8, 7);
//! let mut model = Logistic::new(7);
//! let history = Trainer::new(Sgd::new(0.5)).epochs(200).batch_size(32).fit(&mut model, &train, &valid)?;
//! println!("{history}");
//! model.save("logistic.safetensors")
//! # }
//! ```
//!
//! # Features
//!
//! | feature | default | gives |
//! |---|---|---|
//! | `std` | yes | detection of the processor's SIMD level at run time |
//! | `progress` | no | a bar for each epoch of a training |
//! | `signals` | no | trainings that end on Ctrl-C |
//! | `train` | yes | datasets, streams, preprocessing, folds, the trainer, metrics, histories, checkpoints |
//! | `data` | yes | tables and streams from CSV and IDX files, compressed or not |
//! | `npy` | no | tables and streams from the arrays of `NumPy` |
//! | `parquet` | no | tables and streams from Parquet files |
//! | `plot` | | pictures as SVG: learning curves, confusion matrices, ROC curves, decision boundaries, any lines |
//! | `png` | | the same as PNG, with a font built in |
//! | `rayon` | yes | several threads where they pay; the results are the same bits without it |
//! | `trace` | no | `model.trace(…)`: the numbers of one example, step by step; brings the compiler along |
//! | `alloc` | with `std` | aligned heap buffers |
//!
//! Without any, the crate is `no_std`: the traits of [`model`], [`init`], [`optim`] and the [`kernels`], which work on
//! memory of the caller.
#![cfg_attr(not(any(feature = "std", test)), no_std)]
#![allow(
    clippy::inline_always,
    reason = "what is generic over the SIMD level has to be inlined where it is compiled"
)]
#![allow(clippy::needless_pass_by_value, reason = "views of arrays are passed by value, as ndarray does")]

#[cfg(feature = "alloc")]
extern crate alloc;

mod batch;
#[cfg(feature = "train")]
pub mod checkpoint;
#[cfg(feature = "train")]
mod data;
#[doc(hidden)]
pub mod drive;
#[cfg(feature = "train")]
mod error;
#[cfg(feature = "train")]
mod ext;
#[cfg(feature = "train")]
mod file;
#[cfg(feature = "train")]
mod history;
pub mod init;
pub mod kernels;
#[cfg(feature = "train")]
pub mod metrics;
pub mod model;
pub mod optim;
#[cfg(feature = "train")]
mod pipeline;
#[cfg(feature = "plot")]
pub mod plot;
#[cfg(feature = "train")]
mod predictor;
mod random;
#[cfg(feature = "train")]
mod stepper;
#[cfg(feature = "train")]
pub mod tensorboard;
#[cfg(feature = "trace")]
mod trace;
#[cfg(feature = "train")]
pub mod train;

pub use model::Model;
pub use nn_macros::nn_model;
pub use optim::{Adagrad, Adam, AdamW, InvalidSetting, Lion, Nadam, Optimizer, RmsProp, Sgd, Step};

#[cfg(feature = "trace")]
pub use crate::trace::{Trace, TraceExt, TracedEdge, TracedGradient, TracedValue};
#[cfg(feature = "train")]
pub use crate::{
    data::{
        Columns, CrossValidation, Dataset, FittedPreprocessor, FittedScaler, Fold, FoldMetric, Impute, Order,
        Preprocessor, RowReader, Scaler, Scores, Source, Stream, TargetColumns, Unseen, Visit,
        cross_validate,
    },
    error::{Error, Result},
    ext::{ModelExt, PullbackExt, TrainExt},
    history::{Epoch, History, Measured},
    metrics::{Average, ConfusionMatrix, Evaluation, Measure, Metric, evaluate, evaluate_with, report},
    pipeline::Pipeline,
    predictor::Predictor,
    stepper::{Clip, Gradients, Stepper},
    train::{
        Callback, Checkpoint, EarlyStopping, Flow, Group, Lbfgs, Memory, Snapshot, Stop, Trainer, Training,
        schedule,
    },
};
#[cfg(feature = "data")]
pub use data::{CategorySummary, Description, Missing, NumberSummary, Schema, Table, Target};

/// What programs that train or use models need: `use nn_runtime::prelude::*`.
pub mod prelude {
    #[cfg(feature = "data")]
    pub use crate::data::{Table, Target};
    pub use crate::model::{Inspect, Model, Pullback, Train};
    pub use crate::optim::{Adagrad, Adam, AdamW, Lion, Nadam, Optimizer, RmsProp, Sgd};
    #[cfg(feature = "train")]
    pub use crate::{
        Average, Dataset, Evaluation, FittedScaler, History, Measure, Metric, ModelExt, Pipeline,
        Preprocessor, PullbackExt, Scaler, TrainExt, Trainer, cross_validate, evaluate, evaluate_with,
        report,
    };
    pub use nn_macros::nn_model;
}
