//! Reductions of one axis.

use fearless_simd::Simd;

use super::arrays::{exp_down, finite_or};
use super::columns::{NARROW, by_columns, columns_of_rows};
use super::lanes::first;
use super::{LaneExpr, Lanes, Real, log, max, min, stride};

/// `out[r][o][i] = Σ_l x[r][o][l][i]`, for `[outer, len, inner]`.
///
/// `x` and `out` are tile buffers of `outer * len * inner` and `outer * inner` elements, or with one row shared
/// tensors.
///
/// # Panics
///
/// If a slice is too short.
pub fn reduce_sum<T: Real>(rows: usize, dims: [usize; 3], x: &[T], out: &mut [T]) {
    T::reduce(Reduction::Sum, rows, dims, x, out);
}

/// The same added over the examples: `sum[o][i] += Σ_r Σ_l x[r][o][l][i]`. `x` is a tile buffer, `sum` is shared.
///
/// # Panics
///
/// If a slice is too short.
pub fn reduce_sum_added<T: Real>(rows: usize, dims: [usize; 3], x: &[T], sum: &mut [T]) {
    T::reduce_added(rows, dims, x, sum);
}

/// See [`reduce_sum_added`].
#[inline(always)]
pub(super) fn reduce_added<S: Simd, T: Real>(s: S, rows: usize, dims: [usize; 3], x: &[T], sum: &mut [T]) {
    let [outer, len, inner] = dims;
    let from = stride::<T>(outer * len * inner);
    for o in 0..outer {
        let mut i = 0;
        while i < inner {
            let mut total = Lanes::zero(s);
            let mut width = 1;
            for r in 0..rows {
                let line = Line::new(&x[r * from + o * len * inner + i..], dims, i);
                width = line.width;
                total += line.total(s);
            }
            let sum = &mut sum[o * inner + i..][..width];
            if inner == 1 {
                sum[0] += total.sum();
            } else {
                (Lanes::load_partial(s, sum) + total).lanes().store_partial(sum);
            }
            i += width;
        }
    }
}

/// `out[r][o][i] = max_l x[r][o][l][i]`, for `[outer, len, inner]`; NaN if any is NaN. Buffers and panics as for
/// [`reduce_sum`].
pub fn reduce_max<T: Real>(rows: usize, dims: [usize; 3], x: &[T], out: &mut [T]) {
    T::reduce(Reduction::Max, rows, dims, x, out);
}

/// `out[r][o][i] = min_l x[r][o][l][i]`, for `[outer, len, inner]`; NaN if any is NaN. Buffers and panics as for
/// [`reduce_sum`].
pub fn reduce_min<T: Real>(rows: usize, dims: [usize; 3], x: &[T], out: &mut [T]) {
    T::reduce(Reduction::Min, rows, dims, x, out);
}

/// `out[r][o][i] = log Σ_l exp x[r][o][l][i]`, for `[outer, len, inner]`, without overflow. Buffers and panics as for
/// [`reduce_sum`].
pub fn logsumexp<T: Real>(rows: usize, dims: [usize; 3], x: &[T], out: &mut [T]) {
    T::reduce(Reduction::LogSumExp, rows, dims, x, out);
}

/// The kind of a reduction.
#[derive(Clone, Copy, Debug)]
pub enum Reduction {
    Sum,
    Max,
    Min,
    LogSumExp,
}

#[inline(always)]
pub(super) fn reduce<S: Simd, T: Real>(
    s: S,
    kind: Reduction,
    rows: usize,
    dims: [usize; 3],
    x: &[T],
    out: &mut [T],
) {
    let [outer, len, inner] = dims;
    let (from, to) = (stride::<T>(outer * len * inner), stride::<T>(outer * inner));
    if by_columns(dims) {
        let mut first = 0;
        while first < rows {
            let count = (rows - first).min(T::LANES);
            let mut columns = [Lanes::zero(s); NARROW];
            columns_of_rows(
                s,
                len,
                #[inline(always)]
                |lane| &x[(first + lane.min(count - 1)) * from..],
                &mut columns,
            );
            let result = reduce_columns(s, kind, &columns[..len]);
            result.store_partial(&mut out[first..first + count]);
            first += count;
        }
        return;
    }
    for r in 0..rows {
        for o in 0..outer {
            let mut i = 0;
            while i < inner {
                let line = Line::new(&x[r * from + o * len * inner + i..], dims, i);
                let result = match kind {
                    Reduction::Sum => line.sum(
                        s,
                        T::ZERO,
                        #[inline(always)]
                        |x| x,
                    ),
                    Reduction::Max => line.max(s),
                    Reduction::Min => line.min(s),
                    Reduction::LogSumExp => {
                        let largest = line.max(s);
                        let sum = line.sum(
                            s,
                            -T::INFINITY,
                            #[inline(always)]
                            |x| exp_down(x - largest, T::EXP_NORMAL),
                        );
                        finite_or(largest, log(sum) + largest)
                    }
                };
                result.store_partial(&mut out[r * to + o * inner + i..][..line.width]);
                i += line.width;
            }
        }
    }
}

/// Reduces columns, each lane alone.
#[inline(always)]
fn reduce_columns<S: Simd, T: Real>(s: S, kind: Reduction, x: &[Lanes<S, T>]) -> Lanes<S, T> {
    let mut largest = Lanes::splat(s, -T::INFINITY);
    let mut total = Lanes::zero(s);
    match kind {
        Reduction::Sum => {
            for &x in x {
                total += x;
            }
            total
        }
        Reduction::Min => {
            let mut smallest = Lanes::splat(s, T::INFINITY);
            for &x in x {
                smallest = min(smallest, x);
            }
            smallest
        }
        Reduction::Max | Reduction::LogSumExp => {
            for &x in x {
                largest = max(largest, x);
            }
            if matches!(kind, Reduction::Max) {
                return largest;
            }
            for &x in x {
                total += exp_down(x - largest, T::EXP_NORMAL);
            }
            finite_or(largest, log(total) + largest)
        }
    }
}

/// Elements to be reduced: one run of `len` adjacent elements (`inner` is 1), or `width` adjacent runs across the
/// lanes, whose elements are `inner` apart.
pub(super) struct Line<'a, T> {
    /// From the first element on, to the buffer's end.
    data: &'a [T],
    pub(super) len: usize,
    inner: usize,
    pub(super) width: usize,
}

impl<'a, T: Real> Line<'a, T> {
    /// The line at position `i` of the inner axis, where `data` starts.
    ///
    /// # Panics
    ///
    /// If the data end before the line.
    #[inline(always)]
    #[track_caller]
    pub(super) fn new(data: &'a [T], [_, len, inner]: [usize; 3], i: usize) -> Self {
        let width = if inner == 1 { 1 } else { (inner - i).min(T::LANES) };
        assert!(len > 0 && data.len() >= (len - 1) * inner + width, "too few elements to reduce");
        Self { data, len, inner, width }
    }

    /// Number of vectors.
    #[inline(always)]
    pub(super) fn vectors(&self) -> usize {
        if self.inner == 1 { self.len.div_ceil(T::LANES) } else { self.len }
    }

    /// Where vector `v` starts, and its elements that belong to the line.
    #[inline(always)]
    pub(super) fn position(&self, v: usize) -> (usize, usize) {
        if self.inner == 1 {
            (v * T::LANES, (self.len - v * T::LANES).min(T::LANES))
        } else {
            (v * self.inner, self.width)
        }
    }

    /// Vector `v`, with `fill` where a run has ended.
    #[inline(always)]
    pub(super) fn vector<S: Simd>(&self, s: S, v: usize, fill: T) -> Lanes<S, T> {
        let (at, n) = self.position(v);
        let x = Lanes::load_partial(s, &self.data[at..]);
        if n == T::LANES { x } else { first::<S, T>(s, n).select(x, Lanes::splat(s, fill)) }
    }

    /// Folds each lane: from `start` on, `f` combines it with the next elements; `fill` stands for elements past the end
    /// of a run.
    #[inline(always)]
    fn fold<S: Simd>(
        &self,
        s: S,
        [start, fill]: [T; 2],
        f: impl Fn(Lanes<S, T>, Lanes<S, T>) -> Lanes<S, T>,
    ) -> Lanes<S, T> {
        let mut total = Lanes::splat(s, start);
        for v in 0..self.vectors() {
            total = f(total, self.vector(s, v, fill));
        }
        total
    }

    /// The largest element of every run.
    #[inline(always)]
    pub(super) fn max<S: Simd>(&self, s: S) -> Lanes<S, T> {
        let total = self.fold(s, [-T::INFINITY; 2], max);
        self.across(
            s,
            total,
            #[inline(always)]
            |a, b| if b > a || b.is_nan() { b } else { a },
        )
    }

    /// The smallest element of every run.
    #[inline(always)]
    fn min<S: Simd>(&self, s: S) -> Lanes<S, T> {
        let total = self.fold(s, [T::INFINITY; 2], min);
        self.across(
            s,
            total,
            #[inline(always)]
            |a, b| if b < a || b.is_nan() { b } else { a },
        )
    }

    /// The sum of `f` of the elements of every run; `f(fill)` has to be 0.
    #[inline(always)]
    pub(super) fn sum<S: Simd>(&self, s: S, fill: T, f: impl Fn(Lanes<S, T>) -> Lanes<S, T>) -> Lanes<S, T> {
        let total = self.fold(
            s,
            [T::ZERO, fill],
            #[inline(always)]
            |a, x| a + f(x),
        );
        if self.inner == 1 { Lanes::splat(s, total.sum()) } else { total }
    }

    /// The sum of each lane's elements.
    #[inline(always)]
    fn total<S: Simd>(&self, s: S) -> Lanes<S, T> {
        self.fold(
            s,
            [T::ZERO; 2],
            #[inline(always)]
            |a, x| a + x,
        )
    }

    /// Combines the lanes, where they belong to one run.
    #[inline(always)]
    fn across<S: Simd>(&self, s: S, x: Lanes<S, T>, f: impl Fn(T, T) -> T) -> Lanes<S, T> {
        if self.inner > 1 {
            return x;
        }
        let mut total = x.as_slice()[0];
        for &x in &x.as_slice()[1..] {
            total = f(total, x);
        }
        Lanes::splat(s, total)
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;
    use crate::kernels::testing::{Numbers, assert_close, at_every_level, elements, nan_tile};

    const DIMS: [[usize; 3]; 12] = [
        [1, 1, 1],
        [1, 5, 1],
        [1, 16, 1],
        [1, 37, 1],
        [1, 100, 1],
        [3, 7, 1],
        [2, 16, 1],
        [1, 4, 3],
        [2, 3, 16],
        [3, 5, 21],
        [4, 1, 2],
        [5, 9, 40],
    ];

    fn naive(x: &[f64], [outer, len, inner]: [usize; 3], f: impl Fn(&[f64]) -> f64) -> Vec<f64> {
        let mut out = Vec::new();
        for row in x.chunks_exact(outer * len * inner) {
            for o in 0..outer {
                for i in 0..inner {
                    out.push(f(&(0..len).map(|l| row[(o * len + l) * inner + i]).collect::<Vec<_>>()));
                }
            }
        }
        out
    }

    fn check<T: Real>(rows: usize, dims: [usize; 3]) {
        let [outer, len, inner] = dims;
        let mut x = Numbers((rows * 100 + len) as u64).tile::<T>(rows, outer * len * inner);
        for x in &mut x {
            *x *= T::from_f64(30.0);
        }
        let flat: Vec<f64> = elements(&x, rows, outer * len * inner).iter().map(|x| x.to_f64()).collect();
        let what = (core::any::type_name::<T>(), rows, dims);
        let compare = |kernel: fn(usize, [usize; 3], &[T], &mut [T]), reference: &dyn Fn(&[f64]) -> f64| {
            let mut out = nan_tile::<T>(rows, outer * inner);
            kernel(rows, dims, &x, &mut out);
            let want = naive(&flat, dims, reference);
            assert_close(&elements(&out, rows, outer * inner), &want, 128.0 * len as f64, &what);
            // One row of slices without pads, between guards.
            let mut out = std::vec![T::ONE; outer * inner + 1];
            let first: Vec<T> = elements(&x, 1, outer * len * inner);
            kernel(1, dims, &first, &mut out[..outer * inner]);
            assert_close(&out[..outer * inner], &want[..outer * inner], 128.0 * len as f64, &what);
            assert_eq!(out[outer * inner], T::ONE);
        };
        let mut sums = std::vec![T::ONE; outer * inner + 1];
        reduce_sum_added(rows, dims, &x, &mut sums[..outer * inner]);
        let each = naive(&flat, dims, |x| x.iter().sum());
        let want: Vec<f64> = (0..outer * inner)
            .map(|i| 1.0 + each.iter().skip(i).step_by(outer * inner).sum::<f64>())
            .collect();
        assert_close(&sums[..outer * inner], &want, (128 * rows * len) as f64, &what);
        assert_eq!(sums[outer * inner], T::ONE);
        let max = |x: &[f64]| x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        compare(reduce_sum, &|x| x.iter().sum());
        compare(reduce_max, &max);
        compare(reduce_min, &|x| x.iter().copied().fold(f64::INFINITY, f64::min));
        compare(logsumexp, &|x| max(x) + x.iter().map(|&v| (v - max(x)).exp()).sum::<f64>().ln());
    }

    #[test]
    fn reductions_of_any_axis() {
        at_every_level(|_| {
            for dims in DIMS {
                for rows in [1, 2, 7, 40] {
                    check::<f32>(rows, dims);
                    check::<f64>(rows, dims);
                }
            }
        });
    }

    const INF: f32 = f32::INFINITY;

    #[test]
    fn infinities_and_nan() {
        let reduce = |kernel: fn(usize, [usize; 3], &[f32], &mut [f32]), x: [f32; 3]| {
            let mut out = [0.0; 2];
            kernel(1, [1, 3, 1], &x, &mut out[..1]);
            let twice = x.map(|x| [x; 2]);
            let mut lanes = [0.0; 2];
            kernel(1, [1, 3, 2], twice.as_flattened(), &mut lanes);
            assert!(lanes[0] == out[0] || lanes[0].is_nan() && out[0].is_nan());
            out[0]
        };
        at_every_level(|_| {
            assert_eq!(reduce(logsumexp, [-INF; 3]), -INF);
            assert_eq!(reduce(logsumexp, [-INF, 2.0, -INF]), 2.0);
            assert_eq!(reduce(logsumexp, [1.0, INF, -INF]), INF);
            assert_eq!(reduce(logsumexp, [1e30, -1e30, 0.0]), 1e30);
            assert!(reduce(logsumexp, [1.0, f32::NAN, INF]).is_nan());
            assert!(reduce(reduce_max, [1.0, f32::NAN, INF]).is_nan());
            assert!(reduce(reduce_min, [f32::NAN, 1.0, INF]).is_nan());
            assert_eq!(reduce(reduce_max, [-INF; 3]), -INF);
        });
    }
}
