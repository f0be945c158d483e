//! `gelu(x) = x Φ(x)`, with the normal distribution function Φ.

use std::f64::consts::FRAC_1_SQRT_2;

use super::{
    Arg, Kernel, Op, Vjp,
    erf::{self, ERF},
    map,
};
use crate::model::Init;

/// The Gaussian error linear unit in its exact form: Hendrycks and Gimpel, 2016, section 2.
pub static GELU: Op = Op {
    name: "gelu",
    args: &[Arg::Tensor("x")],
    vjp: Vjp::Expansion,
    eval: |_, x| map(&x[0], |x| 0.5 * x * (1.0 + erf::erf(x * FRAC_1_SQRT_2))),
    kernel: Kernel::Composite(|_, x| 0.5 * x[0] * (1.0 + (x[0] * FRAC_1_SQRT_2).map(&ERF))),
    notation: |style, _, x, _| style.call("gelu", x),
    init: Some(Init::HeUniform),
    flops: 0,
    ..Op::POINTWISE
};
