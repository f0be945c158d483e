//! `upsample(x, scale)`: each pixel as a block of equal ones, the nearest in the image.
//!
//! `attrs.sizes` holds how many rows and columns become of one.

use super::conv2d::check_image;
use super::{Arg, Kernel, Op, Tensor, Vjp};
use crate::notation::Formula;
use crate::shape::Shape;

/// An image enlarged by whole numbers: `y[c, i, j] = x[c, ⌊i / scale⌋, ⌊j / scale⌋]`.
pub static UPSAMPLE: Op = Op {
    name: "upsample",
    also: &["up_sampling2d", "interpolate", "upsampling_nearest2d", "resize_nearest"],
    args: &[Arg::Tensor("x"), Arg::Window("scale", 2, Some(2))],
    shape: |attrs, shapes| {
        check_image("upsample", &shapes[0])?;
        let x = &shapes[0];
        Ok(Shape::from([x[0], x[1] * attrs.sizes[0], x[2] * attrs.sizes[1]]))
    },
    vjp: Vjp::Expansion,
    eval: |attrs, x| {
        let (shape, [down, right]) = (x[0].shape(), [attrs.sizes[0], attrs.sizes[1]]);
        Tensor::from_shape_fn(&[shape[0], shape[1] * down, shape[2] * right][..], |at| {
            x[0][[at[0], at[1] / down, at[2] / right]]
        })
    },
    kernel: Kernel::Composite(|attrs, x| {
        let (shape, [down, right]) = (x[0].shape(), [attrs.sizes[0], attrs.sizes[1]]);
        let blocks = Shape::from([shape[0], shape[1], down, shape[2], right]);
        x[0].broadcast(&blocks, &[0, 1, 3]).reshape(&Shape::from([
            shape[0],
            shape[1] * down,
            shape[2] * right,
        ]))
    }),
    notation: |style, attrs, x, _| {
        style.call("upsample", [&x[0], &Formula::atom(format!("{:?}", attrs.sizes))])
    },
    flops: 0,
    ..Op::POINTWISE
};
