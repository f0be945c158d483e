//! Rows with mean 0 and variance 1, and the adjoint of what they are made of. Made by normalising layers and by derivatives
//! alone.
//!
//! `attrs.axes` holds the first axis of a row, which goes on to the last. What is added to the variance is an operand, a
//! scalar.

use super::{
    Kernel, Op, Vjp,
    layer_norm::{means, normal},
    mean::MEAN,
    sqrt::SQRT,
    zip,
};
use crate::graph::Attrs;
use crate::notation::{Formula, Style};
use crate::shape::Shape;
use crate::term::Term;

/// `(x - mean(x)) / sqrt(mean((x - mean(x))²) + epsilon)` for each row. Operands: `x` and `epsilon`.
pub static NORMALISE: Op = Op {
    name: "normalise",
    shape: |_, shapes| Ok(shapes[0].clone()),
    vjp: Vjp::Rule(|at, d| {
        let d = at.x[0].apply(&NORMALISE_INPUT, at.attrs.clone(), &[at.x[1], d]);
        vec![Some(d), None]
    }),
    eval: |attrs, x| normal(&x[0], x[0].shape()[attrs.axes[0]..].iter().product(), x[1].sum()),
    kernel: Kernel::Call { function: "normalise", sizes },
    notation: |style, _, x, _| style.call("normalise", [&x[0]]),
    flops: 6,
    ..Op::POINTWISE
};

/// The adjoint of `x`: `(d - mean(d) - y mean(d y)) / sqrt(mean((x - mean(x))²) + epsilon)` for each row, with the
/// normalised row `y`. Operands: `x`, `epsilon`, and the adjoint `d` of `y`.
pub static NORMALISE_INPUT: Op = Op {
    name: "normalise_input",
    shape: |_, shapes| Ok(shapes[0].clone()),
    vjp: Vjp::Rule(|at, c| {
        let (x, epsilon, d) = (at.x[0], at.x[1], at.x[2]);
        let (shape, row) = (x.shape(), at.attrs.axes[0]);
        let axes: Vec<usize> = (row..shape.len()).collect();
        let y = x.apply(&NORMALISE, at.attrs.clone(), &[epsilon]);
        let input = |d| x.apply(&NORMALISE_INPUT, at.attrs.clone(), &[epsilon, d]);
        // As a function of d it is its own adjoint. Of x, both y and the scale depend on it.
        let centred = x - of_rows(x, &axes);
        let variance = of_rows(centred * centred, &axes);
        let scale = 1.0 / (variance + epsilon.broadcast(&shape, &[])).map(&SQRT);
        let by_y = input(-(scale * (c * of_rows(d * y, &axes) + d * of_rows(c * y, &axes))));
        let by_scale = -(y * scale * of_rows(c * at.y, &axes));
        vec![Some(by_y + by_scale), None, Some(input(c))]
    }),
    eval: |attrs, x| {
        let row = x[0].shape()[attrs.axes[0]..].iter().product();
        let y = normal(&x[0], row, x[1].sum());
        let centred = &x[0] - &means(&x[0], row);
        let scale = means(&(&centred * &centred), row).mapv(|variance| 1.0 / (variance + x[1].sum()).sqrt());
        let along = means(&(&x[2] * &y), row);
        (&x[2] - &means(&x[2], row) - zip(&[y, along], |y, along| y * along)) * scale
    },
    kernel: Kernel::Call { function: "normalise_input", sizes },
    notation: |style, _, x, _| written(style, x),
    flops: 10,
    ..Op::POINTWISE
};

/// The mean of each row in all of its places.
fn of_rows<'g>(x: Term<'g>, axes: &[usize]) -> Term<'g> {
    x.apply(&MEAN, Attrs::axes(axes), &[]).repeat(&x.shape(), axes)
}

fn written(style: Style, x: &[Formula]) -> Formula {
    style.call("normalise_input", [&x[0], &x[2]])
}

fn sizes(attrs: &Attrs, shapes: &[Shape]) -> Vec<usize> {
    let (outer, row) = shapes[0].split_at(attrs.axes[0]);
    vec![outer.iter().product(), row.iter().product()]
}
