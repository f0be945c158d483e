//! `a * b`, element by element.

use super::{Arg, Op, Rewrite, Stage, Vjp, neg::NEG, zip};
use crate::notation::Level;

/// The product of two tensors, element by element. There is no rewrite of `a * 0`: it is NaN where `a` is.
pub static MUL: Op = Op {
    name: "mul",
    symbol: Some("*"),
    also: &["multiply"],
    args: &[Arg::Tensor("a"), Arg::Tensor("b")],
    vjp: Vjp::Rule(|at, d| vec![Some(d * at.x[1]), Some(d * at.x[0])]),
    eval: |_, x| zip(x, |a, b| a * b),
    notation: |style, _, x, _| style.infix(x, "*", r"\cdot", Level::Product),
    rewrites: &[
        Rewrite {
            name: "a * 1 = a, 1 * b = b",
            stage: Stage::Simplify,
            apply: |_, x| match (x[0].as_constant(), x[1].as_constant()) {
                (_, Some(1.0)) => Some(x[0]),
                (Some(1.0), _) => Some(x[1]),
                _ => None,
            },
        },
        Rewrite {
            name: "a * (-1) = -a, (-1) * b = -b",
            stage: Stage::Simplify,
            apply: |_, x| match (x[0].as_constant(), x[1].as_constant()) {
                (_, Some(-1.0)) => Some(-x[0]),
                (Some(-1.0), _) => Some(-x[1]),
                _ => None,
            },
        },
        Rewrite {
            name: "(-a) * b = -(a * b), a * (-b) = -(a * b)",
            stage: Stage::Simplify,
            apply: |_, x| {
                let negated = |i: usize| x[i].operands_of(&NEG).map(|inner| inner[0]);
                negated(0).map(|a| -(a * x[1])).or_else(|| negated(1).map(|b| -(x[0] * b)))
            },
        },
    ],
    ..Op::POINTWISE
};
