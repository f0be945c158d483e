//! `cross_entropy(softmax(z), target)` in one, and its derivative by `z`. Made by rewrites and derivatives alone.
//!
//! The two share everything that costs: the largest element, the exponentials and their sum. A kernel computes both.

use super::{Joint, Kernel, Op, Vjp, logsumexp::LOGSUMEXP, one_hot::ONE_HOT, softmax::SOFTMAX, tensor};
use crate::graph::Attrs;
use crate::notation::Level;
use crate::shape::Shape;

/// `logsumexp(z) - z[target]` along the last axis. Operands: `z: […, classes]` and `target: […]`. NaN where the target is
/// not a whole number below the number of classes.
pub static SOFTMAX_CROSS_ENTROPY: Op = Op {
    name: "softmax_cross_entropy",
    shape: |_, shapes| Ok(shapes[1].clone()),
    vjp: Vjp::Rule(|at, d| {
        let (z, target) = (at.x[0], at.x[1]);
        let error = z.apply(&SOFTMAX_ERROR, Attrs::default(), &[target]);
        vec![Some(d.repeat(&z.shape(), &[target.shape().len()]) * error), None]
    }),
    eval: |_, x| {
        let sums = (LOGSUMEXP.eval)(&Attrs::axes([x[1].ndim()]), &x[..1]);
        let losses = x[0].rows().into_iter().zip(&sums).zip(&x[1]).map(|((z, sum), &class)| {
            let index = (0..z.len()).find(|&index| index as f64 == class);
            index.map_or(f64::NAN, |index| sum - z[index])
        });
        tensor(x[1].shape(), losses.collect())
    },
    kernel: Kernel::Call {
        function: "softmax_cross_entropy_loss",
        sizes: |_, shapes| rows(&shapes[1], shapes[0][shapes[1].len()]),
    },
    joint: Some(Joint { with: &SOFTMAX_ERROR, function: "softmax_cross_entropy" }),
    notation: |style, _, x, _| style.call("cross_entropy", [&style.call("softmax", [&x[0]]), &x[1]]),
    flops: 5,
    ..Op::POINTWISE
};

/// `softmax(z) - one_hot(target)` along the last axis. NaN where the target is not a whole number below the number of
/// classes.
pub static SOFTMAX_ERROR: Op = Op {
    name: "softmax_error",
    shape: |_, shapes| Ok(shapes[0].clone()),
    vjp: Vjp::Rule(|at, d| {
        let axes = [at.x[1].shape().len()];
        let y = at.x[0].apply(&SOFTMAX, Attrs::axes(axes), &[]);
        let mean = (d * y).sum(&axes);
        vec![Some(y * (d - mean.repeat(&y.shape(), &axes))), None]
    }),
    eval: |_, x| {
        let last = x[1].ndim();
        let hot = (ONE_HOT.eval)(&Attrs::sizes([x[0].shape()[last]]), &x[1..]);
        (SOFTMAX.eval)(&Attrs::axes([last]), &x[..1]) - hot
    },
    kernel: Kernel::Call {
        function: "softmax_error",
        sizes: |_, shapes| rows(&shapes[1], shapes[0][shapes[1].len()]),
    },
    notation: |style, _, x, _| {
        let y = style.call("softmax", [&x[0]]);
        style.infix(&[y, style.call("one_hot", [&x[1]])], "-", "-", Level::Sum)
    },
    flops: 4,
    ..Op::POINTWISE
};

/// The size that kernels of rows are called with: the length of the only one, or how many and how long.
pub(super) fn rows(places: &Shape, len: usize) -> Vec<usize> {
    if places.is_scalar() { vec![len] } else { vec![places.count(), len] }
}
