//! `elu(x, alpha)`: `x` where it is positive, `alpha * (exp(x) - 1)` elsewhere.
//!
//! `attrs.numbers` holds alpha.

use super::{Arg, Kernel, Op, Vjp, compare::GT, map, min::MIN, tanh::TANH};
use crate::model::Init;

/// The exponential linear unit: Clevert et al., 2016.
pub static ELU: Op = Op {
    name: "elu",
    args: &[Arg::Tensor("x"), Arg::Number("alpha", Some(1.0))],
    vjp: Vjp::Rule(|at, d| vec![Some(d.select(at.x[0].zip(&GT, 0.0), d * (at.y + at.attrs.number(0))))]),
    eval: |attrs, x| map(&x[0], |x| if x > 0.0 { x } else { attrs.number(0) * x.exp_m1() }),
    kernel: Kernel::Composite(|attrs, x| {
        // exp(x) - 1 = 2t / (1 - t) with t = tanh(x / 2) doesn't cancel near 0. The bound keeps the branch
        // that isn't selected finite.
        let t = (0.5 * x[0].zip(&MIN, 0.0)).map(&TANH);
        let exp_minus_one = 2.0 * t / (1.0 - t);
        x[0].select(x[0].zip(&GT, 0.0), attrs.number(0) * exp_minus_one)
    }),
    notation: |style, attrs, x, _| style.call("elu", [&x[0], &style.number(attrs.number(0))]),
    init: Some(Init::HeUniform),
    flops: 0,
    ..Op::POINTWISE
};
