//! `pad(x, padding, value)`: a number around an image, and what it is made of: a tensor as a block of a larger one.
//!
//! `attrs.sizes` of a call holds the padding above, below, left and right, `attrs.numbers` the value. Those of a block
//! hold its first place on each axis, then the result's shape, and what is elsewhere, which is 0 if they are empty.

use ndarray::Slice;

use super::{Arg, Copy, Kernel, Mismatch, Movement, Number, Op, Rewrite, Stage, Tensor, Vjp};
use crate::graph::Attrs;
use crate::notation::Formula;
use crate::shape::Shape;
use crate::window::SAME;

/// An image `[…, height, width]` with a number around it.
pub static PAD_AROUND: Op = Op {
    name: "pad",
    also: &["zero_padding2d", "constant_pad2d", "zeropad2d"],
    args: &[Arg::Tensor("x"), Arg::Padding("padding", 2), Arg::Number("value", Some(0.0))],
    shape: |attrs, shapes| Ok(Shape::from(block(attrs, &shapes[0])?.split_off(shapes[0].len()))),
    vjp: Vjp::Expansion,
    eval: |attrs, x| {
        let sizes = super::convolve::fitting(block(attrs, x[0].shape()));
        (PAD.eval)(&Attrs { sizes, ..attrs.clone() }, x)
    },
    kernel: Kernel::Composite(|attrs, x| {
        let sizes = super::convolve::fitting(block(attrs, &x[0].shape()));
        x[0].apply(&PAD, Attrs { sizes, ..attrs.clone() }, &[])
    }),
    notation: |style, attrs, x, _| {
        let sides = Formula::atom(format!("{:?}", attrs.sizes));
        match attrs.number(0) {
            0.0 => style.call("pad", [&x[0], &sides]),
            value => style.call("pad", [&x[0], &sides, &style.number(value)]),
        }
    },
    flops: 0,
    ..Op::POINTWISE
};

/// Where the image is in the result, and the result's shape.
fn block(attrs: &Attrs, x: &[usize]) -> Result<Vec<usize>, Mismatch> {
    if attrs.sizes.contains(&SAME) {
        return Err(Mismatch::new("`pad` has no window whose places `same` could keep")
            .help("write a number, or above, below, left and right: `pad(x, (1, 1, 2, 2))`"));
    }
    if attrs.sizes.iter().all(|&side| side == 0) {
        return Err(Mismatch::new("`pad` is told to put nothing around")
            .help("write how much, or above, below, left and right: `pad(x, 1)`, `pad(x, (1, 1, 2, 2))`"));
    }
    let &[.., height, width] = x else {
        return Err(Mismatch::new(format!("`pad` takes an image of [channels, height, width], not {x:?}"))
            .help(
                "one row is an image too: {0} as `reshape(…, [1, …])`; `concat` puts something at its ends",
            ));
    };
    let [above, below, left, right] = [0, 1, 2, 3].map(|side| attrs.sizes[side]);
    let before = x.len() - 2;
    let starts = [&vec![0; before][..], &[above, left]].concat();
    Ok([&starts[..], &x[..before], &[above + height + below, left + width + right]].concat())
}

/// A tensor as a block of a larger one. Made by derivatives and layers.
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
        let mut padded = Tensor::from_elem(sizes, around(attrs).0);
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
        Movement { fill: Some(around(attrs)), copies: vec![copy] }
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

/// What is outside of a block.
fn around(attrs: &Attrs) -> Number {
    attrs.numbers.first().copied().unwrap_or(Number(0.0))
}
