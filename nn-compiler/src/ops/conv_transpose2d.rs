//! `conv_transpose2d(x, channels, kernel, …)`: each pixel spreads the weights of a layer of its own.
//!
//! `attrs.sizes` holds the channels of the result, the window, the strides, what is cut off above, below, left and
//! right, what is added below and at the right, the groups, the dilations, and 1 if there is a bias and 0 if not.

use super::conv2d::{by_channel, check_image, check_weights, padding, written};
use super::convolve::{CONVOLVE_INPUT, check_groups, fitting};
use super::{Arg, Kernel, Mismatch, Op, Tensor, Vjp, Weight};
use crate::graph::Attrs;
use crate::model::Init;
use crate::shape::Shape;
use crate::window::SAME;

/// The transposed convolution, the adjoint of a convolution with the same settings. Operands: `x: [inputs, height,
/// width]`, `weight: [inputs, channels / groups, kernel height, kernel width]` and, unless there is none, `bias:
/// [channels]`. The result has `(size - 1)·stride - padding + dilation·(kernel - 1) + 1 + output_padding` rows and columns.
pub static CONV_TRANSPOSE2D: Op = Op {
    name: "conv_transpose2d",
    also: &["conv2d_transpose", "deconv2d", "deconvolution", "transposed_conv2d"],
    args: &[
        Arg::Tensor("x"),
        Arg::Size("channels", None),
        Arg::Window("kernel", 2, None),
        Arg::Window("stride", 2, Some(1)),
        Arg::Padding("padding", 2),
        Arg::Window("output_padding", 2, Some(0)),
        Arg::Size("groups", Some(1)),
        Arg::Window("dilation", 2, Some(1)),
        Arg::Flag("bias", true),
    ],
    weights: Some(|attrs, shapes| {
        let weight = Weight { name: "weight", shape: weight_shape(attrs, &shapes[0]), init: None };
        let bias =
            Weight { name: "bias", shape: Shape::from([attrs.sizes[0]]), init: Some(Init::Constant(0.0)) };
        if attrs.sizes[14] == 0 { vec![weight] } else { vec![weight, bias] }
    }),
    shape: |attrs, shapes| {
        let x = &shapes[0];
        check_image("conv_transpose2d", x)?;
        check_groups(x[0], attrs.sizes[0], attrs.sizes[11])?;
        let expected = [weight_shape(attrs, x), Shape::from([attrs.sizes[0]])];
        check_weights("conv_transpose2d", x, &shapes[1..], &expected)?;
        let adjoint = adjoint(attrs, x)?;
        (CONVOLVE_INPUT.shape)(&adjoint, &[x.clone(), weight_shape(attrs, x)])
    },
    vjp: Vjp::Expansion,
    eval: |attrs, x: &[Tensor]| {
        let adjoint = fitting(adjoint(attrs, x[0].shape()));
        let spread = (CONVOLVE_INPUT.eval)(&adjoint, &x[..2]);
        x.get(2).map_or_else(|| spread.clone(), |bias| &spread + &by_channel(bias, 3))
    },
    kernel: Kernel::Composite(|attrs, x| {
        let spread = x[0].apply(&CONVOLVE_INPUT, fitting(adjoint(attrs, &x[0].shape())), &[x[1]]);
        x.get(2).map_or(spread, |bias| spread + bias.broadcast(&spread.shape(), &[0]))
    }),
    notation: |style, attrs, x, _| {
        let mut options = vec![format!("stride = {:?}", &attrs.sizes[3..5])];
        options.extend(padding(&attrs.sizes[5..9]));
        written(style, "conv_transpose2d", &options, x)
    },
    flops: 0,
    ..Op::POINTWISE
};

fn weight_shape(attrs: &Attrs, x: &[usize]) -> Shape {
    let inputs = x.first().copied().unwrap_or(1);
    Shape::from([inputs, attrs.sizes[0] / attrs.sizes[11], attrs.sizes[1], attrs.sizes[2]])
}

/// The attributes of the adjoint that it is.
fn adjoint(attrs: &Attrs, x: &[usize]) -> Result<Attrs, Mismatch> {
    let sizes = &attrs.sizes;
    if sizes[5] == SAME {
        return Err(Mismatch::new(
            "`conv_transpose2d` has no padding `same`: several sizes of its result would fit",
        )
        .help("write the padding in numbers, and `output_padding` for what the stride leaves over"));
    }
    let mut image = vec![sizes[0]];
    for axis in 0..2 {
        let (kernel, stride, dilation) = (sizes[1 + axis], sizes[3 + axis], sizes[12 + axis]);
        let (padding, more) = (sizes[5 + 2 * axis] + sizes[6 + 2 * axis], sizes[9 + axis]);
        let spread = (x[1 + axis] - 1) * stride + dilation * (kernel - 1) + 1 + more;
        if spread <= padding {
            return Err(Mismatch::new(format!(
                "a padding of {padding} leaves nothing of {spread} = ({} - 1)·{stride} + {dilation}·({kernel} - 1) + 1 + \
                 {more} elements",
                x[1 + axis]
            ))
            .help("here padding is what is cut off of the result: write less of it"));
        }
        if more >= stride {
            return Err(Mismatch::new(format!(
                "`output_padding` is {more}, and has to be below the stride, {stride}"
            ))
            .help("it chooses among the sizes that a convolution of this stride takes to one"));
        }
        image.push(spread - padding);
    }
    let strides_and_padding = &sizes[3..9];
    Ok(Attrs::sizes([strides_and_padding, &sizes[11..14], &image].concat()))
}
