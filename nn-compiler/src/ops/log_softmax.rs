//! `log_softmax(x, axis) = x - logsumexp(x, axis)`.
//!
//! `attrs.axes` holds the axis that the probabilities sum to 1 over.

use super::{
    Arg, Kernel, Op, Vjp,
    exp::EXP,
    logsumexp::LOGSUMEXP,
    softmax::is_default,
    sum::{check_axes, repeated, run},
};

/// Logarithms of the probabilities of `softmax`, accurate where those are small.
pub static LOG_SOFTMAX: Op = Op {
    name: "log_softmax",
    args: &[Arg::Tensor("x"), Arg::Axis("axis", -1)],
    shape: |attrs, shapes| check_axes(&attrs.axes, &shapes[0]).map(|()| shapes[0].clone()),
    vjp: Vjp::Rule(|at, d| {
        let (y, axes) = (at.y, &at.attrs.axes);
        vec![Some(d - y.map(&EXP) * d.sum(axes).repeat(&y.shape(), axes))]
    }),
    eval: |attrs, x| {
        let total = (LOGSUMEXP.eval)(attrs, x);
        &x[0] - repeated(&total, &attrs.axes, x[0].shape())
    },
    kernel: Kernel::Call { function: "log_softmax", sizes: run },
    notation: |style, attrs, x, shapes| {
        style.along("log_softmax", &x[0], &attrs.axes, is_default(attrs, &shapes[0]))
    },
    flops: 4,
    ..Op::POINTWISE
};
