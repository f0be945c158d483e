//! Comparisons, `a > b` and the like: 1 where they hold, 0 elsewhere, so 0 beside a NaN (and 1 for `!=`).

use super::{Arg, Op, Tensor, Vjp, zip};
use crate::graph::Attrs;
use crate::notation::{Formula, Level, Style};
use crate::shape::Shape;

type Eval = fn(&Attrs, &[Tensor]) -> Tensor;
type Notation = fn(Style, &Attrs, &[Formula], &[Shape]) -> Formula;

const fn comparison(name: &'static str, symbol: &'static str, eval: Eval, notation: Notation) -> Op {
    Op {
        name,
        symbol: Some(symbol),
        args: &[Arg::Tensor("a"), Arg::Tensor("b")],
        vjp: Vjp::None {
            help: "a comparison is a step; choose between values with `select(condition, a, b)`, or use a \
                   smooth step such as `sigmoid`",
        },
        eval,
        notation,
        ..Op::POINTWISE
    }
}

fn written(style: Style, op: &Op, x: &[Formula], symbol: &str, latex: &str) -> Formula {
    match style {
        // A truth value, as the level says, whatever the syntax.
        Style::Rust | Style::Js => Formula::new(style.call(op.name, x).text, Level::Compare),
        _ => style.infix(x, symbol, latex, Level::Compare),
    }
}

/// Whether one value is greater than another.
pub static GT: Op = comparison(
    "gt",
    ">",
    |_, x| zip(x, |a, b| f64::from(a > b)),
    |style, _, x, _| written(style, &GT, x, ">", r">"),
);

/// Whether one value is less than another.
pub static LT: Op = comparison(
    "lt",
    "<",
    |_, x| zip(x, |a, b| f64::from(a < b)),
    |style, _, x, _| written(style, &LT, x, "<", r"<"),
);

/// Whether one value is greater than or equal to another.
pub static GE: Op = comparison(
    "ge",
    ">=",
    |_, x| zip(x, |a, b| f64::from(a >= b)),
    |style, _, x, _| written(style, &GE, x, ">=", r"\geq"),
);

/// Whether one value is less than or equal to another.
pub static LE: Op = comparison(
    "le",
    "<=",
    |_, x| zip(x, |a, b| f64::from(a <= b)),
    |style, _, x, _| written(style, &LE, x, "<=", r"\leq"),
);

/// Whether one value is equal to another.
pub static EQ: Op = comparison(
    "eq",
    "==",
    |_, x| zip(x, |a, b| f64::from(a == b)),
    |style, _, x, _| written(style, &EQ, x, "==", r"="),
);

/// Whether one value is different from another.
pub static NE: Op = comparison(
    "ne",
    "!=",
    |_, x| zip(x, |a, b| f64::from(a != b)),
    |style, _, x, _| written(style, &NE, x, "!=", r"\neq"),
);
