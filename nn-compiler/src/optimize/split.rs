//! Reductions over axes that are not adjacent become several, as kernels reduce one run of axes at a time.

use super::{Rewritten, rebuild};
use crate::graph::{Attrs, Graph};
use crate::ops::{Kernel, Op};
use crate::term::Term;

/// Splits every reduction over separate axes.
pub(super) fn run(graph: Graph) -> Rewritten {
    rebuild(graph, |op, attrs, operands| match op.kernel {
        Kernel::Call { .. } => reduction(op, attrs, operands[0]),
        _ => None,
    })
}

/// The last run of adjacent axes first, then the others.
fn reduction<'g>(op: &'static Op, attrs: &Attrs, operand: Term<'g>) -> Option<Term<'g>> {
    let cut = (1..attrs.axes.len()).rev().find(|&i| attrs.axes[i] != attrs.axes[i - 1] + 1)?;
    let over =
        |term: Term<'g>, axes: &[usize]| term.apply(op, Attrs { axes: axes.to_vec(), ..attrs.clone() }, &[]);
    let (rest, last) = attrs.axes.split_at(cut);
    let inner = over(operand, last);
    Some(
        reduction(op, &Attrs { axes: rest.to_vec(), ..attrs.clone() }, inner)
            .unwrap_or_else(|| over(inner, rest)),
    )
}
