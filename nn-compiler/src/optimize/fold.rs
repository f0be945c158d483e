//! Computes pointwise operations on constants at compile time.

use ndarray::arr0;

use super::{Rewritten, rebuild};
use crate::graph::Graph;
use crate::ops::Kernel;

/// Constants in place of the pointwise operations that only see constants.
pub(super) fn run(graph: Graph) -> Rewritten {
    rebuild(graph, |op, attrs, operands| {
        let values: Option<Vec<_>> =
            operands.iter().map(|term| term.as_constant().map(|value| arr0(value).into_dyn())).collect();
        match (op.kernel, values) {
            (Kernel::Pointwise, Some(values)) if !values.is_empty() => {
                let value = (op.eval)(attrs, &values).first().copied()?;
                // Infinities and NaN have no literal; they stay where the user put them.
                value.is_finite().then(|| operands[0].filled(value, operands[0].shape()))
            }
            _ => None,
        }
    })
}
