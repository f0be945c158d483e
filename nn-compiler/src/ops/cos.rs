//! `cos(x)`.

use super::{Arg, Op, Vjp, map, sin::SIN};

/// The cosine of an angle in radians.
pub static COS: Op = Op {
    name: "cos",
    args: &[Arg::Tensor("x")],
    vjp: Vjp::Rule(|at, d| vec![Some(-(d * at.x[0].map(&SIN)))]),
    eval: |_, x| map(&x[0], f64::cos),
    notation: |style, _, x, _| style.function("cos", r"\cos", x),
    ..Op::POINTWISE
};
