//! `layer_norm(x, axis)`: mean 0 and variance 1 along the last axes, then a scale and a shift of its own.
//!
//! `attrs.axes` holds the first of these axes, `attrs.numbers` what is added to the variance.

use super::{Arg, Kernel, Op, Tensor, Vjp, Weight, normalise::NORMALISE};
use crate::graph::Attrs;
use crate::model::Init;
use crate::shape::Shape;
use crate::term::Term;

/// Ba, Kiros and Hinton, *Layer normalization* (2016). Operands: `x`, `weight` and `bias` of the shape of the axes from
/// `axis` to the last. The variance is that of the elements themselves, without Bessel's correction.
pub static LAYER_NORM: Op = Op {
    name: "layer_norm",
    also: &["layer_normalization"],
    args: &[Arg::Tensor("x"), Arg::Axis("axis", -1), Arg::Number("epsilon", Some(1e-5))],
    weights: Some(|attrs, shapes| scale_and_shift(Shape::from(shapes[0][attrs.axes[0]..].to_vec()))),
    shape: |attrs, shapes| {
        let inner = Shape::from(shapes[0][attrs.axes[0]..].to_vec());
        super::conv2d::check_weights("layer_norm", &shapes[0], &shapes[1..], &[inner.clone(), inner])?;
        Ok(shapes[0].clone())
    },
    vjp: Vjp::Expansion,
    eval: |attrs, x| {
        let inner = x[0].shape()[attrs.axes[0]..].iter().product();
        &normal(&x[0], inner, attrs.number(0)) * &x[1] + &x[2]
    },
    kernel: Kernel::Composite(|attrs, x| {
        let shape = x[0].shape();
        let axes: Vec<usize> = (attrs.axes[0]..shape.len()).collect();
        let (scale, shift) = (x[1].broadcast(&shape, &axes), x[2].broadcast(&shape, &axes));
        normalised(x[0], &axes, attrs.number(0)) * scale + shift
    }),
    notation: |style, _, x, _| style.call("layer_norm", x),
    flops: 0,
    ..Op::POINTWISE
};

/// The parameters of a normalisation: ones and zeros at first.
pub(super) fn scale_and_shift(shape: Shape) -> Vec<Weight> {
    vec![
        Weight { name: "weight", shape: shape.clone(), init: Some(Init::Constant(1.0)) },
        Weight { name: "bias", shape, init: Some(Init::Constant(0.0)) },
    ]
}

/// `(x - mean(x)) / sqrt(mean((x - mean(x))²) + epsilon)` along the axes from the first of these on, which are all.
pub(super) fn normalised<'g>(x: Term<'g>, axes: &[usize], epsilon: f64) -> Term<'g> {
    let epsilon = x.filled(epsilon, Shape::scalar());
    x.apply(&NORMALISE, Attrs::axes([axes[0]]), &[epsilon])
}

/// The mean of each run of so many elements, in all of its places.
pub(super) fn means(x: &Tensor, run: usize) -> Tensor {
    let elements: Vec<f64> = x.iter().copied().collect();
    let mean = |row: &[f64]| vec![row.iter().sum::<f64>() / run as f64; run];
    super::tensor(x.shape(), elements.chunks(run).flat_map(mean).collect())
}

/// The same for each run of so many elements.
pub(super) fn normal(x: &Tensor, run: usize, epsilon: f64) -> Tensor {
    let elements: Vec<f64> = x.iter().copied().collect();
    let runs = elements.chunks(run).flat_map(|run| {
        let mean = run.iter().sum::<f64>() / run.len() as f64;
        let variance = run.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / run.len() as f64;
        run.iter().map(move |x| (x - mean) / (variance + epsilon).sqrt())
    });
    super::tensor(x.shape(), runs.collect())
}
