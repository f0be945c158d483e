//! `select(condition, a, b)`: `a` where the condition is not 0, `b` elsewhere.

use ndarray::Zip;

use super::{Arg, Op, Rewrite, Stage, Vjp};
use crate::notation::{Formula, Level, Style};

/// One of two values, by a condition. What isn't selected doesn't reach the result, not even as NaN.
pub static SELECT: Op = Op {
    name: "select",
    also: &["where", "if_else", "cond"],
    args: &[Arg::Tensor("condition"), Arg::Tensor("a"), Arg::Tensor("b")],
    vjp: Vjp::Rule(|at, d| {
        let zero = d.filled(0.0, d.shape());
        vec![None, Some(d.select(at.x[0], zero)), Some(zero.select(at.x[0], d))]
    }),
    eval: |_, x| {
        Zip::from(&x[0])
            .and(&x[1])
            .and(&x[2])
            .map_collect(|&condition, &a, &b| if condition == 0.0 { b } else { a })
    },
    notation: |style, _, x, _| match style {
        Style::Latex => {
            let condition = match x[0].level {
                Level::Compare => x[0].text.clone(),
                _ => format!(r"{} \neq 0", x[0].text),
            };
            let cases =
                format!(r"{} & \text{{if }} {condition} \\ {} & \text{{otherwise}}", x[1].text, x[2].text);
            Formula::new(format!(r"\begin{{cases}} {cases} \end{{cases}}"), Level::Compare)
        }
        _ => style.call("select", x),
    },
    rewrites: &[
        Rewrite {
            name: "select(c, a, a) = a",
            stage: Stage::Simplify,
            apply: |_, x| (x[1].id == x[2].id).then_some(x[1]),
        },
        Rewrite {
            name: "select(1, a, b) = a, select(0, a, b) = b",
            stage: Stage::Simplify,
            apply: |_, x| x[0].as_constant().map(|condition| if condition == 0.0 { x[2] } else { x[1] }),
        },
    ],
    ..Op::POINTWISE
};
