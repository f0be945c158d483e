//! `sigmoid(x) = 1 / (1 + exp(-x))`.

use super::{Arg, Op, Vjp, map};

/// The logistic function, from 0 to 1.
pub static SIGMOID: Op = Op {
    name: "sigmoid",
    also: &["logistic", "expit"],
    args: &[Arg::Tensor("x")],
    vjp: Vjp::Rule(|at, d| vec![Some(d * (at.y * (1.0 - at.y)))]),
    eval: |_, x| map(&x[0], logistic),
    notation: |style, _, x, _| style.function("sigmoid", r"\sigma", x),
    ..Op::POINTWISE
};

/// Accurate in relative terms on both sides, and without overflow.
fn logistic(x: f64) -> f64 {
    let decay = (-x.abs()).exp();
    if x >= 0.0 { 1.0 / (1.0 + decay) } else { decay / (1.0 + decay) }
}
