//! `logsumexp(x, axis) = log(sum(exp(x), axis))`, without overflow.
//!
//! `attrs.axes` holds the axes that the result doesn't have, in ascending order.

use super::{
    Arg, Kernel, Op, Vjp,
    exp::EXP,
    softmax::SOFTMAX,
    sum::{are_adjacent, reduce, reduced, run, written},
};

/// The logarithm of a sum of exponentials. Its derivative is `softmax`.
pub static LOGSUMEXP: Op = Op {
    name: "logsumexp",
    also: &["log_sum_exp", "lse"],
    args: &[Arg::Tensor("x"), Arg::Axes("axis")],
    shape: reduced,
    vjp: Vjp::Rule(|at, d| {
        let (x, axes) = (at.x[0], &at.attrs.axes);
        let shares = if are_adjacent(axes) {
            x.apply(&SOFTMAX, at.attrs.clone(), &[])
        } else {
            (x - at.y.repeat(&x.shape(), axes)).map(&EXP)
        };
        vec![Some(d.repeat(&x.shape(), axes) * shares)]
    }),
    eval: |attrs, x| reduce(&x[0], &attrs.axes, logsumexp),
    kernel: Kernel::Call { function: "logsumexp", sizes: run },
    notation: |style, attrs, x, shapes| written(style, "logsumexp", attrs, x, shapes),
    flops: 3,
    ..Op::POINTWISE
};

fn logsumexp(row: &[f64]) -> f64 {
    let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    // An infinite maximum is the answer; subtracting it would be NaN.
    let shift = if largest.is_finite() { largest } else { 0.0 };
    row.iter().map(|x| (x - shift).exp()).sum::<f64>().ln() + shift
}
