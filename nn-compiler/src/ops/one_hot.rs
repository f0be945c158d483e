//! `one_hot(index, classes)`: 1 at the index, 0 elsewhere.
//!
//! `attrs.sizes` holds the number of classes.

use super::{Arg, Kernel, Op, Vjp, softmax_cross_entropy::rows, tensor};
use crate::notation::Formula;
use crate::shape::Shape;

/// A class index as a vector, and a tensor of indices with an axis of classes after its own. An index that is not a whole
/// number below the number of classes gives NaN.
pub static ONE_HOT: Op = Op {
    name: "one_hot",
    also: &["to_categorical", "onehot"],
    args: &[Arg::Tensor("index"), Arg::Size("classes", None)],
    shape: |attrs, shapes| Ok(shapes[0].iter().copied().chain([attrs.sizes[0]]).collect::<Shape>()),
    vjp: Vjp::None { help: "a class index is not a quantity that can change a little" },
    indexes: true,
    eval: |attrs, x| {
        let classes = attrs.sizes[0];
        let row = |&index: &f64| {
            let valid = (0..classes).any(|class| index == class as f64);
            let hot = move |class| if valid { f64::from(index == class as f64) } else { f64::NAN };
            (0..classes).map(hot)
        };
        let shape: Vec<usize> = x[0].shape().iter().copied().chain([classes]).collect();
        tensor(&shape, x[0].iter().flat_map(row).collect())
    },
    kernel: Kernel::Call { function: "one_hot", sizes: |attrs, shapes| rows(&shapes[0], attrs.sizes[0]) },
    notation: |style, attrs, x, _| style.call("one_hot", [&x[0], &Formula::atom(attrs.sizes[0].to_string())]),
    ..Op::POINTWISE
};
