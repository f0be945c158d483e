//! `relu(x)`: `x` where it is positive, 0 elsewhere.

use super::{Arg, Epilogue, Op, Vjp, gate::GATE, map};
use crate::model::Init;
use crate::notation::{Formula, Style};

/// The rectifier. At 0 the derivative is 0, as in `PyTorch`; NaN stays NaN.
pub static RELU: Op = Op {
    name: "relu",
    args: &[Arg::Tensor("x")],
    // The result is positive exactly where the operand is, and lies in memory anyway.
    vjp: Vjp::Rule(|at, d| vec![Some(at.y.zip(&GATE, d))]),
    eval: |_, x| map(&x[0], |x| if x < 0.0 { 0.0 } else { x }),
    notation: |style, _, x, _| match style {
        Style::Rust | Style::Js => style.call("max", [&x[0], &Formula::atom("0.0")]),
        _ => style.call("relu", x),
    },
    epilogue: Some(Epilogue::Activation("Relu")),
    init: Some(Init::HeUniform),
    ..Op::POINTWISE
};
