//! `mse(prediction, target)`: the mean of the squared errors, `mean((p - t)²)`.

use super::{Arg, Kernel, Op, TargetShape, Vjp, map, mean, same_shape};
use crate::shape::Shape;

/// The mean squared error over the elements of one example's prediction.
pub static MSE: Op = Op {
    name: "mse",
    also: &["mse_loss", "mean_squared_error", "squared_error", "l2_loss"],
    args: &[Arg::Tensor("prediction"), Arg::Target("target", TargetShape::LikePrediction)],
    shape: |attrs, shapes| same_shape(attrs, shapes).map(|_| Shape::scalar()),
    vjp: Vjp::Rule(|at, d| {
        let (error, shape) = (at.x[0] - at.x[1], at.x[0].shape());
        let slope = (d * (2.0 / shape.count() as f64)).broadcast(&shape, &[]) * error;
        vec![Some(slope), Some(-slope)]
    }),
    eval: |_, x| mean::of_all(&map(&(&x[0] - &x[1]), |error| error * error)),
    kernel: Kernel::Composite(|_, x| (x[0] - x[1]).powi(2).mean()),
    notation: |style, _, x, _| style.call("mse", x),
    flops: 0,
    ..Op::POINTWISE
};
