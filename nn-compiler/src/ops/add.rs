//! `a + b`.

use super::{Arg, Epilogue, Op, Rewrite, Stage, Vjp, zip};
use crate::notation::Level;

/// The sum of two tensors.
pub static ADD: Op = Op {
    name: "add",
    symbol: Some("+"),
    args: &[Arg::Tensor("a"), Arg::Tensor("b")],
    vjp: Vjp::Rule(|_, d| vec![Some(d), Some(d)]),
    eval: |_, x| zip(x, |a, b| a + b),
    notation: |style, _, x, _| style.infix(x, "+", "+", Level::Sum),
    rewrites: &[
        Rewrite {
            name: "a + 0 = a, 0 + a = a",
            stage: Stage::Simplify,
            apply: |_, x| match (x[0].as_constant(), x[1].as_constant()) {
                (_, Some(0.0)) => Some(x[0]),
                (Some(0.0), _) => Some(x[1]),
                _ => None,
            },
        },
        Rewrite {
            name: "a + (-b) = a - b, (-a) + b = b - a",
            stage: Stage::Simplify,
            apply: |_, x| {
                let negated = |i: usize| x[i].operands_of(&super::neg::NEG).map(|inner| inner[0]);
                negated(1).map(|b| x[0] - b).or_else(|| negated(0).map(|a| x[1] - a))
            },
        },
    ],
    epilogue: Some(Epilogue::Bias),
    ..Op::POINTWISE
};
