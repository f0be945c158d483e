//! `group_norm(x, groups)`: mean 0 and variance 1 for each group of channels, then a scale and a shift for each channel.
//!
//! `attrs.sizes` holds the number of groups, `attrs.numbers` what is added to the variance.

use super::conv2d::{by_channel, check_weights};
use super::layer_norm::{normal, normalised, scale_and_shift};
use super::{Arg, Kernel, Mismatch, Op, Vjp};
use crate::shape::Shape;

/// Wu and He, *Group normalization* (2018). Operands: `x: [channels, …]`, `weight` and `bias: [channels]`. With as many
/// groups as channels it is an instance normalisation.
pub static GROUP_NORM: Op = Op {
    name: "group_norm",
    also: &["group_normalization", "instance_norm"],
    args: &[Arg::Tensor("x"), Arg::Size("groups", None), Arg::Number("epsilon", Some(1e-5))],
    weights: Some(|_, shapes| scale_and_shift(channels(&shapes[0]))),
    shape: |attrs, shapes| {
        let (x, groups) = (&shapes[0], attrs.sizes[0]);
        if x.is_scalar() || !x[0].is_multiple_of(groups) {
            let count = x.first().copied().unwrap_or(1);
            return Err(Mismatch::new(format!("{count} channels of {x} can't be cut into {groups} groups"))
                .help("channels are the first axis"));
        }
        check_weights("group_norm", x, &shapes[1..], &[channels(x), channels(x)])?;
        Ok(x.clone())
    },
    vjp: Vjp::Expansion,
    eval: |attrs, x| {
        let rank = x[0].ndim();
        let normal = normal(&x[0], x[0].len() / attrs.sizes[0], attrs.number(0));
        normal * by_channel(&x[1], rank) + by_channel(&x[2], rank)
    },
    kernel: Kernel::Composite(|attrs, x| {
        let (shape, groups) = (x[0].shape(), attrs.sizes[0]);
        let in_groups = x[0].reshape(&Shape::from([groups, shape.count() / groups]));
        let normal = normalised(in_groups, &[1], attrs.number(0)).reshape(&shape);
        normal * x[1].broadcast(&shape, &[0]) + x[2].broadcast(&shape, &[0])
    }),
    notation: |style, _, x, _| style.call("group_norm", x),
    flops: 0,
    ..Op::POINTWISE
};

fn channels(x: &Shape) -> Shape {
    Shape::from([x.first().copied().unwrap_or(1)])
}
