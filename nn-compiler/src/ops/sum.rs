//! `sum(x, axis)`, and what reductions share.
//!
//! `attrs.axes` holds the axes that the result doesn't have, in ascending order. Kernels see a reduction of
//! adjacent axes as one of the middle axis of `[outer, len, inner]`; a pass splits the others.

use super::{
    Arg, Kernel, Mismatch, Op, Rewrite, Stage, Tensor, Vjp, batch_statistic::BATCH_STATISTIC,
    broadcast::BROADCAST, tensor,
};
use crate::graph::Attrs;
use crate::notation::{Formula, Style};
use crate::shape::Shape;
use crate::term::Term;

/// The sum over some axes.
pub static SUM: Op = Op {
    name: "sum",
    also: &["reduce_sum", "total"],
    args: &[Arg::Tensor("x"), Arg::Axes("axis")],
    shape: reduced,
    vjp: Vjp::Rule(|at, d| vec![Some(d.repeat(&at.x[0].shape(), &at.attrs.axes))]),
    eval: |attrs, x| reduce(&x[0], &attrs.axes, |row| row.iter().sum()),
    kernel: Kernel::Call { function: "reduce_sum", sizes: run },
    notation: |style, attrs, x, shapes| written(style, "sum", attrs, x, shapes),
    rewrites: &[
        Rewrite {
            name: "a sum of single elements is a reshape",
            stage: Stage::Simplify,
            apply: |attrs, x| {
                let shape = x[0].shape();
                let single = attrs.axes.iter().all(|&axis| shape[axis] == 1);
                single.then(|| x[0].reshape(&shape.without(&attrs.axes)))
            },
        },
        Rewrite {
            name: "the sum of n repetitions of x is n * x",
            stage: Stage::Simplify,
            apply: |attrs, x| sum_of_repetitions(attrs, x[0]),
        },
        Rewrite {
            name: "the sum of a mean over the batch is the mean of the sums",
            stage: Stage::Simplify,
            apply: |attrs, x| {
                let each = x[0].operands_of(&BATCH_STATISTIC)?;
                let (1, true) = (each.len(), each[0].varies()) else { return None };
                Some(each[0].sum(&attrs.axes).map(&BATCH_STATISTIC))
            },
        },
    ],
    ..Op::POINTWISE
};

fn sum_of_repetitions<'g>(attrs: &Attrs, repeated: Term<'g>) -> Option<Term<'g>> {
    let x = repeated.operands_of(&BROADCAST)?[0];
    let (_, repetition) = repeated.op()?;
    let kept = super::broadcast::axes(&repetition, &x.shape());
    if attrs.axes.iter().any(|axis| kept.contains(axis)) {
        return None;
    }
    let shape = repeated.shape();
    let count: usize = attrs.axes.iter().map(|&axis| shape[axis]).product();
    let below = |axis: usize| attrs.axes.iter().filter(|&&summed| summed < axis).count();
    let kept: Vec<usize> = kept.into_iter().map(|axis| axis - below(axis)).collect();
    Some(x.broadcast(&shape.without(&attrs.axes), &kept) * count as f64)
}

/// The shape rule of reductions.
pub(super) fn reduced(attrs: &Attrs, shapes: &[Shape]) -> Result<Shape, Mismatch> {
    check_axes(&attrs.axes, &shapes[0])?;
    Ok(shapes[0].without(&attrs.axes))
}

/// That axes are ascending and among those of the shape.
pub(super) fn check_axes(axes: &[usize], shape: &Shape) -> Result<(), Mismatch> {
    if let Some(axis) = axes.iter().find(|&&axis| axis >= shape.len()) {
        return Err(Mismatch::new(format!("there is no axis {axis} in {shape}")));
    }
    if !axes.is_sorted_by(|a, b| a < b) {
        return Err(Mismatch::new(format!("the axes {axes:?} are not ascending")));
    }
    Ok(())
}

/// The sizes that kernels along adjacent axes are called with: `[outer, len, inner]`.
pub(super) fn run(attrs: &Attrs, shapes: &[Shape]) -> Vec<usize> {
    let shape = &shapes[0];
    let first = attrs.axes.first().copied().unwrap_or(shape.len());
    let end = first + attrs.axes.len();
    let count = |axes: std::ops::Range<usize>| shape[axes].iter().product();
    vec![count(0..first), count(first..end), count(end..shape.len())]
}

/// Whether there is nothing between the axes.
pub(super) fn are_adjacent(axes: &[usize]) -> bool {
    axes.windows(2).all(|pair| pair[0] + 1 == pair[1])
}

/// `name(x)`, with the axes if they are not all.
pub(super) fn written(style: Style, name: &str, attrs: &Attrs, x: &[Formula], shapes: &[Shape]) -> Formula {
    style.along(name, &x[0], &attrs.axes, attrs.axes.len() == shapes[0].len())
}

/// The reference semantics of reductions: `f` of the elements along some axes, for each place on the others.
pub(super) fn reduce(x: &Tensor, axes: &[usize], f: impl Fn(&[f64]) -> f64) -> Tensor {
    let shape = Shape::from(x.shape().to_vec());
    let (kept, len) = (shape.without(axes), axes.iter().map(|&axis| shape[axis]).product());
    let order: Vec<usize> =
        (0..shape.len()).filter(|axis| !axes.contains(axis)).chain(axes.iter().copied()).collect();
    let rows: Vec<f64> = x.view().permuted_axes(order).iter().copied().collect();
    tensor(&kept, rows.chunks(len).map(f).collect())
}

/// The way back: each element repeated along the axes of `shape` that the reduction removed.
pub(super) fn repeated(y: &Tensor, axes: &[usize], shape: &[usize]) -> Tensor {
    Tensor::from_shape_fn(shape, |place| {
        let kept: Vec<usize> =
            (0..shape.len()).filter(|axis| !axes.contains(axis)).map(|axis| place[axis]).collect();
        y[&kept[..]]
    })
}
