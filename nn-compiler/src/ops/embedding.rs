//! `embedding(index, entries, width)`: the row of a table of its own that an index names.
//!
//! `attrs.sizes` holds the rows of the table and their width.

use super::{
    Arg, Kernel, Op, Vjp, Weight,
    conv2d::check_weights,
    lookup::{INDEX, LOOKUP},
};
use crate::graph::Attrs;
use crate::model::Init;
use crate::shape::Shape;

/// Rows of a table. Operands: `index`, a tensor of any shape, and `weight: [entries, width]`; the result has one more axis,
/// of `width`. An index that is not a whole number below `entries` gives NaN.
pub static EMBEDDING: Op = Op {
    name: "embedding",
    also: &["embed", "embedding_lookup"],
    args: &[Arg::Tensor("index"), Arg::Size("entries", None), Arg::Size("width", None)],
    weights: Some(|attrs, _| {
        let shape = Shape::from(attrs.sizes.clone());
        vec![Weight { name: "weight", shape, init: Some(Init::Normal(0.0, 1.0)) }]
    }),
    shape: |attrs, shapes| {
        check_weights("embedding", &shapes[0], &shapes[1..], &[Shape::from(attrs.sizes.clone())])?;
        Ok(shapes[0].iter().copied().chain([attrs.sizes[1]]).collect())
    },
    vjp: Vjp::Expansion,
    indexes: true,
    eval: |_, x| (LOOKUP.eval)(&Attrs::default(), x),
    kernel: Kernel::Composite(|_, x| x[0].map(&INDEX).apply(&LOOKUP, Attrs::default(), &[x[1]])),
    notation: |style, _, x, _| style.call("embedding", x),
    flops: 0,
    ..Op::POINTWISE
};
