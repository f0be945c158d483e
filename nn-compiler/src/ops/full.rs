//! `full(value, shape)`: a tensor of one number throughout, such as the state that a sequence begins with.
//!
//! `attrs.sizes` holds the shape.

use super::{Arg, Kernel, Mismatch, Op, Vjp};
use crate::graph::Attrs;
use crate::notation::Formula;
use crate::shape::Shape;

/// A scalar in every place of a tensor.
pub static FULL: Op = Op {
    name: "full",
    also: &["zeros", "ones", "fill", "constant", "zeros_like", "ones_like"],
    args: &[Arg::Tensor("value"), Arg::Sizes("shape")],
    shape: |attrs, shapes| {
        if !shapes[0].is_scalar() {
            return Err(Mismatch::new(format!("`full` takes one number, not {}", shapes[0]))
                .help("a tensor is stretched by `broadcast(x, shape)`"));
        }
        Ok(Shape::from(attrs.sizes.clone()))
    },
    vjp: Vjp::Expansion,
    eval: |Attrs { sizes, .. }, x| super::Tensor::from_elem(&sizes[..], x[0].sum()),
    kernel: Kernel::Composite(|attrs, x| {
        let shape = Shape::from(attrs.sizes.clone());
        match x[0].as_constant() {
            Some(value) => x[0].filled(value, shape),
            None => x[0].broadcast(&shape, &[]),
        }
    }),
    notation: |style, attrs, x, _| style.call("full", [&x[0], &Formula::atom(format!("{:?}", attrs.sizes))]),
    flops: 0,
    ..Op::POINTWISE
};
