//! `x[0..4, 2]`: a block of a tensor.
//!
//! `attrs.sizes` holds the block's first place on each axis, then its size on each axis; `attrs.axes` the
//! axes that the result doesn't have because they were indexed by a number.

use ndarray::{Axis, Slice};

use super::{Copy, Kernel, Mismatch, Movement, Op, Rewrite, Stage, Vjp, moved_constant, pad::PAD};
use crate::graph::Attrs;
use crate::notation::{Formula, Level, Style};
use crate::shape::Shape;

/// A block of a tensor. Made by indexing.
pub static SLICE: Op = Op {
    name: "slice",
    shape,
    vjp: Vjp::Rule(|at, d| {
        let shape = at.x[0].shape();
        let (starts, lengths) = at.attrs.sizes.split_at(shape.len());
        let block = d.reshape(&Shape::from(lengths.to_vec()));
        vec![Some(block.apply(&PAD, Attrs::sizes([starts, &shape].concat()), &[]))]
    }),
    eval: |attrs, x| {
        let (starts, lengths) = attrs.sizes.split_at(x[0].ndim());
        let mut block = x[0].slice_each_axis(|axis| {
            let (start, length) = (starts[axis.axis.index()], lengths[axis.axis.index()]);
            Slice::from(start..start + length)
        });
        for &axis in attrs.axes.iter().rev() {
            block = block.remove_axis(Axis(axis));
        }
        block.as_standard_layout().into_owned()
    },
    kernel: Kernel::Move(|attrs, shapes| {
        let (starts, lengths) = attrs.sizes.split_at(shapes[0].len());
        let (from_strides, to) = (shapes[0].strides(), Shape::from(lengths.to_vec()));
        let from = starts.iter().zip(&from_strides).map(|(start, stride)| start * stride).sum();
        Movement::one(Copy {
            operand: 0,
            sizes: lengths.to_vec(),
            from,
            from_strides,
            to: 0,
            to_strides: to.strides(),
        })
    }),
    notation: |style, attrs, x, shapes| written(style, attrs, &x[0], &shapes[0]),
    rewrites: &[
        Rewrite {
            name: "a part of a constant is a constant",
            stage: Stage::Simplify,
            apply: |attrs, x| moved_constant(&SLICE, attrs, x[0]),
        },
        Rewrite {
            name: "the whole is a reshape",
            stage: Stage::Simplify,
            apply: |attrs, x| {
                let shape = x[0].shape();
                let whole = attrs.sizes[shape.len()..] == shape[..];
                whole.then(|| x[0].reshape(&shape.without(&attrs.axes)))
            },
        },
    ],
    flops: 0,
    ..Op::POINTWISE
};

fn shape(attrs: &Attrs, shapes: &[Shape]) -> Result<Shape, Mismatch> {
    let x = &shapes[0];
    let Some((starts, lengths)) =
        attrs.sizes.split_at_checked(x.len()).filter(|(_, lengths)| lengths.len() == x.len())
    else {
        return Err(Mismatch::new(format!("{x} has {} axes", x.len())));
    };
    for (axis, ((&start, &length), &size)) in starts.iter().zip(lengths).zip(x.iter()).enumerate() {
        if start + length > size {
            let range = if attrs.axes.contains(&axis) {
                start.to_string()
            } else {
                format!("{start}..{}", start + length)
            };
            return Err(Mismatch::new(format!("`{range}` is outside of axis {axis} of {x}"))
                .help(format!("it has {size} elements, counted from 0")));
        }
        if length == 0 {
            return Err(Mismatch::new(format!("`{start}..{start}` is empty"))
                .help("the end of a range is not part of it"));
        }
        if attrs.axes.contains(&axis) && length != 1 {
            return Err(Mismatch::new(format!(
                "axis {axis} of {x} keeps {length} elements and can't be dropped"
            )));
        }
    }
    Ok(Shape::from(lengths.to_vec()).without(&attrs.axes))
}

/// `x[2, 0..4]`, whole axes as `..`, and none of them at the end.
fn written(style: Style, attrs: &Attrs, x: &Formula, shape: &Shape) -> Formula {
    let (starts, lengths) = attrs.sizes.split_at(shape.len());
    let mut ranges: Vec<String> = (0..shape.len())
        .map(|axis| match (starts[axis], lengths[axis]) {
            (start, _) if attrs.axes.contains(&axis) => start.to_string(),
            (_, length) if length == shape[axis] => "..".to_owned(),
            (start, length) => format!("{start}..{}", start + length),
        })
        .collect();
    while ranges.len() > 1 && ranges.last().is_some_and(|range| range == "..") {
        ranges.pop();
    }
    let (open, close) = if style == Style::Latex { (r"\left[", r"\right]") } else { ("[", "]") };
    Formula::atom(format!("{}{open}{}{close}", x.at(Level::Atom, style), ranges.join(", ")))
}
