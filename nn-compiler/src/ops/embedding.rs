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
/// not a whole number below `entries` gives NaN.
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
    indexes: true,
    eval: |attrs, x| {
        let (entries, width) = (attrs.sizes[0], attrs.sizes[1]);
        let row = |index: f64| {
            let entry = (0..entries).find(|&entry| entry as f64 == index);
            (0..width).map(move |column| entry.map_or(f64::NAN, |entry| x[1][[entry, column]]))
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
