//! `-x`.

use super::{Arg, Op, Rewrite, Stage, Vjp, map, sub::SUB};

/// The negative.
pub static NEG: Op = Op {
    name: "neg",
    args: &[Arg::Tensor("x")],
    vjp: Vjp::Rule(|_, d| vec![Some(-d)]),
    eval: |_, x| map(&x[0], |x| -x),
    notation: |style, _, x, _| style.negate(&x[0]),
    rewrites: &[
        Rewrite {
            name: "-(-x) = x",
            stage: Stage::Simplify,
            apply: |_, x| x[0].operands_of(&NEG).map(|inner| inner[0]),
        },
        Rewrite {
            name: "-(a - b) = b - a",
            stage: Stage::Simplify,
            apply: |_, x| x[0].operands_of(&SUB).map(|inner| inner[1] - inner[0]),
        },
    ],
    ..Op::POINTWISE
};
