//! `conv2d(x, channels, kernel, …)`: windows of an image by the weights of a layer of its own.
//!
//! `attrs.sizes` holds the channels of the result, the window, the strides, the padding above, below, left and right,
//! the groups, the dilations, and 1 if there is a bias and 0 if not.

use super::convolve::{CONVOLVE, Geometry, fitting};
use super::{Arg, Kernel, Mismatch, Op, Tensor, Vjp, Weight};
use crate::graph::Attrs;
use crate::model::Init;
use crate::notation::{Formula, Level, Style};
use crate::shape::Shape;

/// The convolutional layer. Operands: `x: [inputs, height, width]`, `weight: [channels, inputs / groups, kernel height,
/// kernel width]` and, unless there is none, `bias: [channels]`. With as many groups as inputs it is depthwise. As
/// everywhere in machine learning the window is not turned: it is a cross-correlation.
pub static CONV2D: Op = Op {
    name: "conv2d",
    also: &["convolution", "conv", "convolution2d"],
    args: &[
        Arg::Tensor("x"),
        Arg::Size("channels", None),
        Arg::Window("kernel", 2, None),
        Arg::Window("stride", 2, Some(1)),
        Arg::Padding("padding", 2),
        Arg::Size("groups", Some(1)),
        Arg::Window("dilation", 2, Some(1)),
        Arg::Flag("bias", true),
    ],
    weights: Some(|attrs, shapes| {
        let weight = Weight { name: "weight", shape: weight_shape(attrs, &shapes[0]), init: None };
        let bias =
            Weight { name: "bias", shape: Shape::from([attrs.sizes[0]]), init: Some(Init::Constant(0.0)) };
        if attrs.sizes[12] == 0 { vec![weight] } else { vec![weight, bias] }
    }),
    shape,
    vjp: Vjp::Expansion,
    eval: |attrs, x| {
        let shapes: Vec<Shape> = x.iter().map(|x| Shape::from(x.shape().to_vec())).collect();
        let products = (CONVOLVE.eval)(&fitting(geometry(attrs, &shapes[0])).attrs(), &x[..2]);
        x.get(2).map_or_else(|| products.clone(), |bias| &products + &by_channel(bias, products.ndim()))
    },
    kernel: Kernel::Composite(|attrs, x| {
        let products = x[0].apply(&CONVOLVE, fitting(geometry(attrs, &x[0].shape())).attrs(), &[x[1]]);
        x.get(2).map_or(products, |bias| products + bias.broadcast(&products.shape(), &[0]))
    }),
    notation: |style, attrs, x, _| written(style, "conv2d", &options(attrs), x),
    flops: 0,
    ..Op::POINTWISE
};

/// A vector that stretches along all axes but the first.
pub(super) fn by_channel(x: &Tensor, rank: usize) -> Tensor {
    let sizes: Vec<usize> = std::iter::once(x.len()).chain(std::iter::repeat_n(1, rank - 1)).collect();
    super::tensor(&sizes, x.iter().copied().collect())
}

/// The inputs that each channel of the result takes are those of its group. A shape that is no image has one.
fn weight_shape(attrs: &Attrs, x: &Shape) -> Shape {
    let inputs = x.first().copied().unwrap_or(1);
    Shape::from([attrs.sizes[0], inputs / attrs.sizes[9], attrs.sizes[1], attrs.sizes[2]])
}

fn geometry(attrs: &Attrs, x: &Shape) -> Result<Geometry, Mismatch> {
    let sizes = [&attrs.sizes[3..9], &attrs.sizes[9..12]].concat();
    Geometry::new(&sizes, x, &weight_shape(attrs, x))
}

fn shape(attrs: &Attrs, shapes: &[Shape]) -> Result<Shape, Mismatch> {
    let x = &shapes[0];
    check_image("conv2d", x)?;
    super::convolve::check_groups(x[0], attrs.sizes[0], attrs.sizes[9])?;
    let expected = [weight_shape(attrs, x), Shape::from([attrs.sizes[0]])];
    check_weights("conv2d", x, &shapes[1..], &expected)?;
    Ok(geometry(attrs, x)?.places())
}

/// That a layer has an image before it.
pub(super) fn check_image(name: &str, x: &Shape) -> Result<(), Mismatch> {
    if x.len() == 3 {
        return Ok(());
    }
    let mismatch = Mismatch::new(format!("`{name}` takes an image of [channels, height, width], not {x}"));
    Err(match x[..] {
        [height, width] => {
            mismatch.help(format!("with one channel: {{0}} as `reshape(…, [1, {height}, {width}])`"))
        }
        [count] => mismatch.help(format!(
            "{{0}} as `reshape(…, [channels, height, width])`, which are {count} elements together"
        )),
        _ => mismatch.help("the batch is not among the axes: a model describes one example"),
    })
}

/// That a layer's parameters have the shapes that it makes them with.
pub(super) fn check_weights(
    name: &str,
    x: &Shape,
    weights: &[Shape],
    expected: &[Shape],
) -> Result<(), Mismatch> {
    match weights.iter().zip(expected).find(|(given, expected)| given != expected) {
        Some((given, expected)) => {
            Err(Mismatch::new(format!("`{name}` of {x} needs a parameter {expected}, not {given}")))
        }
        None => Ok(()),
    }
}

/// What differs from the plain layer.
fn options(attrs: &Attrs) -> Vec<String> {
    let [v, h] = [attrs.sizes[3], attrs.sizes[4]];
    let mut options = Vec::new();
    let mut pair = |name: &str, [a, b]: [usize; 2]| match (a, b) {
        (1, 1) => {}
        _ if a == b => options.push(format!("{name} = {a}")),
        _ => options.push(format!("{name} = [{a}, {b}]")),
    };
    pair("stride", [v, h]);
    pair("dilation", [attrs.sizes[10], attrs.sizes[11]]);
    options.extend(padding(&attrs.sizes[5..9]));
    if attrs.sizes[9] > 1 {
        options.push(format!("groups = {}", attrs.sizes[9]));
    }
    options
}

/// The padding as an argument, unless there is none.
pub(super) fn padding(sides: &[usize]) -> Option<String> {
    match sides {
        _ if sides.iter().all(|&side| side == 0) => None,
        [first, ..] if *first == crate::window::SAME => Some("padding = same".to_owned()),
        [first, rest @ ..] if rest.iter().all(|side| side == first) => Some(format!("padding = {first}")),
        _ => Some(format!("padding = {sides:?}")),
    }
}

/// `conv2d(x, weight, stride = 2) + bias`.
pub(super) fn written(style: Style, name: &str, options: &[String], x: &[Formula]) -> Formula {
    let options: Vec<Formula> = options.iter().map(Formula::atom).collect();
    let products = style.call(name, x[..2].iter().chain(&options));
    match x.get(2) {
        Some(bias) => style.infix(&[products, bias.clone()], "+", "+", Level::Sum),
        None => products,
    }
}
