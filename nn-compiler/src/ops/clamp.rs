//! `clamp(x, low, high)`: `x` kept between two bounds.
//!
//! `attrs.numbers` holds the bounds.

use super::{
    Arg, Mismatch, Op, Vjp,
    compare::{GT, LT},
    map, same_shape,
};
use crate::notation::Style;

/// The value of `x` between the bounds, the nearer bound outside; NaN stays NaN. At a bound the derivative is
/// 0, as that of `relu` at 0, and as in `PyTorch`.
pub static CLAMP: Op = Op {
    name: "clamp",
    also: &["clip"],
    args: &[Arg::Tensor("x"), Arg::Number("low", None), Arg::Number("high", None)],
    shape: |attrs, shapes| {
        let (low, high) = (attrs.number(0), attrs.number(1));
        if low > high {
            return Err(Mismatch::new(format!("the low bound {low} is above the high bound {high}"))
                .help(format!("`clamp(x, {high}, {low})`")));
        }
        same_shape(attrs, shapes)
    },
    vjp: Vjp::Rule(|at, d| {
        let x = at.x[0];
        let below_high = d.select(x.zip(&LT, at.attrs.number(1)), 0.0);
        vec![Some(below_high.select(x.zip(&GT, at.attrs.number(0)), 0.0))]
    }),
    eval: |attrs, x| {
        let (low, high) = (attrs.number(0), attrs.number(1));
        map(&x[0], |x| if x.is_nan() { x } else { x.clamp(low, high) })
    },
    notation: |style, attrs, x, _| {
        let (low, high) = (style.number(attrs.number(0)), style.number(attrs.number(1)));
        match style {
            Style::Rust | Style::Js => style.call("min", [&style.call("max", [&x[0], &low]), &high]),
            _ => style.call("clamp", [&x[0], &low, &high]),
        }
    },
    flops: 2,
    ..Op::POINTWISE
};
