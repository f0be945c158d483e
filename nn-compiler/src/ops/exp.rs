//! `exp(x)`.

use super::{Arg, Op, Vjp, map};
use crate::notation::{Formula, Style};

/// The exponential.
pub static EXP: Op = Op {
    name: "exp",
    args: &[Arg::Tensor("x")],
    vjp: Vjp::Rule(|at, d| vec![Some(d * at.y)]),
    eval: |_, x| map(&x[0], f64::exp),
    notation: |style, _, x, _| match style {
        Style::Latex => style.power(&Formula::atom("e"), &x[0]),
        _ => style.call("exp", x),
    },
    ..Op::POINTWISE
};
