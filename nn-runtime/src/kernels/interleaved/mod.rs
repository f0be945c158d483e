//! Kernels on *interleaved* tensors: the same element of [`Real::LANES`] examples side by side, one in each lane.
//!
//! Images of few channels have no axis that fills a vector, but a batch has. Where element `j` of sixteen examples is a
//! line of memory, a window is sixteen windows at once: nothing is shuffled, no row ends in a pad, and padding is a loop
//! that starts later. The examples of a tile are cut into *blocks* of as many as there are lanes; a block of `n` elements
//! lies like one row of `n · LANES` elements of a tile buffer, so that what works on whole rows works on blocks.
//!
//! The lanes of the last block beyond the last example hold copies of it. Sums over the batch leave them out.

mod convolve;
mod pool;
mod weight;

use fearless_simd::Simd;

pub use super::windows::{AvgPoolSizes, ConvolutionSizes, MaxPoolSizes};
pub(super) use convolve::direct;
pub use convolve::{Direct, convolve, convolve_input};
pub(super) use pool::{Pooling, pool};
pub use pool::{avg_pool_input, avg_pool2d, max_pool_at, max_pool_input};
pub use weight::convolve_weight_sum;
pub(super) use weight::{WeightSum, weight_sum};

use super::columns::{columns_of_rows, rows_of_columns};
use super::movement::{self, View, ViewMut};
use super::pointwise::Sources;
use super::{LaneExpr, Lanes, Real, reduce, stride, tile_len};

/// Elements that are turned at a time.
const TURNED: usize = 16;

/// Blocks of so many examples.
#[must_use]
pub const fn blocks<T: Real>(rows: usize) -> usize {
    rows.div_ceil(T::LANES)
}

/// Scalars from one block of a tensor of `n` elements per example to the next.
#[must_use]
pub const fn block_stride<T: Real>(n: usize) -> usize {
    stride::<T>(n * T::LANES)
}

/// Scalars in the buffer for a tensor of `n` elements of each of so many examples.
#[must_use]
pub const fn blocks_len<T: Real>(rows: usize, n: usize) -> usize {
    tile_len::<T>(blocks::<T>(rows), n * T::LANES)
}

/// Rows of a tile to blocks: `out[b][j][lane] = x[b · LANES + lane][j]`.
///
/// `x` is a tile buffer of `n` elements, `out` has blocks of them.
///
/// # Panics
///
/// If a slice is too short.
pub fn interleave<T: Real>(rows: usize, n: usize, x: &[T], out: &mut [T]) {
    T::interleave(rows, n, x, out);
}

/// Blocks to rows of a tile, the inverse of [`interleave`].
///
/// # Panics
///
/// If a slice is too short.
pub fn deinterleave<T: Real>(rows: usize, n: usize, x: &[T], out: &mut [T]) {
    T::deinterleave(rows, n, x, out);
}

/// The examples of each block of a tile: its number, and how many it holds.
fn each_block<T: Real>(rows: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..blocks::<T>(rows)).map(move |block| (block, (rows - block * T::LANES).min(T::LANES)))
}

#[inline(always)]
pub(super) fn rows_to_blocks<S: Simd, T: Real>(s: S, rows: usize, n: usize, x: &[T], out: &mut [T]) {
    let row = stride::<T>(n);
    for (block, count) in each_block::<T>(rows) {
        let x = &x[block * T::LANES * row..];
        let out = &mut out[block * block_stride::<T>(n)..][..n * T::LANES];
        let mut columns = [Lanes::zero(s); TURNED];
        for first in (0..n).step_by(TURNED) {
            let turned = TURNED.min(n - first);
            columns_of_rows(
                s,
                turned,
                #[inline(always)]
                |lane| &x[lane.min(count - 1) * row + first..],
                &mut columns,
            );
            for (column, out) in columns[..turned].iter().zip(out[first * T::LANES..].chunks_mut(T::LANES)) {
                column.store(out);
            }
        }
    }
}

#[inline(always)]
pub(super) fn blocks_to_rows<S: Simd, T: Real>(s: S, rows: usize, n: usize, x: &[T], out: &mut [T]) {
    let row = stride::<T>(n);
    for (block, count) in each_block::<T>(rows) {
        let x = &x[block * block_stride::<T>(n)..][..n * T::LANES];
        let out = &mut out[block * T::LANES * row..];
        let mut columns = [Lanes::zero(s); TURNED];
        for first in (0..n).step_by(TURNED) {
            let turned = TURNED.min(n - first);
            for (column, x) in columns[..turned].iter_mut().zip(x[first * T::LANES..].chunks(T::LANES)) {
                *column = Lanes::load(s, x);
            }
            rows_of_columns(s, [count, turned, row], &columns, &mut out[first..]);
        }
    }
}

/// `out[r][j] = f(sources[r][j])`, as [`pointwise`](super::pointwise()) of blocks. What is
/// [`per_row`](super::per_row) lies alike in rows and blocks.
///
/// # Panics
///
/// If a slice is too short.
#[inline(always)]
pub fn pointwise<S, T, A, E>(
    s: S,
    rows: usize,
    n: usize,
    sources: A,
    out: &mut [T],
    f: impl Fn(A::Lanes) -> E,
) where
    S: Simd,
    T: Real,
    A: Sources<S, T>,
    E: LaneExpr<Simd = S, Real = T>,
{
    let stride = block_stride::<T>(n);
    for block in 0..blocks::<T>(rows) {
        let out = &mut out[block * stride..][..n * T::LANES];
        for (j, out) in out.chunks_exact_mut(T::LANES).enumerate() {
            f(sources.in_block(s, [block, stride], j)).lanes().store(out);
        }
    }
}

/// `sum[j] += Σ_r x[r][j]`, of blocks of `n` elements. `sum` is shared.
///
/// # Panics
///
/// If a slice is too short.
pub fn batch_sum<T: Real>(rows: usize, n: usize, x: &[T], sum: &mut [T]) {
    T::sum_of_blocks(rows, n, x, sum);
}

#[inline(always)]
pub(super) fn sum_over_blocks<S: Simd, T: Real>(s: S, rows: usize, n: usize, x: &[T], sum: &mut [T]) {
    for (j, sum) in sum[..n].iter_mut().enumerate() {
        let mut total = Lanes::<S, T>::zero(s);
        for (block, count) in each_block::<T>(rows) {
            total += Lanes::load(s, &x[block * block_stride::<T>(n) + j * T::LANES..]).keep(count);
        }
        *sum += total.sum();
    }
}

/// As [`reduce_sum`](super::reduce_sum), of blocks.
///
/// # Panics
///
/// If a slice is too short.
pub fn reduce_sum<T: Real>(rows: usize, [outer, len, inner]: [usize; 3], x: &[T], out: &mut [T]) {
    reduce::reduce_sum(blocks::<T>(rows), [outer, len, inner * T::LANES], x, out);
}

/// `sum[o][i] += Σ_r Σ_l x[r][o][l][i]`, of blocks, for `[outer, len, inner]`. `sum` is shared.
///
/// # Panics
///
/// If a slice is too short.
pub fn reduce_sum_added<T: Real>(rows: usize, dims: [usize; 3], x: &[T], sum: &mut [T]) {
    T::reduce_blocks(rows, dims, x, sum);
}

#[inline(always)]
pub(super) fn sums_over_blocks<S: Simd, T: Real>(
    s: S,
    rows: usize,
    [outer, len, inner]: [usize; 3],
    x: &[T],
    sum: &mut [T],
) {
    let stride = block_stride::<T>(outer * len * inner);
    for (place, sum) in sum[..outer * inner].iter_mut().enumerate() {
        let first = place / inner * len * inner + place % inner;
        let mut total = Lanes::<S, T>::zero(s);
        for (block, count) in each_block::<T>(rows) {
            // Four chains of additions, so that one need not wait for the other.
            let mut of_block = [Lanes::<S, T>::zero(s); 4];
            for l in 0..len {
                let at = block * stride + (first + l * inner) * T::LANES;
                of_block[l % 4] += Lanes::load(s, &x[at..]);
            }
            let [a, b, c, d] = of_block;
            total += ((a + b) + (c + d)).keep(count);
        }
        *sum += total.sum();
    }
}

/// As [`fill`](super::fill), of blocks.
///
/// # Panics
///
/// If the slice is too short.
pub fn fill<T: Real>(rows: usize, n: usize, out: &mut [T], value: T) {
    movement::fill(blocks::<T>(rows), n * T::LANES, out, value);
}

/// As [`copy`](super::copy), from blocks, or from a shared tensor whose distance of examples is 0, to blocks.
///
/// # Panics
///
/// If an index lies outside of a buffer.
#[allow(clippy::needless_pass_by_value, reason = "a view is a bundle of arguments")]
pub fn copy<T: Real, const R: usize>(
    rows: usize,
    dims: [usize; R],
    from: View<'_, T, R>,
    to: ViewMut<'_, T, R>,
) {
    if dims.contains(&0) {
        return;
    }
    let at = |index: [usize; R], strides: [usize; R]| -> usize {
        index.iter().zip(strides).map(|(i, stride)| i * stride).sum()
    };
    // Whole runs of elements where both sides have them adjacent.
    let adjacent = R > 0 && from.example > 0 && from.strides[R - 1] == 1 && to.strides[R - 1] == 1;
    let run = if adjacent { dims[R - 1] } else { 1 };
    for block in 0..blocks::<T>(rows) {
        let mut index = [0; R];
        'elements: loop {
            let source = from.offset + at(index, from.strides);
            let target = block * to.example + (to.offset + at(index, to.strides)) * T::LANES;
            let target = &mut to.data[target..][..run * T::LANES];
            if from.example == 0 {
                target.fill(from.data[source]);
            } else {
                let source = block * from.example + source * T::LANES;
                target.copy_from_slice(&from.data[source..][..run * T::LANES]);
            }
            for axis in (0..R).rev() {
                index[axis] += if axis + 1 == R { run } else { 1 };
                if index[axis] < dims[axis] {
                    continue 'elements;
                }
                index[axis] = 0;
            }
            break;
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::vec::Vec;

    use super::super::testing::{Numbers, at_every_level, elements, nan_tile};
    use super::super::{full, per_row, shared};
    use super::*;
    use crate::dispatch;

    /// A buffer of NaN for blocks.
    pub(super) fn nan_blocks<T: Real>(rows: usize, n: usize) -> Vec<T> {
        std::vec![T::NAN; blocks_len::<T>(rows, n)]
    }

    /// The blocks of a tile.
    pub(super) fn interleaved<T: Real>(rows: usize, n: usize, x: &[T]) -> Vec<T> {
        let mut out = nan_blocks(rows, n);
        interleave(rows, n, x, &mut out);
        out
    }

    /// The elements of blocks, row-major without pads.
    pub(super) fn elements_of<T: Real>(x: &[T], rows: usize, n: usize) -> Vec<T> {
        let mut out = nan_tile::<T>(rows, n);
        deinterleave(rows, n, x, &mut out);
        elements(&out, rows, n)
    }

    fn check<T: Real>(rows: usize, n: usize) {
        let mut numbers = Numbers(7);
        let x = numbers.tile::<T>(rows, n);
        let blocks = interleaved(rows, n, &x);
        for r in 0..rows {
            for j in 0..n {
                let at = r / T::LANES * block_stride::<T>(n) + j * T::LANES + r % T::LANES;
                assert_eq!(blocks[at], x[r * stride::<T>(n) + j], "{rows} {n}");
            }
        }
        assert_eq!(elements_of(&blocks, rows, n), elements(&x, rows, n));

        let mut sum = std::vec![T::ONE; n + 1];
        batch_sum(rows, n, &blocks, &mut sum[..n]);
        for (j, sum) in sum.iter().enumerate() {
            let added: f64 = (0..rows * usize::from(j < n)).map(|r| x[r * stride::<T>(n) + j].to_f64()).sum();
            assert!((sum.to_f64() - 1.0 - added).abs() < 1e-5 * (1 + rows) as f64, "{rows} {n}");
        }

        let (each, common) = (numbers.tile::<T>(rows, 1), numbers.flat::<T>(n));
        // What an example has one of is read to the end of its last line.
        let mut out = nan_blocks::<T>(rows, n);
        dispatch!(s => pointwise(
            s, rows, n, (full(&blocks), per_row(&each), shared(&common)), &mut out,
            #[inline(always)] |(x, e, c)| x * e + c
        ));
        let out = elements_of(&out, rows, n);
        for r in 0..rows {
            for j in 0..n {
                let want = x[r * stride::<T>(n) + j].to_f64() * each[r].to_f64() + common[j].to_f64();
                assert!((out[r * n + j].to_f64() - want).abs() < 1e-6, "{rows} {n}");
            }
        }
    }

    #[test]
    fn blocks_hold_what_rows_hold() {
        at_every_level(|_| {
            for rows in [1, 2, 7, 8, 9, 15, 16, 17, 33] {
                for n in [1, 2, 15, 16, 17, 40] {
                    check::<f32>(rows, n);
                    check::<f64>(rows, n);
                }
            }
        });
    }

    #[test]
    fn copies_move_whole_lines() {
        let (rows, n) = (19, 6);
        let x = Numbers(3).tile::<f32>(rows, n);
        let blocks = interleaved(rows, n, &x);
        // The transpose of [2, 3] into the first six of seven elements; the last is filled.
        let mut out = nan_blocks::<f32>(rows, 7);
        fill(rows, 7, &mut out, 5.0);
        let from = View { data: &blocks, example: block_stride::<f32>(n), offset: 0, strides: [1, 3] };
        copy(
            rows,
            [3, 2],
            from,
            ViewMut { data: &mut out, example: block_stride::<f32>(7), offset: 0, strides: [2, 1] },
        );
        let shared = [8.0, 9.0];
        let from = View { data: &shared, example: 0, offset: 1, strides: [0] };
        copy(
            rows,
            [1],
            from,
            ViewMut { data: &mut out, example: block_stride::<f32>(7), offset: 3, strides: [1] },
        );
        let out = elements_of(&out, rows, 7);
        for r in 0..rows {
            let x = &x[r * stride::<f32>(n)..];
            assert_eq!(out[r * 7..][..7], [x[0], x[3], x[1], 9.0, x[2], x[5], 5.0]);
        }
        let mut added = [1.0, 2.0, 3.0];
        reduce_sum_added(rows, [2, 3, 1], &blocks, &mut added[..2]);
        let total = |from: usize| -> f32 {
            1.0 + from as f32 / 3.0
                + (0..rows).map(|r| x[r * stride::<f32>(n) + from..][..3].iter().sum::<f32>()).sum::<f32>()
        };
        assert!((added[0] - total(0)).abs() < 1e-5 && (added[1] - total(3)).abs() < 1e-5, "{added:?}");
        assert_eq!(added[2], 3.0);
        let mut sums = nan_blocks::<f32>(rows, 2);
        reduce_sum(rows, [2, 3, 1], &blocks, &mut sums);
        for (r, sums) in elements_of(&sums, rows, 2).chunks(2).enumerate() {
            let x = &x[r * stride::<f32>(n)..];
            assert!((sums[0] - (x[0] + x[1] + x[2])).abs() < 1e-6);
            assert!((sums[1] - (x[3] + x[4] + x[5])).abs() < 1e-6);
        }
    }
}
