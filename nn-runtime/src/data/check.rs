//! Whether data is what a model takes.

use ndarray::ArrayView2;

use super::{Dataset, TargetColumns};
use crate::error::quoted;
use crate::kernels::Real;
use crate::model::{Model, TargetKind, Train};
use crate::{Error, Result};

/// Checks widths and target values of a dataset against a model.
pub(crate) fn for_model<M: Train>(dataset: &Dataset<M::Scalar>) -> Result<()> {
    input_width::<M>(dataset.inputs().ncols(), dataset.features())?;
    let found = || dataset.target().describe();
    // A class index is a number, but a model that compares numbers would learn that the third class is twice the
    // second. Two classes are as good as 0 and 1.
    if let (TargetColumns::Class { classes, .. }, TargetKind::Values { .. } | TargetKind::Binary { .. }) =
        (dataset.target(), M::TARGET)
        && classes.len() > 2
    {
        return Err(mismatch::<M>(found()));
    }
    if let (Some(names), TargetKind::Class { classes }) = (dataset.classes(), M::TARGET)
        && names.len() > classes
    {
        return Err(mismatch::<M>(found()));
    }
    check_targets::<M>(dataset.targets(), found, |column| dataset.target().name(column).to_owned())
}

/// Checks that a matrix of targets is what a model's loss compares with.
pub(crate) fn target_values<M: Train>(targets: ArrayView2<'_, M::Scalar>) -> Result<()> {
    let found = || format!("{} numbers per row", targets.ncols());
    check_targets::<M>(targets, found, |column| format!("target[{column}]"))
}

fn check_targets<M: Train>(
    targets: ArrayView2<'_, M::Scalar>,
    found: impl Fn() -> String,
    column_name: impl Fn(usize) -> String,
) -> Result<()> {
    if targets.ncols() != M::TARGET_LEN {
        return Err(mismatch::<M>(found()));
    }
    match M::TARGET {
        TargetKind::None | TargetKind::Values { .. } => Ok(()),
        TargetKind::Class { classes } => class_labels(targets, classes),
        TargetKind::Binary { .. } => {
            let within = |value: f64| (0.0..=1.0).contains(&value);
            match targets.indexed_iter().find(|(_, value)| !within(value.to_f64())) {
                None => Ok(()),
                Some(((row, column), value)) => Err(Error::NotAProbability {
                    row,
                    column: column_name(column),
                    value: value.to_f64(),
                    model: M::NAME,
                }),
            }
        }
    }
}

fn class_labels<T: Real>(targets: ArrayView2<'_, T>, classes: usize) -> Result<()> {
    for ((row, _), label) in targets.indexed_iter() {
        let label = label.to_f64();
        if label.fract() != 0.0 || !(0.0..classes as f64).contains(&label) {
            return Err(Error::ClassLabel { row, label, classes });
        }
    }
    Ok(())
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
    };
    Error::TargetMismatch { model: M::NAME, expected, found }
}
