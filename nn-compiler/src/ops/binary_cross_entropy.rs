//! `binary_cross_entropy(p, target)`: the mean of `-(t log p + (1 - t) log(1 - p))`.

use ndarray::Zip;

use super::{
    Arg, Kernel, Op, Rewrite, Stage, TargetShape, Vjp, log::LOG, max::MAX, mean, same_shape,
    sigmoid::SIGMOID, softplus::SOFTPLUS,
};
use crate::shape::Shape;
use crate::term::Term;

/// Logarithms of probabilities are not taken below this, as in `PyTorch`: a wrong certainty costs 100, not ∞.
const LOWEST_LOG: f64 = -100.0;

/// The least denominator of the derivative, as in `PyTorch`.
const LEAST_VARIANCE: f64 = 1e-12;

/// The cross-entropy of yes-or-no probabilities and targets from 0 to 1, averaged over the elements of one
/// example's prediction. Of a sigmoid it is computed from the sigmoid's operand, exactly.
pub static BINARY_CROSS_ENTROPY: Op = Op {
    name: "binary_cross_entropy",
    also: &["bce", "bce_loss", "bce_with_logits_loss", "binary_crossentropy"],
    args: &[Arg::Tensor("prediction"), Arg::Target("target", TargetShape::Probability)],
    shape: |attrs, shapes| same_shape(attrs, shapes).map(|_| Shape::scalar()),
    vjp: Vjp::Rule(|at, d| {
        let (p, t, shape) = (at.x[0], at.x[1], at.x[0].shape());
        let scale = (d * (1.0 / shape.count() as f64)).broadcast(&shape, &[]);
        let variance = (p * (1.0 - p)).zip(&MAX, LEAST_VARIANCE);
        vec![Some(scale * ((p - t) / variance)), Some(scale * (bounded_log(1.0 - p) - bounded_log(p)))]
    }),
    eval: |_, x| {
        let log = |p: f64| if p.is_nan() { p } else { p.ln().max(LOWEST_LOG) };
        mean::of_all(
            &Zip::from(&x[0]).and(&x[1]).map_collect(|&p, &t| -(t * log(p) + (1.0 - t) * log(1.0 - p))),
        )
    },
    kernel: Kernel::Composite(|_, x| {
        let (p, t) = (x[0], x[1]);
        -(t * bounded_log(p) + (1.0 - t) * bounded_log(1.0 - p)).mean()
    }),
    notation: |style, _, x, _| style.call("binary_cross_entropy", x),
    rewrites: &[Rewrite {
        name: "binary_cross_entropy(sigmoid z, t) = mean(softplus(z) - t * z)",
        stage: Stage::Stabilise,
        apply: |_, x| {
            let z = x[0].operands_of(&SIGMOID)?[0];
            Some((z.map(&SOFTPLUS) - x[1] * z).mean())
        },
    }],
    flops: 0,
    ..Op::POINTWISE
};

fn bounded_log(p: Term<'_>) -> Term<'_> {
    p.map(&LOG).zip(&MAX, LOWEST_LOG)
}
