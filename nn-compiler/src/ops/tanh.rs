//! `tanh(x)`.

use super::{Arg, Op, Vjp, map};

/// The hyperbolic tangent.
pub static TANH: Op = Op {
    name: "tanh",
    args: &[Arg::Tensor("x")],
    vjp: Vjp::Rule(|at, d| vec![Some(d * (1.0 - at.y * at.y))]),
    eval: |_, x| map(&x[0], f64::tanh),
    notation: |style, _, x, _| style.function("tanh", r"\tanh", x),
    ..Op::POINTWISE
};
