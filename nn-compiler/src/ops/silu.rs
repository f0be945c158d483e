//! `silu(x) = x sigmoid(x)`, also known as swish.

use super::{Arg, Kernel, Op, Vjp, sigmoid::SIGMOID};
use crate::model::Init;

/// The sigmoid linear unit: Elfwing et al., 2018.
pub static SILU: Op = Op {
    name: "silu",
    also: &["swish"],
    args: &[Arg::Tensor("x")],
    vjp: Vjp::Expansion,
    eval: |attrs, x| &x[0] * (SIGMOID.eval)(attrs, x),
    kernel: Kernel::Composite(|_, x| x[0] * x[0].map(&SIGMOID)),
    notation: |style, _, x, _| style.call("silu", x),
    init: Some(Init::HeUniform),
    flops: 0,
    ..Op::POINTWISE
};
