//! Which class each row of a dataset belongs to.

use super::{Dataset, TargetColumns};
use crate::kernels::Real;
use crate::{Error, Result};

/// The classes of a dataset's rows.
pub(super) struct Labels {
    /// The index of the class of each row.
    pub(super) of_row: Vec<usize>,
    /// The names of the classes, some of which may not occur.
    pub(super) names: Vec<String>,
}

impl Labels {
    /// The classes of a target that is a class, 0 or 1, or one column of whole numbers.
    ///
    /// # Errors
    /// If the target is something else.
    pub(super) fn of<T: Real>(dataset: &Dataset<T>) -> Result<Self> {
        let no_classes = || Error::NoClasses { found: dataset.target().describe() };
        let targets = dataset.targets();
        if targets.ncols() != 1 {
            return Err(no_classes());
        }
        let numbers = || targets.column(0).into_iter().map(|target| target.to_f64());
        match dataset.target() {
            TargetColumns::Class { classes, .. } => {
                // A stream may have promised fewer classes than there are.
                let is_class =
                    |label: f64| label.fract() == 0.0 && (0.0..classes.len() as f64).contains(&label);
                if let Some((row, label)) = numbers().enumerate().find(|&(_, label)| !is_class(label)) {
                    return Err(Error::ClassLabel { row, label, classes: classes.len() });
                }
                Ok(Self { of_row: numbers().map(|label| label as usize).collect(), names: classes.clone() })
            }
            TargetColumns::Equals { .. } => {
                Ok(Self { of_row: numbers().map(|label| label as usize).collect(), names: numbered(2) })
            }
            TargetColumns::Values { .. } => {
                if numbers().any(|number| number.fract() != 0.0) {
                    return Err(no_classes());
                }
                let mut distinct: Vec<f64> = numbers().collect();
                distinct.sort_by(f64::total_cmp);
                distinct.dedup();
                let class = |number: f64| distinct.partition_point(|&other| other < number);
                let of_row = numbers().map(class).collect();
                Ok(Self { of_row, names: distinct.iter().map(f64::to_string).collect() })
            }
        }
    }

    /// Rows of each class.
    pub(super) fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.names.len()];
        for &class in &self.of_row {
            counts[class] += 1;
        }
        counts
    }
}

fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|class| class.to_string()).collect()
}
