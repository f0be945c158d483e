//! `concat(a, b, …, axis)`: tensors one after the other along an axis; a scalar is a vector of one element.
//!
//! `attrs.axes` holds the axis.

use ndarray::Axis;

use super::{Arg, Copy, Kernel, Mismatch, Movement, Op, Rewrite, Stage, Tensor, Vjp};
use crate::graph::Attrs;
use crate::notation::Formula;
use crate::shape::Shape;
use crate::term::Term;

/// Tensors joined along an axis; their other sizes agree.
pub static CONCAT: Op = Op {
    name: "concat",
    also: &["cat", "concatenate", "hstack", "vstack", "append"],
    args: &[Arg::Tensors("tensors"), Arg::Axis("axis", 0)],
    shape,
    vjp: Vjp::Rule(|at, d| {
        let (axis, mut start) = (at.attrs.axes[0], 0);
        at.x.iter()
            .map(|x| {
                let shape = as_vector(&x.shape());
                let mut starts = vec![0; shape.len()];
                starts[axis] = start;
                start += shape[axis];
                Some(d.block(&starts, &shape).reshape(&x.shape()))
            })
            .collect()
    }),
    eval: |attrs, x| {
        let axis = Axis(attrs.axes[0]);
        let vector = |x: &Tensor| if x.ndim() == 0 { x.clone().insert_axis(Axis(0)) } else { x.clone() };
        let mut joined = vector(&x[0]);
        for next in &x[1..] {
            joined.append(axis, vector(next).view()).expect("the shape rule has checked the sizes");
        }
        joined.as_standard_layout().into_owned()
    },
    kernel: Kernel::Move(movement),
    notation: |style, attrs, x, _| {
        let axis = Formula::atom(format!("axis = {}", attrs.axes[0]));
        let shown = (attrs.axes[0] != 0).then_some(&axis);
        style.call("concat", x.iter().chain(shown))
    },
    rewrites: &[Rewrite {
        name: "one tensor alone is itself",
        stage: Stage::Simplify,
        apply: |_, x| match x {
            [only] => Some(only.reshape(&as_vector(&only.shape()))),
            _ => None,
        },
    }],
    flops: 0,
    ..Op::POINTWISE
};

/// Two tensors joined, and in place of one that is joined along the same axis its parts.
pub(super) fn beside<'g>(first: Term<'g>, second: Term<'g>, axis: usize) -> Term<'g> {
    let parts = |x: Term<'g>| match (x.operands_of(&CONCAT), x.op()) {
        (Some(parts), Some((_, attrs))) if attrs.axes == [axis] => parts,
        _ => vec![x],
    };
    let all = [parts(first), parts(second)].concat();
    all[0].apply(&CONCAT, Attrs::axes([axis]), &all[1..])
}

/// A scalar has one element along the only axis that it could have.
fn as_vector(shape: &Shape) -> Shape {
    if shape.is_scalar() { Shape::from([1]) } else { shape.clone() }
}

fn shape(attrs: &Attrs, shapes: &[Shape]) -> Result<Shape, Mismatch> {
    let shapes: Vec<Shape> = shapes.iter().map(as_vector).collect();
    let (axis, first) = (attrs.axes[0], &shapes[0]);
    if axis >= first.len() {
        return Err(Mismatch::new(format!("there is no axis {axis} in {first}")).help("axes count from 0"));
    }
    let others = first.without(&[axis]);
    let fits = |shape: &&Shape| shape.len() == first.len() && shape.without(&[axis]) == others;
    if let Some(other) = shapes.iter().find(|shape| !fits(shape)) {
        return Err(Mismatch::new(format!("{first} and {other} don't join along axis {axis}"))
            .help("all other sizes must agree"));
    }
    Ok(joined(axis, &shapes))
}

/// The shape of tensors that fit, one after the other.
fn joined(axis: usize, shapes: &[Shape]) -> Shape {
    let mut sizes = shapes[0].to_vec();
    sizes[axis] = shapes.iter().map(|shape| shape[axis]).sum();
    sizes.into()
}

fn movement(attrs: &Attrs, shapes: &[Shape]) -> Movement {
    let axis = attrs.axes[0];
    let shapes: Vec<Shape> = shapes.iter().map(as_vector).collect();
    let to_strides = joined(axis, &shapes).strides();
    let mut start = 0;
    let copies = shapes.iter().enumerate().map(|(operand, shape)| {
        let to = start * to_strides[axis];
        start += shape[axis];
        Copy {
            operand,
            sizes: shape.to_vec(),
            from: 0,
            from_strides: shape.strides(),
            to,
            to_strides: to_strides.clone(),
        }
    });
    Movement { fill: None, copies: copies.collect() }
}
