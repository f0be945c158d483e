//! `attention(q, k, v, heads, causal)`: values, weighted by how well their keys fit the queries.
//!
//! `attrs.sizes` holds the number of heads, and 1 if a query sees no key after its own place and 0 if it sees all.
//!
//! Heads are blocks of columns, and nothing is moved to take them apart: a row of queries is looked at as a matrix of
//! heads and their columns, and each step is one operation on all heads.

use super::contract_each::{COLUMN, EACH, INNER, ROW, product};
use super::{Arg, Kernel, Mismatch, Op, Tensor, Vjp, same_shape, sum::repeated};
use crate::graph::Attrs;
use crate::shape::Shape;
use crate::term::Term;

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
        let heads = attrs.sizes[0];
        let result = Shape::from([q.shape()[0], v.shape()[1]]);
        let [q, k, v] = [q, k, v].map(|x| x.reshape(&in_heads(&x.shape(), heads)));
        let scores = product((q, [ROW, EACH, INNER]), (k, [COLUMN, EACH, INNER]), [EACH, ROW, COLUMN]);
        let weights = scores.apply(&ATTENTION_WEIGHTS, Attrs::sizes([q.shape()[2], attrs.sizes[1]]), &[]);
        let y = product((weights, [EACH, ROW, INNER]), (v, [INNER, EACH, COLUMN]), [ROW, EACH, COLUMN]);
        y.reshape(&result)
    }),
    notation: |style, _, x, _| style.call("attention", x),
    flops: 0,
    ..Op::POINTWISE
};

/// How much each query takes of the value of each key, for all heads: `softmax(scores / √width)` over the keys that it
/// sees, 0 for the others, whatever their scores are. A score of -∞ has the weight 0; where no score is finite, or one is
/// ∞ or NaN, the weights of what that query sees are NaN. Operand: the scores `[heads, queries, keys]`. `attrs.sizes`
/// holds the columns of a head, and 1 if a query sees no key after its own place. Made by `attention` alone.
pub static ATTENTION_WEIGHTS: Op = Op {
    name: "attention_weights",
    shape: scores,
    vjp: Vjp::Rule(|at, d| {
        vec![Some(at.y.apply(&ATTENTION_WEIGHTS_INPUT, Attrs::sizes([at.attrs.sizes[0]]), &[d]))]
    }),
    eval: |attrs, x| {
        let (width, is_causal) = (attrs.sizes[0], attrs.sizes[1] == 1);
        let mut weights = Tensor::zeros(x[0].shape());
        for (scores, mut weights) in x[0].outer_iter().zip(weights.outer_iter_mut()) {
            for (query, (scores, mut weights)) in
                scores.outer_iter().zip(weights.outer_iter_mut()).enumerate()
            {
                let seen = if is_causal { scores.len().min(query + 1) } else { scores.len() };
                let scores: Vec<f64> = scores.iter().take(seen).copied().collect();
                weights.iter_mut().zip(shares(&scores, width)).for_each(|(weight, share)| *weight = share);
            }
        }
        weights
    },
    kernel: Kernel::Call {
        function: "attention_weights",
        sizes: |attrs, shapes| [&shapes[0][..], &attrs.sizes[..]].concat(),
    },
    notation: |style, _, x, _| style.call("attention_weights", x),
    flops: 5,
    products: Some(|_, shapes| shapes[0].count() as u64),
    ..Op::POINTWISE
};

/// The adjoint of the scores: `y · (d - Σ d · y) / √width`, with the sum over the keys. Operands: the weights `y` and
/// their adjoint. `attrs.sizes` holds the columns of a head. What a query does not see has the weight 0.
pub static ATTENTION_WEIGHTS_INPUT: Op = Op {
    name: "attention_weights_input",
    shape: scores,
    vjp: Vjp::Rule(|at, e| {
        let (y, d) = (at.x[0], at.x[1]);
        let towards_y = (e * (d - over_keys(d * y)) - d * over_keys(e * y)) * scale(at.attrs.sizes[0]);
        vec![Some(towards_y), Some(y.apply(&ATTENTION_WEIGHTS_INPUT, at.attrs.clone(), &[e]))]
    }),
    eval: |attrs, x| {
        let mean = (&x[0] * &x[1]).sum_axis(ndarray::Axis(2)).into_dyn();
        (&x[1] - repeated(&mean, &[2], x[0].shape())) * &x[0] * scale(attrs.sizes[0])
    },
    kernel: Kernel::Call {
        function: "attention_weights_input",
        sizes: |attrs, shapes| [&shapes[0][..], &attrs.sizes].concat(),
    },
    notation: |style, _, x, _| style.call("attention_weights_input", x),
    flops: 5,
    products: Some(|_, shapes| shapes[0].count() as u64),
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

/// The shape of a matrix whose columns are cut into heads.
fn in_heads(shape: &Shape, heads: usize) -> Shape {
    Shape::from([shape[0], heads, shape[1] / heads])
}

/// Scores have three axes, and are alike.
fn scores(attrs: &Attrs, shapes: &[Shape]) -> Result<Shape, Mismatch> {
    match shapes[0].len() {
        3 => same_shape(attrs, shapes),
        _ => Err(Mismatch::new(format!("{} are not the scores of queries and keys in heads", shapes[0]))),
    }
}

/// The sum over the keys, for each of them.
fn over_keys(x: Term<'_>) -> Term<'_> {
    x.sum(&[2]).repeat(&x.shape(), &[2])
}

/// What scores of so many columns are multiplied with.
fn scale(width: usize) -> f64 {
    1.0 / (width as f64).sqrt()
}

/// The softmax of the scores that count.
fn shares(scores: &[f64], width: usize) -> Vec<f64> {
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let growth: Vec<f64> = scores.iter().map(|score| ((score - largest) * scale(width)).exp()).collect();
    let sum: f64 = growth.iter().sum();
    growth.iter().map(|growth| growth / sum).collect()
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
                of_head.map(|i| x[0][[query, i]] * x[1][[key, i]]).sum()
            })
            .collect();
        shares(&scores, width).iter().enumerate().map(|(key, share)| share * x[2][[key, column]]).sum()
    })
}

#[cfg(test)]
mod tests {
    use super::{ATTENTION_WEIGHTS, Attrs};
    use ndarray::arr3;

    #[test]
    fn what_is_not_seen_has_no_weight_whatever_its_score() {
        let least = f64::NEG_INFINITY;
        for unseen in [1e300, f64::INFINITY, least, f64::NAN] {
            for seen in [-1e300, -1e31, 0.0, 1e300] {
                let scores = arr3(&[[[seen, unseen, unseen], [seen, seen, unseen], [least, seen, least]]]);
                let weights = (ATTENTION_WEIGHTS.eval)(&Attrs::sizes([1, 1]), &[scores.into_dyn()]);
                let expected = arr3(&[[[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.0, 1.0, 0.0]]]);
                assert_eq!(weights, expected.into_dyn(), "{seen:e}, {unseen:e}");
            }
        }
        let nothing = arr3(&[[[least, 1.0], [f64::NAN, 1.0]]]).into_dyn();
        let weights = (ATTENTION_WEIGHTS.eval)(&Attrs::sizes([1, 1]), &[nothing]);
        assert!(weights[[0, 0, 0]].is_nan() && weights[[0, 0, 1]] == 0.0);
        assert!(weights[[0, 1, 0]].is_nan() && weights[[0, 1, 1]].is_nan());
    }

    /// Nodes and steps for so many places and heads.
    fn size(places: usize, heads: usize) -> (usize, usize) {
        let source = format!(
            "model M(x: [{places}, 64]) -> y: [{places}, 64] {{
                y = attention(dense(x, 64), dense(x, 64), dense(x, 64), heads = {heads}, causal = true);
                loss mse(y, target);
            }}"
        );
        let tokens = source.parse().expect("the source is tokens");
        let plans = crate::parse::source(tokens).and_then(crate::compile);
        let plan = plans.unwrap_or_else(|errors| panic!("{errors:?}")).remove(0);
        let nodes = plan.training.as_ref().map_or(0, |training| training.graph.len());
        // Each step has a line that says what it does.
        let text = crate::emit::rust::text(&plan);
        (nodes, text.lines().filter(|line| line.trim_start().starts_with("// ")).count())
    }

    #[test]
    fn code_does_not_grow_with_places_and_heads() {
        let one = size(64, 2);
        assert!(one.0 < 60, "{} nodes", one.0);
        for (places, heads) in [(64, 8), (512, 2), (1024, 16)] {
            assert_eq!(size(places, heads), one, "{places} places, {heads} heads");
        }
    }
}
