//! What a training step knows of its whole batch while it computes each example: the mean over its examples.
//!
//! Its derivative is the identity, as for every mean over the batch: the adjoint of a varying node counts as often as
//! there are examples. Where a batch is not seen, outside of training, a running value stands in its place.

use super::{Kernel, Op, Rewrite, Stage, Vjp, same_shape};
use crate::notation::{Formula, Style};

/// The mean of the first operand over the examples. A second one is the state that replaces it outside of training.
/// Made by layers that normalise a batch, and by their derivatives. The reference semantics are those of one example;
/// the interpreter averages.
pub static BATCH_STATISTIC: Op = Op {
    name: "batch_statistic",
    shape: same_shape,
    vjp: Vjp::Rule(|at, d| at.x.iter().enumerate().map(|(i, _)| (i == 0).then_some(d)).collect()),
    kernel: Kernel::Statistic,
    notation: |style, _, x, _| match style {
        Style::Latex => Formula::atom(format!(r"\left\langle {} \right\rangle", x[0].text)),
        _ => style.call("batch_mean", [&x[0]]),
    },
    rewrites: &[Rewrite {
        name: "the statistic of what doesn't vary is itself",
        stage: Stage::Simplify,
        apply: |_, x| (!x[0].varies() && x.len() == 1).then_some(x[0]),
    }],
    ..Op::POINTWISE
};
