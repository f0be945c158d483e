//! Reductions of one axis.

use super::{Real, stride};

fn each<T: Real>(
    rows: usize,
    [outer, len, inner]: [usize; 3],
    x: &[T],
    out: &mut [T],
    f: impl Fn(&mut dyn Iterator<Item = T>) -> T,
) {
    let (sx, so) = (stride::<T>(outer * len * inner), stride::<T>(outer * inner));
    for r in 0..rows {
        for o in 0..outer {
            for i in 0..inner {
                out[r * so + o * inner + i] = f(&mut (0..len).map(|l| x[r * sx + (o * len + l) * inner + i]));
            }
        }
    }
}

/// `out[r][o][i] = Σ_l x[r][o][l][i]`, for `[outer, len, inner]`. Both are tile buffers.
pub fn reduce_sum<T: Real>(rows: usize, dims: [usize; 3], x: &[T], out: &mut [T]) {
    each(rows, dims, x, out, |x| x.fold(T::ZERO, |a, b| a + b));
}

/// `out[r][o][i] = max_l x[r][o][l][i]`, for `[outer, len, inner]`; NaN if any is NaN. Both are tile buffers.
pub fn reduce_max<T: Real>(rows: usize, dims: [usize; 3], x: &[T], out: &mut [T]) {
    each(rows, dims, x, out, |x| x.fold(-T::INFINITY, |a, b| if b > a || b.is_nan() { b } else { a }));
}

/// `out[r][o][i] = min_l x[r][o][l][i]`, for `[outer, len, inner]`; NaN if any is NaN. Both are tile buffers.
pub fn reduce_min<T: Real>(rows: usize, dims: [usize; 3], x: &[T], out: &mut [T]) {
    each(rows, dims, x, out, |x| x.fold(T::INFINITY, |a, b| if b < a || b.is_nan() { b } else { a }));
}

/// `out[r][o][i] = log Σ_l exp x[r][o][l][i]`, for `[outer, len, inner]`, without overflow. Both are tile buffers.
pub fn logsumexp<T: Real>(rows: usize, dims: [usize; 3], x: &[T], out: &mut [T]) {
    each(rows, dims, x, out, |x| {
        // two passes over a stack copy are not needed: rescale when the maximum grows
        let (mut m, mut s) = (-T::INFINITY, T::ZERO);
        for v in x {
            if v.is_nan() {
                return v;
            }
            if v == T::INFINITY {
                m = v;
                s = T::ONE;
            } else if m == T::INFINITY || v == -T::INFINITY {
            } else if v > m {
                s = s * (m - v).exp() + T::ONE;
                m = v;
            } else {
                s += (v - m).exp();
            }
        }
        if s == T::ZERO { m } else { m + s.ln() }
    });
}
