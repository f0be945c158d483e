//! `mean(x, axis)`: the sum over some axes, divided by the number of elements.
//!
//! `attrs.axes` holds the axes that the result doesn't have, in ascending order.

use super::{
    Arg, Kernel, Op, Tensor, Vjp,
    sum::{SUM, reduced, written},
};
use crate::graph::Attrs;

/// The arithmetic mean of the elements along some axes. The mean over the examples of a batch is another
/// operation.
pub static MEAN: Op = Op {
    name: "mean",
    also: &["average", "avg"],
    args: &[Arg::Tensor("x"), Arg::Axes("axis")],
    shape: reduced,
    vjp: Vjp::Expansion,
    eval: |attrs, x| (SUM.eval)(attrs, x) / count(attrs, x[0].shape()),
    kernel: Kernel::Composite(|attrs, x| x[0].sum(&attrs.axes) * (1.0 / count(attrs, &x[0].shape()))),
    notation: |style, attrs, x, shapes| written(style, "mean", attrs, x, shapes),
    flops: 0,
    ..Op::POINTWISE
};

fn count(attrs: &Attrs, shape: &[usize]) -> f64 {
    attrs.axes.iter().map(|&axis| shape[axis]).product::<usize>() as f64
}

/// The mean over all elements, as the losses take it.
pub(super) fn of_all(x: &Tensor) -> Tensor {
    ndarray::arr0(x.sum() / x.len() as f64).into_dyn()
}
