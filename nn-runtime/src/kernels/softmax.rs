//! Softmax and its logarithm.

use fearless_simd::Simd;

use super::reduce::Line;
use super::{LaneExpr, Real, exp, log, stride};

/// `out[r][o][l][i] = exp x[r][o][l][i] / Σ_l exp x[r][o][l][i]`, for `[outer, len, inner]`.
///
/// `x` and `out` are tile buffers of `outer * len * inner` elements, or with one row shared tensors.
///
/// # Panics
///
/// If a slice is too short.
pub fn softmax<T: Real>(rows: usize, dims: [usize; 3], x: &[T], out: &mut [T]) {
    T::softmax(rows, dims, x, out);
}

/// `out[r][o][l][i] = x[r][o][l][i] - log Σ_l exp x[r][o][l][i]`, for `[outer, len, inner]`. Buffers and panics as for
/// [`softmax`].
pub fn log_softmax<T: Real>(rows: usize, dims: [usize; 3], x: &[T], out: &mut [T]) {
    T::log_softmax(rows, dims, x, out);
}

/// The softmax, or with `LOG` its logarithm.
#[inline(always)]
pub(super) fn normalise<S: Simd, T: Real, const LOG: bool>(
    s: S,
    rows: usize,
    dims: [usize; 3],
    x: &[T],
    out: &mut [T],
) {
    let [outer, len, inner] = dims;
    let stride = stride::<T>(outer * len * inner);
    for r in 0..rows {
        for o in 0..outer {
            let mut i = 0;
            while i < inner {
                let at = r * stride + o * len * inner + i;
                let line = Line::new(&x[at..], dims, i);
                let out = &mut out[at..];
                let largest = line.max(s);
                let sum = line.sum(
                    s,
                    -T::INFINITY,
                    #[inline(always)]
                    |x| exp(x - largest),
                );
                let log_sum = log(sum);
                for v in 0..line.vectors() {
                    let (at, n) = line.position(v);
                    let shifted = line.vector(s, v, T::ZERO) - largest;
                    let y = if LOG { shifted - log_sum } else { exp(shifted) / sum };
                    y.lanes().store_partial(&mut out[at..at + n]);
                }
                i += line.width;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Numbers, assert_close, at_every_level, elements, nan_tile};

    fn check<T: Real>(rows: usize, dims: [usize; 3]) {
        let [outer, len, inner] = dims;
        let n = outer * len * inner;
        let mut x = Numbers((rows * 100 + len) as u64).tile::<T>(rows, n);
        for x in &mut x {
            *x *= T::from_f64(20.0);
        }
        let flat = elements(&x, rows, n);
        let mut want = std::vec![0.0; rows * n];
        for (row, want) in flat.chunks_exact(n).zip(want.chunks_exact_mut(n)) {
            for o in 0..outer {
                for i in 0..inner {
                    let at = |l| (o * len + l) * inner + i;
                    let sum: f64 = (0..len).map(|l| row[at(l)].to_f64().exp()).sum();
                    for l in 0..len {
                        want[at(l)] = row[at(l)].to_f64() - sum.ln();
                    }
                }
            }
        }
        let what = (core::any::type_name::<T>(), rows, dims);
        let mut out = nan_tile::<T>(rows, n);
        log_softmax(rows, dims, &x, &mut out);
        assert_close(&elements(&out, rows, n), &want, 64.0, &what);
        softmax(rows, dims, &x, &mut out);
        for y in &mut want {
            *y = y.exp();
        }
        assert_close(&elements(&out, rows, n), &want, 64.0, &what);
        let mut row = std::vec![T::ONE; n + 1];
        softmax(1, dims, &flat[..n], &mut row[..n]);
        assert_close(&row[..n], &want[..n], 64.0, &what);
        assert_eq!(row[n], T::ONE);
    }

    #[test]
    fn softmax_of_any_axis() {
        at_every_level(|_| {
            for dims in
                [[1, 1, 1], [1, 5, 1], [1, 16, 1], [1, 33, 1], [3, 10, 1], [1, 4, 3], [2, 6, 16], [2, 3, 37]]
            {
                for rows in [1, 2, 9, 40] {
                    check::<f32>(rows, dims);
                    check::<f64>(rows, dims);
                }
            }
        });
    }

    #[test]
    fn large_arguments_do_not_overflow() {
        at_every_level(|_| {
            let mut out = [0.0_f32; 3];
            softmax(1, [1, 3, 1], &[1e4, 1e4, -1e4], &mut out);
            assert_eq!(out, [0.5, 0.5, 0.0]);
            log_softmax(1, [1, 3, 1], &[1e4, f32::NEG_INFINITY, 0.0], &mut out);
            assert_eq!(out, [0.0, f32::NEG_INFINITY, -1e4]);
        });
    }
}
