//! `one_hot(index, classes)`: 1 at the index, 0 elsewhere.
//!
//! `attrs.sizes` holds the number of classes.

use ndarray::Array1;

use super::{Arg, Kernel, Mismatch, Op, Vjp};
use crate::notation::Formula;
use crate::shape::Shape;

/// A class index as a vector. An index that is not a whole number below the number of classes gives NaN.
pub static ONE_HOT: Op = Op {
    name: "one_hot",
    also: &["to_categorical", "onehot"],
    args: &[Arg::Tensor("index"), Arg::Size("classes", None)],
    shape: |attrs, shapes| {
        if !shapes[0].is_scalar() {
            return Err(Mismatch::new(format!("`one_hot` takes one index, not {}", shapes[0]))
                .help("take one element, as in `one_hot(x[0], 10)`"));
        }
        Ok(Shape::from([attrs.sizes[0]]))
    },
    vjp: Vjp::None { help: "a class index is not a quantity that can change a little" },
    indexes: true,
    eval: |attrs, x| {
        let (classes, index) = (attrs.sizes[0], x[0].sum());
        let valid = (0..classes).any(|class| index == class as f64);
        let hot = |class| if valid { f64::from(index == class as f64) } else { f64::NAN };
        Array1::from_shape_fn(classes, hot).into_dyn()
    },
    kernel: Kernel::Call { function: "one_hot", sizes: |attrs, _| attrs.sizes.clone() },
    notation: |style, attrs, x, _| style.call("one_hot", [&x[0], &Formula::atom(attrs.sizes[0].to_string())]),
    ..Op::POINTWISE
};
