//! `abs(x)`.

use super::{Arg, Op, Vjp, map, sign::SIGN};
use crate::notation::{Formula, Style};

/// The absolute value. At 0 the derivative is 0, as in `PyTorch`.
pub static ABS: Op = Op {
    name: "abs",
    also: &["fabs", "absolute"],
    args: &[Arg::Tensor("x")],
    vjp: Vjp::Rule(|at, d| vec![Some(d * at.x[0].map(&SIGN))]),
    eval: |_, x| map(&x[0], f64::abs),
    notation: |style, _, x, _| match style {
        Style::Latex => Formula::atom(format!(r"\left|{}\right|", x[0].text)),
        _ => style.call("abs", x),
    },
    ..Op::POINTWISE
};
