//! `conv1d(x, channels, kernel, …)`: windows of a signal by the weights of a layer of its own.
//!
//! `attrs.sizes` holds the channels of the result, the window, the stride, the padding before and after, the groups,
//! the dilation, and 1 if there is a bias and 0 if not.

use super::conv2d::{by_channel, check_weights, padding, written};
use super::convolve::{CONVOLVE, Geometry, check_groups, fitting};
use super::{Arg, Kernel, Mismatch, Op, Vjp, Weight};
use crate::graph::Attrs;
use crate::model::Init;
use crate::shape::Shape;

/// The convolutional layer of signals: an image of one row. Operands: `x: [inputs, length]`, `weight: [channels, inputs /
/// groups, kernel]` and, unless there is none, `bias: [channels]`.
pub static CONV1D: Op = Op {
    name: "conv1d",
    also: &["convolution1d", "temporal_convolution"],
    args: &[
        Arg::Tensor("x"),
        Arg::Size("channels", None),
        Arg::Window("kernel", 1, None),
        Arg::Window("stride", 1, Some(1)),
        Arg::Padding("padding", 1),
        Arg::Size("groups", Some(1)),
        Arg::Window("dilation", 1, Some(1)),
        Arg::Flag("bias", true),
    ],
    weights: Some(|attrs, shapes| {
        let weight = Weight { name: "weight", shape: weight_shape(attrs, &shapes[0]), init: None };
        let bias =
            Weight { name: "bias", shape: Shape::from([attrs.sizes[0]]), init: Some(Init::Constant(0.0)) };
        if attrs.sizes[7] == 0 { vec![weight] } else { vec![weight, bias] }
    }),
    shape: |attrs, shapes| {
        let x = &shapes[0];
        if x.len() != 2 {
            return Err(Mismatch::new(format!("`conv1d` takes a signal of [channels, length], not {x}"))
                .help("with one channel: {0} as `reshape(…, [1, length])`"));
        }
        check_groups(x[0], attrs.sizes[0], attrs.sizes[5])?;
        let expected = [weight_shape(attrs, x), Shape::from([attrs.sizes[0]])];
        check_weights("conv1d", x, &shapes[1..], &expected)?;
        Ok(geometry(attrs, x)?.places().without(&[1]))
    },
    vjp: Vjp::Expansion,
    eval: |attrs, x| {
        let row = |x: &super::Tensor, axis| x.clone().insert_axis(ndarray::Axis(axis));
        let shape = Shape::from(x[0].shape().to_vec());
        let attrs = fitting(geometry(attrs, &shape)).attrs();
        let products = (CONVOLVE.eval)(&attrs, &[row(&x[0], 1), row(&x[1], 2)]).remove_axis(ndarray::Axis(1));
        x.get(2).map_or_else(|| products.clone(), |bias| &products + &by_channel(bias, 2))
    },
    kernel: Kernel::Composite(|attrs, x| {
        let (shape, weight) = (x[0].shape(), x[1].shape());
        let image = x[0].reshape(&Shape::from([shape[0], 1, shape[1]]));
        let window = x[1].reshape(&Shape::from([weight[0], weight[1], 1, weight[2]]));
        let products = image.apply(&CONVOLVE, fitting(geometry(attrs, &shape)).attrs(), &[window]);
        let products = products.reshape(&products.shape().without(&[1]));
        x.get(2).map_or(products, |bias| products + bias.broadcast(&products.shape(), &[0]))
    }),
    notation: |style, attrs, x, _| {
        let mut options = Vec::new();
        for (name, plain, size) in
            [("stride", 1, attrs.sizes[2]), ("dilation", 1, attrs.sizes[6]), ("groups", 1, attrs.sizes[5])]
        {
            options.extend((size != plain).then(|| format!("{name} = {size}")));
        }
        options.extend(padding(&attrs.sizes[3..5]));
        written(style, "conv1d", &options, x)
    },
    flops: 0,
    ..Op::POINTWISE
};

fn weight_shape(attrs: &Attrs, x: &Shape) -> Shape {
    let inputs = x.first().copied().unwrap_or(1);
    Shape::from([attrs.sizes[0], inputs / attrs.sizes[5], attrs.sizes[1]])
}

/// That of an image of one row.
fn geometry(attrs: &Attrs, x: &Shape) -> Result<Geometry, Mismatch> {
    let &[channels, kernel, stride, before, after, groups, dilation, _] = &attrs.sizes[..] else {
        return Err(Mismatch::new("`conv1d` has eight sizes"));
    };
    let sizes = [1, stride, 0, 0, before, after, groups, 1, dilation];
    Geometry::new(&sizes, &[x[0], 1, x[1]], &[channels, x[0] / groups, 1, kernel])
}
