//! `softplus(x) = log(1 + exp(x))`.

use super::{Arg, Op, Vjp, map, sigmoid::SIGMOID};

/// The smooth ramp, without overflow.
pub static SOFTPLUS: Op = Op {
    name: "softplus",
    args: &[Arg::Tensor("x")],
    vjp: Vjp::Rule(|at, d| vec![Some(d * at.x[0].map(&SIGMOID))]),
    eval: |_, x| map(&x[0], |x| if x.is_nan() { x } else { x.max(0.0) + (-x.abs()).exp().ln_1p() }),
    notation: |style, _, x, _| style.call("softplus", x),
    ..Op::POINTWISE
};
