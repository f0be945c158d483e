//! Softmax and its logarithm.

use super::{Real, stride};

/// `out[r][o][l][i] = exp x[r][o][l][i] / Σ_l exp x[r][o][l][i]`, for `[outer, len, inner]`. Both are tile buffers.
pub fn softmax<T: Real>(rows: usize, dims: [usize; 3], x: &[T], out: &mut [T]) {
    log_softmax(rows, dims, x, out);
    for o in out.iter_mut() {
        *o = o.exp();
    }
}

/// `out[r][o][l][i] = x[r][o][l][i] - log Σ_l exp x[r][o][l][i]`, for `[outer, len, inner]`. Both are tile buffers.
pub fn log_softmax<T: Real>(rows: usize, [outer, len, inner]: [usize; 3], x: &[T], out: &mut [T]) {
    let sx = stride::<T>(outer * len * inner);
    for r in 0..rows {
        for o in 0..outer {
            for i in 0..inner {
                let at = |l| r * sx + (o * len + l) * inner + i;
                let m = (0..len)
                    .map(|l| x[at(l)])
                    .fold(-T::INFINITY, |a, b| if b > a || b.is_nan() { b } else { a });
                let s = (0..len).map(|l| (x[at(l)] - m).exp()).fold(T::ZERO, |a, b| a + b).ln();
                for l in 0..len {
                    out[at(l)] = (x[at(l)] - m) - s;
                }
            }
        }
    }
}
