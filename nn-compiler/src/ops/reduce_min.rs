//! `min(x, axis)`: the smallest element along some axes.
//!
//! `attrs.axes` holds the axes that the result doesn't have, in ascending order.

use super::{Arg, Kernel, Op, Vjp, reduce_max::REDUCE_MAX, sum::written};

/// The smallest element: `-max(-x)`.
pub static REDUCE_MIN: Op = Op {
    name: "min",
    also: &["amin", "reduce_min"],
    args: &[Arg::Tensor("x"), Arg::Axes("axis")],
    shape: |attrs, shapes| (REDUCE_MAX.shape)(attrs, shapes),
    vjp: Vjp::Expansion,
    eval: |attrs, x| -(REDUCE_MAX.eval)(attrs, &[-&x[0]]),
    kernel: Kernel::Composite(|attrs, x| -(-x[0]).apply(&REDUCE_MAX, attrs.clone(), &[])),
    notation: |style, attrs, x, shapes| written(style, "min", attrs, x, shapes),
    flops: 0,
    ..Op::POINTWISE
};
