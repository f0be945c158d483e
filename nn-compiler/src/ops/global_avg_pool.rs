//! `global_avg_pool(x)`: the mean of each channel of an image.

use super::conv2d::check_image;
use super::{Arg, Kernel, Op, Vjp, mean::MEAN};
use crate::graph::Attrs;
use crate::shape::Shape;

/// The mean of each channel: a vector.
pub static GLOBAL_AVG_POOL: Op = Op {
    name: "global_avg_pool",
    also: &["global_average_pooling2d", "adaptive_avg_pool2d", "global_avg_pool2d", "global_mean_pool"],
    args: &[Arg::Tensor("x")],
    shape: |_, shapes| {
        check_image("global_avg_pool", &shapes[0])?;
        Ok(Shape::from([shapes[0][0]]))
    },
    vjp: Vjp::Expansion,
    eval: |_, x| (MEAN.eval)(&Attrs::axes([1, 2]), x),
    kernel: Kernel::Composite(|_, x| x[0].apply(&MEAN, Attrs::axes([1, 2]), &[])),
    notation: |style, _, x, _| style.call("global_avg_pool", x),
    flops: 0,
    ..Op::POINTWISE
};
