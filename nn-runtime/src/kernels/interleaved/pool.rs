//! Poolings of blocks of images: an image in each lane, the window in a loop.

use fearless_simd::Simd;

use super::super::windows::Pool;
use super::super::{LaneValue, Lanes, Real, eq, gt, lt, ne, select};
use super::{AvgPoolSizes, MaxPoolSizes, block_stride, blocks};

/// As [`max_pool_at`](super::super::max_pool_at()), of blocks.
///
/// # Panics
///
/// If a slice is too short.
pub fn max_pool_at<T: Real>(rows: usize, sizes: MaxPoolSizes, x: &[T], v: &[T], out: &mut [T]) {
    T::pool_blocks(Pooling::At { rows, sizes, x, v, out });
}

/// As [`max_pool_input`](super::super::max_pool_input()), of blocks. Where a `gate` is given that is not positive, the
/// result is 0.
///
/// # Panics
///
/// If a slice is too short.
pub fn max_pool_input<T: Real>(
    rows: usize,
    sizes: MaxPoolSizes,
    x: &[T],
    d: &[T],
    gate: Option<&[T]>,
    out: &mut [T],
) {
    T::pool_blocks(Pooling::Input { rows, sizes, x, d, gate, out });
}

/// As [`avg_pool2d`](super::super::avg_pool2d()), of blocks.
///
/// # Panics
///
/// If a slice is too short.
pub fn avg_pool2d<T: Real>(rows: usize, sizes: AvgPoolSizes, x: &[T], out: &mut [T]) {
    T::pool_blocks(Pooling::Mean { rows, sizes, x, out });
}

/// As [`avg_pool_input`](super::super::avg_pool_input()), of blocks.
///
/// # Panics
///
/// If a slice is too short.
pub fn avg_pool_input<T: Real>(rows: usize, sizes: AvgPoolSizes, d: &[T], out: &mut [T]) {
    T::pool_blocks(Pooling::MeanInput { rows, sizes, d, out });
}

/// One of the poolings.
#[derive(Debug)]
#[allow(missing_docs, reason = "the fields are the arguments of the functions above")]
pub enum Pooling<'a, T> {
    /// [`max_pool_at`].
    At { rows: usize, sizes: MaxPoolSizes, x: &'a [T], v: &'a [T], out: &'a mut [T] },
    /// [`max_pool_input`].
    Input {
        rows: usize,
        sizes: MaxPoolSizes,
        x: &'a [T],
        d: &'a [T],
        gate: Option<&'a [T]>,
        out: &'a mut [T],
    },
    /// [`avg_pool2d`].
    Mean { rows: usize, sizes: AvgPoolSizes, x: &'a [T], out: &'a mut [T] },
    /// [`avg_pool_input`].
    MeanInput { rows: usize, sizes: AvgPoolSizes, d: &'a [T], out: &'a mut [T] },
}

/// Block `block` of a tensor of `n` elements.
#[inline(always)]
fn of<T: Real>(x: &[T], n: usize, block: usize) -> &[T] {
    &x[block * block_stride::<T>(n)..][..n * T::LANES]
}

#[inline(always)]
fn of_mut<T: Real>(x: &mut [T], n: usize, block: usize) -> &mut [T] {
    &mut x[block * block_stride::<T>(n)..][..n * T::LANES]
}

#[inline(always)]
fn line<S: Simd, T: Real>(s: S, x: &[T], at: usize) -> Lanes<S, T> {
    Lanes::load(s, &x[at * T::LANES..])
}

/// The largest of some pixels.
#[inline(always)]
fn largest<S: Simd, T: Real>(s: S, x: &[T], pixels: impl Iterator<Item = usize>) -> Lanes<S, T> {
    let mut best = Lanes::splat(s, -T::INFINITY);
    for pixel in pixels {
        let candidate = line(s, x, pixel);
        best = select(gt(candidate, best) | ne(candidate, candidate), candidate, best);
    }
    best
}

/// Writes `d` where the largest of four pixels is and the gate is open, and zeros to the others.
#[inline(always)]
fn give_back<S: Simd, T: Real>(
    s: S,
    (x, gate): (&[T], Option<&[T]>),
    d: Lanes<S, T>,
    pixels: [[usize; 2]; 2],
    out: &mut [T],
) {
    let [[a, b], [c, e]] = pixels;
    let pixels = [a, b, c, e];
    // Whether each is above those before it.
    let mut best = line(s, x, pixels[0]);
    let mut above = [gt(best, best); 4];
    for n in 1..4 {
        let candidate = line(s, x, pixels[n]);
        above[n] = gt(candidate, best) | ne(candidate, candidate);
        best = select(above[n], candidate, best);
    }
    let mut left = d;
    for n in (0..4).rev() {
        let mut given = left;
        if n > 0 {
            given = select(above[n], left, T::ZERO);
            left = select(above[n], T::ZERO, left);
        }
        if let Some(gate) = gate {
            given = select(gt(line(s, gate, pixels[n]), T::ZERO), given, T::ZERO);
        }
        given.store(&mut out[pixels[n] * T::LANES..]);
    }
}

#[inline(always)]
pub(in super::super) fn pool<S: Simd, T: Real>(s: S, pooling: Pooling<'_, T>) {
    match pooling {
        Pooling::At { rows, sizes, x, v, out } => {
            let pool = Pool::largest(sizes);
            let is_pooling = core::ptr::eq(x, v);
            for block in 0..blocks::<T>(rows) {
                let (x, v) = (of(x, pool.image(), block), of(v, pool.image(), block));
                let out = of_mut(out, pool.result(), block);
                pool.each_window(
                    #[inline(always)]
                    |place, pixels| {
                        if is_pooling {
                            let largest = match (pixels.all::<2, 2>(), pixels.all::<3, 3>()) {
                                (Some(pixels), _) => largest(s, x, pixels.as_flattened().iter().copied()),
                                (_, Some(pixels)) => largest(s, x, pixels.as_flattened().iter().copied()),
                                _ => largest(s, x, pixels),
                            };
                            return largest.store(&mut out[place * T::LANES..]);
                        }
                        let (mut best, mut value) =
                            (Lanes::splat(s, -T::INFINITY), Lanes::splat(s, -T::INFINITY));
                        for (n, pixel) in pixels.enumerate() {
                            let candidate = line(s, x, pixel);
                            // NaN is above everything, and the first one above nothing.
                            let is_above = gt(candidate, best) | ne(candidate, candidate);
                            best = select(is_above, candidate, best);
                            let other = line(s, v, pixel);
                            value = if n == 0 { other } else { select(is_above, other, value) };
                        }
                        value.store(&mut out[place * T::LANES..]);
                    },
                );
            }
        }
        Pooling::Input { rows, sizes, x, d, gate, out } => {
            let pool = Pool::largest(sizes);
            let meet_once = pool.windows_are_apart();
            for block in 0..blocks::<T>(rows) {
                let (x, d) = (of(x, pool.image(), block), of(d, pool.result(), block));
                let gate = gate.map(|gate| of(gate, pool.image(), block));
                let out = of_mut(out, pool.image(), block);
                // Windows that lie side by side write every pixel.
                if !(meet_once && pool.windows_cover()) {
                    out.fill(T::ZERO);
                }
                pool.each_window(
                    #[inline(always)]
                    |place, pixels| {
                        if meet_once && let Some(pixels) = pixels.all::<2, 2>() {
                            let of_place = line(s, d, place);
                            return give_back(s, (x, gate), of_place, pixels, out);
                        }
                        let (mut best, mut at) = (Lanes::splat(s, -T::INFINITY), Lanes::splat(s, -T::ONE));
                        let mut number = T::ZERO;
                        for pixel in pixels.clone() {
                            let candidate = line(s, x, pixel);
                            let is_above = gt(candidate, best) | ne(candidate, candidate) | lt(at, T::ZERO);
                            best = select(is_above, candidate, best);
                            at = select(is_above, Lanes::splat(s, number), at);
                            number += T::ONE;
                        }
                        let d = line(s, d, place);
                        let mut number = T::ZERO;
                        for pixel in pixels {
                            let mut given = select(eq(at, number), d, T::ZERO);
                            if let Some(gate) = gate {
                                given = select(gt(line(s, gate, pixel), T::ZERO), given, T::ZERO);
                            }
                            if !meet_once {
                                given = line(s, out, pixel) + given;
                            }
                            given.store(&mut out[pixel * T::LANES..]);
                            number += T::ONE;
                        }
                    },
                );
            }
        }
        Pooling::Mean { rows, sizes, x, out } => {
            let (pool, counted) = Pool::mean(sizes);
            for block in 0..blocks::<T>(rows) {
                let (x, out) = (of(x, pool.image(), block), of_mut(out, pool.result(), block));
                pool.each_place(
                    #[inline(always)]
                    |place, row, column| {
                        let mut sum = Lanes::zero(s);
                        pool.each_pixel(
                            place,
                            #[inline(always)]
                            |pixel| sum += line(s, x, pixel),
                        );
                        let mean = (sum / counted.of::<T>(&pool, row, column)).value(s);
                        mean.store(&mut out[place * T::LANES..]);
                    },
                );
            }
        }
        Pooling::MeanInput { rows, sizes, d, out } => {
            let (pool, counted) = Pool::mean(sizes);
            for block in 0..blocks::<T>(rows) {
                let (d, out) = (of(d, pool.result(), block), of_mut(out, pool.image(), block));
                out.fill(T::ZERO);
                pool.each_place(
                    #[inline(always)]
                    |place, row, column| {
                        let share = (line(s, d, place) / counted.of::<T>(&pool, row, column)).value(s);
                        pool.each_pixel(
                            place,
                            #[inline(always)]
                            |pixel| (line(s, out, pixel) + share).store(&mut out[pixel * T::LANES..]),
                        );
                    },
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{Numbers, assert_close, at_every_level, elements, nan_tile};
    use super::super::super::{self as kernels};
    use super::super::tests::{elements_of, interleaved, nan_blocks};
    use super::*;

    const CASES: [AvgPoolSizes; 7] = [
        [1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1],
        [3, 4, 6, 2, 3, 2, 2, 2, 2, 0, 0, 0, 0, 1],
        [3, 5, 7, 2, 3, 2, 2, 2, 2, 0, 0, 0, 0, 1],
        [2, 5, 7, 3, 4, 3, 3, 2, 2, 1, 1, 1, 1, 0],
        [1, 8, 9, 6, 7, 3, 3, 1, 1, 0, 0, 0, 0, 0],
        // The last windows reach over the end.
        [4, 5, 6, 3, 2, 2, 3, 2, 4, 0, 0, 0, 0, 1],
        [2, 7, 4, 3, 3, 4, 2, 3, 2, 1, 1, 1, 0, 1],
    ];

    /// Against the kernels of rows, which are tested against plain loops.
    fn check<T: Real>(rows: usize, sizes: AvgPoolSizes) {
        let largest: MaxPoolSizes = {
            let [c, h, w, y, x, a, b, s, t, p, q, ..] = sizes;
            [c, h, w, y, x, a, b, s, t, p, q, 1, 1]
        };
        let pool = Pool::largest(largest);
        let (image, result) = (pool.image(), pool.result());
        let mut numbers = Numbers((rows + image) as u64);
        let (mut x, d) = (numbers.tile::<T>(rows, image), numbers.tile::<T>(rows, result));
        // Ties, of which the first counts; a NaN, which is the largest; and what is below everything.
        for x in &mut x {
            *x = T::from_f64((x.to_f64() * 3.0).round());
        }
        x[0] = T::NAN;
        x[image / 2] = -T::INFINITY;
        let v = numbers.tile::<T>(rows, image);
        let (bx, bv, bd) =
            (interleaved(rows, image, &x), interleaved(rows, image, &v), interleaved(rows, result, &d));
        let what = (core::any::type_name::<T>(), rows, sizes);
        let same = |n: usize, bound: f64, want: &[T], got: &[T]| {
            let want: std::vec::Vec<f64> = elements(want, rows, n).iter().map(|x| x.to_f64()).collect();
            assert_close(&elements_of(got, rows, n), &want, bound, &what);
        };
        let (mut want, mut got) = (nan_tile::<T>(rows, result), nan_blocks::<T>(rows, result));
        kernels::max_pool_at(rows, largest, &x, &v, &mut want);
        max_pool_at(rows, largest, &bx, &bv, &mut got);
        same(result, 0.0, &want, &got);
        kernels::avg_pool2d(rows, sizes, &v, &mut want);
        avg_pool2d(rows, sizes, &bv, &mut got);
        same(result, 32.0, &want, &got);

        let (mut want, mut got) = (nan_tile::<T>(rows, image), nan_blocks::<T>(rows, image));
        kernels::max_pool_input(rows, largest, &x, &d, &mut want);
        max_pool_input(rows, largest, &bx, &bd, None, &mut got);
        same(image, 32.0, &want, &got);
        max_pool_input(rows, largest, &bx, &bd, Some(&bv), &mut got);
        for (want, v) in want.iter_mut().zip(&v) {
            *want = if *v > T::ZERO { *want } else { T::ZERO };
        }
        same(image, 32.0, &want, &got);
        kernels::avg_pool_input(rows, sizes, &d, &mut want);
        avg_pool_input(rows, sizes, &bd, &mut got);
        same(image, 32.0, &want, &got);
    }

    #[test]
    fn images_across_the_lanes_agree_with_images_by_rows() {
        at_every_level(|_| {
            for sizes in CASES {
                for rows in [1, 18] {
                    check::<f32>(rows, sizes);
                    check::<f64>(rows, sizes);
                }
            }
        });
    }
}
