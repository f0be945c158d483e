//! `a @ b`, the matrix product.

use super::{Arg, Kernel, Mismatch, Op, Tensor, Vjp, contract::CONTRACT};
use crate::graph::Attrs;
use crate::notation::Level;
use crate::shape::Shape;

/// The product of matrices and vectors: the last axis of the left side with the first of the right. Two
/// vectors give their inner product; leading axes of the left side are kept.
pub static MATMUL: Op = Op {
    name: "matmul",
    symbol: Some("@"),
    also: &["mm", "bmm", "mv"],
    args: &[Arg::Tensor("a"), Arg::Tensor("b")],
    shape,
    vjp: Vjp::Expansion,
    eval: |_, x| (CONTRACT.eval)(&inner(x[0].ndim()), x),
    kernel: Kernel::Composite(|_, x| x[0].contract(x[1], &inner(x[0].shape().len()).axes, &[0])),
    notation: |style, _, x, _| style.infix(x, "@", r"\,", Level::Product),
    flops: 0,
    ..Op::POINTWISE
};

/// The last axis of a left side of this rank with the first of the right, as `contract` takes them.
fn inner(rank: usize) -> Attrs {
    Attrs { axes: vec![rank - 1], sizes: vec![0], ..Attrs::default() }
}

fn shape(_: &Attrs, shapes: &[Shape]) -> Result<Shape, Mismatch> {
    let (a, b) = (&shapes[0], &shapes[1]);
    let (Some((columns, outer)), Some((rows, right))) = (a.split_last(), b.split_first()) else {
        return Err(
            Mismatch::new(format!("`@` takes vectors and matrices: {a} @ {b}")).help("scale with `*`")
        );
    };
    if right.len() > 1 {
        return Err(Mismatch::new(format!("`@` takes a vector or a matrix on its right: {a} @ {b}"))
            .help("take a part of it, as in `b[0]`, or `reshape` it"));
    }
    if columns != rows {
        let axis = |rank: usize, of_matrix: &'static str| if rank == 1 { "elements" } else { of_matrix };
        let (of_a, of_b) = (axis(a.len(), "columns"), axis(b.len(), "rows"));
        if right.is_empty() && a.first() == Some(rows) {
            return Err(Mismatch::new(format!("`@` needs the inner sizes to agree: {a} @ {b}"))
                .help(format!("swap {{0}} and {{1}}: {b} @ {a} fits")));
        }
        let expected = [columns].into_iter().chain(right).copied().collect();
        return Err(Mismatch::new(format!("`@` needs the inner sizes to agree: {a} @ {b}"))
            .help(format!("{{1}} has {rows} {of_b} and {{0}} has {columns} {of_a}"))
            .expected(1, expected));
    }
    Ok(outer.iter().chain(right).copied().collect())
}

/// The product of two values, for operations that are made of it.
pub(super) fn product(a: &Tensor, b: &Tensor) -> Tensor {
    (MATMUL.eval)(&Attrs::default(), &[a.clone(), b.clone()])
}
