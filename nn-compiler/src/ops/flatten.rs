//! `flatten(x)`: all elements as one vector.

use super::{Arg, Kernel, Op, Vjp, reshape::RESHAPE};
use crate::graph::Attrs;
use crate::shape::Shape;

/// A tensor as a vector, in row-major order; a scalar as a vector of one element.
pub static FLATTEN: Op = Op {
    name: "flatten",
    also: &["ravel"],
    args: &[Arg::Tensor("x")],
    shape: |_, shapes| Ok(Shape::from([shapes[0].count()])),
    vjp: Vjp::Expansion,
    eval: |_, x| (RESHAPE.eval)(&Attrs::sizes([x[0].len()]), x),
    kernel: Kernel::Composite(|_, x| x[0].reshape(&Shape::from([x[0].shape().count()]))),
    notation: |style, _, x, _| style.call("flatten", x),
    flops: 0,
    ..Op::POINTWISE
};
