//! `binary_cross_entropy(p, target)`: the mean of `-(t log p + (1 - t) log(1 - p))`.
//!
//! `attrs.numbers` holds the label smoothing ε, with which `(1 - ε) t + ε / 2` takes the place of the target `t`.

use ndarray::Zip;

use super::{
    Arg, Kernel, Op, Rewrite, Stage, TargetShape, Vjp,
    cross_entropy::{smoothing, smoothing_in_range},
    log::LOG,
    max::MAX,
    mean, same_shape,
    sigmoid::SIGMOID,
    softplus::SOFTPLUS,
};
use crate::graph::Attrs;
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
    args: &[
        Arg::Tensor("prediction"),
        Arg::Target("target", TargetShape::Probability),
        Arg::Number("label_smoothing", Some(0.0)),
    ],
    shape: |attrs, shapes| {
        smoothing_in_range(attrs)?;
        same_shape(attrs, shapes).map(|_| Shape::scalar())
    },
    vjp: Vjp::Rule(|at, d| {
        let (p, t, shape) = (at.x[0], smooth(&at.attrs, at.x[1]), at.x[0].shape());
        let kept = 1.0 - smoothing(&at.attrs);
        let scale = (d * (1.0 / shape.count() as f64)).broadcast(&shape, &[]);
        let variance = (p * (1.0 - p)).zip(&MAX, LEAST_VARIANCE);
        vec![
            Some(scale * ((p - t) / variance)),
            Some(kept * (scale * (bounded_log(1.0 - p) - bounded_log(p)))),
        ]
    }),
    eval: |attrs, x| {
        let smoothing = smoothing(attrs);
        let smooth = |t: f64| (1.0 - smoothing) * t + 0.5 * smoothing;
        let log = |p: f64| if p.is_nan() { p } else { p.ln().max(LOWEST_LOG) };
        mean::of_all(
            &Zip::from(&x[0])
                .and(&x[1].mapv(smooth))
                .map_collect(|&p, &t| -(t * log(p) + (1.0 - t) * log(1.0 - p))),
        )
    },
    kernel: Kernel::Composite(|attrs, x| {
        let (p, t) = (x[0], smooth(attrs, x[1]));
        -(t * bounded_log(p) + (1.0 - t) * bounded_log(1.0 - p)).mean()
    }),
    notation: |style, attrs, x, _| match smoothing(attrs) {
        0.0 => style.call("binary_cross_entropy", x),
        smoothing => style.call("binary_cross_entropy", [&x[0], &x[1], &style.number(smoothing)]),
    },
    rewrites: &[Rewrite {
        name: "binary_cross_entropy(sigmoid z, t) = mean(softplus(z) - t * z)",
        stage: Stage::Stabilise,
        apply: |attrs, x| {
            let z = x[0].operands_of(&SIGMOID)?[0];
            Some((z.map(&SOFTPLUS) - smooth(attrs, x[1]) * z).mean())
        },
    }],
    flops: 0,
    ..Op::POINTWISE
};

/// The target with its label smoothing.
fn smooth<'g>(attrs: &Attrs, t: Term<'g>) -> Term<'g> {
    match smoothing(attrs) {
        0.0 => t,
        smoothing => (1.0 - smoothing) * t + 0.5 * smoothing,
    }
}

fn bounded_log(p: Term<'_>) -> Term<'_> {
    p.map(&LOG).zip(&MAX, LOWEST_LOG)
}
