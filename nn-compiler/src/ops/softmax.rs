//! `softmax(x, axis) = exp(x) / sum(exp(x), axis)`, without overflow.
//!
//! `attrs.axes` holds the axes that the probabilities sum to 1 over: one in a call, adjacent ones as the
//! derivative of `logsumexp`.

use super::{
    Arg, Kernel, Mismatch, Op, Vjp,
    reduce_max::REDUCE_MAX,
    sum::{SUM, are_adjacent, check_axes, repeated, run},
};
use crate::graph::Attrs;
use crate::shape::Shape;

/// Probabilities in proportion to exponentials.
pub static SOFTMAX: Op = Op {
    name: "softmax",
    args: &[Arg::Tensor("x"), Arg::Axis("axis", -1)],
    shape: |attrs, shapes| {
        check_axes(&attrs.axes, &shapes[0])?;
        if !are_adjacent(&attrs.axes) {
            return Err(Mismatch::new(format!("`softmax` takes adjacent axes, not {:?}", attrs.axes)));
        }
        Ok(shapes[0].clone())
    },
    vjp: Vjp::Rule(|at, d| {
        let (y, axes) = (at.y, &at.attrs.axes);
        let mean = (d * y).sum(axes);
        vec![Some(y * (d - mean.repeat(&y.shape(), axes)))]
    }),
    eval: |attrs, x| {
        let axes = &attrs.axes;
        let largest = (REDUCE_MAX.eval)(attrs, x);
        let growth = (&x[0] - repeated(&largest, axes, x[0].shape())).exp();
        let total = (SUM.eval)(attrs, std::slice::from_ref(&growth));
        &growth / repeated(&total, axes, growth.shape())
    },
    kernel: Kernel::Call { function: "softmax", sizes: run },
    notation: |style, attrs, x, shapes| {
        style.along("softmax", &x[0], &attrs.axes, is_default(attrs, &shapes[0]))
    },
    flops: 4,
    ..Op::POINTWISE
};

/// Whether the axes are those of a call that names none: the last one. A scalar has none, as in the derivative of its
/// `logsumexp`.
pub(super) fn is_default(attrs: &Attrs, shape: &Shape) -> bool {
    let last = shape.len().saturating_sub(1)..shape.len();
    attrs.axes.iter().copied().eq(last)
}
