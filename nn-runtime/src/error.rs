//! Everything that can go wrong between a file on disk and a trained model.
//!
//! An error names what the user wrote or can open: the file and its line, the column, the row of a dataset, the
//! model and its tensors. Rows of datasets and examples of batches count from 0, as in `ndarray`; lines of files
//! count from 1, as in an editor.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::io;
use std::path::PathBuf;

use crate::optim::InvalidSetting;

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A method that adds up the losses of examples was to train a model of which they depend on each other.
    #[error(
        "{method} takes a loss that each example has for itself, but `{model}` computes with the mean of its batch: use \
         a trainer with batches, or `layer_norm` or `group_norm` in the model"
    )]
    SeesBatch {
        /// The name of the model.
        model: &'static str,
        /// What was to train it.
        method: &'static str,
    },
    /// A file could not be opened, read or written.
    #[error("cannot {action} `{}`", path.display())]
    File {
        /// What was tried: "read", "write".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },

    // Tables.
    /// The reader behind a table failed.
    #[error("cannot read {file}")]
    Read {
        /// The file or other source of the table.
        file: String,
        /// What the reader said.
        source: io::Error,
    },
    /// A file that is not what its format says.
    #[error("{file} is damaged or holds something else: {what}")]
    Damaged {
        /// The file.
        file: String,
        /// What is wrong with it.
        what: String,
    },
    /// A table without a header line or without a row below it.
    #[error("{file} has no {missing}")]
    EmptyTable {
        /// The file or other source of the table.
        file: String,
        /// "header line" or "rows below its header".
        missing: &'static str,
    },
    /// A row with more or fewer fields than the header.
    #[error("{file}, line {line}: {found} fields, but the header has {expected}")]
    RaggedRow {
        /// The file or other source of the table.
        file: String,
        /// The line on which the row starts.
        line: u64,
        /// Fields of the header.
        expected: usize,
        /// Fields of the row.
        found: usize,
    },
    /// Bytes that are not UTF-8 text.
    #[error("{file}, line {line}, field {field}: not valid UTF-8; save the file as UTF-8")]
    NotUtf8 {
        /// The file or other source of the table.
        file: String,
        /// The line on which the row starts.
        line: u64,
        /// The field in that row, counted from 1.
        field: usize,
    },
    /// Two columns with the same name.
    #[error("{file}: two columns are named `{column}`")]
    DuplicateColumn {
        /// The file or other source of the table.
        file: String,
        /// The name that both have.
        column: String,
    },
    /// A cell that is empty or says that its value is missing, in a column that was asked for.
    #[error(
        "{file}, {unit} {line}: the value of `{column}` is missing; fill it in (`Schema::missing`), or leave such rows \
         out with `table.drop_missing()`"
    )]
    MissingValue {
        /// The file or other source of the table.
        file: String,
        /// What is counted: "line", or "row" of files without lines.
        unit: &'static str,
        /// The line on which the row starts, or the row.
        line: u64,
        /// The column.
        column: String,
    },
    /// Text in a column whose other values are numbers.
    #[error(
        "{file}, {unit} {line}: `{value}` in column `{column}` is not a number, but other values of the column are; \
         correct it, or declare the column with `table.categorical(\"{column}\")`"
    )]
    NotANumber {
        /// The file or other source of the table.
        file: String,
        /// What is counted: "line", or "row" of files without lines.
        unit: &'static str,
        /// The line on which the row starts, or the row.
        line: u64,
        /// The column.
        column: String,
        /// What the cell says.
        value: String,
    },
    /// A column that the table does not have.
    #[error("{file} has no column `{column}`; its columns are {available}")]
    UnknownColumn {
        /// The file or other source of the table.
        file: String,
        /// The name that was asked for.
        column: String,
        /// The names that there are.
        available: String,
    },
    /// A category that a column does not have.
    #[error("column `{column}` of {file} is never `{category}`; its values are {available}")]
    UnknownCategory {
        /// The file or other source of the table.
        file: String,
        /// The column.
        column: String,
        /// The category that was asked for.
        category: String,
        /// The categories that there are.
        available: String,
    },
    /// A value that is none of a column's categories.
    #[error(
        "{file}, {unit} {line}: `{value}` is none of the categories of `{column}`, {available}; say what becomes of it \
         with `Schema::unseen`"
    )]
    UnseenCategory {
        /// The file or other source of the table.
        file: String,
        /// What is counted: "line", or "row" of files without lines.
        unit: &'static str,
        /// The line on which the row starts, or the row.
        line: u64,
        /// The column.
        column: String,
        /// What the cell says.
        value: String,
        /// The categories that there are.
        available: String,
    },
    /// A row whose category is none of the declared ones, where the number of the category is needed.
    #[error(
        "{file}, {unit} {line}: `{column}` is none of its categories, and cannot be the class to predict"
    )]
    NoCategory {
        /// The file or other source of the table.
        file: String,
        /// What is counted: "line", or "row" of files without lines.
        unit: &'static str,
        /// The line on which the row starts, or the row.
        line: u64,
        /// The column.
        column: String,
    },
    /// A column that holds something else than its use needs.
    #[error("column `{column}` of {file} is {found}, but {needed}")]
    ColumnKind {
        /// The file or other source of the table.
        file: String,
        /// The column.
        column: String,
        /// What it holds.
        found: &'static str,
        /// What was needed, and how to get it.
        needed: &'static str,
    },
    /// A column that is asked for twice, or as a feature and as the target.
    #[error("column `{column}` is {uses}")]
    ColumnUsedTwice {
        /// The column.
        column: String,
        /// Its two uses.
        uses: &'static str,
    },

    // Datasets.
    /// A dataset without a column or without a row where one is needed.
    #[error("{what} has no {missing}")]
    Empty {
        /// What is empty.
        what: &'static str,
        /// "rows", "feature columns" or "target columns".
        missing: &'static str,
    },
    /// Inputs and targets that do not belong together.
    #[error("{inputs} rows of inputs but {targets} rows of targets")]
    RowCount {
        /// Rows of the inputs.
        inputs: usize,
        /// Rows of the targets.
        targets: usize,
    },
    /// Names for more or fewer columns than there are.
    #[error("{names} names for {columns} columns")]
    NameCount {
        /// Names that were given.
        names: usize,
        /// Columns that there are.
        columns: usize,
    },
    /// A NaN or an infinity.
    #[error("row {row}: `{column}` is {value}; every value must be finite")]
    NonFinite {
        /// The row, counted from 0.
        row: usize,
        /// The column.
        column: String,
        /// NaN or an infinity.
        value: f64,
    },
    /// A class label that is no class.
    #[error("row {row}: the class label is {label}, but labels are whole numbers from 0 to {}", classes.saturating_sub(1))]
    ClassLabel {
        /// The row, counted from 0.
        row: usize,
        /// The label.
        label: f64,
        /// Number of classes.
        classes: usize,
    },
    /// A target outside of 0 to 1 for a loss that compares probabilities.
    #[error(
        "row {row}: the target `{column}` is {value}, but `{model}` predicts a probability: it must lie in 0..=1"
    )]
    NotAProbability {
        /// The row, counted from 0.
        row: usize,
        /// The target column.
        column: String,
        /// Its value.
        value: f64,
        /// The model.
        model: &'static str,
    },
    /// A number of columns that is not the model's number of inputs.
    #[error("`{model}` takes {expected} inputs ({inputs}), but there are {found} columns{columns}")]
    InputWidth {
        /// The model.
        model: &'static str,
        /// Its number of inputs.
        expected: usize,
        /// Its inputs with their shapes.
        inputs: String,
        /// Number of columns.
        found: usize,
        /// ": " and the names of the columns, or nothing if they have none.
        columns: String,
    },
    /// Targets that are not what the model's loss compares with.
    #[error("`{model}` is trained on {expected}, but the targets are {found}")]
    TargetMismatch {
        /// The model.
        model: &'static str,
        /// What its loss compares with.
        expected: String,
        /// What was given.
        found: String,
    },
    /// Cotangents that do not match the model's outputs.
    #[error("the cotangents are {found:?}, but {rows} rows of inputs to `{model}` need [{rows}, {expected}]")]
    CotangentShape {
        /// The model.
        model: &'static str,
        /// Rows of the inputs.
        rows: usize,
        /// Outputs of one example.
        expected: usize,
        /// Shape that was given.
        found: [usize; 2],
    },
    /// More rows than a dataset can address.
    #[error("{rows} rows; a dataset holds up to 4294967295")]
    TooManyRows {
        /// Rows that were given.
        rows: usize,
    },
    /// A shape of the inputs of one example that does not have as many numbers as there are columns.
    #[error("the shape {shape:?} does not have the {columns} numbers of a row")]
    InputShape {
        /// The shape.
        shape: Vec<usize>,
        /// Feature columns.
        columns: usize,
    },
    /// A value that is missing where a model is to be trained or evaluated.
    #[error(
        "row {row}: `{column}` is missing; fill it in with `Preprocessor::impute`, or earlier with `Schema::missing`"
    )]
    MissingInput {
        /// The row, counted from 0.
        row: usize,
        /// The column.
        column: String,
    },
    /// A row that a dataset does not have.
    #[error("there is no row {row}: the rows are numbered from 0, and there are {rows}")]
    UnknownRow {
        /// The number that was asked for.
        row: usize,
        /// Rows that there are.
        rows: usize,
    },
    /// A NaN or an infinity in a row of a stream.
    #[error("{file}, row {row}: `{column}` is {value}; every value must be finite")]
    StreamValue {
        /// The file or other source of the rows.
        file: String,
        /// The row, counted from 0.
        row: usize,
        /// The column.
        column: String,
        /// NaN or an infinity.
        value: f64,
    },
    /// A row of a stream with more or fewer values than were declared.
    #[error("row {row} has {found} {what}, but the stream was declared with {expected}")]
    RowWidth {
        /// The row, counted from 0.
        row: usize,
        /// "inputs" or "targets".
        what: &'static str,
        /// Values that were declared.
        expected: usize,
        /// Values of the row.
        found: usize,
    },
    /// Weights for more or fewer rows than there are.
    #[error("{weights} weights for {rows} rows")]
    WeightCount {
        /// Rows of the dataset.
        rows: usize,
        /// Weights that were given.
        weights: usize,
    },
    /// A weight that is negative or not finite.
    #[error("row {row}: the weight is {weight}, but must be finite and at least 0")]
    Weight {
        /// The row, counted from 0.
        row: usize,
        /// Its weight.
        weight: f64,
    },
    /// Weights that are all 0.
    #[error("all weights are 0: there would be nothing to learn from")]
    NoWeight,
    /// Weights that the model's loss does not mention.
    #[error("rows have weights, but the loss of `{model}` does not mention them; write `loss weight * …`")]
    UnusedWeights {
        /// The model.
        model: &'static str,
    },
    /// Classes were needed where the target has none.
    #[error("the target must be classes, but is {found}")]
    NoClasses {
        /// What the target is.
        found: String,
    },
    /// A class that the target does not have.
    #[error("there is no class `{class}`; the classes are {available}")]
    UnknownClass {
        /// The class that was asked for.
        class: String,
        /// The classes that there are.
        available: String,
    },

    /// A number of folds that does not fit the data.
    #[error("{folds} folds; there must be at least 2, and no more than the {most} {what}")]
    FoldCount {
        /// Folds that were asked for.
        folds: usize,
        /// What there is to cut.
        most: usize,
        /// "rows" or "groups".
        what: &'static str,
    },
    /// Groups for more or fewer rows than there are.
    #[error("{groups} groups for {rows} rows; each row needs one")]
    GroupCount {
        /// Rows of the dataset.
        rows: usize,
        /// Groups that were given.
        groups: usize,
    },
    /// Folds whose measures have different names.
    #[error("fold {fold} was measured by {found}, but the folds before it by {expected}")]
    FoldScores {
        /// The fold, counted from 0.
        fold: usize,
        /// The measures of the first fold.
        expected: String,
        /// The measures of this one.
        found: String,
    },

    // Scaling.
    /// A scaler that was fitted on other columns.
    #[error("the scaler was fitted on {expected}, but is applied to {found}")]
    ScalerColumns {
        /// The columns of the fit.
        expected: String,
        /// The columns at hand.
        found: String,
    },
    /// A column that is to be preprocessed and is not there.
    #[error("there is no column `{column}` to preprocess; the columns are {available}")]
    UnknownFeature {
        /// The column that was asked for.
        column: String,
        /// The columns that there are, after the steps before.
        available: String,
    },
    /// A column without a single value to learn from.
    #[error("`{column}` has no value, so nothing can be learnt from it")]
    NoValues {
        /// The column.
        column: String,
    },
    /// A value that a step of preprocessing has no answer to.
    #[error("row {row}: `{column}` is {value}, but {needed}")]
    Preprocess {
        /// The row, counted from 0.
        row: usize,
        /// The column.
        column: String,
        /// Its value.
        value: f64,
        /// What the step needs.
        needed: &'static str,
    },
    /// Targets were to be scaled that are not numbers.
    #[error("only numbers can be scaled, but the target is {found}")]
    ScalerTarget {
        /// What the target is.
        found: String,
    },

    // Training.
    /// A setting of an optimiser or of the trainer that makes no sense.
    #[error(transparent)]
    Setting(#[from] InvalidSetting),
    /// A group of parameters that has none.
    #[error("no parameter of `{model}` {reason} `{pattern}`{suggestion}; its parameters are {available}")]
    EmptyGroup {
        /// The model.
        model: &'static str,
        /// The pattern of the group.
        pattern: String,
        /// "matches", or "is left by earlier groups for".
        reason: &'static str,
        /// " (did you mean `h1.bias`?)", or nothing.
        suggestion: String,
        /// The parameters that there are.
        available: String,
    },
    /// A group whose pattern can't be read.
    #[error("`{pattern}` is no pattern of names; `*` stands for any letters and `?` for one")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// Data whose rows are not counted, where their number is needed.
    #[error("the rows of the training data are not counted; give a batch size in the place of a full batch")]
    UncountedRows,
    /// The training loss became NaN or infinite. The parameters are those before the batch.
    #[error(
        "the loss is {loss} at epoch {epoch}, batch {batch}{}; a smaller learning rate or scaled inputs may help",
        gradient_of(*parameter)
    )]
    NonFiniteLoss {
        /// The epoch, counted from 1.
        epoch: usize,
        /// The batch in that epoch, counted from 1.
        batch: usize,
        /// The loss.
        loss: f64,
        /// The first parameter whose gradient is not finite, if there is one.
        parameter: Option<&'static str>,
    },
    /// The gradient became NaN or infinite. The parameters are those before the batch.
    #[error(
        "the norm of the gradient is not finite at epoch {epoch}, batch {batch}{}; a smaller learning rate or scaled \
         inputs may help",
        gradient_of(*parameter)
    )]
    NonFiniteGradient {
        /// The epoch, counted from 1.
        epoch: usize,
        /// The batch in that epoch, counted from 1.
        batch: usize,
        /// The first parameter whose gradient is not finite, if there is one.
        parameter: Option<&'static str>,
    },
    /// The loss on the validation data became NaN or infinite.
    #[error(
        "the validation loss is {loss} after epoch {epoch}; a smaller learning rate or scaled inputs may help"
    )]
    NonFiniteValidationLoss {
        /// The epoch, counted from 1.
        epoch: usize,
        /// The loss.
        loss: f64,
    },
    /// A parameter became NaN or infinite.
    #[error(
        "parameter `{parameter}` is not finite after epoch {epoch}, batch {batch}; a smaller learning rate may help"
    )]
    NonFiniteParameter {
        /// The epoch, counted from 1.
        epoch: usize,
        /// The batch in that epoch, counted from 1, after whose update it was not; 0 before the first.
        batch: usize,
        /// The first parameter that is not finite.
        parameter: &'static str,
    },
    /// A metric that is to be watched, but was not measured.
    #[error("the metric `{metric}` is not measured; there is {available}")]
    UnknownMetric {
        /// The metric.
        metric: String,
        /// The metrics that there are.
        available: String,
    },
    /// A callback failed.
    #[error("a callback of the training failed")]
    Callback {
        /// What it said.
        source: Box<dyn StdError + Send + Sync>,
    },

    // Reading.
    /// More or fewer numbers than an example of the model has.
    #[cfg(feature = "trace")]
    #[error("an example of `{model}` can't be traced")]
    Trace {
        /// The model.
        model: &'static str,
        /// What does not fit.
        source: nn_compiler::emit::trace::WrongCount,
    },

    /// Signals of the operating system cannot be heard.
    #[error("cannot listen for Ctrl-C")]
    Signals {
        /// Why.
        source: Box<dyn StdError + Send + Sync>,
    },

    // Checkpoints of trainings.
    /// A training that may go on is not told where its checkpoint is.
    #[error("a training that may go on needs a checkpoint; give `Trainer::checkpoint` a file")]
    NoCheckpoint,
    /// A safetensors file of something else.
    #[error("`{}` is a safetensors file, but no checkpoint of a training", path.display())]
    NotACheckpoint {
        /// The file.
        path: PathBuf,
    },
    /// A checkpoint of a later version of this crate, or of a much earlier one.
    #[error("`{}` is a checkpoint of version {found}, but this program reads version {known}", path.display())]
    CheckpointVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The version that can be read.
        known: u32,
    },
    /// A checkpoint whose content is not what was written.
    #[error("`{}` is damaged: its checksum is {found}, but that of its content {computed}", path.display())]
    Checksum {
        /// The file.
        path: PathBuf,
        /// The checksum that it holds.
        found: String,
        /// The checksum of what it holds.
        computed: String,
    },
    /// A training that is to go on differently from how it began.
    #[error("`{}` is of a training with {found}; the {setting} cannot become {expected}", path.display())]
    CheckpointSetting {
        /// The file.
        path: PathBuf,
        /// What is different.
        setting: &'static str,
        /// How the training began.
        found: String,
        /// How it is to go on.
        expected: String,
    },
    /// What a schedule or a callback remembers is not what it once was.
    #[error("`{}`: {what} cannot go on from what it remembered", path.display())]
    CheckpointState {
        /// The file.
        path: PathBuf,
        /// The schedule, or the name under which a callback keeps what it remembers.
        what: String,
    },
    /// A name under which a callback cannot keep what it remembers.
    #[error("a callback keeps what it remembers under `{name}`, {reason}")]
    MemoryName {
        /// The name.
        name: String,
        /// Why it cannot.
        reason: &'static str,
    },

    // Models in files.
    // Metrics.
    /// More or fewer predictions than targets.
    #[error("{predictions} predictions but {targets} targets")]
    PredictionCount {
        /// Rows of the predictions.
        predictions: usize,
        /// Rows of the targets.
        targets: usize,
    },
    /// Classes or columns that are not those of a metric.
    #[error("{found} {what}, but the metric is one of {expected} {what}")]
    MetricWidth {
        /// "classes" or "columns".
        what: &'static str,
        /// As many as the metric has.
        expected: usize,
        /// As many as were given.
        found: usize,
    },
    /// A measure that cannot be computed from what a model predicts.
    #[error("`{measure}` cannot be measured of `{model}`, which predicts {found}")]
    MeasureMismatch {
        /// The measure.
        measure: Cow<'static, str>,
        /// The model.
        model: &'static str,
        /// What it predicts.
        found: String,
    },
    /// Class scores that are no probabilities, for a measure that compares probabilities.
    #[error(
        "row {row}: `{measure}` needs probabilities, but the scores that `{model}` predicts sum to {sum}; its first \
         output should be a `softmax`"
    )]
    NotProbabilities {
        /// The row, counted from 0.
        row: usize,
        /// The sum of its scores.
        sum: f64,
        /// The model.
        model: &'static str,
        /// The measure.
        measure: Cow<'static, str>,
    },

    // Pictures.
    /// A decision boundary of a model that has none in the plane.
    #[error(
        "a decision boundary needs a model that takes two inputs and predicts a class, or yes or no; `{model}` takes \
         {inputs}{}", if *inputs == 2 { " and predicts numbers or several answers" } else { "" }
    )]
    NoBoundary {
        /// The model.
        model: &'static str,
        /// Its number of inputs.
        inputs: usize,
    },
    /// Pixels could not be made of a picture.
    #[error("cannot draw the picture: {what}")]
    Picture {
        /// What failed.
        what: String,
    },

    // Checkpoints.
    /// A file that is not a whole safetensors file.
    #[error("`{}` is damaged or no safetensors file", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The weights of another model, by their names.
    #[error("`{}` does not hold the weights of `{model}`: missing {missing}; unexpected {unexpected}", path.display())]
    Tensors {
        /// The file.
        path: PathBuf,
        /// The model.
        model: &'static str,
        /// Parameters of the model that the file lacks.
        missing: String,
        /// Tensors of the file that the model lacks.
        unexpected: String,
    },
    /// The weights of another model, by its name.
    #[error("`{}` holds the weights of `{found}`, not of `{model}`", path.display())]
    ModelName {
        /// The file.
        path: PathBuf,
        /// The model.
        model: &'static str,
        /// The model that was saved.
        found: String,
    },
    /// A tensor of another shape.
    #[error("`{}`: `{tensor}` is {found:?}, but `{model}` needs {expected:?}", path.display())]
    TensorShape {
        /// The file.
        path: PathBuf,
        /// The model.
        model: &'static str,
        /// The tensor.
        tensor: &'static str,
        /// Shape in the model.
        expected: &'static [usize],
        /// Shape in the file.
        found: Vec<usize>,
    },
    /// A tensor of another element type.
    #[error("`{}`: `{tensor}` is of type {found}, but `{model}` needs {expected}", path.display())]
    TensorType {
        /// The file.
        path: PathBuf,
        /// The model.
        model: &'static str,
        /// The tensor.
        tensor: &'static str,
        /// Type in the model.
        expected: &'static str,
        /// Type in the file.
        found: String,
    },
    /// A model was loaded on its own from a file that also holds the scaler of its inputs.
    #[error(
        "`{}` also holds a scaler, without which `{model}` predicts nonsense; load both with \
         `Pipeline::<{model}>::load`",
        path.display()
    )]
    ScalerStored {
        /// The file.
        path: PathBuf,
        /// The model.
        model: &'static str,
    },
}

/// Where a gradient is not finite, for messages.
fn gradient_of(parameter: Option<&str>) -> String {
    parameter
        .map_or_else(String::new, |parameter| format!(", where the gradient of `{parameter}` is not finite"))
}

/// The names in backquotes, separated by commas, for messages; past a dozen, how many more there are.
pub(crate) fn quoted<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 12;
    let mut text = String::new();
    let mut count = 0;
    for name in names {
        if count < SHOWN {
            text.push_str(if count == 0 { "" } else { ", " });
            text.push('`');
            text.push_str(name);
            text.push('`');
        }
        count += 1;
    }
    match count {
        0 => "none".to_owned(),
        _ if count > SHOWN => text + &format!(" and {} more", count - SHOWN),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::{Error, quoted};

    #[test]
    fn errors_cross_threads_and_stay_small() {
        fn crosses<T: Send + Sync + 'static>() {}
        crosses::<Error>();
        assert!(size_of::<Error>() <= 128, "{} bytes in every Result", size_of::<Error>());
    }

    #[test]
    fn long_lists_of_names_are_cut() {
        let names: Vec<String> = (0..15).map(|i| format!("x{i}")).collect();
        assert_eq!(quoted(names.iter().take(2).map(String::as_str)), "`x0`, `x1`");
        assert!(quoted(names.iter().map(String::as_str)).ends_with("`x11` and 3 more"));
        assert_eq!(quoted([]), "none");
    }
}
