//! A matrix product for each place of an axis that both operands have: for each head of an attention.
//!
//! `attrs.sizes` says what the axes are: three numbers for those of the first operand, three for those of the second,
//! three for those of the result. Each is one of `EACH`, `ROW`, `INNER` and `COLUMN`.

use super::{Kernel, Mismatch, Op, Tensor, Vjp};
use crate::graph::Attrs;
use crate::shape::Shape;
use crate::term::Term;

/// The axis that all three have, with a product for each of its places.
pub(super) const EACH: usize = 0;
/// The axis of the first operand that stays.
pub(super) const ROW: usize = 1;
/// The axis that is summed over.
pub(super) const INNER: usize = 2;
/// The axis of the second operand that stays.
pub(super) const COLUMN: usize = 3;

/// `y[e, i, j] = Σ_l a[e, i, l] · b[e, l, j]`, with the axes of all three in any order that
/// does not end with `e`. It is linear in both operands, and the derivatives are of the same kind.
pub static CONTRACT_EACH: Op = Op {
    name: "contract_each",
    shape,
    vjp: Vjp::Rule(|at, d| {
        let [of_a, of_b, of_y] = axes(&at.attrs);
        // What is summed over for the first operand is what stays of the second, and the other way round.
        let towards_a = each(d, of_y, at.x[1], of_b, of_a, [INNER, COLUMN]);
        let towards_b = each(at.x[0], of_a, d, of_y, of_b, [INNER, ROW]);
        vec![Some(towards_a), Some(towards_b)]
    }),
    eval,
    kernel: Kernel::Call { function: "contract_each", sizes },
    notation: |style, _, x, _| style.call("contract_each", x),
    flops: 2,
    products: Some(|attrs, shapes| size_of(attrs, shapes).iter().product::<usize>() as u64),
    ..Op::POINTWISE
};

/// What the three axes of an operand are.
type Axes = [usize; 3];

/// `a` times `b`, with what their axes and those of the result are.
pub(super) fn product<'g>((a, of_a): (Term<'g>, Axes), (b, of_b): (Term<'g>, Axes), of_y: Axes) -> Term<'g> {
    a.apply(&CONTRACT_EACH, Attrs::sizes([of_a, of_b, of_y].concat()), &[b])
}

/// The same with two meanings exchanged.
fn each<'g>(
    a: Term<'g>,
    of_a: Axes,
    b: Term<'g>,
    of_b: Axes,
    of_y: Axes,
    [one, other]: [usize; 2],
) -> Term<'g> {
    let exchanged = |axes: Axes| {
        axes.map(|axis| match axis {
            _ if axis == one => other,
            _ if axis == other => one,
            _ => axis,
        })
    };
    product((a, exchanged(of_a)), (b, exchanged(of_b)), exchanged(of_y))
}

/// What the axes of both operands and of the result are.
fn axes(attrs: &Attrs) -> [Axes; 3] {
    [0, 3, 6].map(|first| [0, 1, 2].map(|axis| attrs.sizes[first + axis]))
}

/// How many places, rows, summed elements and columns there are.
fn size_of(attrs: &Attrs, shapes: &[Shape]) -> [usize; 4] {
    let [of_a, of_b, _] = axes(attrs);
    let mut sizes = [1; 4];
    for (axes, shape) in [of_b, of_a].iter().zip([&shapes[1], &shapes[0]]) {
        for (&axis, &size) in axes.iter().zip(shape.iter()) {
            sizes[axis] = size;
        }
    }
    sizes
}

fn shape(attrs: &Attrs, shapes: &[Shape]) -> Result<Shape, Mismatch> {
    let (a, b) = (&shapes[0], &shapes[1]);
    let wrong = || Mismatch::new(format!("{a} and {b} have no products along {:?}", attrs.sizes));
    if attrs.sizes.len() != 9 || a.len() != 3 || b.len() != 3 {
        return Err(wrong());
    }
    let [of_a, of_b, of_y] = axes(attrs);
    let are = |axes: Axes, all: [usize; 3]| all.iter().all(|axis| axes.contains(axis));
    let size = size_of(attrs, shapes);
    let fits = are(of_a, [EACH, ROW, INNER])
        && are(of_b, [EACH, INNER, COLUMN])
        && are(of_y, [EACH, ROW, COLUMN])
        && [of_a, of_b, of_y].iter().all(|axes| axes[2] != EACH)
        && of_b.iter().zip(b.iter()).all(|(&axis, &given)| size[axis] == given);
    if fits { Ok(Shape::from(of_y.map(|axis| size[axis]))) } else { Err(wrong()) }
}

/// How far apart the elements are along each axis.
fn strides(axes: Axes, size: [usize; 4]) -> [usize; 4] {
    let mut strides = [0; 4];
    strides[axes[2]] = 1;
    strides[axes[1]] = size[axes[2]];
    strides[axes[0]] = size[axes[2]] * size[axes[1]];
    strides
}

/// Products, rows, summed elements, columns; then how far these are apart, as far as they have them, in the first
/// operand, the second and the result.
fn sizes(attrs: &Attrs, shapes: &[Shape]) -> Vec<usize> {
    let size = size_of(attrs, shapes);
    let [a, b, y] = axes(attrs).map(|axes| strides(axes, size));
    let mut sizes = size.to_vec();
    sizes.extend([a[EACH], a[ROW], a[INNER], b[EACH], b[INNER], b[COLUMN], y[EACH], y[ROW], y[COLUMN]]);
    sizes
}

fn eval(attrs: &Attrs, x: &[Tensor]) -> Tensor {
    let [of_a, of_b, of_y] = axes(attrs);
    let shapes: Vec<Shape> = x.iter().map(|x| Shape::from(x.shape().to_vec())).collect();
    let size = size_of(attrs, &shapes);
    Tensor::from_shape_fn(&of_y.map(|axis| size[axis])[..], |place| {
        let mut at = [0; 4];
        for (axis, &meaning) in of_y.iter().enumerate() {
            at[meaning] = place[axis];
        }
        let product = |inner: usize| {
            at[INNER] = inner;
            x[0][of_a.map(|axis| at[axis])] * x[1][of_b.map(|axis| at[axis])]
        };
        (0..size[INNER]).map(product).sum()
    })
}
