//! `batch_norm(x, momentum, epsilon)`: mean 0 and variance 1 for each channel over a batch, then a scale and a shift.
//!
//! `attrs.numbers` holds how much of a batch goes into the running statistics, and what is added to the variance.

use super::conv2d::{by_channel, check_weights};
use super::layer_norm::{normal, scale_and_shift};
use super::{
    Arg, Kernel, Mismatch, Op, State, Vjp, batch_statistic::BATCH_STATISTIC, mean::MEAN, sqrt::SQRT,
};
use crate::graph::Attrs;
use crate::model::{Init, StateRule};
use crate::shape::Shape;
use crate::term::Term;

/// Ioffe and Szegedy, *Batch normalization* (2015). Operands: `x: [channels, …]`, `weight` and `bias: [channels]`, and
/// the states `running_mean` and `running_var: [channels]`.
///
/// A training step uses mean and variance over its examples and all places of a channel. It moves the states towards
/// them by `momentum`, the variance with Bessel's correction, as `PyTorch` does. Everything else uses the states.
pub static BATCH_NORM: Op = Op {
    name: "batch_norm",
    also: &["batch_normalization", "batchnorm1d", "batchnorm2d"],
    args: &[Arg::Tensor("x"), Arg::Number("momentum", Some(0.1)), Arg::Number("epsilon", Some(1e-5))],
    weights: Some(|_, shapes| scale_and_shift(channels(&shapes[0]))),
    states: Some(|attrs, shapes| {
        let (shape, momentum) = (channels(&shapes[0]), attrs.number(0));
        let places = shapes[0].count() / shape.count();
        let state = |name, start, corrected| State {
            name,
            shape: shape.clone(),
            init: Init::Constant(start),
            rule: StateRule { momentum, corrected },
        };
        vec![state("running_mean", 0.0, None), state("running_var", 1.0, Some(places))]
    }),
    shape,
    vjp: Vjp::Expansion,
    // A batch of this one example.
    eval: |attrs, x| {
        let rank = x[0].ndim();
        let normal = normal(&x[0], x[0].len() / x[0].shape()[0], attrs.number(1));
        normal * by_channel(&x[1], rank) + by_channel(&x[2], rank)
    },
    kernel: Kernel::Composite(|attrs, x| {
        let &[x, weight, bias, mean, variance] = x else {
            unreachable!("a layer has what it makes for itself")
        };
        let shape = x.shape();
        let centred = x - mean_of_batch(x, mean).broadcast(&shape, &[0]);
        let deviation = (mean_of_batch(centred * centred, variance) + attrs.number(1)).map(&SQRT);
        centred / deviation.broadcast(&shape, &[0]) * weight.broadcast(&shape, &[0])
            + bias.broadcast(&shape, &[0])
    }),
    notation: |style, _, x, _| style.call("batch_norm", &x[..3.min(x.len())]),
    flops: 0,
    ..Op::POINTWISE
};

/// The mean of each channel over a batch, or its state where there is none.
fn mean_of_batch<'g>(x: Term<'g>, state: Term<'g>) -> Term<'g> {
    let places: Vec<usize> = (1..x.shape().len()).collect();
    let of_example = if places.is_empty() { x } else { x.apply(&MEAN, Attrs::axes(places), &[]) };
    of_example.apply(&BATCH_STATISTIC, Attrs::default(), &[state])
}

fn shape(attrs: &Attrs, shapes: &[Shape]) -> Result<Shape, Mismatch> {
    let (x, momentum, epsilon) = (&shapes[0], attrs.number(0), attrs.number(1));
    if x.is_scalar() {
        return Err(Mismatch::new("`batch_norm` takes channels or features, not a scalar")
            .help("several of them are one tensor: `batch_norm(concat(a, b))`"));
    }
    if !(0.0..=1.0).contains(&momentum) {
        let fact = format!("`momentum` is the share of a new batch, from 0 to 1, not {momentum}");
        return Err(Mismatch::new(fact).help("0.1 is usual; other libraries may call that 0.9"));
    }
    if epsilon < 0.0 || !epsilon.is_finite() {
        let fact = format!("`epsilon` is added to a variance: it is not negative, unlike {epsilon}");
        return Err(Mismatch::new(fact).help("1e-5 is usual"));
    }
    let each = channels(x);
    check_weights("batch_norm", x, &shapes[1..], &[each.clone(), each.clone(), each.clone(), each])?;
    Ok(x.clone())
}

fn channels(x: &Shape) -> Shape {
    Shape::from([x.first().copied().unwrap_or(1)])
}
