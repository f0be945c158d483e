//! `gate(x, d)`: `d` where `x` is positive, 0 elsewhere. The derivative of `relu`.

use super::{Epilogue, Op, Vjp, zip};
use crate::notation::{Formula, Level, Style};

/// Lets the second operand through where the first is positive. Made by derivatives alone.
pub static GATE: Op = Op {
    name: "gate",
    vjp: Vjp::Rule(|at, d| vec![None, Some(at.x[0].zip(&GATE, d))]),
    eval: |_, x| zip(x, |x, d| if x > 0.0 { d } else { 0.0 }),
    notation: |style, _, x, _| match style {
        // As a local derivative it is 1 or 0.
        Style::Text if x[1].text == "1" => Formula::atom(format!("({} > 0)", x[0].text)),
        Style::Text => {
            Formula::new(format!("{} * ({} > 0)", x[1].at(Level::Product, style), x[0].text), Level::Product)
        }
        Style::Latex => Formula::new(
            format!(r"{} \cdot \mathbb{{1}}_{{{} > 0}}", x[1].at(Level::Product, style), x[0].text),
            Level::Product,
        ),
        Style::Rust | Style::Js => {
            let zero = Formula::atom("0.0");
            let positive = style.call("gt", [&x[0], &zero]);
            style.call("select", [&positive, &x[1], &zero])
        }
    },
    epilogue: Some(Epilogue::Gate),
    ..Op::POINTWISE
};
