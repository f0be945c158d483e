//! `sin(x)`.

use super::{Arg, Op, Vjp, cos::COS, map};

/// The sine of an angle in radians.
pub static SIN: Op = Op {
    name: "sin",
    args: &[Arg::Tensor("x")],
    vjp: Vjp::Rule(|at, d| vec![Some(d * at.x[0].map(&COS))]),
    eval: |_, x| map(&x[0], f64::sin),
    notation: |style, _, x, _| style.function("sin", r"\sin", x),
    ..Op::POINTWISE
};
