//! `dot(a, b)`: the sum of the products of all elements.

use super::{Arg, Kernel, Op, Vjp, same_shape};
use crate::notation::Level;
use crate::shape::Shape;

/// The inner product of two tensors of one shape.
pub static DOT: Op = Op {
    name: "dot",
    also: &["inner", "vdot"],
    args: &[Arg::Tensor("a"), Arg::Tensor("b")],
    shape: |attrs, shapes| same_shape(attrs, shapes).map(|_| Shape::scalar()),
    vjp: Vjp::Expansion,
    eval: |_, x| ndarray::arr0((&x[0] * &x[1]).sum()).into_dyn(),
    kernel: Kernel::Composite(|_, x| {
        let axes: Vec<usize> = (0..x[0].shape().len()).collect();
        x[0].contract(x[1], &axes, &axes)
    }),
    notation: |style, _, x, shapes| match shapes[0].len() {
        1 => style.infix(x, "·", r"\cdot", Level::Product),
        _ => style.call("dot", x),
    },
    flops: 0,
    ..Op::POINTWISE
};
