//! `local_response_norm(x, size, alpha, beta, k)`: each pixel by the squares of the channels beside it.
//!
//! `attrs.sizes` holds how many channels are taken together, `attrs.numbers` α, β and k.

use super::conv2d::check_image;
use super::{Arg, Kernel, Op, Tensor, Vjp, pad::PAD, pow::POW, sqrt::SQRT};
use crate::graph::Attrs;

/// `x / (k + α / size · Σ x²)^β` over the channels from `size / 2` before to `(size - 1) / 2` after: Krizhevsky, Sutskever
/// and Hinton, *`ImageNet` classification with deep convolutional neural networks* (2012), section 3.3, with the mean of
/// the squares as in `PyTorch` where the paper has their sum.
pub static LOCAL_RESPONSE_NORM: Op = Op {
    name: "local_response_norm",
    also: &["lrn", "local_response_normalization"],
    args: &[
        Arg::Tensor("x"),
        Arg::Size("size", Some(5)),
        Arg::Number("alpha", Some(1e-4)),
        Arg::Number("beta", Some(0.75)),
        Arg::Number("k", Some(1.0)),
    ],
    shape: |_, shapes| {
        check_image("local_response_norm", &shapes[0])?;
        Ok(shapes[0].clone())
    },
    vjp: Vjp::Expansion,
    eval: |attrs, x| {
        let (size, [alpha, beta, k]) = (attrs.sizes[0], [0, 1, 2].map(|at| attrs.number(at)));
        Tensor::from_shape_fn(x[0].raw_dim(), |at| {
            let beside =
                (at[0].saturating_sub(size / 2)..=at[0] + (size - 1) / 2).filter(|&c| c < x[0].shape()[0]);
            let squares: f64 = beside.map(|channel| x[0][[channel, at[1], at[2]]].powi(2)).sum();
            x[0][at] / (k + alpha / size as f64 * squares).powf(beta)
        })
    },
    kernel: Kernel::Composite(|attrs, x| {
        let (size, [alpha, beta, k]) = (attrs.sizes[0], [0, 1, 2].map(|at| attrs.number(at)));
        let shape = x[0].shape();
        let around = [shape[0] + size - 1, shape[1], shape[2]];
        let squares = (x[0] * x[0]).apply(&PAD, Attrs::sizes([&[size / 2, 0, 0][..], &around].concat()), &[]);
        let beside = (1..size).fold(squares.block(&[0, 0, 0], &shape), |sum, channel| {
            sum + squares.block(&[channel, 0, 0], &shape)
        });
        let sum = beside * (alpha / size as f64) + k;
        // The usual exponents are roots, which cost a tenth of a power.
        let power = match beta {
            0.5 => sum.map(&SQRT),
            0.75 => {
                let root = sum.map(&SQRT);
                root * root.map(&SQRT)
            }
            _ => sum.zip(&POW, beta),
        };
        x[0] / power
    }),
    notation: |style, _, x, _| style.call("local_response_norm", x),
    flops: 0,
    ..Op::POINTWISE
};
