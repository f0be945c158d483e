//! `sign(x)`.

use super::{Arg, Op, Vjp, map};

/// The sign: -1, 0 or 1. Its derivative is 0, exactly so wherever there is one.
pub static SIGN: Op = Op {
    name: "sign",
    also: &["sgn", "signum"],
    args: &[Arg::Tensor("x")],
    vjp: Vjp::Rule(|_, _| vec![None]),
    eval: |_, x| map(&x[0], |x| if x == 0.0 || x.is_nan() { x } else { x.signum() }),
    notation: |style, _, x, _| style.function("sign", r"\operatorname{sgn}", x),
    ..Op::POINTWISE
};
