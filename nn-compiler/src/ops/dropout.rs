//! `dropout(x, p)`: in training, each element is zero with the probability `p`, and larger for it otherwise.
//!
//! `attrs.numbers` holds the probability.

use super::{Arg, Mismatch, Op, Rewrite, Stage, Vjp, same_shape, zip};
use crate::notation::Level;

/// Inverted dropout: Srivastava et al., *Dropout: a simple way to prevent neural networks from overfitting* (2014),
/// with the scale in training (their section 10), so that nothing is left to do elsewhere. Operands: `x` and the mask,
/// 0 or `1 / (1 - p)`. Outside of training all of the mask is 1.
pub static DROPOUT: Op = Op {
    name: "dropout",
    also: &["alpha_dropout", "dropout1d"],
    args: &[Arg::Tensor("x"), Arg::Number("p", Some(0.5))],
    drop: Some(|attrs| attrs.number(0)),
    shape: |attrs, shapes| {
        let p = attrs.number(0);
        if !(0.0..1.0).contains(&p) {
            let fact = format!("`dropout` drops with a probability of at least 0 and below 1, not {p}");
            return Err(Mismatch::new(fact).help("`dropout(x, 0.2)` drops one element in five"));
        }
        same_shape(attrs, shapes)
    },
    vjp: Vjp::Rule(|at, d| vec![Some(d * at.x[1]), None]),
    eval: |_, x| zip(x, |x, mask| x * mask),
    notation: |style, _, x, _| style.infix(x, "*", r"\cdot", Level::Product),
    rewrites: &[Rewrite {
        name: "dropout(x, 1) = x",
        stage: Stage::Simplify,
        apply: |_, x| (x[1].as_constant() == Some(1.0)).then_some(x[0]),
    }],
    ..Op::POINTWISE
};
