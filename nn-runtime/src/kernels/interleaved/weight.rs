//! The adjoint of a convolution's weight, summed over a tile: products of lines, one example in each lane, that are only
//! added up across the lanes when all examples and places are done.
//!
//! A few units by a few taps stay in registers while all places go by. Taps of one row of the window share their rows of
//! the image; at the ends of a row, taps that lie on padding are left out one by one.
#![allow(unsafe_code)]
#![allow(clippy::needless_range_loop, reason = "constant bounds, so that arrays become registers")]

use core::ops::Range;

use fearless_simd::{Simd, SimdFloat};

use super::super::windows::{Convolution, Slide};
use super::super::{Lanes, Real};
use super::convolve::{is_wide, load};
use super::{ConvolutionSizes, block_stride, each_block};

/// The adjoint of the weight, added over the examples of blocks: see
/// [`convolve_weight_sum`](super::super::convolve_weight_sum()). `sum` is shared.
///
/// # Panics
///
/// If a slice is too short.
pub fn convolve_weight_sum<T: Real>(rows: usize, sizes: ConvolutionSizes, x: &[T], d: &[T], sum: &mut [T]) {
    T::weight_sum(WeightSum { rows, conv: Convolution::new(sizes), x, d, sum });
}

/// What [`convolve_weight_sum`] is given.
#[derive(Debug)]
pub struct WeightSum<'a, T> {
    rows: usize,
    conv: Convolution,
    x: &'a [T],
    d: &'a [T],
    sum: &'a mut [T],
}

/// Taps of one row of the window, of some units.
struct Taps<const N: usize> {
    /// The first unit.
    unit: usize,
    /// The row of the window.
    row: usize,
    /// Channel of the image, and column of the window.
    at: [(usize, usize); N],
}

/// # Panics
///
/// If a slice is too short.
#[inline(always)]
pub(in super::super) fn weight_sum<S: Simd, T: Real>(s: S, mut task: WeightSum<'_, T>) {
    let conv = task.conv;
    let Some((last, _)) = each_block::<T>(task.rows).last() else { return };
    let image = conv.channels * conv.vertical.input * conv.horizontal.input;
    let len = |n: usize| last * block_stride::<T>(n) + n * T::LANES;
    // What the pointers below rely on.
    assert!(task.x.len() >= len(image), "the image is too short");
    assert!(task.d.len() >= len(conv.units * conv.places()), "the adjoint is too short");
    let (units, channels) = (conv.units / conv.groups, conv.channels / conv.groups);
    let columns = conv.horizontal.kernel;
    for group in 0..conv.groups {
        let mut unit = 0;
        while unit < units {
            let many = match units - unit {
                4.. if is_wide::<S, T>() => 4,
                2.. => 2,
                _ => 1,
            };
            for row in 0..conv.vertical.kernel {
                let mut tap = 0;
                while tap < channels * columns {
                    let at = |n: usize| (group * channels + (tap + n) / columns, (tap + n) % columns);
                    let unit = group * units + unit;
                    let left = channels * columns - tap;
                    let task = &mut task;
                    tap += match (many, left) {
                        (4, 5..) => task.add::<S, 4, 5>(s, unit, row, at),
                        (4, 3..) => task.add::<S, 4, 3>(s, unit, row, at),
                        (4, 2) => task.add::<S, 4, 2>(s, unit, row, at),
                        (4, _) => task.add::<S, 4, 1>(s, unit, row, at),
                        (2, 5..) if is_wide::<S, T>() => task.add::<S, 2, 5>(s, unit, row, at),
                        (2, 3..) => task.add::<S, 2, 3>(s, unit, row, at),
                        (2, _) => task.add::<S, 2, 1>(s, unit, row, at),
                        (_, 5..) => task.add::<S, 1, 5>(s, unit, row, at),
                        (_, 3..) => task.add::<S, 1, 3>(s, unit, row, at),
                        _ => task.add::<S, 1, 1>(s, unit, row, at),
                    };
                }
            }
            unit += many;
        }
    }
}

impl<T: Real> WeightSum<'_, T> {
    /// Adds the sums of `M` units by `N` taps, and says how many taps.
    #[inline(always)]
    fn add<S: Simd, const M: usize, const N: usize>(
        &mut self,
        s: S,
        unit: usize,
        row: usize,
        at: impl Fn(usize) -> (usize, usize),
    ) -> usize {
        let taps = Taps { unit, row, at: core::array::from_fn(at) };
        let mut sums = [[Lanes::<S, T>::zero(s); N]; M];
        self.add_ends(s, &taps, &mut sums);
        let whole = self.rows / T::LANES;
        self.add_whole::<S, M, N, false>(s, &taps, 0..whole, &mut sums);
        if !self.rows.is_multiple_of(T::LANES) {
            self.add_whole::<S, M, N, true>(s, &taps, whole..whole + 1, &mut sums);
        }
        let conv = &self.conv;
        let channels = conv.channels / conv.groups;
        for (m, sums) in sums.iter().enumerate() {
            for (sum, (channel, column)) in sums.iter().zip(taps.at) {
                let of_unit = (taps.unit + m) * channels + channel % channels;
                let at = (of_unit * conv.vertical.kernel + taps.row) * conv.horizontal.kernel + column;
                self.sum[at] += sum.sum();
            }
        }
        N
    }

    /// Adds the places all of whose taps lie on the image. In a `PARTIAL` block, what lies in lanes beyond the examples
    /// counts nothing.
    #[inline(always)]
    fn add_whole<S: Simd, const M: usize, const N: usize, const PARTIAL: bool>(
        &self,
        s: S,
        taps: &Taps<N>,
        blocks: Range<usize>,
        sums: &mut [[Lanes<S, T>; N]; M],
    ) {
        let Convolution { vertical: v, horizontal: h, .. } = &self.conv;
        let (area, places) = (v.input * h.input, self.conv.places());
        let (image, result) = (self.conv.channels * area, self.conv.units * places);
        let whole = whole(h, &taps.at);
        let (lines, first) = v.inside(taps.row);
        if whole.is_empty() || lines.is_empty() {
            return;
        }
        let count = self.rows % T::LANES;
        let step = h.stride * T::LANES;
        // Pixel and place of the first line.
        let column = |n: usize| whole.start * h.stride + taps.at[n].1 * h.dilation - h.before;
        let pixel = |n: usize| taps.at[n].0 * area + first * h.input + column(n);
        let place = |m: usize| (taps.unit + m) * places + lines.start * h.output + whole.start;
        let mut local = *sums;
        for block in blocks {
            for k in 0..lines.len() {
                let from = block * block_stride::<T>(image) + k * v.stride * h.input * T::LANES;
                let to = block * block_stride::<T>(result) + k * h.output * T::LANES;
                // SAFETY: the lengths were checked. The lines of this row of places, and of the pixels that its taps take
                // in, are within the blocks.
                unsafe {
                    let d: [*const T; M] = core::array::from_fn(
                        #[inline(always)]
                        |m| self.d.as_ptr().add(to + place(m) * T::LANES),
                    );
                    let x: [*const T; N] = core::array::from_fn(
                        #[inline(always)]
                        |n| self.x.as_ptr().add(from + pixel(n) * T::LANES),
                    );
                    for i in 0..whole.len() {
                        let mut lines = [Lanes::zero(s); M];
                        for m in 0..M {
                            lines[m] = load(s, d[m].add(i * T::LANES));
                            if PARTIAL {
                                lines[m] = lines[m].keep(count);
                            }
                        }
                        for n in 0..N {
                            let mut x = load(s, x[n].add(i * step));
                            if PARTIAL {
                                x = x.keep(count);
                            }
                            for m in 0..M {
                                local[m][n] = Lanes(x.0.mul_add(lines[m].0, local[m][n].0));
                            }
                        }
                    }
                }
            }
        }
        *sums = local;
    }

    /// Adds the places at the ends of rows, where some taps lie on padding.
    #[inline(always)]
    fn add_ends<S: Simd, const M: usize, const N: usize>(
        &self,
        s: S,
        taps: &Taps<N>,
        sums: &mut [[Lanes<S, T>; N]; M],
    ) {
        let Convolution { vertical: v, horizontal: h, .. } = &self.conv;
        let (area, places) = (v.input * h.input, self.conv.places());
        let (image, result) = (self.conv.channels * area, self.conv.units * places);
        let whole = whole(h, &taps.at);
        let (lines, first) = v.inside(taps.row);
        let line = |x: &[T], at: usize| Lanes::<S, T>::load(s, &x[at..]);
        for (block, count) in each_block::<T>(self.rows) {
            let (x, d) =
                (&self.x[block * block_stride::<T>(image)..], &self.d[block * block_stride::<T>(result)..]);
            for place in (0..whole.start).chain(whole.end..h.output) {
                for (n, (channel, column)) in taps.at.iter().enumerate() {
                    let Some(pixel) = h.at(place, *column) else { continue };
                    let mut local = [Lanes::<S, T>::zero(s); M];
                    for (k, row) in lines.clone().enumerate() {
                        let from = channel * area + (first + k * v.stride) * h.input + pixel;
                        let x = line(x, from * T::LANES).keep(count);
                        for m in 0..M {
                            let to = (taps.unit + m) * places + row * h.output + place;
                            local[m] = x * line(d, to * T::LANES).keep(count) + local[m];
                        }
                    }
                    for m in 0..M {
                        sums[m][n] += local[m];
                    }
                }
            }
        }
    }
}

/// The places of which all these taps lie within the image.
#[inline(always)]
fn whole<const N: usize>(slide: &Slide, taps: &[(usize, usize); N]) -> Range<usize> {
    let mut places = 0..slide.output;
    for (_, column) in taps {
        let (inside, _) = slide.inside(*column);
        places = places.start.max(inside.start)..places.end.min(inside.end);
    }
    if places.start < places.end { places } else { slide.output..slide.output }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::super::super::testing::{Numbers, assert_close, at_every_level};
    use super::super::super::windows::tests::CASES;
    use super::super::super::{self as kernels};
    use super::super::tests::interleaved;
    use super::*;

    /// Against the kernel of rows, which is tested against plain loops.
    fn check<T: Real>(rows: usize, sizes: ConvolutionSizes) {
        let conv = Convolution::new(sizes);
        let (image, result, weight) = (conv.image(), conv.units * conv.places(), conv.units * conv.taps());
        let mut numbers = Numbers((rows + image) as u64);
        let (x, d) = (numbers.tile::<T>(rows, image), numbers.tile::<T>(rows, result));
        let mut want = std::vec![T::ONE; weight];
        kernels::convolve_weight_sum(rows, sizes, &x, &d, &mut want);
        let want: Vec<f64> = want.iter().map(|w| w.to_f64()).collect();
        let (x, mut d) = (interleaved(rows, image, &x), interleaved(rows, result, &d));
        // Whatever stands in lanes beyond the examples does not count.
        for (block, count) in each_block::<T>(rows) {
            let block = &mut d[block * block_stride::<T>(result)..][..result * T::LANES];
            for line in block.chunks_mut(T::LANES) {
                line[count..].fill(T::NAN);
            }
        }
        let mut sum = std::vec![T::ONE; weight + 1];
        convolve_weight_sum(rows, sizes, &x, &d, &mut sum[..weight]);
        let what = (core::any::type_name::<T>(), rows, sizes);
        assert_close(&sum[..weight], &want, 32.0 + 4.0 * (rows * conv.places()) as f64, &what);
        assert_eq!(sum[weight], T::ONE);
    }

    #[test]
    fn images_across_the_lanes_agree_with_images_by_rows() {
        at_every_level(|_| {
            for sizes in CASES {
                for rows in [1, 16, 18] {
                    check::<f32>(rows, sizes);
                    check::<f64>(rows, sizes);
                }
            }
        });
    }
}
