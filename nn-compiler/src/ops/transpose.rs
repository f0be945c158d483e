//! `transpose(x, axes)`: the axes in another order.
//!
//! `attrs.axes` holds the order: axis `i` of the result is axis `axes[i]` of the operand.

use super::{
    Arg, Copy, Kernel, Mismatch, Movement, Op, Rewrite, Stage, Vjp, contract::CONTRACT, moved_constant,
};
use crate::graph::Attrs;
use crate::notation::Formula;
use crate::shape::Shape;
use crate::term::Term;

/// A tensor with its axes in another order; without one, reversed.
pub static TRANSPOSE: Op = Op {
    name: "transpose",
    also: &["t", "permute", "swapaxes"],
    args: &[Arg::Tensor("x"), Arg::Order("axes")],
    shape: |Attrs { axes: order, .. }, shapes| {
        let shape = &shapes[0];
        if order.len() != shape.len() || (0..shape.len()).any(|axis| !order.contains(&axis)) {
            return Err(Mismatch::new(format!("{order:?} is not an order of the axes of {shape}"))
                .help(format!("name each axis from 0 below {} once", shape.len())));
        }
        Ok(order.iter().map(|&axis| shape[axis]).collect())
    },
    vjp: Vjp::Rule(|at, d| vec![Some(d.permute(&inverse(&at.attrs.axes)))]),
    eval: |attrs, x| x[0].view().permuted_axes(attrs.axes.clone()).as_standard_layout().into_owned(),
    kernel: Kernel::Move(|attrs, shapes| {
        let (from, strides) = (&shapes[0], shapes[0].strides());
        let sizes: Shape = attrs.axes.iter().map(|&axis| from[axis]).collect();
        let from_strides = attrs.axes.iter().map(|&axis| strides[axis]).collect();
        Movement::one(Copy {
            operand: 0,
            from: 0,
            from_strides,
            to: 0,
            to_strides: sizes.strides(),
            sizes: sizes.to_vec(),
        })
    }),
    notation: |style, attrs, x, _| match attrs.axes[..] {
        [1, 0] => style.transposed(&x[0]),
        _ => style.call("transpose", [&x[0], &Formula::atom(format!("axes = {:?}", attrs.axes))]),
    },
    rewrites: &[
        Rewrite {
            name: "a transposed constant is a constant",
            stage: Stage::Simplify,
            apply: |attrs, x| moved_constant(&TRANSPOSE, attrs, x[0]),
        },
        Rewrite {
            name: "a transposition of axes of size 1 is a reshape",
            stage: Stage::Simplify,
            apply: |attrs, x| {
                let shape = x[0].shape();
                let moved = attrs.axes.iter().filter(|&&axis| shape[axis] != 1);
                moved.is_sorted().then(|| x[0].reshape(&attrs.axes.iter().map(|&axis| shape[axis]).collect()))
            },
        },
        Rewrite {
            name: "a transposition of a transposition is one",
            stage: Stage::Simplify,
            apply: |attrs, x| {
                let inner = x[0].operands_of(&TRANSPOSE)?[0];
                let (_, first) = x[0].op()?;
                let composed: Vec<usize> = attrs.axes.iter().map(|&axis| first.axes[axis]).collect();
                Some(inner.permute(&composed))
            },
        },
        Rewrite {
            name: "(a ⊗ b)ᵀ = b ⊗ a",
            stage: Stage::Simplify,
            apply: |attrs, x| swapped_outer(attrs, x[0]),
        },
    ],
    flops: 0,
    ..Op::POINTWISE
};

/// The outer product with its operands exchanged, if that is what the order asks for.
fn swapped_outer<'g>(Attrs { axes: order, .. }: &Attrs, x: Term<'g>) -> Option<Term<'g>> {
    let [a, b] = x.operands_of(&CONTRACT)?[..] else { return None };
    let (rank, rank_a) = (order.len(), a.shape().len());
    let is_outer = x.op().is_some_and(|(_, attrs)| attrs.axes.is_empty());
    let swapped = order.iter().copied().eq((rank_a..rank).chain(0..rank_a));
    (is_outer && swapped).then(|| b.contract(a, &[], &[]))
}

fn inverse(order: &[usize]) -> Vec<usize> {
    let mut inverse = vec![0; order.len()];
    for (to, &from) in order.iter().enumerate() {
        inverse[from] = to;
    }
    inverse
}
