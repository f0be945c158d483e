//! `sqrt(x)`.

use super::{Arg, Op, Vjp, map};
use crate::notation::{Formula, Style};

/// The square root.
pub static SQRT: Op = Op {
    name: "sqrt",
    also: &["square_root"],
    args: &[Arg::Tensor("x")],
    vjp: Vjp::Rule(|at, d| vec![Some(d / (2.0 * at.y))]),
    eval: |_, x| map(&x[0], f64::sqrt),
    notation: |style, _, x, _| match style {
        Style::Latex => Formula::atom(format!(r"\sqrt{{{}}}", x[0].text)),
        _ => style.call("sqrt", x),
    },
    ..Op::POINTWISE
};
