//! Kernels for one example on its own: what `infer` calls in the place of those for tiles.
//!
//! With a single row there is nothing to reuse a weight for, and few sums to be added up at the same time: a layer of
//! 32 outputs has two registers of them, whose additions wait for each other. So each sum is split along the inputs
//! into parts that are added at the end. The last bits thus differ from those of a tile.
#![allow(unsafe_code)]

use fearless_simd::{Select, SimdBase, SimdFloat, SimdFloatElement};

use super::arrays::exp_down;
use super::lanes::first;
pub use super::*;

/// A dense layer of one example, as [`dense`](super::dense).
///
/// # Panics
///
/// If a slice is too short.
pub fn dense<T: Real>(
    rows: usize,
    dims: [usize; 2],
    x: &[T],
    weight: &[T],
    bias: Option<&[T]>,
    activation: Activation,
    out: &mut [T],
) {
    if rows == 1 && dims[1] > 1 {
        T::row_product(Row { dims, x, weight, bias, activation, out });
    } else {
        super::dense(rows, dims, x, weight, bias, activation, out);
    }
}

/// The softmax of one example, as [`softmax`](super::softmax()).
///
/// # Panics
///
/// If a slice is too short.
pub fn softmax<T: Real>(rows: usize, dims: [usize; 3], x: &[T], out: &mut [T]) {
    if rows == 1 && dims[0] == 1 && dims[2] == 1 && dims[1] <= T::LANES && x.len() >= T::LANES {
        T::softmax_line(dims[1], x, out);
    } else {
        super::softmax(rows, dims, x, out);
    }
}

/// The softmax of the first `n` scalars of a line.
#[inline(always)]
pub(super) fn softmax_line<S: Simd, T: Real>(s: S, n: usize, x: &[T], out: &mut [T]) {
    let least = Lanes::splat(s, -T::INFINITY);
    let x = first::<S, T>(s, n).select(Lanes::load(s, x), least);
    let shifted = x - Lanes::splat(s, x.largest());
    let growth = exp_down(shifted, T::EXP_NORMAL);
    let y = growth / Lanes::splat(s, growth.sum());
    let len = if out.len() < T::LANES { n } else { T::LANES };
    y.store_partial(&mut out[..len]);
}

/// One row by a matrix.
#[derive(Debug)]
pub struct Row<'a, T> {
    dims: [usize; 2],
    x: &'a [T],
    weight: &'a [T],
    bias: Option<&'a [T]>,
    activation: Activation,
    out: &'a mut [T],
}

/// Registers of sums: parts of `NV` adjacent vectors.
type Native<S, T> = <T as SimdFloatElement>::Native<S>;

/// Scalars of the widest vector.
const WIDEST: usize = 16;

/// `out[j] = activation(bias[j] + Σ_i x[i] · weight[i][j])`.
#[inline(always)]
pub(super) fn row_product<S: Simd, T: Real>(s: S, task: Row<'_, T>) {
    let Row { dims: [k, n], x, weight, bias, activation, out } = task;
    let width = Native::<S, T>::LEN;
    let padded = n.next_multiple_of(width);
    assert!(x.len() >= k && weight.len() >= k * n && out.len() >= padded, "a layer of {k} by {n}");
    assert!(bias.is_none_or(|bias| bias.len() >= n), "a bias of {n}");
    let weight = &weight[..k * n];
    let relu = activation == Activation::Relu;
    let mut j = 0;
    // SAFETY: `x` has `k` scalars. Each strip reads whole vectors of `k` rows of `n` scalars from column `j` on, which
    // end within the row; the last strip, whose vector does not, reads those rows that have others after them in place
    // and the rest from a copy. `out` has room for whole vectors.
    unsafe {
        while n - j >= 4 * width {
            let start = starts::<S, T, 4>(s, bias, j);
            let y = if width == WIDEST {
                strip::<S, T, 4, 4>(s, x, k, |l| weight.as_ptr().add(l * n + j), start)
            } else {
                strip::<S, T, 4, 2>(s, x, k, |l| weight.as_ptr().add(l * n + j), start)
            };
            finish(s, y, relu, &mut out[j..]);
            j += 4 * width;
        }
        while n - j >= 2 * width {
            let start = starts::<S, T, 2>(s, bias, j);
            let y = strip::<S, T, 2, 4>(s, x, k, |l| weight.as_ptr().add(l * n + j), start);
            finish(s, y, relu, &mut out[j..]);
            j += 2 * width;
        }
        while n - j >= width {
            let start = starts::<S, T, 1>(s, bias, j);
            let y = strip::<S, T, 1, 8>(s, x, k, |l| weight.as_ptr().add(l * n + j), start);
            finish(s, y, relu, &mut out[j..]);
            j += width;
        }
        if j < n {
            let cols = n - j;
            let in_place = (weight.len() + n).saturating_sub(j + width) / n;
            let in_place = in_place.min(k);
            // The rows that are not in place start less than a vector before the end of the weight.
            let first = weight.len().saturating_sub(width);
            let mut rest = [T::ZERO; 2 * WIDEST];
            if weight.len() < width {
                rest[..weight.len()].copy_from_slice(weight);
            } else if in_place < k {
                Native::<S, T>::from_slice(s, &weight[first..]).store_slice(&mut rest[..width]);
            }
            let row = |l: usize| {
                let at = l * n + j;
                if l < in_place { weight.as_ptr().add(at) } else { rest.as_ptr().add(at - first) }
            };
            let mut start = [T::ZERO; WIDEST];
            if let Some(bias) = bias {
                start[..cols].copy_from_slice(&bias[j..n]);
            }
            let start = [Native::<S, T>::from_slice(s, &start[..width])];
            finish(s, strip::<S, T, 1, 8>(s, x, k, row, start), relu, &mut out[j..]);
        }
    }
}

#[inline(always)]
fn starts<S: Simd, T: Real, const NV: usize>(s: S, bias: Option<&[T]>, j: usize) -> [Native<S, T>; NV] {
    let width = Native::<S, T>::LEN;
    let mut start = [Native::<S, T>::splat(s, T::ZERO); NV];
    if let Some(bias) = bias {
        for (v, start) in start.iter_mut().enumerate() {
            *start = Native::<S, T>::from_slice(s, &bias[j + v * width..][..width]);
        }
    }
    start
}

/// `start + Σ_l x[l] · row(l)` for `NV` vectors, in `PARTS` sums.
///
/// # Safety
///
/// `x` has `k` scalars, and `row(l)` points to `NV` vectors for every `l` below `k`.
#[inline(always)]
unsafe fn strip<S: Simd, T: Real, const NV: usize, const PARTS: usize>(
    s: S,
    x: &[T],
    k: usize,
    row: impl Fn(usize) -> *const T,
    start: [Native<S, T>; NV],
) -> [Native<S, T>; NV] {
    let width = Native::<S, T>::LEN;
    let mut sums = [[Native::<S, T>::splat(s, T::ZERO); NV]; PARTS];
    sums[0] = start;
    let mut l = 0;
    while l < k {
        for sums in sums.iter_mut().take(k - l) {
            let x = Native::<S, T>::splat(s, x[l]);
            for (v, sum) in sums.iter_mut().enumerate() {
                // SAFETY: the caller's promise.
                let weights = unsafe { core::slice::from_raw_parts(row(l).add(v * width), width) };
                *sum = x.mul_add(Native::<S, T>::from_slice(s, weights), *sum);
            }
            l += 1;
        }
    }
    let mut half = PARTS / 2;
    while half > 0 {
        let (kept, added) = sums.split_at_mut(half);
        for (kept, added) in kept.iter_mut().flatten().zip(added.iter().flatten()) {
            *kept += *added;
        }
        half /= 2;
    }
    sums[0]
}

#[inline(always)]
fn finish<S: Simd, T: Real, const NV: usize>(s: S, sums: [Native<S, T>; NV], relu: bool, out: &mut [T]) {
    let width = Native::<S, T>::LEN;
    let zero = Native::<S, T>::splat(s, T::ZERO);
    for (v, mut y) in sums.into_iter().enumerate() {
        if relu {
            y = y.simd_lt(zero).select(zero, y);
        }
        y.store_slice(&mut out[v * width..][..width]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Numbers, assert_close, at_every_level, nan_tile};

    fn check<T: Real>(k: usize, n: usize) {
        let mut numbers = Numbers((k * 100 + n) as u64);
        let (x, weight) = (numbers.tile::<T>(1, k), numbers.flat::<T>(k * n));
        let bias = numbers.flat::<T>(n);
        for (bias, activation) in [(None, Activation::Linear), (Some(&bias[..]), Activation::Relu)] {
            let want: std::vec::Vec<f64> = (0..n)
                .map(|j| {
                    let start = bias.map_or(0.0, |bias| bias[j].to_f64());
                    let y = (0..k).fold(start, |y, i| y + x[i].to_f64() * weight[i * n + j].to_f64());
                    if bias.is_some() { y.max(0.0) } else { y }
                })
                .collect();
            let mut out = nan_tile::<T>(1, n);
            dense(1, [k, n], &x, &weight, bias, activation, &mut out);
            assert_close(&out[..n], &want, 16.0 + k as f64, &(core::any::type_name::<T>(), k, n));
        }
    }

    #[test]
    fn softmax_of_one_row() {
        at_every_level(|_| {
            for n in [1, 2, 5, 8, 11, 16] {
                let mut x = Numbers(n as u64).tile::<f32>(1, n);
                x.resize(16, f32::NAN);
                let largest = x[..n].iter().copied().fold(f32::MIN, f32::max);
                let sum: f64 = x[..n].iter().map(|x| f64::from(x - largest).exp()).sum();
                let want: std::vec::Vec<f64> =
                    x[..n].iter().map(|x| f64::from(x - largest).exp() / sum).collect();
                let mut out = [f32::NAN; 16];
                softmax(1, [1, n, 1], &x, &mut out);
                assert_close(&out[..n], &want, 8.0, &n);
            }
            let mut out = [0.0_f32; 16];
            let mut x = [0.0_f32; 16];
            x[1] = f32::NAN;
            softmax(1, [1, 3, 1], &x, &mut out);
            assert!(out[..3].iter().all(|y| y.is_nan()));
        });
    }

    #[test]
    fn one_row_by_a_matrix_of_any_size() {
        at_every_level(|_| {
            for k in [1, 2, 3, 5, 7, 8, 13, 16, 33] {
                for n in [1, 2, 3, 4, 5, 8, 10, 15, 16, 17, 31, 32, 33, 48, 64, 70, 130] {
                    check::<f32>(k, n);
                    check::<f64>(k, n);
                }
            }
        });
    }
}
