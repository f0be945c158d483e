//! Brings contractions into the form that kernels take: contracted axes together, on the right operand first.

use super::{Rewritten, rebuild};
use crate::graph::{Attrs, Graph};
use crate::ops::{Kernel, Op};
use crate::term::Term;

/// The operands of contractions are transposed where they have to be, and the one that varies comes first where
/// that needs no transposition of the result.
pub(super) fn run(graph: Graph) -> Rewritten {
    rebuild(graph, |op, attrs, operands| match op.kernel {
        Kernel::Contract => contraction(op, attrs, operands[0], operands[1]),
        _ => None,
    })
}

fn contraction<'g>(op: &'static Op, attrs: &Attrs, a: Term<'g>, b: Term<'g>) -> Option<Term<'g>> {
    let free = |term: Term<'g>, over: &[usize]| -> Vec<usize> {
        (0..term.shape().len()).filter(|axis| !over.contains(axis)).collect()
    };
    // A shared matrix times a varying vector is the vector times the transposed matrix.
    let swap = !a.varies() && b.varies() && !attrs.sizes.is_empty() && free(b, &attrs.sizes).is_empty();
    let (left, right) = if swap { (b, a) } else { (a, b) };
    let (over_left, over_right) =
        if swap { (&attrs.sizes, &attrs.axes) } else { (&attrs.axes, &attrs.sizes) };

    // The right operand: contracted axes first, in the order in which the left operand has them.
    let mut pairs: Vec<(usize, usize)> = over_left.iter().copied().zip(over_right.iter().copied()).collect();
    pairs.sort_unstable();
    let order: Vec<usize> = pairs.iter().map(|&(_, axis)| axis).chain(free(right, over_right)).collect();
    let moved_right = right.permute(&order);
    // The left operand: its contracted axes adjacent, before or after the free ones.
    let contracted: Vec<usize> = pairs.iter().map(|&(axis, _)| axis).collect();
    let (count, rank) = (contracted.len(), left.shape().len());
    let is_first = contracted.iter().copied().eq(0..count);
    let is_last = contracted.iter().copied().eq(rank - count..rank);
    let (moved_left, over_left) = if is_first || is_last {
        (left, contracted)
    } else {
        let order: Vec<usize> = free(left, over_left).into_iter().chain(contracted).collect();
        (left.permute(&order), (rank - count..rank).collect())
    };
    let over_right: Vec<usize> = (0..count).collect();
    if moved_left.id == a.id && moved_right.id == b.id && over_left == attrs.axes && over_right == attrs.sizes
    {
        return None;
    }
    Some(moved_left.apply(op, Attrs { axes: over_left, sizes: over_right, ..attrs.clone() }, &[moved_right]))
}
