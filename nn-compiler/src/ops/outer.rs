//! `outer(a, b)`: the matrix of all products of two vectors' elements.

use super::{Arg, Kernel, Mismatch, Op, Vjp, contract::CONTRACT};
use crate::notation::Level;
use crate::shape::Shape;

/// The outer product of two vectors.
pub static OUTER: Op = Op {
    name: "outer",
    args: &[Arg::Tensor("a"), Arg::Tensor("b")],
    shape: |_, shapes| match (&shapes[0][..], &shapes[1][..]) {
        (&[rows], &[columns]) => Ok(Shape::from([rows, columns])),
        _ => Err(Mismatch::new(format!("`outer` takes two vectors, not {} and {}", shapes[0], shapes[1]))),
    },
    vjp: Vjp::Expansion,
    eval: |attrs, x| (CONTRACT.eval)(attrs, x),
    kernel: Kernel::Composite(|_, x| x[0].contract(x[1], &[], &[])),
    notation: |style, _, x, _| style.infix(x, "⊗", r"\otimes", Level::Product),
    flops: 0,
    ..Op::POINTWISE
};
