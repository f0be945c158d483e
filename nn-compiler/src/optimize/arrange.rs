//! Brings contractions into the form that kernels take: contracted axes together, on the right operand first.

use super::rebuild;
use crate::graph::{Attrs, Graph};
use crate::ops::{Kernel, Op};
use crate::term::Term;

/// The operands of contractions are transposed where they have to be, and the one that varies comes first where
/// that needs no transposition of the result.
pub(super) fn run(graph: &Graph) -> Graph {
    rebuild(graph, |op, attrs, operands| match op.kernel {
        Kernel::Contract => contraction(op, attrs, operands[0], operands[1]),
        _ => None,
    })
}

fn contraction<'g>(op: &'static Op, attrs: &Attrs, a: Term<'g>, b: Term<'g>) -> Option<Term<'g>> {
    let (over_a, over_b) = (&attrs.axes, &attrs.sizes);
    let free = |term: Term<'g>, over: &[usize]| -> Vec<usize> {
        (0..term.shape().len()).filter(|axis| !over.contains(axis)).collect()
    };
    let (free_a, free_b) = (free(a, over_a), free(b, over_b));
    let contract = |a: Term<'g>, over_a: Vec<usize>, b: Term<'g>, over_b: Vec<usize>| {
        a.apply(op, Attrs { axes: over_a, sizes: over_b, ..attrs.clone() }, &[b])
    };

    // A shared matrix times a varying vector is the vector times the transposed matrix.
    if !a.varies() && b.varies() && free_b.is_empty() && !over_b.is_empty() {
        return Some(contract(b, over_b.clone(), a, over_a.clone()));
    }
    // The right operand: contracted axes first, in the order in which the left operand has them.
    let mut pairs: Vec<(usize, usize)> = over_a.iter().copied().zip(over_b.iter().copied()).collect();
    pairs.sort_unstable();
    let order_b: Vec<usize> = pairs.iter().map(|&(_, axis)| axis).chain(free_b.iter().copied()).collect();
    let moved_b = b.permute(&order_b);
    // The left operand: its contracted axes adjacent, before or after the free ones.
    let sorted_a: Vec<usize> = pairs.iter().map(|&(axis, _)| axis).collect();
    let count = sorted_a.len();
    let rank = a.shape().len();
    let first = sorted_a.iter().copied().eq(0..count);
    let last = sorted_a.iter().copied().eq(rank - count..rank);
    let (moved_a, over_a) = if first || last {
        (a, sorted_a)
    } else {
        let order: Vec<usize> = free_a.iter().copied().chain(sorted_a).collect();
        (a.permute(&order), (rank - count..rank).collect())
    };
    let over_b: Vec<usize> = (0..count).collect();
    if moved_a.id == a.id && moved_b.id == b.id && over_a == attrs.axes && over_b == attrs.sizes {
        return None;
    }
    Some(contract(moved_a, over_a, moved_b, over_b))
}
