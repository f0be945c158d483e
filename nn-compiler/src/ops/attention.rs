//! `attention(q, k, v, heads, causal)`: values, weighted by how well their keys fit the queries.
//!
//! `attrs.sizes` holds the number of heads, and 1 if a query sees no key after its own place and 0 if it sees all.

use super::{Arg, Kernel, Mismatch, Op, Tensor, Vjp, concat::CONCAT, pad::PAD, softmax::SOFTMAX};
use crate::graph::Attrs;
use crate::shape::Shape;
use crate::term::Term;

/// What stands in place of a score that does not count: its exponential is 0 in every precision.
const NEVER: f64 = -1e30;

/// Scaled dot-product attention: Vaswani et al., *Attention is all you need* (2017), equation 1, in as many heads as
/// the columns are cut into. Operands: `q: [queries, width]`, `k: [keys, width]`, `v: [keys, values]`; the result is
/// `[queries, values]`. The layers around it are `dense`.
pub static ATTENTION: Op = Op {
    name: "attention",
    also: &["scaled_dot_product_attention", "multi_head_attention", "multihead_attention"],
    args: &[
        Arg::Tensor("q"),
        Arg::Tensor("k"),
        Arg::Tensor("v"),
        Arg::Size("heads", Some(1)),
        Arg::Flag("causal", false),
    ],
    shape,
    vjp: Vjp::Expansion,
    eval,
    kernel: Kernel::Composite(|attrs, x| {
        let &[q, k, v] = x else { unreachable!("the arguments have been counted") };
        let heads: Vec<Term<'_>> = (0..attrs.sizes[0])
            .map(|head| {
                let [q, k, v] = [q, k, v].map(|x| columns(x, head, attrs.sizes[0]));
                let scores = q.contract(k, &[1], &[1]) * (1.0 / (q.shape()[1] as f64).sqrt());
                let scores = if attrs.sizes[1] == 1 { scores.select(seen(scores), NEVER) } else { scores };
                scores.apply(&SOFTMAX, Attrs::axes([1]), &[]).contract(v, &[1], &[0])
            })
            .collect();
        heads[0].apply(&CONCAT, Attrs::axes([1]), &heads[1..])
    }),
    notation: |style, _, x, _| style.call("attention", x),
    flops: 0,
    ..Op::POINTWISE
};

fn shape(attrs: &Attrs, shapes: &[Shape]) -> Result<Shape, Mismatch> {
    let ([queries, width], [keys, key_width], [values, columns]) =
        (&shapes[0][..], &shapes[1][..], &shapes[2][..])
    else {
        return Err(Mismatch::new(format!(
            "`attention` takes matrices of one row for each place, not {}, {} and {}",
            shapes[0], shapes[1], shapes[2]
        ))
        .help("queries of [places, width], keys of [others, width], values of [others, columns]"));
    };
    if width != key_width || keys != values {
        return Err(Mismatch::new(format!(
            "queries {}, keys {} and values {} don't fit",
            shapes[0], shapes[1], shapes[2]
        ))
        .help("queries and keys have the same columns, keys and values the same rows"));
    }
    let heads = attrs.sizes[0];
    for columns in [width, columns] {
        if !columns.is_multiple_of(heads) {
            return Err(Mismatch::new(format!("{columns} columns can't be cut into {heads} heads"))
                .help("`heads` divides the columns of queries, keys and values"));
        }
    }
    Ok(Shape::from([*queries, *columns]))
}

/// The columns of a head.
fn columns(x: Term<'_>, head: usize, heads: usize) -> Term<'_> {
    let shape = x.shape();
    let width = shape[1] / heads;
    x.block(&[0, head * width], &[shape[0], width])
}

/// 1 where a key is not after the query's own place, 0 elsewhere. It does not vary, and is made once.
fn seen<'g>(scores: Term<'g>) -> Term<'g> {
    let shape = scores.shape();
    let (queries, keys) = (shape[0], shape[1]);
    let row = |query: usize| {
        let ones = scores.filled(1.0, Shape::from([1, keys.min(query + 1)]));
        ones.apply(&PAD, Attrs::sizes([0, 0, 1, keys]), &[])
    };
    let rows: Vec<Term<'g>> = (0..queries).map(row).collect();
    rows[0].apply(&CONCAT, Attrs::axes([0]), &rows[1..])
}

fn eval(attrs: &Attrs, x: &[Tensor]) -> Tensor {
    let (heads, is_causal) = (attrs.sizes[0], attrs.sizes[1] == 1);
    let (width, keys, columns) = (x[0].shape()[1] / heads, x[1].shape()[0], x[2].shape()[1]);
    Tensor::from_shape_fn(&[x[0].shape()[0], columns][..], |at| {
        let (query, column) = (at[0], at[1]);
        let head = column / (columns / heads);
        let last = if is_causal { keys.min(query + 1) } else { keys };
        let scores: Vec<f64> = (0..last)
            .map(|key| {
                let of_head = head * width..(head + 1) * width;
                of_head.map(|i| x[0][[query, i]] * x[1][[key, i]]).sum::<f64>() / (width as f64).sqrt()
            })
            .collect();
        let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = scores.iter().map(|score| (score - largest).exp()).collect();
        let sum: f64 = weights.iter().sum();
        // What is not seen has the weight 0 and not none: NaN among its values is NaN in the result, as in the product.
        let weight = |key: usize| weights.get(key).map_or(0.0, |weight| weight / sum);
        (0..keys).map(|key| weight(key) * x[2][[key, column]]).sum()
    })
}
