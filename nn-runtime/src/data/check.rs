//! Whether data is what a model takes.

use ndarray::ArrayView2;

use super::{Dataset, Source, TargetColumns};
use crate::batch::Batch;
use crate::error::quoted;
use crate::kernels::Real;
use crate::model::{Extra, Model, TargetKind, Train};
use crate::{Error, Result};

/// Checks widths and target values of a dataset against a model.
pub(crate) fn for_model<M: Train>(dataset: &Dataset<M::Scalar>) -> Result<()> {
    columns_for_model::<M>(dataset)?;
    if dataset.weights().is_some() && !M::EXTRAS.contains(&Extra::Weight) {
        return Err(Error::UnusedWeights { model: M::NAME });
    }
    batch_for_model::<M>(&dataset.batch(), dataset.target(), 0)
}

/// Checks the columns of a source against a model. What is in them is checked batch by batch.
pub(crate) fn columns_for_model<M: Train>(source: &(impl Source<M::Scalar> + ?Sized)) -> Result<()> {
    input_width::<M>(source.features().len(), source.features())?;
    let found = || source.target().describe();
    // A class index is a number, but a model that compares numbers would learn that the third class is twice the
    // second. Two classes are as good as 0 and 1.
    if let (TargetColumns::Class { classes, .. }, TargetKind::Values { .. } | TargetKind::Binary { .. }) =
        (source.target(), M::TARGET)
        && classes.len() > 2
    {
        return Err(mismatch::<M>(found()));
    }
    if let TargetColumns::Class { classes: names, .. } = source.target()
        && let TargetKind::Class { classes } | TargetKind::Classes { classes, .. } = M::TARGET
        && names.len() > classes
    {
        return Err(mismatch::<M>(found()));
    }
    if source.target().len() != M::TARGET_LEN {
        return Err(mismatch::<M>(found()));
    }
    match source.dataset().and_then(Dataset::first_missing) {
        None => Ok(()),
        Some((row, column)) => Err(Error::MissingInput { row, column: source.features()[column].clone() }),
    }
}

/// Checks that the targets of a batch are what a model's loss compares with. Rows count from `first` in errors.
pub(crate) fn batch_for_model<M: Train>(
    batch: &Batch<'_, M::Scalar>,
    target: &TargetColumns,
    first: usize,
) -> Result<()> {
    let row =
        |i| batch.target_row(i).iter().enumerate().map(move |(column, &value)| (first + i, column, value));
    check_targets::<M>((0..batch.len()).flat_map(row), |column| target.name(column).to_owned())
}

/// Checks that a matrix of targets is what a model's loss compares with.
pub(crate) fn target_values<M: Train>(targets: ArrayView2<'_, M::Scalar>) -> Result<()> {
    if targets.ncols() != M::TARGET_LEN {
        return Err(mismatch::<M>(format!("{} numbers per row", targets.ncols())));
    }
    let values = targets.indexed_iter().map(|((row, column), &value)| (row, column, value));
    check_targets::<M>(values, |column| format!("target[{column}]"))
}

/// Checks values with their rows and columns.
fn check_targets<M: Train>(
    mut values: impl Iterator<Item = (usize, usize, M::Scalar)>,
    column_name: impl Fn(usize) -> String,
) -> Result<()> {
    match M::TARGET {
        TargetKind::None | TargetKind::Values { .. } => Ok(()),
        TargetKind::Class { classes } | TargetKind::Classes { classes, .. } => {
            let is_class = |label: f64| label.fract() == 0.0 && (0.0..classes as f64).contains(&label);
            match values.find(|(.., label)| !is_class(label.to_f64())) {
                None => Ok(()),
                Some((row, _, label)) => Err(Error::ClassLabel { row, label: label.to_f64(), classes }),
            }
        }
        TargetKind::Binary { .. } => {
            let within = |value: f64| (0.0..=1.0).contains(&value);
            match values.find(|(.., value)| !within(value.to_f64())) {
                None => Ok(()),
                Some((row, column, value)) => Err(Error::NotAProbability {
                    row,
                    column: column_name(column),
                    value: value.to_f64(),
                    model: M::NAME,
                }),
            }
        }
    }
}

/// Checks that a model takes this number of columns.
pub(crate) fn input_width<M: Model>(found: usize, names: &[String]) -> Result<()> {
    if found == M::INPUT_LEN {
        return Ok(());
    }
    let inputs = M::INPUTS.iter().map(|input| match input.shape {
        [] => input.name.to_owned(),
        shape => format!("{}: {shape:?}", input.name),
    });
    let columns = match names {
        [] => String::new(),
        names => format!(": {}", quoted(names.iter().map(String::as_str))),
    };
    let inputs = inputs.collect::<Vec<_>>().join(", ");
    Err(Error::InputWidth { model: M::NAME, expected: M::INPUT_LEN, inputs, found, columns })
}

fn mismatch<M: Train>(found: String) -> Error {
    let expected = match M::TARGET {
        TargetKind::None => "no targets".to_owned(),
        TargetKind::Values { len: 1 } => "one number per example".to_owned(),
        TargetKind::Values { len } => format!("{len} numbers per example"),
        TargetKind::Binary { len: 1, .. } => "0 or 1, or a probability".to_owned(),
        TargetKind::Binary { len, .. } => format!("{len} probabilities per example"),
        TargetKind::Class { classes } => format!("the index of one of {classes} classes"),
        TargetKind::Classes { len, classes } => format!("{len} indices of {classes} classes per example"),
    };
    Error::TargetMismatch { model: M::NAME, expected, found }
}
