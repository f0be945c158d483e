//! The products of convolutions: the layer's own, and its adjoints by the image and by the weight.
//!
//! `attrs.sizes` holds the strides of both axes, the padding above, below, left and right, the number of groups, and
//! the dilations. An adjoint has the sizes after these that its operands don't show. Each is linear in both operands,
//! and their derivatives are each other.

use super::{Finish, Interleaved, Kernel, Mismatch, Op, Tensor, Vjp};
use crate::graph::Attrs;
use crate::shape::Shape;
use crate::window::Slide;

/// How many sizes all three have.
pub(super) const SIZES: usize = 9;

/// The products of each window of an image with each weight, summed: `y[o, p] = Σ x[c, p·stride + k·dilation] · w[o, c, k]`
/// over the channels `c` of the group of `o` and the elements `k` of the window. Operands: `x: [channels, height, width]`
/// and `w: [units, channels / groups, kernel height, kernel width]`.
pub static CONVOLVE: Op = Op {
    name: "convolve",
    shape: |attrs, shapes| Ok(Geometry::new(&attrs.sizes, &shapes[0], &shapes[1])?.places()),
    vjp: Vjp::Rule(|at, d| {
        let (x, w) = (at.x[0], at.x[1]);
        let (image, weight) = (x.shape(), w.shape());
        vec![
            Some(d.apply(&CONVOLVE_INPUT, with(&at.attrs, &image), &[w])),
            Some(x.apply(&CONVOLVE_WEIGHT, with(&at.attrs, &weight[2..]), &[d])),
        ]
    }),
    eval: |attrs, x| {
        let geometry = fitting(Geometry::new(&attrs.sizes, x[0].shape(), x[1].shape()));
        let mut y = Tensor::zeros(&geometry.places()[..]);
        geometry.each_product(|place, pixel, tap| y[place] += x[0][pixel] * x[1][tap]);
        y
    },
    kernel: Kernel::Call {
        function: "convolve",
        sizes: |attrs, shapes| fitting(Geometry::new(&attrs.sizes, &shapes[0], &shapes[1])).sizes(),
    },
    quick: Some("convolve_winograd"),
    notation: |style, _, x, _| style.call("convolve", x),
    flops: 2,
    products: Some(|attrs, shapes| fitting(Geometry::new(&attrs.sizes, &shapes[0], &shapes[1])).products()),
    finish: Finish::Activate,
    interleaved: Some(Interleaved { is_sought: true, varying: &[true, false], finish: Finish::Activate }),
    ..Op::POINTWISE
};

/// The adjoint of the image, which is also the transposed convolution: each element of `d` spreads the weights.
/// Operands: `d: [units, …]` and `w`. The sizes of the image stand last among the attributes.
pub static CONVOLVE_INPUT: Op = Op {
    name: "convolve_input",
    shape: |attrs, shapes| {
        let image = &attrs.sizes[SIZES..];
        let places = Geometry::new(&attrs.sizes, image, &shapes[1])?.places();
        same_places(&places, &shapes[0])?;
        Ok(Shape::from(image.to_vec()))
    },
    vjp: Vjp::Rule(|at, e| {
        let (d, w) = (at.x[0], at.x[1]);
        let attrs = Attrs::sizes(&at.attrs.sizes[..SIZES]);
        let weight = e.apply(&CONVOLVE_WEIGHT, with(&attrs, &w.shape()[2..]), &[d]);
        vec![Some(e.apply(&CONVOLVE, attrs, &[w])), Some(weight)]
    }),
    eval: |attrs, x| {
        let image = &attrs.sizes[SIZES..];
        let geometry = fitting(Geometry::new(&attrs.sizes, image, x[1].shape()));
        let mut dx = Tensor::zeros(image);
        geometry.each_product(|place, pixel, tap| dx[pixel] += x[0][place] * x[1][tap]);
        dx
    },
    kernel: Kernel::Call {
        function: "convolve_input",
        sizes: |attrs, shapes| {
            fitting(Geometry::new(&attrs.sizes, &attrs.sizes[SIZES..], &shapes[1])).sizes()
        },
    },
    quick: Some("convolve_input_winograd"),
    notation: |style, _, x, _| style.call("convolve_input", x),
    flops: 2,
    products: Some(|attrs, shapes| {
        fitting(Geometry::new(&attrs.sizes, &attrs.sizes[SIZES..], &shapes[1])).products()
    }),
    interleaved: Some(Interleaved { is_sought: true, varying: &[true, false], finish: Finish::Gate }),
    ..Op::POINTWISE
};

/// The adjoint of the weight. Operands: the image `x` and `d: [units, …]`. The sizes of the window stand last among the
/// attributes.
pub static CONVOLVE_WEIGHT: Op = Op {
    name: "convolve_weight",
    shape: |attrs, shapes| {
        let weight = weight_of(attrs, &shapes[0], &shapes[1])?;
        let places = Geometry::new(&attrs.sizes, &shapes[0], &weight)?.places();
        same_places(&places, &shapes[1])?;
        Ok(weight)
    },
    vjp: Vjp::Rule(|at, e| {
        let (x, d) = (at.x[0], at.x[1]);
        let attrs = Attrs::sizes(&at.attrs.sizes[..SIZES]);
        let image = x.shape();
        vec![
            Some(d.apply(&CONVOLVE_INPUT, with(&attrs, &image), &[e])),
            Some(x.apply(&CONVOLVE, attrs, &[e])),
        ]
    }),
    eval: |attrs, x| {
        let weight = fitting(weight_of(attrs, x[0].shape(), x[1].shape()));
        let geometry = fitting(Geometry::new(&attrs.sizes, x[0].shape(), &weight));
        let mut dw = Tensor::zeros(&weight[..]);
        geometry.each_product(|place, pixel, tap| dw[tap] += x[0][pixel] * x[1][place]);
        dw
    },
    kernel: Kernel::Call {
        function: "convolve_weight",
        sizes: |attrs, shapes| fitting(of_weight(attrs, shapes)).sizes(),
    },
    summed: Some("convolve_weight_sum"),
    notation: |style, _, x, _| style.call("convolve_weight", x),
    flops: 2,
    products: Some(|attrs, shapes| fitting(of_weight(attrs, shapes)).products()),
    interleaved: Some(Interleaved { is_sought: true, varying: &[true, true], finish: Finish::Keep }),
    ..Op::POINTWISE
};

/// The same attributes with further sizes.
fn with(attrs: &Attrs, sizes: &[usize]) -> Attrs {
    Attrs::sizes([&attrs.sizes[..SIZES], sizes].concat())
}

/// What the shape rule has checked.
pub(super) fn fitting<T>(checked: Result<T, Mismatch>) -> T {
    checked.unwrap_or_else(|mismatch| panic!("the shape rule has checked the sizes: {}", mismatch.fact))
}

fn same_places(expected: &Shape, given: &Shape) -> Result<(), Mismatch> {
    if expected == given {
        return Ok(());
    }
    Err(Mismatch::new(format!("the adjoint of {expected} can't be {given}")))
}

/// The shape of the weight between an image and the adjoint of the result.
fn weight_of(attrs: &Attrs, image: &[usize], d: &[usize]) -> Result<Shape, Mismatch> {
    let (&[channels, ..], &[units, ..], &[height, width]) = (image, d, &attrs.sizes[SIZES..]) else {
        return Err(Mismatch::new("an image has channels, a window two sizes"));
    };
    Ok(Shape::from([units, channels / attrs.sizes[6], height, width]))
}

fn of_weight(attrs: &Attrs, shapes: &[Shape]) -> Result<Geometry, Mismatch> {
    Geometry::new(&attrs.sizes, &shapes[0], &weight_of(attrs, &shapes[0], &shapes[1])?)
}

/// What meets what in a convolution.
pub(super) struct Geometry {
    channels: usize,
    units: usize,
    groups: usize,
    axes: [Slide; 2],
}

impl Geometry {
    /// The convolution of an image with a weight.
    pub(super) fn new(sizes: &[usize], image: &[usize], weight: &[usize]) -> Result<Self, Mismatch> {
        let (&[channels, height, width], &[units, per_group, kernel_height, kernel_width]) = (image, weight)
        else {
            return Err(Mismatch::new(format!(
                "an image has three axes and a weight four, not {image:?} and {weight:?}"
            )));
        };
        let &[down, right, above, below, before, after, groups, dilation_down, dilation_right, ..] = sizes
        else {
            return Err(Mismatch::new(format!("a convolution has {SIZES} sizes, not {sizes:?}")));
        };
        check_groups(channels, units, groups)?;
        if per_group * groups != channels {
            return Err(Mismatch::new(format!(
                "a weight {weight:?} takes {per_group} channels in each of {groups} groups, and the image {image:?} has \
                 {channels}"
            )));
        }
        let axis = |name: &str, input, kernel, stride, padding, dilation| {
            Slide::new(input, kernel, stride, padding, dilation).map_err(|fact| outside(name, image, &fact))
        };
        let vertical = axis("height", height, kernel_height, down, [above, below], dilation_down)?;
        let horizontal = axis("width", width, kernel_width, right, [before, after], dilation_right)?;
        Ok(Self { channels, units, groups, axes: [vertical, horizontal] })
    }

    /// The attributes of the products, with the padding in numbers.
    pub(super) fn attrs(&self) -> Attrs {
        let [v, h] = self.axes;
        Attrs::sizes([
            v.stride,
            h.stride,
            v.before,
            v.after,
            h.before,
            h.after,
            self.groups,
            v.dilation,
            h.dilation,
        ])
    }

    /// The shape of the result.
    pub(super) fn places(&self) -> Shape {
        Shape::from([self.units, self.axes[0].output, self.axes[1].output])
    }

    /// The sizes that kernels are called with.
    fn sizes(&self) -> Vec<usize> {
        let [v, h] = self.axes;
        vec![
            self.channels,
            v.input,
            h.input,
            self.units,
            v.output,
            h.output,
            v.kernel,
            h.kernel,
            v.stride,
            h.stride,
            v.before,
            h.before,
            v.dilation,
            h.dilation,
            self.groups,
        ]
    }

    /// How many products there are, those with the padding counted too.
    fn products(&self) -> u64 {
        let [v, h] = self.axes;
        let window = self.channels / self.groups * v.kernel * h.kernel;
        (self.places().count() * window) as u64
    }

    /// Visits each product: the place of the result, the pixel of the image, the element of the weight.
    fn each_product(&self, mut product: impl FnMut([usize; 3], [usize; 3], [usize; 4])) {
        let [v, h] = self.axes;
        let (units, channels) = (self.units / self.groups, self.channels / self.groups);
        for unit in 0..self.units {
            for channel in 0..channels {
                for (y, i) in (0..v.output).flat_map(|y| (0..v.kernel).map(move |i| (y, i))) {
                    for (x, j) in (0..h.output).flat_map(|x| (0..h.kernel).map(move |j| (x, j))) {
                        if let (Some(row), Some(column)) = (v.at(y, i), h.at(x, j)) {
                            let pixel = [unit / units * channels + channel, row, column];
                            product([unit, y, x], pixel, [unit, channel, i, j]);
                        }
                    }
                }
            }
        }
    }
}

/// That channels and units can be cut into as many groups.
pub(super) fn check_groups(channels: usize, units: usize, groups: usize) -> Result<(), Mismatch> {
    for (what, count) in [("channels of the image", channels), ("channels of the result", units)] {
        if !count.is_multiple_of(groups) {
            return Err(Mismatch::new(format!("{count} {what} can't be cut into {groups} groups"))
                .help(format!("`groups` divides both {channels} and {units}")));
        }
    }
    Ok(())
}

/// A window that does not fit along an axis.
pub(super) fn outside(axis: &str, image: &[usize], fact: &str) -> Mismatch {
    Mismatch::new(format!("{fact}: the {axis} of {image:?}"))
        .help("a smaller `kernel`, more `padding`, or `padding = same`")
}
