//! `a + b`.

use super::{Arg, Epilogue, Op, Rewrite, Stage, Vjp, batch_mean::BATCH_MEAN, concat, pad::PAD, zip};
use crate::graph::Attrs;
use crate::notation::Level;
use crate::term::Term;

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
        Rewrite {
            name: "the sum of means is the mean of the sum",
            stage: Stage::Simplify,
            apply: |_, x| {
                let [a, b] = [as_mean(x[0])?, as_mean(x[1])?];
                Some((a + b).map(&BATCH_MEAN))
            },
        },
        Rewrite {
            name: "the sum of neighbours among zeros is both of them joined",
            stage: Stage::Simplify,
            apply: |_, x| {
                neighbours(x[0], x[1]).or_else(|| {
                    let a = x[0].operands_of(&ADD)?;
                    let (first, second) = (neighbours(a[0], x[1]), neighbours(a[1], x[1]));
                    second.map(|joined| a[0] + joined).or_else(|| Some(first? + a[1]))
                })
            },
        },
    ],
    epilogue: Some(Epilogue::Bias),
    ..Op::POINTWISE
};

/// What a value is the mean of over the examples, if it is one, also where it lies among zeros.
fn as_mean<'g>(x: Term<'g>) -> Option<Term<'g>> {
    let mean = |x: Term<'g>| Some(x.operands_of(&BATCH_MEAN)?[0]);
    mean(x).or_else(|| {
        let (block, (_, attrs)) = (mean(x.operands_of(&PAD)?[0])?, x.op()?);
        Some(block.apply(&PAD, attrs, &[]))
    })
}

/// Two blocks that lie side by side in equal tensors of zeros, as one block: what the slices of a tensor give back to it.
fn neighbours<'g>(a: Term<'g>, b: Term<'g>) -> Option<Term<'g>> {
    let [inner_a, inner_b] = [a.operands_of(&PAD)?[0], b.operands_of(&PAD)?[0]];
    let shape = a.shape();
    let starts = |x: Term<'g>| Some(x.op()?.1.sizes[..shape.len()].to_vec());
    let (of_a, of_b) = (starts(a)?, starts(b)?);
    let (lens_a, lens_b) = (inner_a.shape(), inner_b.shape());
    let mut apart = (0..shape.len()).filter(|&axis| of_a[axis] != of_b[axis]);
    let (Some(axis), None) = (apart.next(), apart.next()) else { return None };
    if (0..shape.len()).any(|other| other != axis && lens_a[other] != lens_b[other]) {
        return None;
    }
    let (first, starts) = if of_a[axis] < of_b[axis] { (inner_a, &of_a) } else { (inner_b, &of_b) };
    let (second, from) = if of_a[axis] < of_b[axis] { (inner_b, &of_b) } else { (inner_a, &of_a) };
    if starts[axis] + first.shape()[axis] != from[axis] {
        return None;
    }
    let joined = concat::beside(first, second, axis);
    Some(joined.apply(&PAD, Attrs::sizes([starts, &shape[..]].concat()), &[]))
}
