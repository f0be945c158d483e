//! `log(x)`, the natural logarithm, and the logarithms that lose accuracy when taken in two steps.

use super::{
    Arg, Op, Rewrite, Stage, Vjp, add::ADD, exp::EXP, log_softmax::LOG_SOFTMAX, logsumexp::LOGSUMEXP, map,
    sigmoid::SIGMOID, slice::SLICE, softmax::SOFTMAX, softplus::SOFTPLUS, sub::SUB, sum::SUM,
};
use crate::term::Term;

/// The natural logarithm.
pub static LOG: Op = Op {
    name: "log",
    also: &["ln", "log_e"],
    args: &[Arg::Tensor("x")],
    vjp: Vjp::Rule(|at, d| vec![Some(d / at.x[0])]),
    eval: |_, x| map(&x[0], f64::ln),
    notation: |style, _, x, _| style.function("log", r"\log", x),
    rewrites: &[
        Rewrite {
            name: "log(exp z) = z",
            stage: Stage::Stabilise,
            apply: |_, x| x[0].operands_of(&EXP).map(|inner| inner[0]),
        },
        Rewrite {
            name: "log(sigmoid z) = -softplus(-z)",
            stage: Stage::Stabilise,
            apply: |_, x| x[0].operands_of(&SIGMOID).map(|inner| -(-inner[0]).map(&SOFTPLUS)),
        },
        Rewrite {
            name: "log(1 - sigmoid z) = -softplus(z)",
            stage: Stage::Stabilise,
            apply: |_, x| {
                let difference = x[0].operands_of(&SUB).filter(|of| of[0].as_constant() == Some(1.0))?;
                difference[1].operands_of(&SIGMOID).map(|inner| -inner[0].map(&SOFTPLUS))
            },
        },
        Rewrite {
            name: "log(1 + exp z) = softplus(z)",
            stage: Stage::Stabilise,
            apply: |_, x| {
                let sum = x[0].operands_of(&ADD)?;
                let other = sum.iter().position(|term| term.as_constant() == Some(1.0))?;
                sum[1 - other].operands_of(&EXP).map(|inner| inner[0].map(&SOFTPLUS))
            },
        },
        Rewrite {
            name: "log(softmax z) = log_softmax(z)",
            stage: Stage::Stabilise,
            apply: |_, x| log_of_softmax(x[0]),
        },
        Rewrite {
            name: "log(softmax(z)[i]) = log_softmax(z)[i]",
            stage: Stage::Stabilise,
            apply: |_, x| {
                let block = x[0].operands_of(&SLICE)?[0];
                let (op, attrs) = x[0].op()?;
                Some(log_of_softmax(block)?.apply(op, attrs, &[]))
            },
        },
        Rewrite {
            name: "log(sum(exp z)) = logsumexp(z)",
            stage: Stage::Stabilise,
            apply: |_, x| {
                let terms = x[0].operands_of(&SUM)?[0];
                let (_, attrs) = x[0].op()?;
                terms.operands_of(&EXP).map(|inner| inner[0].apply(&LOGSUMEXP, attrs, &[]))
            },
        },
    ],
    ..Op::POINTWISE
};

fn log_of_softmax(x: Term<'_>) -> Option<Term<'_>> {
    let z = x.operands_of(&SOFTMAX)?[0];
    let (_, attrs) = x.op()?;
    Some(z.apply(&LOG_SOFTMAX, attrs, &[]))
}
