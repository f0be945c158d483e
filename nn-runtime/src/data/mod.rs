//! From a file to the rows that a model trains on: tables, datasets, scaling.

mod check;
mod cross_validate;
mod dataset;
mod folds;
#[cfg(feature = "data")]
mod gzip;
#[cfg(feature = "data")]
mod idx;
mod labels;
#[cfg(feature = "npy")]
mod npy;
#[cfg(feature = "parquet")]
mod parquet;
mod preprocess;
mod scaler;
mod source;
mod statistics;
mod stream;
#[cfg(feature = "data")]
mod table;
#[cfg(feature = "data")]
mod target;
mod text;
mod weights;

pub(crate) use check::{batch_for_model, columns_for_model, for_model, input_width, target_values};
pub use cross_validate::{CrossValidation, FoldMetric, Scores, cross_validate};
pub use dataset::{Dataset, TargetColumns};
pub use folds::Fold;
pub use preprocess::{Columns, FittedPreprocessor, Impute, Preprocessor, Unseen};
pub use scaler::{FittedScaler, Scaler};
pub use source::{Order, Source, Visit};
pub use stream::{RowReader, Stream};
#[cfg(feature = "data")]
pub use table::{CategorySummary, Description, Missing, NumberSummary, Schema, Table};
#[cfg(feature = "data")]
pub use target::Target;
