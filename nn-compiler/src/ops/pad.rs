//! `pad(x)`: a tensor as a block of a larger one that is 0 elsewhere. The derivative of a slice.
//!
//! `attrs.sizes` holds the block's first place on each axis, then the result's shape.

use ndarray::Slice;

use super::{Copy, Kernel, Mismatch, Movement, Number, Op, Rewrite, Stage, Tensor, Vjp};
use crate::notation::Formula;
use crate::shape::Shape;

/// A tensor with zeros around it. Made by derivatives alone.
pub static PAD: Op = Op {
    name: "pad",
    shape: |attrs, shapes| {
        let x = &shapes[0];
        let (starts, sizes) = attrs.sizes.split_at(attrs.sizes.len() / 2);
        let fits = starts.len() == x.len()
            && sizes.len() == x.len()
            && (0..x.len()).all(|axis| starts[axis] + x[axis] <= sizes[axis]);
        if !fits {
            return Err(Mismatch::new(format!("{x} at {starts:?} is not a block of {sizes:?}")));
        }
        Ok(Shape::from(sizes.to_vec()))
    },
    vjp: Vjp::Rule(|at, d| {
        let shape = at.x[0].shape();
        vec![Some(d.block(&at.attrs.sizes[..shape.len()], &shape))]
    }),
    eval: |attrs, x| {
        let (starts, sizes) = attrs.sizes.split_at(x[0].ndim());
        let mut padded = Tensor::zeros(sizes);
        let mut block = padded.slice_each_axis_mut(|axis| {
            let start = starts[axis.axis.index()];
            Slice::from(start..start + x[0].shape()[axis.axis.index()])
        });
        block.assign(&x[0]);
        padded
    },
    kernel: Kernel::Move(|attrs, shapes| {
        let (starts, sizes) = attrs.sizes.split_at(shapes[0].len());
        let (from_strides, to_strides) = (shapes[0].strides(), Shape::from(sizes.to_vec()).strides());
        let to = starts.iter().zip(&to_strides).map(|(start, stride)| start * stride).sum();
        let copy = Copy { operand: 0, sizes: shapes[0].to_vec(), from: 0, from_strides, to, to_strides };
        Movement { fill: Some(Number(0.0)), copies: vec![copy] }
    }),
    notation: |style, attrs, x, shapes| {
        let (starts, sizes) = attrs.sizes.split_at(shapes[0].len());
        style
            .call("pad", [&x[0], &Formula::atom(format!("{starts:?}")), &Formula::atom(format!("{sizes:?}"))])
    },
    rewrites: &[Rewrite {
        name: "no zeros around",
        stage: Stage::Simplify,
        apply: |attrs, x| {
            let shape = x[0].shape();
            (attrs.sizes[shape.len()..] == shape[..]).then_some(x[0])
        },
    }],
    flops: 0,
    ..Op::POINTWISE
};
