//! `max_pool2d(x, kernel, …)`: the largest element of each window, and the ways between places and elements.
//!
//! `attrs.sizes` holds the window, the strides (0 for those of the window), the padding above, below, left and right,
//! the dilations, and 1 if the last windows may reach over the end. Padding is never the largest. Of equal elements the
//! first counts, by rows, as in `PyTorch`; NaN counts as larger than anything.

use super::conv2d::check_image;
use super::convolve::{fitting, outside};
use super::{Arg, Finish, Interleaved, Kernel, Mismatch, Op, Tensor, Vjp};
use crate::graph::Attrs;
use crate::notation::Formula;
use crate::shape::Shape;
use crate::window::Slide;

/// The largest element of each window of each channel.
pub static MAX_POOL2D: Op = Op {
    name: "max_pool2d",
    also: &["max_pooling2d", "max_pool", "maxpool"],
    args: &[
        Arg::Tensor("x"),
        Arg::Window("kernel", 2, None),
        Arg::Steps("stride", 2),
        Arg::Padding("padding", 2),
        Arg::Window("dilation", 2, Some(1)),
        Arg::Flag("ceil_mode", false),
    ],
    shape: |attrs, shapes| Ok(pooled(&slides(attrs, &shapes[0])?, &shapes[0])),
    vjp: Vjp::Rule(|at, d| vec![Some(at.x[0].apply(&MAX_POOL_INPUT, at.attrs.clone(), &[d]))]),
    eval: |attrs, x| (MAX_POOL_AT.eval)(attrs, &[x[0].clone(), x[0].clone()]),
    kernel: Kernel::Composite(|attrs, x| x[0].apply(&MAX_POOL_AT, attrs.clone(), &[x[0]])),
    notation: |style, attrs, x, _| {
        style.call("max_pool2d", [&x[0], &Formula::atom(format!("{:?}", &attrs.sizes[..2]))])
    },
    flops: 0,
    ..Op::POINTWISE
};

/// The adjoint: what each place receives goes to the largest element of its window. Operands: `x` and `d`.
pub static MAX_POOL_INPUT: Op = Op {
    name: "max_pool_input",
    shape: |attrs, shapes| {
        fits_places(attrs, shapes)?;
        Ok(shapes[0].clone())
    },
    vjp: Vjp::Rule(|at, e| vec![None, Some(at.x[0].apply(&MAX_POOL_AT, at.attrs.clone(), &[e]))]),
    eval: |attrs, x| {
        let mut dx = Tensor::zeros(x[0].shape());
        each_largest(attrs, &x[0], |place, pixel| dx[pixel] += x[1][place]);
        dx
    },
    kernel: Kernel::Call { function: "max_pool_input", sizes },
    notation: |style, _, x, _| style.call("max_pool_input", x),
    products: Some(products),
    interleaved: Some(Interleaved { is_sought: true, varying: &[true, true], finish: Finish::Gate }),
    ..Op::POINTWISE
};

/// The element of another image where that of the first is the largest of its window. Operands: `x` and the image.
pub static MAX_POOL_AT: Op = Op {
    name: "max_pool_at",
    shape: |attrs, shapes| {
        if shapes[0] != shapes[1] {
            return Err(Mismatch::new(format!("{} can't be looked up by {}", shapes[1], shapes[0])));
        }
        Ok(pooled(&slides(attrs, &shapes[0])?, &shapes[0]))
    },
    vjp: Vjp::Rule(|at, d| vec![None, Some(at.x[0].apply(&MAX_POOL_INPUT, at.attrs.clone(), &[d]))]),
    eval: |attrs, x| {
        let mut y = Tensor::zeros(&pooled_shape(attrs, &x[0])[..]);
        each_largest(attrs, &x[0], |place, pixel| y[place] = x[1][pixel]);
        y
    },
    kernel: Kernel::Call { function: "max_pool_at", sizes },
    notation: |style, _, x, _| style.call("max_pool_at", x),
    products: Some(products),
    interleaved: Some(Interleaved { is_sought: true, varying: &[true, true], finish: Finish::Keep }),
    ..Op::POINTWISE
};

/// The windows of both axes.
fn slides(attrs: &Attrs, x: &[usize]) -> Result<[Slide; 2], Mismatch> {
    let sizes = &attrs.sizes;
    pool_slides("max_pool2d", x, &sizes[..8], [sizes[8], sizes[9]], sizes[10] == 1)
}

/// The windows of a pooling: kernel, strides and padding as attributes hold them. None lies on padding alone.
pub(super) fn pool_slides(
    name: &str,
    x: &[usize],
    sizes: &[usize],
    dilations: [usize; 2],
    rounded_up: bool,
) -> Result<[Slide; 2], Mismatch> {
    check_image(name, &Shape::from(x.to_vec()))?;
    let slide = |axis: usize| {
        let (kernel, padding) = (sizes[axis], [sizes[4 + 2 * axis], sizes[5 + 2 * axis]]);
        let stride = if sizes[2 + axis] == 0 { kernel } else { sizes[2 + axis] };
        let name = ["height", "width"][axis];
        let slide = Slide::new(x[1 + axis], kernel, stride, padding, dilations[axis])
            .map_err(|fact| outside(name, x, &fact))?;
        let slide = if rounded_up { slide.rounded_up() } else { slide };
        let is_empty = |place: usize| (0..kernel).all(|tap| slide.at(place, tap).is_none());
        match (0..slide.output).find(|&place| is_empty(place)) {
            Some(place) => {
                let fact = format!("window {place} along the {name} of {x:?} lies on padding alone");
                Err(Mismatch::new(fact)
                    .help(format!("at most half of the window is padding: {}", slide.span() / 2)))
            }
            None => Ok(slide),
        }
    };
    Ok([slide(0)?, slide(1)?])
}

/// The shape of a pooled image.
pub(super) fn pooled([v, h]: &[Slide; 2], x: &[usize]) -> Shape {
    Shape::from([x[0], v.output, h.output])
}

fn pooled_shape(attrs: &Attrs, x: &Tensor) -> [usize; 3] {
    let [v, h] = fitting(slides(attrs, x.shape()));
    [x.shape()[0], v.output, h.output]
}

fn fits_places(attrs: &Attrs, shapes: &[Shape]) -> Result<(), Mismatch> {
    let expected = pooled(&slides(attrs, &shapes[0])?, &shapes[0]);
    if expected != shapes[1] {
        return Err(Mismatch::new(format!("the adjoint of {expected} can't be {}", shapes[1])));
    }
    Ok(())
}

/// Visits the places with the largest element of each.
fn each_largest(attrs: &Attrs, x: &Tensor, mut visit: impl FnMut([usize; 3], [usize; 3])) {
    let [v, h] = fitting(slides(attrs, x.shape()));
    for place in ndarray::indices(pooled_shape(attrs, x)) {
        let (channel, row, column) = place;
        let taps = (0..v.kernel).flat_map(|i| (0..h.kernel).map(move |j| (i, j)));
        let pixels = taps.filter_map(|(i, j)| Some([channel, v.at(row, i)?, h.at(column, j)?]));
        let is_above = |a: f64, b: f64| a > b || a.is_nan();
        let largest = pixels.reduce(|best, pixel| if is_above(x[pixel], x[best]) { pixel } else { best });
        if let Some(largest) = largest {
            visit([channel, row, column], largest);
        }
    }
}

fn sizes(attrs: &Attrs, shapes: &[Shape]) -> Vec<usize> {
    let [v, h] = fitting(slides(attrs, &shapes[0]));
    [&[shapes[0][0]][..], &pool_sizes([v, h])].concat()
}

/// Height and width of image and result, then for both axes window, strides, padding before, dilations.
pub(super) fn pool_sizes([v, h]: [Slide; 2]) -> [usize; 12] {
    let (of_v, of_h) =
        ([v.kernel, v.stride, v.before, v.dilation], [h.kernel, h.stride, h.before, h.dilation]);
    let mut sizes = [v.input, h.input, v.output, h.output, 0, 0, 0, 0, 0, 0, 0, 0];
    for (i, (v, h)) in of_v.into_iter().zip(of_h).enumerate() {
        (sizes[4 + 2 * i], sizes[5 + 2 * i]) = (v, h);
    }
    sizes
}

fn products(attrs: &Attrs, shapes: &[Shape]) -> u64 {
    let [v, h] = fitting(slides(attrs, &shapes[0]));
    (shapes[0][0] * v.output * h.output * v.kernel * h.kernel) as u64
}
