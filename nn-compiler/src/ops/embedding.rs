//! `embedding(index, entries, width)`: the row of a table of its own that an index names.
//!
//! `attrs.sizes` holds the rows of the table and their width.

use super::{
    Arg, Kernel, Mismatch, Op, Vjp, Weight, concat::CONCAT, conv2d::check_weights, one_hot::ONE_HOT,
};
use crate::graph::Attrs;
use crate::model::Init;
use crate::shape::Shape;
use crate::term::Term;

/// Rows of a table. Operands: `index`, one number or a vector of them, and `weight: [entries, width]`. An index that is
/// not a whole number below `entries` gives NaN. A product with `one_hot(index)` looks the row up, so what is not finite
/// reaches the other rows' elements of its column.
pub static EMBEDDING: Op = Op {
    name: "embedding",
    also: &["embed", "embedding_lookup"],
    args: &[Arg::Tensor("index"), Arg::Size("entries", None), Arg::Size("width", None)],
    weights: Some(|attrs, _| {
        let shape = Shape::from(attrs.sizes.clone());
        vec![Weight { name: "weight", shape, init: Some(Init::Normal(0.0, 1.0)) }]
    }),
    shape: |attrs, shapes| {
        if shapes[0].len() > 1 {
            return Err(Mismatch::new(format!(
                "`embedding` takes one index or a vector of them, not {}",
                shapes[0]
            ))
            .help("`flatten` makes a vector of any tensor"));
        }
        check_weights("embedding", &shapes[0], &shapes[1..], &[Shape::from(attrs.sizes.clone())])?;
        Ok(shapes[0].iter().copied().chain([attrs.sizes[1]]).collect())
    },
    vjp: Vjp::Expansion,
    eval: |attrs, x| {
        let (entries, width) = (attrs.sizes[0], attrs.sizes[1]);
        let row = |index: f64| {
            let is_known = (0..entries).any(|entry| entry as f64 == index);
            let share =
                move |entry: usize| if is_known { f64::from(entry as f64 == index) } else { f64::NAN };
            (0..width).map(move |column| (0..entries).map(|entry| share(entry) * x[1][[entry, column]]).sum())
        };
        let shape: Vec<usize> = x[0].shape().iter().copied().chain([width]).collect();
        super::tensor(&shape, x[0].iter().flat_map(|&index| row(index)).collect())
    },
    kernel: Kernel::Composite(|attrs, x| {
        let (index, table, shape) = (x[0], x[1], x[0].shape());
        if shape.is_scalar() {
            return row(index, table);
        }
        let rows: Vec<Term<'_>> = (0..shape[0]).map(|i| row(index.block(&[i], &[1]), table)).collect();
        let joined = rows[0].apply(&CONCAT, Attrs::axes([0]), &rows[1..]);
        joined.reshape(&Shape::from([shape[0], attrs.sizes[1]]))
    }),
    notation: |style, _, x, _| style.call("embedding", x),
    flops: 0,
    ..Op::POINTWISE
};

/// The row that one index names.
fn row<'g>(index: Term<'g>, table: Term<'g>) -> Term<'g> {
    let hot = Attrs::sizes([table.shape()[0]]);
    index.reshape(&Shape::scalar()).apply(&ONE_HOT, hot, &[]).contract(table, &[0], &[0])
}
