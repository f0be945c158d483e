//! `huber(prediction, target, delta)`: the mean of `e²/2` for errors `|e| ≤ δ`, and of `δ (|e| - δ/2)`
//! beyond.
//!
//! `attrs.numbers` holds δ.

use super::{Arg, Kernel, Mismatch, Op, TargetShape, Vjp, clamp::CLAMP, map, mean, same_shape};
use crate::graph::Attrs;
use crate::shape::Shape;
use crate::term::Term;

/// The squared error that grows linearly for outliers: Huber, 1964. The mean over the elements of one
/// example's prediction.
pub static HUBER: Op = Op {
    name: "huber",
    also: &["huber_loss", "smooth_l1_loss", "smooth_l1"],
    args: &[
        Arg::Tensor("prediction"),
        Arg::Target("target", TargetShape::LikePrediction),
        Arg::Number("delta", Some(1.0)),
    ],
    shape: |attrs, shapes| {
        let delta = attrs.number(0);
        if delta.is_nan() || delta <= 0.0 {
            return Err(Mismatch::new(format!("`huber` needs a positive `delta`, not {delta}"))
                .help("`delta` is the error from which on the loss grows in proportion to it"));
        }
        same_shape(attrs, shapes).map(|_| Shape::scalar())
    },
    vjp: Vjp::Rule(|at, d| {
        let (error, shape) = (at.x[0] - at.x[1], at.x[0].shape());
        let scale = (d * (1.0 / shape.count() as f64)).broadcast(&shape, &[]);
        let slope = scale * clamped(&at.attrs, error);
        vec![Some(slope), Some(-slope)]
    }),
    eval: |attrs, x| {
        let delta = attrs.number(0);
        let loss = |e: f64| if e.abs() > delta { delta * (e.abs() - 0.5 * delta) } else { 0.5 * e * e };
        mean::of_all(&map(&(&x[0] - &x[1]), loss))
    },
    kernel: Kernel::Composite(|attrs, x| {
        // With c = clamp(e, -δ, δ), both branches are c (e - c/2).
        let error = x[0] - x[1];
        let inner = clamped(attrs, error);
        (inner * (error - 0.5 * inner)).mean()
    }),
    notation: |style, attrs, x, _| style.call("huber", x.iter().chain([&style.number(attrs.number(0))])),
    flops: 0,
    ..Op::POINTWISE
};

fn clamped<'g>(attrs: &Attrs, error: Term<'g>) -> Term<'g> {
    let delta = attrs.number(0);
    error.apply(&CLAMP, Attrs::numbers(&[-delta, delta]), &[])
}
