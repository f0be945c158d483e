//! `min(a, b)`, element by element.

use super::{
    Arg, Op, Vjp,
    compare::{EQ, GT},
    zip,
};

/// The smaller of two values; NaN if one of them is. Where they are equal, the adjoint goes to both in
/// halves, as in `PyTorch`'s `minimum`.
pub static MIN: Op = Op {
    name: "min",
    also: &["minimum", "fmin"],
    args: &[Arg::Tensor("a"), Arg::Tensor("b")],
    vjp: Vjp::Rule(|at, d| {
        let (a, b) = (at.x[0], at.x[1]);
        let zero = d.filled(0.0, d.shape());
        let shared = (0.5 * d).select(a.zip(&EQ, b), d);
        vec![Some(zero.select(a.zip(&GT, b), shared)), Some(zero.select(b.zip(&GT, a), shared))]
    }),
    eval: |_, x| zip(x, |a, b| if a < b || a.is_nan() { a } else { b }),
    notation: |style, _, x, _| style.function("min", r"\min", x),
    ..Op::POINTWISE
};
