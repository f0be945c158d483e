//! Poolings of a tile of images: the largest element or the mean of each window, and what goes back.

use core::ops::Range;

use super::super::{Real, stride};
use super::{Slide, example, planes};

/// The sizes of a pooling of largest elements: channels; height and width of the image, then of the result; then for
/// both axes the window, the strides, the padding before, the dilations.
pub type MaxPoolSizes = [usize; 13];

/// The sizes of a pooling of means: as [`MaxPoolSizes`] up to the padding before; the padding after, and 1 if padding
/// counts.
pub type AvgPoolSizes = [usize; 14];

/// The adjoint of [`max_pool_at`] of one image: what a place receives goes to the largest element of its window, the first of equal
/// ones. `x`, `d` and `out` are tile buffers.
///
/// # Panics
///
/// If a slice is too short.
pub fn max_pool_input<T: Real>(rows: usize, sizes: MaxPoolSizes, x: &[T], d: &[T], out: &mut [T]) {
    let pool = Pool::largest(sizes);
    let stride = stride::<T>(pool.image());
    for r in 0..rows {
        let (x, d) = (example(x, rows, pool.image(), r), example(d, rows, pool.result(), r));
        let out = &mut out[r * stride..][..pool.image()];
        if planes::fits::<T>(&pool) {
            T::largest_input(&pool, x, d, out);
            continue;
        }
        out.fill(T::ZERO);
        pool.each_largest(
            #[inline(always)]
            |pixel| x[pixel],
            #[inline(always)]
            |a, b| a > b || a.is_nan(),
            #[inline(always)]
            |place, pixel| out[pixel] += d[place],
        );
    }
}

/// The element of `v` where that of `x` is the largest of its window, with NaN larger than anything; of one image, the
/// pooling itself. `x`, `v` and `out` are tile buffers.
///
/// # Panics
///
/// If a slice is too short.
pub fn max_pool_at<T: Real>(rows: usize, sizes: MaxPoolSizes, x: &[T], v: &[T], out: &mut [T]) {
    let pool = Pool::largest(sizes);
    let stride = stride::<T>(pool.result());
    let is_pooling = core::ptr::eq(x, v);
    for r in 0..rows {
        let (x, v) = (example(x, rows, pool.image(), r), example(v, rows, pool.image(), r));
        let out = &mut out[r * stride..][..pool.result()];
        if is_pooling {
            // Which pixel is the largest does not matter.
            if planes::fits::<T>(&pool) {
                T::largest(&pool, x, out);
                continue;
            }
            out.fill(-T::INFINITY);
            pool.each_run(
                #[inline(always)]
                |places, from, step| {
                    for (y, x) in out[places].iter_mut().zip(x[from..].iter().step_by(step)) {
                        *y = if *x > *y || x.is_nan() { *x } else { *y };
                    }
                },
            );
            continue;
        }
        pool.each_largest(
            #[inline(always)]
            |pixel| x[pixel],
            #[inline(always)]
            |a, b| a > b || a.is_nan(),
            #[inline(always)]
            |place, pixel| out[place] = v[pixel],
        );
    }
}

/// The mean of each window. `x` and `out` are tile buffers of images.
///
/// # Panics
///
/// If a slice is too short.
pub fn avg_pool2d<T: Real>(rows: usize, sizes: AvgPoolSizes, x: &[T], out: &mut [T]) {
    let (pool, counted) = Pool::mean(sizes);
    let stride = stride::<T>(pool.result());
    for r in 0..rows {
        let (x, out) = (example(x, rows, pool.image(), r), &mut out[r * stride..][..pool.result()]);
        out.fill(T::ZERO);
        pool.each_run(
            #[inline(always)]
            |places, from, step| {
                for (y, x) in out[places].iter_mut().zip(x[from..].iter().step_by(step)) {
                    *y += *x;
                }
            },
        );
        pool.each_place(
            #[inline(always)]
            |place, y, x| out[place] /= counted.of::<T>(&pool, y, x),
        );
    }
}

/// The adjoint of [`avg_pool2d`]: what a place receives is shared by its window. `d` and `out` are tile buffers.
///
/// # Panics
///
/// If a slice is too short.
pub fn avg_pool_input<T: Real>(rows: usize, sizes: AvgPoolSizes, d: &[T], out: &mut [T]) {
    let (pool, counted) = Pool::mean(sizes);
    let stride = stride::<T>(pool.image());
    for r in 0..rows {
        let (d, out) = (example(d, rows, pool.result(), r), &mut out[r * stride..][..pool.image()]);
        out.fill(T::ZERO);
        pool.each_place(
            #[inline(always)]
            |place, y, x| {
                let share = d[place] / counted.of::<T>(&pool, y, x);
                pool.each_pixel(
                    place,
                    #[inline(always)]
                    |pixel| out[pixel] += share,
                );
            },
        );
    }
}

/// Windows over each channel.
#[derive(Clone, Copy, Debug)]
pub struct Pool {
    pub(super) channels: usize,
    pub(super) vertical: Slide,
    pub(super) horizontal: Slide,
}

/// The elements that count in a mean, beyond the image: from the first one before it to the last one after it.
#[derive(Clone, Copy)]
pub(in super::super) struct Counted {
    vertical: [usize; 2],
    horizontal: [usize; 2],
}

impl Counted {
    /// How many elements the window takes in at a place.
    #[inline(always)]
    pub(in super::super) fn of<T: Real>(&self, pool: &Pool, y: usize, x: usize) -> T {
        let along = |slide: &Slide, [least, most]: [usize; 2], place: usize| {
            (place * slide.stride + slide.kernel).min(most) - (place * slide.stride).max(least)
        };
        let count = along(&pool.vertical, self.vertical, y) * along(&pool.horizontal, self.horizontal, x);
        T::from_f64(count as f64)
    }
}

/// The pixels of a window, by rows.
#[derive(Clone)]
pub(in super::super) struct Window {
    next: usize,
    /// Pixels left in this row, and rows left with it.
    left: usize,
    rows: usize,
    columns: usize,
    right: usize,
    down: usize,
}

impl Window {
    /// The pixels, if they are so many rows by columns.
    #[inline(always)]
    pub(in super::super) fn all<const R: usize, const C: usize>(&self) -> Option<[[usize; C]; R]> {
        let pixels = core::array::from_fn(
            #[inline(always)]
            |i| {
                core::array::from_fn(
                    #[inline(always)]
                    |j| self.next + i * self.down + j * self.right,
                )
            },
        );
        (self.rows == R && self.columns == C).then_some(pixels)
    }
}

impl Iterator for Window {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        if self.left == 0 {
            self.rows = self.rows.saturating_sub(1);
            if self.rows == 0 {
                return None;
            }
            self.next = self.next + self.down - self.columns * self.right;
            self.left = self.columns;
        }
        let pixel = self.next;
        self.next += self.right;
        self.left -= 1;
        Some(pixel)
    }
}

impl Pool {
    #[inline(always)]
    pub(in super::super) fn largest(sizes: MaxPoolSizes) -> Self {
        let [channels, height, width, out_height, out_width, rest @ ..] = sizes;
        let [kernel_height, kernel_width, down, right, above, left, dilation_down, dilation_right] = rest;
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
        Self { channels, vertical, horizontal }
    }

    #[inline(always)]
    pub(in super::super) fn mean(sizes: AvgPoolSizes) -> (Self, Counted) {
        let [
            channels,
            height,
            width,
            out_height,
            out_width,
            kernel_height,
            kernel_width,
            down,
            right,
            rest @ ..,
        ] = sizes;
        let [above, left, below, after, with_padding] = rest;
        let windows = [kernel_height, kernel_width, down, right, above, left, 1, 1];
        let [a, b, c, d, e, f, g, h] = windows;
        let pool = Self::largest([channels, height, width, out_height, out_width, a, b, c, d, e, f, g, h]);
        let range = |slide: &Slide, after: usize| match with_padding {
            0 => [slide.before, slide.before + slide.input],
            _ => [0, slide.before + slide.input + after],
        };
        let counted =
            Counted { vertical: range(&pool.vertical, below), horizontal: range(&pool.horizontal, after) };
        (pool, counted)
    }

    pub(in super::super) fn image(&self) -> usize {
        self.channels * self.vertical.input * self.horizontal.input
    }

    pub(in super::super) fn result(&self) -> usize {
        self.channels * self.vertical.output * self.horizontal.output
    }

    /// Visits, element by element of the window, the runs of places on a row and what they take in: the first pixel, and
    /// the distance of pixels.
    #[inline(always)]
    fn each_run(&self, mut visit: impl FnMut(Range<usize>, usize, usize)) {
        let (v, h) = (self.vertical, self.horizontal);
        for channel in 0..self.channels {
            for y in 0..v.output {
                let first = (channel * v.output + y) * h.output;
                for i in 0..v.kernel {
                    let Some(line) = v.at(y, i) else { continue };
                    for j in 0..h.kernel {
                        let (places, column) = h.inside(j);
                        if !places.is_empty() {
                            let pixel = (channel * v.input + line) * h.input + column;
                            visit(first + places.start..first + places.end, pixel, h.stride);
                        }
                    }
                }
            }
        }
    }

    /// Visits each place, with its row and column.
    #[inline(always)]
    pub(in super::super) fn each_place(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let (v, h) = (self.vertical, self.horizontal);
        for line in 0..self.channels * v.output {
            for x in 0..h.output {
                visit(line * h.output + x, line % v.output, x);
            }
        }
    }

    /// Visits the pixels of a place.
    #[inline(always)]
    pub(in super::super) fn each_pixel(&self, place: usize, mut visit: impl FnMut(usize)) {
        let (v, h) = (self.vertical, self.horizontal);
        let (line, x) = (place / h.output, place % h.output);
        let (channel, y) = (line / v.output, line % v.output);
        for i in 0..v.kernel {
            let Some(line) = v.at(y, i) else { continue };
            for j in 0..h.kernel {
                let Some(column) = h.at(x, j) else { continue };
                visit((channel * v.input + line) * h.input + column);
            }
        }
    }

    /// Visits each place with the pixels of its window, by rows.
    #[inline(always)]
    pub(in super::super) fn each_window(&self, mut visit: impl FnMut(usize, Window)) {
        let (v, h) = (self.vertical, self.horizontal);
        let whole = h.inside(0).0.start..h.inside(h.kernel - 1).0.end;
        for line in 0..self.channels * v.output {
            let (channel, y) = (line / v.output, line % v.output);
            let rows = v.taps(y);
            for x in 0..h.output {
                let columns = if whole.contains(&x) { 0..h.kernel } else { h.taps(x) };
                let pixel = |i: usize, j: usize| {
                    let row = channel * v.input + y * v.stride + i * v.dilation - v.before;
                    row * h.input + x * h.stride + j * h.dilation - h.before
                };
                let window = Window {
                    next: pixel(rows.start, columns.start),
                    left: columns.len(),
                    rows: rows.len(),
                    columns: columns.len(),
                    right: h.dilation,
                    down: v.dilation * h.input,
                };
                visit(line * h.output + x, window);
            }
        }
    }

    /// Whether no pixel lies in two windows.
    pub(in super::super) fn windows_are_apart(&self) -> bool {
        [self.vertical, self.horizontal].iter().all(|s| s.dilation == 1 && s.kernel <= s.stride)
    }

    /// Whether windows that lie side by side reach every pixel.
    pub(in super::super) fn windows_cover(&self) -> bool {
        [self.vertical, self.horizontal]
            .iter()
            .all(|s| s.kernel == s.stride && s.output * s.stride >= s.input + s.before)
    }

    /// The pixel that is the largest of a place's window: see [`Self::each_largest`].
    pub(super) fn largest_at<T: Real>(&self, place: usize, x: &[T]) -> Option<usize> {
        let mut largest: Option<usize> = None;
        self.each_pixel(place, |pixel| {
            if largest.is_none_or(|best| x[pixel] > x[best] || x[pixel].is_nan()) {
                largest = Some(pixel);
            }
        });
        largest
    }

    /// Visits each place with the pixel that is the largest of its window: the first that no later one is above.
    #[inline(always)]
    fn each_largest<V: Copy>(
        &self,
        value: impl Fn(usize) -> V,
        is_above: impl Fn(V, V) -> bool,
        mut visit: impl FnMut(usize, usize),
    ) {
        for place in 0..self.result() {
            let mut largest: Option<(usize, V)> = None;
            self.each_pixel(
                place,
                #[inline(always)]
                |pixel| {
                    let value = value(pixel);
                    if largest.is_none_or(|(_, best)| is_above(value, best)) {
                        largest = Some((pixel, value));
                    }
                },
            );
            if let Some((pixel, _)) = largest {
                visit(place, pixel);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::super::super::testing::{Numbers, assert_close, at_every_level, elements, nan_tile};
    use super::*;

    const CASES: [AvgPoolSizes; 12] = [
        // Wider than registers, at strides of one to three, with padding and ragged ends.
        [3, 19, 37, 19, 37, 3, 3, 1, 1, 1, 1, 1, 1, 1],
        [2, 40, 45, 20, 22, 3, 3, 2, 2, 0, 0, 1, 1, 0],
        [2, 23, 70, 12, 35, 3, 2, 2, 2, 1, 0, 0, 0, 1],
        [2, 9, 101, 3, 34, 3, 5, 3, 3, 0, 2, 0, 2, 1],
        // No room for a plane.
        [1, 150, 180, 150, 90, 3, 3, 1, 2, 1, 1, 1, 0, 1],
        [1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1],
        [3, 4, 6, 2, 3, 2, 2, 2, 2, 0, 0, 0, 0, 1],
        [2, 5, 7, 3, 4, 3, 3, 2, 2, 1, 1, 1, 1, 1],
        [2, 5, 7, 3, 4, 3, 3, 2, 2, 1, 1, 1, 1, 0],
        [1, 8, 9, 6, 7, 3, 3, 1, 1, 0, 0, 0, 0, 0],
        // The last windows reach over the end.
        [4, 5, 6, 3, 2, 2, 3, 2, 4, 0, 0, 0, 0, 1],
        [2, 7, 4, 3, 3, 4, 2, 3, 2, 1, 1, 1, 0, 1],
    ];

    fn check<T: Real>(rows: usize, sizes: AvgPoolSizes) {
        let (pool, counted) = Pool::mean(sizes);
        let (image, result) = (pool.image(), pool.result());
        let mut numbers = Numbers((rows + image) as u64);
        let (mut x, d) = (numbers.tile::<T>(rows, image), numbers.tile::<T>(rows, result));
        // Ties, of which the first counts.
        for x in &mut x {
            *x = T::from_f64((x.to_f64() * 3.0).round());
        }
        let what = (core::any::type_name::<T>(), rows, sizes);
        let (flat_x, flat_d): (Vec<f64>, Vec<f64>) = (
            elements(&x, rows, image).iter().map(|x| x.to_f64()).collect(),
            elements(&d, rows, result).iter().map(|d| d.to_f64()).collect(),
        );
        let mut largest = std::vec![0.0; rows * result];
        let mut means = std::vec![0.0; rows * result];
        let (mut to_largest, mut to_all) = (std::vec![0.0; rows * image], std::vec![0.0; rows * image]);
        for r in 0..rows {
            pool.each_place(|place, y, column| {
                let mut pixels = Vec::new();
                pool.each_pixel(place, |pixel| pixels.push(pixel));
                let of = |pixel: &usize| flat_x[r * image + pixel];
                let mut best = pixels[0];
                for pixel in &pixels {
                    best = if of(pixel) > of(&best) { *pixel } else { best };
                }
                let count: f64 = counted.of::<f64>(&pool, y, column);
                largest[r * result + place] = of(&best);
                to_largest[r * image + best] += flat_d[r * result + place];
                for pixel in &pixels {
                    means[r * result + place] += of(pixel) / count;
                    to_all[r * image + pixel] += flat_d[r * result + place] / count;
                }
            });
        }
        let first_largest: MaxPoolSizes = {
            let [c, h, w, y, x, a, b, s, t, p, q, ..] = sizes;
            [c, h, w, y, x, a, b, s, t, p, q, 1, 1]
        };
        let mut out = nan_tile::<T>(rows, result);
        max_pool_at(rows, first_largest, &x, &x, &mut out);
        assert_close(&elements(&out, rows, result), &largest, 0.0, &what);
        max_pool_at(rows, first_largest, &x, &x.clone(), &mut out);
        assert_close(&elements(&out, rows, result), &largest, 0.0, &what);
        avg_pool2d(rows, sizes, &x, &mut out);
        assert_close(&elements(&out, rows, result), &means, 32.0, &what);
        let mut out = nan_tile::<T>(rows, image);
        max_pool_input(rows, first_largest, &x, &d, &mut out);
        assert_close(&elements(&out, rows, image), &to_largest, 32.0, &what);
        avg_pool_input(rows, sizes, &d, &mut out);
        assert_close(&elements(&out, rows, image), &to_all, 32.0, &what);
    }

    #[test]
    fn poolings_and_their_adjoints() {
        at_every_level(|_| {
            for sizes in CASES {
                for rows in [1, 3] {
                    check::<f32>(rows, sizes);
                    check::<f64>(rows, sizes);
                }
            }
        });
    }

    #[test]
    fn infinite_and_undefined_pixels_among_others() {
        at_every_level(|_| {
            let sizes = [1, 20, 40, 20, 40, 3, 3, 1, 1, 1, 1, 1, 1];
            let pool = Pool::largest(sizes);
            let mut numbers = Numbers(3);
            let (mut x, d) = (numbers.flat::<f32>(800), numbers.flat::<f32>(800));
            x[..130].fill(f32::NEG_INFINITY);
            x[700..720].fill(f32::INFINITY);
            (x[333], x[334], x[375]) = (f32::NAN, f32::NAN, f32::NAN);
            let (mut y, mut to) = (std::vec![0.0; 800], std::vec![0.0; 800]);
            max_pool_at(1, sizes, &x, &x, &mut y);
            max_pool_input(1, sizes, &x, &d, &mut to);
            let mut want = std::vec![0.0_f64; 800];
            for place in 0..800 {
                let pixel = pool.largest_at(place, &x).unwrap();
                assert!(y[place] == x[pixel] || y[place].is_nan() && x[pixel].is_nan(), "{place}");
                want[pixel] += f64::from(d[place]);
            }
            assert_close(&to, &want, 32.0, &sizes);
        });
    }

    #[test]
    fn nan_is_largest() {
        let sizes = [1, 1, 4, 1, 2, 1, 2, 1, 2, 0, 0, 1, 1];
        let mut out = [0.0_f64; 2];
        let x = [1.0, f64::NAN, -f64::INFINITY, -f64::INFINITY];
        max_pool_at(1, sizes, &x, &x, &mut out);
        assert!(out[0].is_nan() && out[1] == -f64::INFINITY);
        let mut to = [0.0; 4];
        max_pool_input(1, sizes, &x, &[2.0, 3.0], &mut to);
        assert_eq!(to, [0.0, 2.0, 3.0, 0.0]);
    }
}
