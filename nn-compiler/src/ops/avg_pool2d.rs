//! `avg_pool2d(x, kernel, …)`: the mean of each window, and its adjoint.
//!
//! `attrs.sizes` holds the window, the strides (0 for those of the window), the padding above, below, left and right, 1
//! if the last windows may reach over the end, and 1 if padding counts among the elements that are averaged. What
//! reaches over the end never counts, as in `PyTorch`.

use super::convolve::fitting;
use super::max_pool2d::{pool_sizes, pool_slides, pooled};
use super::{Arg, Finish, Interleaved, Kernel, Mismatch, Op, Tensor, Vjp};
use crate::graph::Attrs;
use crate::notation::Formula;
use crate::shape::Shape;
use crate::window::Slide;

/// How many sizes the attributes of a call are.
const SIZES: usize = 10;

/// The mean of each window of each channel.
pub static AVG_POOL2D: Op = Op {
    name: "avg_pool2d",
    also: &["average_pooling2d", "avg_pool", "average_pool", "mean_pool"],
    args: &[
        Arg::Tensor("x"),
        Arg::Window("kernel", 2, None),
        Arg::Steps("stride", 2),
        Arg::Padding("padding", 2),
        Arg::Flag("ceil_mode", false),
        Arg::Flag("count_include_pad", true),
    ],
    shape: |attrs, shapes| Ok(pooled(&slides(attrs, &shapes[0])?, &shapes[0])),
    vjp: Vjp::Rule(|at, d| {
        let attrs = Attrs::sizes([&at.attrs.sizes[..], &at.x[0].shape()[1..]].concat());
        vec![Some(d.apply(&AVG_POOL_INPUT, attrs, &[]))]
    }),
    eval: |attrs, x| {
        let shape = x[0].shape();
        let mut y = Tensor::zeros(&pooled(&fitting(slides(attrs, shape)), shape)[..]);
        each_share(attrs, shape, |place, pixel, count| y[place] += x[0][pixel] / count);
        y
    },
    kernel: Kernel::Call { function: "avg_pool2d", sizes: |attrs, shapes| sizes(attrs, &shapes[0]) },
    notation: |style, attrs, x, _| {
        style.call("avg_pool2d", [&x[0], &Formula::atom(format!("{:?}", &attrs.sizes[..2]))])
    },
    products: Some(|attrs, shapes| products(attrs, &shapes[0])),
    interleaved: Some(Interleaved { is_sought: true, varying: &[true], finish: Finish::Keep }),
    ..Op::POINTWISE
};

/// The adjoint: what each place receives is shared by its window. Height and width stand last among the attributes.
pub static AVG_POOL_INPUT: Op = Op {
    name: "avg_pool_input",
    shape: |attrs, shapes| {
        let image = image(attrs, &shapes[0]);
        let expected = pooled(&slides(attrs, &image)?, &image);
        if expected != shapes[0] {
            return Err(Mismatch::new(format!("the adjoint of {expected} can't be {}", shapes[0])));
        }
        Ok(Shape::from(image.to_vec()))
    },
    vjp: Vjp::Rule(|at, e| vec![Some(e.apply(&AVG_POOL2D, Attrs::sizes(&at.attrs.sizes[..SIZES]), &[]))]),
    eval: |attrs, x| {
        let image = image(attrs, x[0].shape());
        let mut dx = Tensor::zeros(&image[..]);
        each_share(attrs, &image, |place, pixel, count| dx[pixel] += x[0][place] / count);
        dx
    },
    kernel: Kernel::Call {
        function: "avg_pool_input",
        sizes: |attrs, shapes| sizes(attrs, &image(attrs, &shapes[0])),
    },
    notation: |style, _, x, _| style.call("avg_pool_input", x),
    products: Some(|attrs, shapes| products(attrs, &image(attrs, &shapes[0]))),
    interleaved: Some(Interleaved { is_sought: true, varying: &[true], finish: Finish::Keep }),
    ..Op::POINTWISE
};

/// The image that an adjoint has, of as many channels as what it takes.
fn image(attrs: &Attrs, d: &[usize]) -> [usize; 3] {
    [d.first().copied().unwrap_or(1), attrs.sizes[SIZES], attrs.sizes[SIZES + 1]]
}

fn slides(attrs: &Attrs, x: &[usize]) -> Result<[Slide; 2], Mismatch> {
    pool_slides("avg_pool2d", x, &attrs.sizes[..8], [1, 1], attrs.sizes[8] == 1)
}

/// How many elements are averaged along an axis.
fn count(slide: &Slide, place: usize, with_padding: bool) -> usize {
    let (first, end) = (place * slide.stride, place * slide.stride + slide.kernel);
    let (least, most) = if with_padding {
        (0, slide.before + slide.input + slide.after)
    } else {
        (slide.before, slide.before + slide.input)
    };
    end.min(most) - first.max(least)
}

/// Visits each element of each window: the place, the pixel, and how many elements are averaged there.
fn each_share(attrs: &Attrs, x: &[usize], mut visit: impl FnMut([usize; 3], [usize; 3], f64)) {
    let [v, h] = fitting(slides(attrs, x));
    let with_padding = attrs.sizes[9] == 1;
    for (channel, row, column) in ndarray::indices([x[0], v.output, h.output]) {
        let count = count(&v, row, with_padding) * count(&h, column, with_padding);
        for (i, j) in (0..v.kernel).flat_map(|i| (0..h.kernel).map(move |j| (i, j))) {
            if let (Some(y), Some(x)) = (v.at(row, i), h.at(column, j)) {
                visit([channel, row, column], [channel, y, x], count as f64);
            }
        }
    }
}

fn sizes(attrs: &Attrs, x: &[usize]) -> Vec<usize> {
    let [v, h] = fitting(slides(attrs, x));
    let sizes = pool_sizes([v, h]);
    [&[x[0]][..], &sizes[..10], &[v.after, h.after, attrs.sizes[9]]].concat()
}

fn products(attrs: &Attrs, x: &[usize]) -> u64 {
    let [v, h] = fitting(slides(attrs, x));
    (x[0] * v.output * h.output * v.kernel * h.kernel) as u64
}
