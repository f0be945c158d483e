//! The mean over the examples of a batch: what varies becomes shared.
//!
//! The adjoint of a varying node is the derivative of its own example's loss, that of a shared node the
//! derivative of the mean loss. So the adjoint passes through unchanged, and a contribution from a varying
//! node to a shared one is wrapped in this operation.

use super::{Kernel, Op, Rewrite, Stage, Vjp};
use crate::notation::{Formula, Style};

/// The mean over the examples. The reference semantics are those of one example; the interpreter averages.
pub static BATCH_MEAN: Op = Op {
    name: "batch_mean",
    vjp: Vjp::Rule(|_, d| vec![Some(d)]),
    kernel: Kernel::Mean,
    notation: |style, _, x, _| match style {
        Style::Latex => Formula::atom(format!(r"\left\langle {} \right\rangle", x[0].text)),
        _ => style.call("batch_mean", x),
    },
    rewrites: &[Rewrite {
        name: "the mean of what doesn't vary is itself",
        stage: Stage::Simplify,
        apply: |_, x| (!x[0].varies()).then_some(x[0]),
    }],
    ..Op::POINTWISE
};
