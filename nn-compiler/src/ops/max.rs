//! `max(a, b)`, element by element.

use super::{
    Arg, Op, Vjp,
    compare::{EQ, LT},
    zip,
};

/// The larger of two values; NaN if one of them is. Where they are equal, the adjoint goes to both in halves,
/// as in `PyTorch`'s `maximum`.
pub static MAX: Op = Op {
    name: "max",
    also: &["maximum", "fmax"],
    args: &[Arg::Tensor("a"), Arg::Tensor("b")],
    vjp: Vjp::Rule(|at, d| {
        let (a, b) = (at.x[0], at.x[1]);
        let zero = d.filled(0.0, d.shape());
        let shared = (0.5 * d).select(a.zip(&EQ, b), d);
        vec![Some(zero.select(a.zip(&LT, b), shared)), Some(zero.select(b.zip(&LT, a), shared))]
    }),
    eval: |_, x| zip(x, |a, b| if a > b || a.is_nan() { a } else { b }),
    notation: |style, _, x, _| style.function("max", r"\max", x),
    ..Op::POINTWISE
};
