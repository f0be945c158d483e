//! `cross_entropy(softmax(z), target)` in one, and its derivative by `z`. Made by rewrites and derivatives alone.
//!
//! The two share everything that costs: the largest element, the exponentials and their sum. A kernel computes both.

use ndarray::arr0;

use super::{Joint, Kernel, Op, Vjp, logsumexp::LOGSUMEXP, one_hot::ONE_HOT, softmax::SOFTMAX};
use crate::graph::Attrs;
use crate::notation::Level;
use crate::shape::Shape;

/// `logsumexp(z) - z[target]`. NaN if the target is not a whole number below the number of classes.
pub static SOFTMAX_CROSS_ENTROPY: Op = Op {
    name: "softmax_cross_entropy",
    shape: |_, _| Ok(Shape::scalar()),
    vjp: Vjp::Rule(|at, d| {
        let (z, target) = (at.x[0], at.x[1]);
        let error = z.apply(&SOFTMAX_ERROR, Attrs::default(), &[target]);
        vec![Some(d.repeat(&z.shape(), &[0]) * error), None]
    }),
    eval: |_, x| {
        let sum = (LOGSUMEXP.eval)(&Attrs::axes([0]), &x[..1]).sum();
        let class = x[1].sum();
        let index = (0..x[0].len()).find(|&index| index as f64 == class);
        arr0(index.map_or(f64::NAN, |index| sum - x[0][index])).into_dyn()
    },
    kernel: Kernel::Call {
        function: "softmax_cross_entropy_loss",
        sizes: |_, shapes| vec![shapes[0].count()],
    },
    joint: Some(Joint { with: &SOFTMAX_ERROR, function: "softmax_cross_entropy" }),
    notation: |style, _, x, _| style.call("cross_entropy", [&style.call("softmax", [&x[0]]), &x[1]]),
    flops: 5,
    ..Op::POINTWISE
};

/// `softmax(z) - one_hot(target)`. NaN if the target is not a whole number below the number of classes.
pub static SOFTMAX_ERROR: Op = Op {
    name: "softmax_error",
    shape: |_, shapes| Ok(shapes[0].clone()),
    vjp: Vjp::Rule(|at, d| {
        let y = at.x[0].apply(&SOFTMAX, Attrs::axes([0]), &[]);
        let mean = (d * y).sum(&[0]);
        vec![Some(y * (d - mean.repeat(&y.shape(), &[0]))), None]
    }),
    eval: |_, x| {
        let hot = (ONE_HOT.eval)(&Attrs::sizes([x[0].len()]), &x[1..]);
        (SOFTMAX.eval)(&Attrs::axes([0]), &x[..1]) - hot
    },
    kernel: Kernel::Call { function: "softmax_error", sizes: |_, shapes| vec![shapes[0].count()] },
    notation: |style, _, x, _| {
        let y = style.call("softmax", [&x[0]]);
        style.infix(&[y, style.call("one_hot", [&x[1]])], "-", "-", Level::Sum)
    },
    flops: 4,
    ..Op::POINTWISE
};
