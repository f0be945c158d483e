//! `max(x, axis)`: the largest element along some axes.
//!
//! `attrs.axes` holds the axes that the result doesn't have, in ascending order.

use super::{
    Arg, Kernel, Op, Vjp,
    compare::EQ,
    sum::{reduce, reduced, run, written},
};

/// The largest element; NaN if one is NaN. Elements that are equally large share the adjoint evenly, as in
/// `PyTorch`'s `amax`.
pub static REDUCE_MAX: Op = Op {
    name: "max",
    also: &["amax", "reduce_max"],
    args: &[Arg::Tensor("x"), Arg::Axes("axis")],
    shape: reduced,
    vjp: Vjp::Rule(|at, d| {
        let (x, axes) = (at.x[0], &at.attrs.axes);
        let largest = x.zip(&EQ, at.y.repeat(&x.shape(), axes)).stop_gradient();
        let share = d / largest.sum(axes);
        vec![Some(share.repeat(&x.shape(), axes).select(largest, 0.0))]
    }),
    eval: |attrs, x| {
        let larger = |a: f64, &b: &f64| if a > b || a.is_nan() { a } else { b };
        reduce(&x[0], &attrs.axes, |row| row.iter().fold(f64::NEG_INFINITY, larger))
    },
    kernel: Kernel::Call { function: "reduce_max", sizes: run },
    notation: |style, attrs, x, shapes| written(style, "max", attrs, x, shapes),
    ..Op::POINTWISE
};
