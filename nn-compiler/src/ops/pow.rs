//! `a ^ b`: the general power, and whole powers by repeated multiplication.

use super::{
    Arg, Op, Rewrite, Stage, Vjp,
    compare::{EQ, GE},
    log::LOG,
    map, zip,
};
use crate::notation::{Formula, Level, Style};

/// The largest whole exponent that is computed by repeated multiplication.
const LARGEST_EXPONENT: f64 = 64.0;

/// One tensor to the power of another, element by element. The derivatives are those of `PyTorch`: towards
/// the base 0 where the exponent is 0, towards the exponent 0 where the base is 0 and the power is finite.
pub static POW: Op = Op {
    name: "pow",
    symbol: Some("^"),
    also: &["power"],
    args: &[Arg::Tensor("a"), Arg::Tensor("b")],
    vjp: Vjp::Rule(|at, d| {
        let (a, b, y) = (at.x[0], at.x[1], at.y);
        let towards_base = d * (b * a.zip(&POW, b - 1.0));
        let towards_exponent = d * (y * a.map(&LOG));
        let zero = d.filled(0.0, d.shape());
        let finite = zero.select(b.zip(&GE, 0.0), towards_exponent);
        vec![
            Some(zero.select(b.zip(&EQ, 0.0), towards_base)),
            Some(finite.select(a.zip(&EQ, 0.0), towards_exponent)),
        ]
    }),
    eval: |_, x| zip(x, f64::powf),
    notation: |style, _, x, _| match style {
        Style::Rust | Style::Js => style.call("pow", x),
        _ => style.power(&x[0], &x[1]),
    },
    rewrites: &[Rewrite {
        name: "x ^ n by repeated multiplication",
        stage: Stage::Stabilise,
        apply: |_, x| {
            let exponent = x[1].as_constant()?;
            let whole = exponent.fract() == 0.0 && exponent.abs() <= LARGEST_EXPONENT;
            whole.then(|| x[0].powi(exponent as i32))
        },
    }],
    ..Op::POINTWISE
};

/// A whole power. `attrs.numbers` holds the exponent.
pub static POWI: Op = Op {
    name: "powi",
    vjp: Vjp::Rule(|at, d| {
        let (x, n) = (at.x[0], at.attrs.number(0));
        vec![match n {
            0.0 => None,
            1.0 => Some(d),
            2.0 => Some(d * (2.0 * x)),
            _ => Some(d * (n * x.powi(n as i32 - 1))),
        }]
    }),
    eval: |attrs, x| map(&x[0], |x| x.powi(attrs.number(0) as i32)),
    notation: |style, attrs, x, _| {
        let n = attrs.number(0);
        let level = if n < 0.0 { Level::Negation } else { Level::Atom };
        let exponent = Formula::new(format!("{n}"), level);
        match style {
            Style::Rust | Style::Js => style.call("powi", [&x[0], &exponent]),
            Style::Text | Style::Latex => style.power(&x[0], &exponent),
        }
    },
    rewrites: &[Rewrite {
        name: "x ^ 1 = x, x ^ 0 = 1",
        stage: Stage::Simplify,
        apply: |attrs, x| match attrs.number(0) {
            0.0 => Some(x[0].filled(1.0, x[0].shape())),
            1.0 => Some(x[0]),
            _ => None,
        },
    }],
    flops: 2,
    ..Op::POINTWISE
};
