//! `dense(x, units, bias)`: `x @ weight + bias`, with parameters of its own.
//!
//! `attrs.sizes` holds the number of units, then 1 if there is a bias and 0 if not.

use super::{Arg, Kernel, Mismatch, Op, Tensor, Vjp, Weight, matmul};
use crate::graph::Attrs;
use crate::model::Init;
use crate::notation::{Formula, Level};
use crate::shape::Shape;
use crate::term::Term;

/// The fully connected layer along the last axis. Operands: `x: […, inputs]`, `weight: [inputs, units]` and,
/// unless there is none, `bias: [units]`. A scalar counts as one input.
pub static DENSE: Op = Op {
    name: "dense",
    also: &["linear", "fully_connected", "affine"],
    args: &[Arg::Tensor("x"), Arg::Size("units", None), Arg::Flag("bias", true)],
    weights: Some(|attrs, shapes| {
        let units = attrs.sizes[0];
        let weight = Weight { name: "weight", shape: Shape::from([inputs(&shapes[0]), units]), init: None };
        let bias = Weight { name: "bias", shape: Shape::from([units]), init: Some(Init::Constant(0.0)) };
        if attrs.sizes[1] == 0 { vec![weight] } else { vec![weight, bias] }
    }),
    shape,
    vjp: Vjp::Expansion,
    eval,
    kernel: Kernel::Composite(|_, x| expansion(x)),
    notation: |style, _, x, _| {
        let product = style.infix(x, "@", r"\,", Level::Product);
        let sum = |bias: &Formula| style.infix(&[product.clone(), bias.clone()], "+", "+", Level::Sum);
        x.get(2).map_or_else(|| product.clone(), sum)
    },
    flops: 0,
    ..Op::POINTWISE
};

/// The size of the last axis; 1 for a scalar.
fn inputs(x: &Shape) -> usize {
    x.last().copied().unwrap_or(1)
}

fn shape(attrs: &Attrs, shapes: &[Shape]) -> Result<Shape, Mismatch> {
    let (x, units) = (&shapes[0], attrs.sizes[0]);
    if units == 0 {
        return Err(Mismatch::new("a dense layer needs at least one unit"));
    }
    let expected = [Shape::from([inputs(x), units]), Shape::from([units])];
    if let Some((shape, expected)) =
        shapes[1..].iter().zip(&expected).find(|(shape, expected)| shape != expected)
    {
        return Err(Mismatch::new(format!("a dense layer of {x} needs a parameter {expected}, not {shape}")));
    }
    Ok(x.iter().take(x.len().saturating_sub(1)).copied().chain([units]).collect())
}

fn expansion<'g>(x: &[Term<'g>]) -> Term<'g> {
    let shape = x[0].shape();
    let input = if shape.is_scalar() { x[0].reshape(&Shape::from([1])) } else { x[0] };
    let last = input.shape().len() - 1;
    let product = input.contract(x[1], &[last], &[0]);
    x.get(2).map_or(product, |bias| product + bias.broadcast(&product.shape(), &[last]))
}

fn eval(_: &Attrs, x: &[Tensor]) -> Tensor {
    let input = if x[0].ndim() == 0 { x[0].clone().insert_axis(ndarray::Axis(0)) } else { x[0].clone() };
    let product = matmul::product(&input, &x[1]);
    x.get(2).map_or_else(|| product.clone(), |bias| &product + bias)
}
