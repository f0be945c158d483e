//! Sums of products over pairs of axes: every product of vectors and matrices.
//!
//! `attrs.axes` holds the contracted axes of the first operand in ascending order, `attrs.sizes` the axes of
//! the second that they pair with. The result has the free axes of the first, then those of the second.

use super::{Kernel, Mismatch, Op, Rewrite, Stage, Tensor, Vjp, tensor};
use crate::graph::Attrs;
use crate::notation::{Formula, Level, Style};
use crate::shape::Shape;
use crate::term::Term;

/// The contraction of two tensors. `Term::contract` makes it.
pub static CONTRACT: Op = Op {
    name: "contract",
    shape,
    vjp: Vjp::Rule(|at, d| {
        vec![Some(towards_a(&at.attrs, at.x[0], at.x[1], d)), Some(towards_b(&at.attrs, at.x[0], at.x[1], d))]
    }),
    eval,
    kernel: Kernel::Contract,
    notation: |style, attrs, x, shapes| written(style, attrs, x, shapes),
    rewrites: &[Rewrite {
        name: "a product with zeros is zeros",
        stage: Stage::Simplify,
        apply: |attrs, x| {
            let is_zero = x.iter().any(|operand| operand.as_constant() == Some(0.0));
            let shape = is_zero.then(|| shape(attrs, &[x[0].shape(), x[1].shape()]))?.ok()?;
            Some(x[0].filled(0.0, shape))
        },
    }],
    flops: 2,
    ..Op::POINTWISE
};

/// `d @ bᵀ`.
fn towards_a<'g>(Attrs { axes, sizes, .. }: &Attrs, a: Term<'g>, b: Term<'g>, d: Term<'g>) -> Term<'g> {
    let (rank, free_a, free_b) = (a.shape().len(), free(axes, a.shape().len()), free(sizes, b.shape().len()));
    let of_b: Vec<usize> = (free_a.len()..free_a.len() + free_b.len()).collect();
    // Its axes are the free ones of a, then those that b contracted, in b's order.
    let product = d.contract(b, &of_b, &free_b);
    let place = |axis: usize| match axes.iter().position(|&contracted| contracted == axis) {
        Some(pair) => free_a.len() + sizes.iter().filter(|&&other| other < sizes[pair]).count(),
        None => free_a.iter().filter(|&&other| other < axis).count(),
    };
    product.permute(&(0..rank).map(place).collect::<Vec<_>>())
}

/// `aᵀ @ d`.
fn towards_b<'g>(Attrs { axes, sizes, .. }: &Attrs, a: Term<'g>, b: Term<'g>, d: Term<'g>) -> Term<'g> {
    let (rank, free_a, free_b) = (b.shape().len(), free(axes, a.shape().len()), free(sizes, b.shape().len()));
    let of_a: Vec<usize> = (0..free_a.len()).collect();
    // Its axes are those that a contracted, in a's order, then the free ones of b.
    let product = a.contract(d, &free_a, &of_a);
    let place = |axis: usize| match sizes.iter().position(|&contracted| contracted == axis) {
        Some(pair) => pair,
        None => sizes.len() + free_b.iter().filter(|&&other| other < axis).count(),
    };
    product.permute(&(0..rank).map(place).collect::<Vec<_>>())
}

/// The axes that are not contracted.
fn free(contracted: &[usize], rank: usize) -> Vec<usize> {
    (0..rank).filter(|axis| !contracted.contains(axis)).collect()
}

fn shape(attrs: &Attrs, shapes: &[Shape]) -> Result<Shape, Mismatch> {
    let (a, b) = (&shapes[0], &shapes[1]);
    let size = |shape: &Shape, axis: usize| shape.get(axis).copied();
    let pairs = || attrs.axes.iter().zip(&attrs.sizes);
    let fits = attrs.axes.len() == attrs.sizes.len()
        && attrs.axes.is_sorted_by(|a, b| a < b)
        && pairs().all(|(&i, &j)| size(a, i).is_some() && size(a, i) == size(b, j));
    if !fits {
        let (axes, sizes) = (&attrs.axes, &attrs.sizes);
        return Err(Mismatch::new(format!(
            "the axes {axes:?} of {a} don't pair with the axes {sizes:?} of {b}"
        )));
    }
    Ok(a.without(&attrs.axes).iter().chain(b.without(&attrs.sizes).iter()).copied().collect())
}

fn eval(attrs: &Attrs, x: &[Tensor]) -> Tensor {
    let (a, b) = (&x[0], &x[1]);
    let (free_a, free_b) = (free(&attrs.axes, a.ndim()), free(&attrs.sizes, b.ndim()));
    let rows: Vec<f64> =
        a.view().permuted_axes([&free_a[..], &attrs.axes].concat()).iter().copied().collect();
    let columns: Vec<f64> =
        b.view().permuted_axes([&free_b[..], &attrs.sizes].concat()).iter().copied().collect();
    let len: usize = attrs.axes.iter().map(|&axis| a.shape()[axis]).product();
    let shape: Vec<usize> = free_a
        .iter()
        .map(|&axis| a.shape()[axis])
        .chain(free_b.iter().map(|&axis| b.shape()[axis]))
        .collect();
    let dot = |row: &[f64], column: &[f64]| row.iter().zip(column).map(|(a, b)| a * b).sum();
    let products = rows.chunks(len).flat_map(|row| columns.chunks(len).map(move |column| dot(row, column)));
    tensor(&shape, products.collect())
}

/// As on paper: `a @ b` with transposes where they are needed, `a · b` of vectors, `a ⊗ b` of no pairs.
fn written(style: Style, attrs: &Attrs, x: &[Formula], shapes: &[Shape]) -> Formula {
    let (rank_a, rank_b) = (shapes[0].len(), shapes[1].len());
    let infix = |a: &Formula, b: &Formula, symbol: &str, latex: &str| {
        style.infix(&[a.clone(), b.clone()], symbol, latex, Level::Product)
    };
    match (&attrs.axes[..], &attrs.sizes[..]) {
        ([], []) => infix(&x[0], &x[1], "⊗", r"\otimes"),
        ([0], [0]) if rank_a == 1 && rank_b == 1 => infix(&x[0], &x[1], "·", r"\cdot"),
        (&[i], &[j]) if (i + 1 == rank_a || rank_a == 2) && rank_b <= 2 => {
            let a = if i + 1 == rank_a { x[0].clone() } else { style.transposed(&x[0]) };
            let b = if j == 0 { x[1].clone() } else { style.transposed(&x[1]) };
            infix(&a, &b, "@", r"\,")
        }
        (axes, sizes) if axes == sizes && axes.len() == rank_a && rank_a == rank_b => style.call("dot", x),
        _ => style.call("contract", x),
    }
}
