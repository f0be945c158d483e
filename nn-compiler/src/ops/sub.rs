//! `a - b`.

use super::{Arg, Op, Rewrite, Stage, Vjp, neg::NEG, zip};
use crate::notation::Level;

/// The difference of two tensors.
pub static SUB: Op = Op {
    name: "sub",
    symbol: Some("-"),
    also: &["subtract"],
    args: &[Arg::Tensor("a"), Arg::Tensor("b")],
    vjp: Vjp::Rule(|_, d| vec![Some(d), Some(-d)]),
    eval: |_, x| zip(x, |a, b| a - b),
    notation: |style, _, x, _| style.infix(x, "-", "-", Level::Sum),
    rewrites: &[
        Rewrite {
            name: "a - 0 = a, 0 - b = -b",
            stage: Stage::Simplify,
            apply: |_, x| match (x[0].as_constant(), x[1].as_constant()) {
                (_, Some(0.0)) => Some(x[0]),
                (Some(0.0), _) => Some(-x[1]),
                _ => None,
            },
        },
        Rewrite {
            name: "a - (-b) = a + b",
            stage: Stage::Simplify,
            apply: |_, x| x[1].operands_of(&NEG).map(|inner| x[0] + inner[0]),
        },
        Rewrite {
            name: "(-a) - b = -(a + b)",
            stage: Stage::Simplify,
            apply: |_, x| x[0].operands_of(&NEG).map(|inner| -(inner[0] + x[1])),
        },
    ],
    ..Op::POINTWISE
};
