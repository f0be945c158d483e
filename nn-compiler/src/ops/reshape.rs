//! `reshape(x, shape)`: the same elements in the same order under another shape.
//!
//! `attrs.sizes` holds the result's shape.

use super::{Arg, Kernel, Mismatch, Op, Rewrite, Stage, Vjp, moved_constant, tensor};
use crate::notation::Formula;
use crate::shape::Shape;

/// A tensor under another shape of the same count; elements are counted in row-major order.
pub static RESHAPE: Op = Op {
    name: "reshape",
    also: &["view", "resize"],
    args: &[Arg::Tensor("x"), Arg::Sizes("shape")],
    shape: |attrs, shapes| {
        let (from, to) = (&shapes[0], Shape::from(attrs.sizes.clone()));
        if from.count() != to.count() {
            let (had, wanted) = (from.count(), to.count());
            return Err(Mismatch::new(format!("{from} does not reshape to {to}"))
                .help(format!("the one has {had} elements, the other {wanted}")));
        }
        Ok(to)
    },
    vjp: Vjp::Rule(|at, d| vec![Some(d.reshape(&at.x[0].shape()))]),
    eval: |attrs, x| tensor(&attrs.sizes, x[0].iter().copied().collect()),
    kernel: Kernel::View,
    notation: |style, attrs, x, _| {
        style.call("reshape", [&x[0], &Formula::atom(format!("{:?}", attrs.sizes))])
    },
    rewrites: &[
        Rewrite {
            name: "a reshaped constant is a constant",
            stage: Stage::Simplify,
            apply: |attrs, x| moved_constant(&RESHAPE, attrs, x[0]),
        },
        Rewrite {
            name: "a reshape to the same shape is none",
            stage: Stage::Simplify,
            apply: |attrs, x| (x[0].shape()[..] == attrs.sizes).then_some(x[0]),
        },
        Rewrite {
            name: "a reshape of a reshape is one",
            stage: Stage::Simplify,
            apply: |attrs, x| {
                let inner = x[0].operands_of(&RESHAPE)?[0];
                Some(inner.reshape(&Shape::from(attrs.sizes.clone())))
            },
        },
    ],
    flops: 0,
    ..Op::POINTWISE
};
