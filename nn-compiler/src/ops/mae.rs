//! `mae(prediction, target)`: the mean of the absolute errors, `mean(|p - t|)`.

use super::{Arg, Kernel, Op, TargetShape, Vjp, abs::ABS, map, mean, same_shape, sign::SIGN};
use crate::shape::Shape;

/// The mean absolute error over the elements of one example's prediction. Where there is no error, the
/// derivative is 0.
pub static MAE: Op = Op {
    name: "mae",
    also: &["l1_loss", "mean_absolute_error", "absolute_error"],
    args: &[Arg::Tensor("prediction"), Arg::Target("target", TargetShape::LikePrediction)],
    shape: |attrs, shapes| same_shape(attrs, shapes).map(|_| Shape::scalar()),
    vjp: Vjp::Rule(|at, d| {
        let (error, shape) = (at.x[0] - at.x[1], at.x[0].shape());
        let slope = (d * (1.0 / shape.count() as f64)).broadcast(&shape, &[]) * error.map(&SIGN);
        vec![Some(slope), Some(-slope)]
    }),
    eval: |_, x| mean::of_all(&map(&(&x[0] - &x[1]), f64::abs)),
    kernel: Kernel::Composite(|_, x| (x[0] - x[1]).map(&ABS).mean()),
    notation: |style, _, x, _| style.call("mae", x),
    flops: 0,
    ..Op::POINTWISE
};
