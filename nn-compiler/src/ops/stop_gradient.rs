//! `stop_gradient(x)`: the value of `x`, taken as a constant by derivatives.

use super::{Arg, Op, Rewrite, Stage, Vjp};

/// The identity with a derivative of 0.
pub static STOP_GRADIENT: Op = Op {
    name: "stop_gradient",
    also: &["detach", "no_grad"],
    args: &[Arg::Tensor("x")],
    vjp: Vjp::Zero,
    eval: |_, x| x[0].clone(),
    notation: |style, _, x, _| if style.is_code() { x[0].clone() } else { style.call("stop_gradient", x) },
    rewrites: &[Rewrite {
        name: "stop_gradient(x) = x, once there are derivatives",
        stage: Stage::Simplify,
        apply: |_, x| Some(x[0]),
    }],
    flops: 0,
    ..Op::POINTWISE
};
