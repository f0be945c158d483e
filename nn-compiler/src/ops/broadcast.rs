//! `broadcast(x, shape)`: the elements repeated along new axes and axes of size 1.
//!
//! `attrs.sizes` holds the result's shape, `attrs.axes` the result's axis that each of the operand's axes
//! becomes, ascending. In a call they are left out: axes are aligned at the right, as `NumPy` does it.

use super::{Arg, Copy, Kernel, Mismatch, Movement, Op, Rewrite, Stage, Tensor, Vjp, moved_constant};
use crate::graph::Attrs;
use crate::notation::Formula;
use crate::shape::Shape;

/// A tensor stretched to a shape. Binary operations have it made for their operands.
pub static BROADCAST: Op = Op {
    name: "broadcast",
    also: &["broadcast_to", "expand", "tile"],
    args: &[Arg::Tensor("x"), Arg::Sizes("shape")],
    shape,
    vjp: Vjp::Rule(|at, d| {
        let (from, to) = (at.x[0].shape(), d.shape());
        let axes = axes(&at.attrs, &from);
        let stretched = |axis: &usize| match axes.iter().position(|known| known == axis) {
            Some(own) => from[own] != to[*axis],
            None => true,
        };
        let repeated: Vec<usize> = (0..to.len()).filter(stretched).collect();
        vec![Some(d.sum(&repeated).reshape(&from))]
    }),
    eval,
    kernel: Kernel::Move(|attrs, shapes| {
        let (from, to) = (&shapes[0], Shape::from(attrs.sizes.clone()));
        let mut from_strides = vec![0; to.len()];
        for ((&axis, &size), stride) in axes(attrs, from).iter().zip(from.iter()).zip(from.strides()) {
            from_strides[axis] = if size == 1 { 0 } else { stride };
        }
        Movement::one(Copy {
            operand: 0,
            from: 0,
            from_strides,
            to: 0,
            to_strides: to.strides(),
            sizes: attrs.sizes.clone(),
        })
    }),
    // Aligned at the right, it is what formulas leave unsaid.
    notation: |style, attrs, x, shapes| {
        let from = &shapes[0];
        if axes(attrs, from) == aligned(from.len(), attrs.sizes.len()) || style.is_code() {
            return x[0].clone();
        }
        style.call("broadcast", [&x[0], &Formula::atom(format!("{:?}", attrs.sizes))])
    },
    rewrites: &[
        Rewrite {
            name: "a broadcast constant is a constant",
            stage: Stage::Simplify,
            apply: |attrs, x| moved_constant(&BROADCAST, attrs, x[0]),
        },
        Rewrite {
            name: "a broadcast that repeats nothing is a reshape",
            stage: Stage::Simplify,
            apply: |attrs, x| {
                let to = Shape::from(attrs.sizes.clone());
                (x[0].shape().count() == to.count()).then(|| x[0].reshape(&to))
            },
        },
        Rewrite {
            name: "a broadcast of a broadcast is one",
            stage: Stage::Simplify,
            apply: |attrs, x| {
                let inner = x[0].operands_of(&BROADCAST)?[0];
                let (_, first) = x[0].op()?;
                let then = axes(attrs, &x[0].shape());
                let composed: Vec<usize> =
                    axes(&first, &inner.shape()).iter().map(|&axis| then[axis]).collect();
                Some(inner.broadcast(&Shape::from(attrs.sizes.clone()), &composed))
            },
        },
        Rewrite {
            name: "broadcast axes are said",
            stage: Stage::Simplify,
            apply: |attrs, x| {
                let from = x[0].shape();
                let unsaid = attrs.axes.is_empty() && !from.is_scalar();
                unsaid.then(|| x[0].broadcast(&Shape::from(attrs.sizes.clone()), &axes(attrs, &from)))
            },
        },
    ],
    flops: 0,
    ..Op::POINTWISE
};

/// The result's axis that each axis of the operand becomes.
pub fn axes(attrs: &Attrs, from: &Shape) -> Vec<usize> {
    if attrs.axes.is_empty() { aligned(from.len(), attrs.sizes.len()) } else { attrs.axes.clone() }
}

fn aligned(rank: usize, result_rank: usize) -> Vec<usize> {
    (result_rank - rank..result_rank).collect()
}

fn shape(attrs: &Attrs, shapes: &[Shape]) -> Result<Shape, Mismatch> {
    let (from, to) = (&shapes[0], Shape::from(attrs.sizes.clone()));
    let mismatch = || Mismatch::new(format!("{from} does not broadcast to {to}"));
    if from.len() > to.len() {
        return Err(mismatch().help("a broadcast adds axes on the left and stretches those of size 1"));
    }
    let axes = axes(attrs, from);
    let fits = axes.len() == from.len()
        && axes.is_sorted_by(|a, b| a < b)
        && axes
            .iter()
            .zip(from.iter())
            .all(|(&axis, &size)| to.get(axis).is_some_and(|&stretched| size == stretched || size == 1));
    if fits { Ok(to) } else { Err(mismatch().help("sizes must be equal, or 1 on the left")) }
}

fn eval(attrs: &Attrs, x: &[Tensor]) -> Tensor {
    let axes = axes(attrs, &Shape::from(x[0].shape().to_vec()));
    Tensor::from_shape_fn(attrs.sizes.clone(), |place| {
        let from: Vec<usize> = axes
            .iter()
            .zip(x[0].shape())
            .map(|(&axis, &size)| if size == 1 { 0 } else { place[axis] })
            .collect();
        x[0][&from[..]]
    })
}
