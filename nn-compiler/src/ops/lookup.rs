//! Rows of a table that indices name, and the adjoint of the table. Made by `embedding` and by derivatives alone.
//!
//! Both are linear in the table and the rows, and the derivative of each is the other.

use super::{Kernel, Op, Tensor, Vjp};
use crate::graph::Attrs;
use crate::shape::Shape;

/// An index, through which no derivative passes.
pub static INDEX: Op = Op {
    name: "index",
    vjp: Vjp::None { help: "an index is not a quantity that can change a little" },
    kernel: Kernel::View,
    flops: 0,
    ..Op::POINTWISE
};

/// The row of a table that each index names. Operands: `index: […]` and `table: [entries, width]`; the result is
/// `[…, width]`. An index that is not a whole number below `entries` gives NaN.
pub static LOOKUP: Op = Op {
    name: "lookup",
    indexes: true,
    shape: |_, shapes| Ok(shapes[0].iter().copied().chain([shapes[1][1]]).collect()),
    vjp: Vjp::Rule(|at, d| {
        let entries = Attrs::sizes([at.x[1].shape()[0]]);
        vec![None, Some(at.x[0].apply(&LOOKUP_WEIGHT, entries, &[d]))]
    }),
    eval: |_, x| {
        let (entries, width) = (x[1].shape()[0], x[1].shape()[1]);
        let row = |index: &f64| {
            let entry = entry(*index, entries);
            (0..width).map(move |column| entry.map_or(f64::NAN, |entry| x[1][[entry, column]]))
        };
        let shape: Vec<usize> = x[0].shape().iter().copied().chain([width]).collect();
        super::tensor(&shape, x[0].iter().flat_map(row).collect())
    },
    kernel: Kernel::Call {
        function: "lookup",
        sizes: |_, shapes| vec![shapes[0].count(), shapes[1][0], shapes[1][1]],
    },
    notation: |style, _, x, _| style.call("lookup", x),
    flops: 0,
    products: Some(|_, _| 0),
    ..Op::POINTWISE
};

/// The adjoint of the table: each row is the sum of the adjoints of its copies. Operands: `index: […]` and
/// `d: […, width]`; the result is `[entries, width]`, with the number of entries in `attrs.sizes`. An index that is not a
/// whole number below it makes all of it NaN.
pub static LOOKUP_WEIGHT: Op = Op {
    name: "lookup_weight",
    indexes: true,
    shape: |attrs, shapes| Ok(Shape::from([attrs.sizes[0], shapes[1][shapes[0].len()]])),
    vjp: Vjp::Rule(|at, e| vec![None, Some(at.x[0].apply(&LOOKUP, Attrs::default(), &[e]))]),
    eval: |attrs, x| {
        let (entries, width) = (attrs.sizes[0], x[1].shape()[x[0].ndim()]);
        let mut sum = Tensor::zeros(&[entries, width][..]);
        for (index, d) in x[0].iter().zip(x[1].rows()) {
            let Some(entry) = entry(*index, entries) else {
                sum.fill(f64::NAN);
                continue;
            };
            for (column, d) in d.iter().enumerate() {
                sum[[entry, column]] += d;
            }
        }
        sum
    },
    kernel: Kernel::Call {
        function: "lookup_weight",
        sizes: |attrs, shapes| vec![shapes[0].count(), attrs.sizes[0], shapes[1][shapes[0].len()]],
    },
    summed: Some("lookup_weight_sum"),
    notation: |style, _, x, _| style.call("lookup_weight", x),
    products: Some(|_, shapes| shapes[1].count() as u64),
    ..Op::POINTWISE
};

/// The entry that an index names.
fn entry(index: f64, entries: usize) -> Option<usize> {
    (0..entries).find(|&entry| entry as f64 == index)
}
