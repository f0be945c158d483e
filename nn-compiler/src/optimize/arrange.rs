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

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use ndarray::Dimension;

    use super::*;
    use crate::diag::Region;
    use crate::graph::{Kind, Root};
    use crate::interpret::{Bindings, Example, evaluate};
    use crate::ops::Tensor;
    use crate::shape::Shape;

    /// Shapes and contracted axes of two operands.
    const CONTRACTIONS: [[&[usize]; 4]; 10] = [
        [&[3], &[0], &[3], &[0]],
        [&[3], &[0], &[3, 2], &[0]],
        [&[3], &[0], &[2, 3], &[1]],
        [&[2, 3], &[1], &[3], &[0]],
        [&[3, 2], &[0], &[4, 3], &[1]],
        [&[2, 3, 4], &[1], &[3, 5], &[0]],
        [&[2, 3, 4], &[0, 2], &[4, 5, 2], &[2, 0]],
        [&[2, 3, 4], &[2, 1], &[3, 4], &[1, 0]],
        [&[2, 3], &[1, 0], &[2, 3], &[1, 0]],
        [&[2], &[], &[3], &[]],
    ];

    #[test]
    fn contractions_come_as_kernels_take_them_and_mean_the_same() {
        for [left, over_left, right, over_right] in CONTRACTIONS {
            for (a_varies, b_varies) in [(true, true), (true, false), (false, true), (false, false)] {
                let what = format!("{left:?} {over_left:?} {a_varies}, {right:?} {over_right:?} {b_varies}");
                let mut graph = Graph::default();
                let mut leaf = |position, shape: &[usize], varies| {
                    let kind = if varies { Kind::Input(position) } else { Kind::Param(position) };
                    graph.leaf(kind, Shape::from(shape.to_vec()), Region::none())
                };
                let (a, b) = (leaf(0, left, a_varies), leaf(1, right, b_varies));
                let graph = RefCell::new(graph);
                let y = Term::new(&graph, a).contract(Term::new(&graph, b), over_left, over_right);
                let root = (Root::Output(0), y.id);
                let mut before = graph.into_inner();
                before.roots.push(root);

                let number = |seed: usize| {
                    move |at: ndarray::IxDyn| {
                        let index = (0..at.ndim()).fold(seed, |sum, axis| 7 * sum + at[axis]);
                        (index as f64).sin()
                    }
                };
                let tensors =
                    [Tensor::from_shape_fn(left, number(1)), Tensor::from_shape_fn(right, number(2))];
                let example = Example { inputs: tensors.to_vec(), ..Example::default() };
                let bindings = Bindings { params: tensors.to_vec(), examples: vec![example] };
                let value = |graph: &Graph| {
                    let root = graph.root(Root::Output(0)).expect("the root stays");
                    evaluate(graph, &bindings).example(root, 0).clone()
                };
                let expected = value(&before);
                let Rewritten { graph: after, .. } = run(before);
                let found = value(&after);
                assert!((&found - &expected).iter().all(|d| d.abs() < 1e-14), "{what}: {found} {expected}");

                for id in after.ids() {
                    let Some((op, attrs)) = after[id].op() else { continue };
                    if !matches!(op.kernel, Kernel::Contract) {
                        continue;
                    }
                    let operands = after.operands(id);
                    let (rank, count) = (after[operands[0]].shape.len(), attrs.axes.len());
                    let is_run = |from: usize| attrs.axes.iter().copied().eq(from..from + count);
                    assert!(is_run(0) || is_run(rank - count), "{what}: {attrs:?}");
                    assert!(attrs.sizes.iter().copied().eq(0..count), "{what}: {attrs:?}");
                    let is_vector = count > 0 && after[operands[1]].shape.len() == count;
                    let is_turned = !after[operands[0]].varies && after[operands[1]].varies && is_vector;
                    assert!(!is_turned, "{what}: what varies comes first");
                }
                assert!(!run(after).changed, "{what}: nothing is left to do");
            }
        }
    }
}
