//! Kernels of windows that slide over images: convolutions and poolings, with their adjoints.
//!
//! An image is `[channels, height, width]`, row-major. Emitted code calls the kernels with all sizes as literals, so
//! that nothing is computed twice of what the compiler has checked.

pub(super) mod arrays;
mod blocks;
mod convolve;
mod panels;
mod planes;
mod pool;
mod products;
mod winograd;

pub use convolve::{
    convolve, convolve_input, convolve_input_winograd, convolve_weight, convolve_weight_sum,
    convolve_winograd,
};
pub(super) use panels::{Panel, pack};
pub(super) use planes::{largest, largest_input};
pub(super) use pool::Pool;
pub use pool::{AvgPoolSizes, MaxPoolSizes, avg_pool_input, avg_pool2d, max_pool_at, max_pool_input};
pub(super) use winograd::{Windows, winograd_image, winograd_result, winograd_weight};

use super::{Real, stride, tile_len};

/// The sizes of a convolution: channels, height and width of the image; channels, height and width of the result; then
/// for both axes the window, the strides, the padding before, the dilations; the groups.
pub type ConvolutionSizes = [usize; 15];

/// A window on one axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slide {
    pub(super) input: usize,
    pub(super) output: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) before: usize,
    pub(super) dilation: usize,
}

impl Slide {
    /// Where on the axis element `tap` of the window lies at a place, unless it is padding.
    #[inline(always)]
    pub(super) fn at(&self, place: usize, tap: usize) -> Option<usize> {
        let at = (place * self.stride + tap * self.dilation).wrapping_sub(self.before);
        (at < self.input).then_some(at)
    }

    /// The elements of the window that lie on the axis at a place.
    #[inline(always)]
    fn taps(&self, place: usize) -> core::ops::Range<usize> {
        let first = place * self.stride;
        let start = self.before.saturating_sub(first).div_ceil(self.dilation);
        let end = (self.input + self.before).saturating_sub(first).div_ceil(self.dilation).min(self.kernel);
        start.min(end)..end
    }

    /// The places where element `tap` of the window lies on the axis, and the element where it lies at the first of them.
    #[inline(always)]
    pub(super) fn inside(&self, tap: usize) -> (core::ops::Range<usize>, usize) {
        let shift = tap * self.dilation;
        let first = self.before.saturating_sub(shift).div_ceil(self.stride);
        let end = (self.input + self.before).saturating_sub(shift).div_ceil(self.stride).min(self.output);
        let first = first.min(end);
        (first..end, (first * self.stride + shift).saturating_sub(self.before))
    }
}

/// The sizes of a convolution, by name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Convolution {
    pub(super) channels: usize,
    pub(super) units: usize,
    pub(super) groups: usize,
    pub(super) vertical: Slide,
    pub(super) horizontal: Slide,
}

impl Convolution {
    #[inline(always)]
    pub(super) fn new(sizes: ConvolutionSizes) -> Self {
        let [
            channels,
            height,
            width,
            units,
            out_height,
            out_width,
            kernel_height,
            kernel_width,
            down,
            right,
            above,
            left,
            dilation_down,
            dilation_right,
            groups,
        ] = sizes;
        let vertical = Slide {
            input: height,
            output: out_height,
            kernel: kernel_height,
            stride: down,
            before: above,
            dilation: dilation_down,
        };
        let horizontal = Slide {
            input: width,
            output: out_width,
            kernel: kernel_width,
            stride: right,
            before: left,
            dilation: dilation_right,
        };
        Self { channels, units, groups, vertical, horizontal }
    }

    /// Elements of the image.
    pub(super) fn image(&self) -> usize {
        self.channels * self.vertical.input * self.horizontal.input
    }

    /// Places of the window.
    pub(super) fn places(&self) -> usize {
        self.vertical.output * self.horizontal.output
    }

    /// Elements that the window takes in, in all channels of a group.
    pub(super) fn taps(&self) -> usize {
        self.channels / self.groups * self.vertical.kernel * self.horizontal.kernel
    }

    /// Elements of the window in one channel.
    fn window(&self) -> usize {
        self.vertical.kernel * self.horizontal.kernel
    }

    /// Multiplications and additions of one example.
    fn flops(&self) -> usize {
        2 * self.units * self.taps() * self.places()
    }

    /// Whether the window takes in the image as it is.
    fn is_plain(&self) -> bool {
        [self.vertical, self.horizontal].iter().all(|slide| {
            slide.kernel == 1 && slide.stride == 1 && slide.input == slide.output && slide.before == 0
        })
    }

    /// The convolution by the turned window that takes the adjoint of the result to the adjoint of the image, if the
    /// window moves by one.
    fn turned(&self) -> Option<Self> {
        let turn = |slide: &Slide| {
            let before = ((slide.kernel - 1) * slide.dilation).checked_sub(slide.before)?;
            let (input, output) = (slide.output, slide.input);
            (slide.stride == 1).then_some(Slide { input, output, before, ..*slide })
        };
        let (vertical, horizontal) = (turn(&self.vertical)?, turn(&self.horizontal)?);
        Some(Self { channels: self.units, units: self.channels, vertical, horizontal, ..*self })
    }

    /// Visits each product: the element of the result, of the image, of the weight.
    #[inline(always)]
    fn each_product(&self, mut product: impl FnMut(usize, usize, usize)) {
        let Self { channels, units, groups, vertical: v, horizontal: h } = *self;
        let (per_group, area) = (channels / groups, v.input * h.input);
        for unit in 0..units {
            let image = unit / (units / groups) * per_group;
            for y in 0..v.output {
                for x in 0..h.output {
                    let place = (unit * v.output + y) * h.output + x;
                    for channel in 0..per_group {
                        for i in 0..v.kernel {
                            let Some(row) = v.at(y, i) else { continue };
                            for j in 0..h.kernel {
                                let Some(column) = h.at(x, j) else { continue };
                                let pixel = (image + channel) * area + row * h.input + column;
                                let tap = ((unit * per_group + channel) * v.kernel + i) * h.kernel + j;
                                product(place, pixel, tap);
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The row of an example in a tile buffer of `n` elements; what all examples share is a slice that is no tile.
///
/// # Panics
///
/// If the slice is too short.
#[inline(always)]
pub(super) fn example<T: Real>(x: &[T], rows: usize, n: usize, r: usize) -> &[T] {
    let from = if x.len() < tile_len::<T>(rows, n) { 0 } else { r * stride::<T>(n) };
    &x[from..][..n]
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Sizes of convolutions of every kind: strides, paddings, dilations, groups, depthwise, 1x1, larger than a block.
    pub(in super::super) const CASES: [ConvolutionSizes; 14] = [
        [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1],
        [1, 5, 6, 1, 3, 4, 3, 3, 1, 1, 0, 0, 1, 1, 1],
        [3, 7, 9, 5, 7, 9, 3, 3, 1, 1, 1, 1, 1, 1, 1],
        [2, 8, 8, 4, 4, 4, 3, 3, 2, 2, 1, 1, 1, 1, 2],
        [4, 9, 7, 4, 5, 4, 3, 3, 2, 2, 1, 1, 1, 1, 4],
        [4, 6, 6, 8, 6, 6, 1, 1, 1, 1, 0, 0, 1, 1, 1],
        [4, 6, 6, 8, 3, 2, 1, 1, 2, 3, 0, 0, 1, 1, 2],
        [2, 11, 5, 3, 7, 5, 3, 3, 1, 1, 0, 2, 2, 2, 1],
        [3, 20, 23, 6, 16, 19, 5, 5, 1, 1, 0, 0, 1, 1, 1],
        [6, 14, 14, 16, 10, 10, 5, 5, 1, 1, 0, 0, 1, 1, 1],
        [40, 5, 5, 24, 5, 5, 3, 3, 1, 1, 1, 1, 1, 1, 1],
        [70, 4, 4, 3, 4, 4, 4, 4, 1, 1, 1, 1, 1, 1, 1],
        // A window larger than the image, mostly on padding.
        [1, 2, 3, 2, 3, 2, 4, 6, 1, 1, 2, 2, 1, 1, 1],
        [2, 3, 40, 2, 1, 13, 3, 2, 1, 3, 0, 0, 1, 2, 1],
    ];

    #[test]
    fn elements_are_inside_where_they_lie_on_the_axis() {
        for sizes in CASES {
            let Convolution { vertical, horizontal, .. } = Convolution::new(sizes);
            for slide in [vertical, horizontal] {
                for tap in 0..slide.kernel {
                    let (places, first) = slide.inside(tap);
                    for place in 0..slide.output {
                        assert_eq!(
                            slide.at(place, tap).is_some(),
                            places.contains(&place),
                            "{slide:?} {tap}"
                        );
                    }
                    if !places.is_empty() {
                        assert_eq!(slide.at(places.start, tap), Some(first));
                    }
                }
            }
        }
    }
}
