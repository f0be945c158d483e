//! `leaky_relu(x, slope)`: `x` where it is positive, `slope * x` elsewhere.
//!
//! `attrs.numbers` holds the slope.

use super::{Arg, Kernel, Op, Vjp, compare::GT, map};
use crate::model::Init;

/// The rectifier that lets a fraction of negative values through. At 0 the derivative is the slope.
pub static LEAKY_RELU: Op = Op {
    name: "leaky_relu",
    args: &[Arg::Tensor("x"), Arg::Number("slope", Some(0.01))],
    vjp: Vjp::Rule(|at, d| vec![Some(d.select(at.x[0].zip(&GT, 0.0), at.attrs.number(0) * d))]),
    eval: |attrs, x| map(&x[0], |x| if x > 0.0 { x } else { attrs.number(0) * x }),
    kernel: Kernel::Composite(|attrs, x| x[0].select(x[0].zip(&GT, 0.0), attrs.number(0) * x[0])),
    notation: |style, attrs, x, _| style.call("leaky_relu", [&x[0], &style.number(attrs.number(0))]),
    init: Some(Init::HeUniform),
    flops: 0,
    ..Op::POINTWISE
};
