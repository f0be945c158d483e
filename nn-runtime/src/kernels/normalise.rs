//! Rows with mean 0 and variance 1.

use fearless_simd::Simd;

use super::reduce::Line;
use super::{LaneExpr, Lanes, Real, stride};

/// `out[r][o][l] = (x[r][o][l] - mean) / sqrt(variance + epsilon)`, mean and variance being those of the row `x[r][o]`, for
/// `[outer, len]`.
///
/// `x` and `out` are tile buffers of `outer * len` elements, or with one row shared tensors; `epsilon` is one element.
///
/// # Panics
///
/// If a slice is too short.
pub fn normalise<T: Real>(rows: usize, dims: [usize; 2], x: &[T], epsilon: &[T], out: &mut [T]) {
    T::normalise_rows(rows, dims, x, epsilon[0], out);
}

/// The adjoint of `x` in [`normalise`], given the adjoint `d` of its result:
/// `(d - mean(d) - y mean(d y)) / sqrt(variance + epsilon)` with the result `y`.
///
/// # Panics
///
/// If a slice is too short.
pub fn normalise_input<T: Real>(
    rows: usize,
    dims: [usize; 2],
    x: &[T],
    epsilon: &[T],
    d: &[T],
    out: &mut [T],
) {
    T::normalise_rows_input(rows, dims, x, epsilon[0], d, out);
}

/// The mean of a row, and one by the root of its variance, in every lane.
#[inline(always)]
fn moments<S: Simd, T: Real>(s: S, line: &Line<'_, T>, epsilon: T) -> [Lanes<S, T>; 2] {
    let share = T::ONE / T::from_f64(line.len as f64);
    let sum = line.sum(
        s,
        T::ZERO,
        #[inline(always)]
        |x| x,
    );
    let mean = Lanes::splat(s, (sum * share).lanes().as_slice()[0]);
    // What is past the end of the row is its mean.
    let squares = line.sum(
        s,
        mean.as_slice()[0],
        #[inline(always)]
        |x| ((x - mean) * (x - mean)).lanes(),
    );
    let variance = squares.as_slice()[0] * share;
    [mean, Lanes::splat(s, T::ONE / (variance + epsilon).sqrt())]
}

/// See [`normalise`].
#[inline(always)]
pub(super) fn normalise_rows<S: Simd, T: Real>(
    s: S,
    rows: usize,
    [outer, len]: [usize; 2],
    x: &[T],
    epsilon: T,
    out: &mut [T],
) {
    let stride = stride::<T>(outer * len);
    for r in 0..rows {
        for o in 0..outer {
            let at = r * stride + o * len;
            let line = Line::new(&x[at..][..len], [1, len, 1], 0);
            let out = &mut out[at..][..len];
            let [mean, scale] = moments(s, &line, epsilon);
            for v in 0..line.vectors() {
                let (at, n) = line.position(v);
                ((line.vector(s, v, T::ZERO) - mean) * scale).lanes().store_partial(&mut out[at..at + n]);
            }
        }
    }
}

/// See [`normalise_input`].
#[inline(always)]
pub(super) fn normalise_rows_input<S: Simd, T: Real>(
    s: S,
    rows: usize,
    [outer, len]: [usize; 2],
    x: &[T],
    epsilon: T,
    d: &[T],
    out: &mut [T],
) {
    let stride = stride::<T>(outer * len);
    let share = T::ONE / T::from_f64(len as f64);
    for r in 0..rows {
        for o in 0..outer {
            let at = r * stride + o * len;
            let of_x = Line::new(&x[at..][..len], [1, len, 1], 0);
            let of_d = Line::new(&d[at..][..len], [1, len, 1], 0);
            let out = &mut out[at..][..len];
            let [mean, scale] = moments(s, &of_x, epsilon);
            let (mut sum, mut along) = (Lanes::zero(s), Lanes::zero(s));
            for v in 0..of_x.vectors() {
                let (x, d) = (of_x.vector(s, v, T::ZERO), of_d.vector(s, v, T::ZERO));
                sum += d;
                along += d * (x - mean);
            }
            let mean_d = Lanes::splat(s, sum.sum() * share);
            // The mean of d·y times y, of which x - mean is still to be scaled twice.
            let part = Lanes::splat(s, along.sum() * share) * scale * scale;
            for v in 0..of_x.vectors() {
                let (at, n) = of_x.position(v);
                let (x, d) = (of_x.vector(s, v, T::ZERO), of_d.vector(s, v, T::ZERO));
                let y = (d - mean_d - (x - mean) * part) * scale;
                y.lanes().store_partial(&mut out[at..at + n]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;
    use crate::kernels::testing::{Numbers, assert_close, at_every_level, elements, nan_tile};

    fn check<T: Real>(rows: usize, [outer, len]: [usize; 2]) {
        let n = outer * len;
        let mut numbers = Numbers((rows * 100 + len) as u64);
        let (x, d) = (numbers.tile::<T>(rows, n), numbers.tile::<T>(rows, n));
        let flat = |x: &[T]| elements(x, rows, n).iter().map(|x| x.to_f64()).collect::<Vec<_>>();
        let (mut want, mut want_d) = (Vec::new(), Vec::new());
        let mean = |x: &[f64]| x.iter().sum::<f64>() / len as f64;
        for (x, d) in flat(&x).chunks_exact(len).zip(flat(&d).chunks_exact(len)) {
            let centre = mean(x);
            let centred: Vec<f64> = x.iter().map(|x| x - centre).collect();
            let scale = 1.0 / (mean(&centred.iter().map(|x| x * x).collect::<Vec<_>>()) + 1e-3).sqrt();
            let y: Vec<f64> = centred.iter().map(|x| x * scale).collect();
            let along = mean(&d.iter().zip(&y).map(|(d, y)| d * y).collect::<Vec<_>>());
            want_d.extend(d.iter().zip(&y).map(|(d1, y)| (d1 - mean(d) - y * along) * scale));
            want.extend(y);
        }
        let what = (core::any::type_name::<T>(), rows, outer, len);
        let mut out = nan_tile::<T>(rows, n);
        let epsilon = [T::from_f64(1e-3)];
        normalise(rows, [outer, len], &x, &epsilon, &mut out);
        assert_close(&elements(&out, rows, n), &want, 4096.0, &what);
        normalise_input(rows, [outer, len], &x, &epsilon, &d, &mut out);
        assert_close(&elements(&out, rows, n), &want_d, 65536.0, &what);
    }

    #[test]
    fn rows_of_any_length() {
        at_every_level(|_| {
            for dims in [[1, 2], [1, 5], [3, 16], [2, 17], [4, 33], [64, 128]] {
                for rows in [1, 2, 5] {
                    check::<f32>(rows, dims);
                    check::<f64>(rows, dims);
                }
            }
        });
    }
}
