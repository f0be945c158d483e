//! `a / b`, element by element.

use super::{Arg, Op, Rewrite, Stage, Vjp, add::ADD, exp::EXP, neg::NEG, sigmoid::SIGMOID, zip};
use crate::notation::{Formula, Level, Style};
use crate::term::Term;

/// The quotient of two tensors, element by element.
pub static DIV: Op = Op {
    name: "div",
    symbol: Some("/"),
    also: &["divide"],
    args: &[Arg::Tensor("a"), Arg::Tensor("b")],
    undefined: |x| (x[1] == Some(0.0)).then_some("the divisor is 0"),
    vjp: Vjp::Rule(|at, d| {
        let b = at.x[1];
        vec![Some(d / b), Some(-(d * at.y / b))]
    }),
    eval: |_, x| zip(x, |a, b| a / b),
    notation: |style, _, x, _| match style {
        Style::Latex => Formula::new(format!(r"\frac{{{}}}{{{}}}", x[0].text, x[1].text), Level::Power),
        _ => style.infix(x, "/", "/", Level::Product),
    },
    rewrites: &[
        Rewrite {
            name: "a / 1 = a",
            stage: Stage::Simplify,
            apply: |_, x| (x[1].as_constant() == Some(1.0)).then_some(x[0]),
        },
        Rewrite {
            name: "(-a) / b = -(a / b)",
            stage: Stage::Simplify,
            apply: |_, x| x[0].operands_of(&NEG).map(|inner| -(inner[0] / x[1])),
        },
        Rewrite {
            name: "1 / (1 + exp(-z)) = sigmoid(z)",
            stage: Stage::Stabilise,
            apply: |_, x| logistic(x),
        },
    ],
    ..Op::POINTWISE
};

/// The logistic function as people write it out: without the rewrite its derivative is NaN where the
/// exponential overflows.
fn logistic<'g>(x: &[Term<'g>]) -> Option<Term<'g>> {
    let one = |term: Term<'g>| term.as_constant() == Some(1.0);
    let sum = x[1].operands_of(&ADD).filter(|_| one(x[0]))?;
    let growth = if one(sum[0]) { sum[1] } else { sum[0] };
    if !one(sum[0]) && !one(sum[1]) {
        return None;
    }
    let exponent = growth.operands_of(&EXP)?[0];
    let z = exponent.operands_of(&NEG).map_or_else(|| -exponent, |inner| inner[0]);
    Some(z.map(&SIGMOID))
}
