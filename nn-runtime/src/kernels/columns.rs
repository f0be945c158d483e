//! Rows in memory as columns across the lanes, and back.
//!
//! Data lie row by row: an example's scalars are adjacent. Code that holds one example in each lane wants the same
//! scalar of all of them. In between is a transposition, done in squares of 128 bits, whose shuffles every instruction
//! set has.

use fearless_simd::{Simd, SimdBase, SimdFloatElement};

use super::{Lanes, Real};

/// Scalars of the largest square's side: four `f32`.
const SIDE: usize = 4;

/// Elements of a row up to which rows are turned into columns rather than computed one by one.
pub(super) const NARROW: usize = 16;

/// Whether rows are reduced along `[outer, len, inner]` as columns. It does not depend on their number: one row gives
/// the bits that it gives among others.
pub(super) const fn by_columns([outer, len, inner]: [usize; 3]) -> bool {
    outer == 1 && inner == 1 && len > 1 && len <= NARROW
}

/// A register of 128 bits.
type Block<S, T> = <<T as Real>::Vector<S> as SimdBase<S>>::Block;

/// Transposes a square of as many blocks as a block has scalars, in perfect shuffles.
#[inline(always)]
fn turn<S: Simd, T: Real>(mut square: [Block<S, T>; SIDE]) -> [Block<S, T>; SIDE] {
    let side = Block::<S, T>::LEN;
    let mut stages = side;
    while stages > 1 {
        let old = square;
        for i in 0..side / 2 {
            square[2 * i] = old[i].zip_low(old[i + side / 2]);
            square[2 * i + 1] = old[i].zip_high(old[i + side / 2]);
        }
        stages /= 2;
    }
    square
}

/// The first `n` scalars of a row for each lane as `n` columns.
///
/// # Panics
///
/// If a row or `columns` is shorter than `n`.
#[inline(always)]
pub(crate) fn columns_of_rows<'a, S: Simd, T: Real>(
    s: S,
    n: usize,
    row: impl Fn(usize) -> &'a [T],
    columns: &mut [Lanes<S, T>],
) {
    let side = Block::<S, T>::LEN;
    let columns = &mut columns[..n];
    for first in (0..T::LANES).step_by(side) {
        let mut rows: [&[T]; SIDE] = [&[]; SIDE];
        for (i, chosen) in rows[..side].iter_mut().enumerate() {
            *chosen = &row(first + i)[..n];
        }
        let mut c = 0;
        while c + side <= n {
            let mut square = [Block::<S, T>::splat(s, T::ZERO); SIDE];
            for (block, row) in square[..side].iter_mut().zip(rows) {
                *block = Block::<S, T>::from_slice(s, &row[c..c + side]);
            }
            let square = turn::<S, T>(square);
            for (block, column) in square[..side].iter().zip(&mut columns[c..c + side]) {
                block.store_slice(&mut column.as_mut_slice()[first..first + side]);
            }
            c += side;
        }
        for c in c..n {
            for (i, row) in rows[..side].iter().enumerate() {
                columns[c].as_mut_slice()[first + i] = row[c];
            }
        }
    }
}

/// The columns of adjacent rows of one or two scalars, as many as there are lanes.
///
/// # Panics
///
/// If there are more columns, or fewer data.
#[inline(always)]
pub(crate) fn of_narrow_rows<S: Simd, T: Real>(s: S, data: &[T], columns: &mut [Lanes<S, T>]) {
    match columns {
        [only] => *only = Lanes::load(s, data),
        [even, odd] => {
            let (a, b) = (Lanes::load(s, data), Lanes::load(s, &data[T::LANES..]));
            (even.0, odd.0) = a.0.deinterleave(b.0);
        }
        _ => unreachable!("rows of one or two scalars"),
    }
}

/// The sum of each register's lanes, in the lane of its position: pairs of registers are folded into one, until one is
/// left. Only as many registers as there are lanes count.
#[inline(always)]
pub(super) fn across<S: Simd, T: Real>(
    mut sums: [<T as SimdFloatElement>::Native<S>; 16],
) -> <T as SimdFloatElement>::Native<S> {
    let mut half = <T as SimdFloatElement>::Native::<S>::LEN / 2;
    while half > 0 {
        for i in 0..half {
            let (low, high) = sums[i].interleave(sums[i + half]);
            sums[i] = low + high;
        }
        half /= 2;
    }
    sums[0]
}

/// Writes the first `count` lanes of `n` columns as rows of `n` scalars, `stride` apart.
///
/// # Panics
///
/// If there are fewer columns, or the rows end beyond `rows`.
#[inline(always)]
pub(crate) fn rows_of_columns<S: Simd, T: Real>(
    s: S,
    [count, n, stride]: [usize; 3],
    columns: &[Lanes<S, T>],
    rows: &mut [T],
) {
    let side = Block::<S, T>::LEN;
    let columns = &columns[..n];
    let mut first = 0;
    while first < count {
        let mut c = 0;
        if first + side <= count {
            while c + side <= n {
                let mut square = [Block::<S, T>::splat(s, T::ZERO); SIDE];
                for (block, column) in square[..side].iter_mut().zip(&columns[c..c + side]) {
                    *block = Block::<S, T>::from_slice(s, &column.as_slice()[first..first + side]);
                }
                let square = turn::<S, T>(square);
                for (i, block) in square[..side].iter().enumerate() {
                    block.store_slice(&mut rows[(first + i) * stride + c..][..side]);
                }
                c += side;
            }
        }
        for i in first..count.min(first + side) {
            for (c, column) in columns.iter().enumerate().skip(c) {
                rows[i * stride + c] = column.as_slice()[i];
            }
        }
        first += side;
    }
}

/// Calls `code` with as many rows of a tile buffer at a time as there are lanes, as columns; the `n` columns that it
/// fills are written as rows of `out`.
///
/// # Panics
///
/// If a slice is too short.
#[inline(always)]
pub(super) fn for_tiles<S: Simd, T: Real>(
    s: S,
    rows: usize,
    [n, stride]: [usize; 2],
    x: &[T],
    out: &mut [T],
    code: impl Fn(&[Lanes<S, T>], &mut [Lanes<S, T>]),
) {
    let mut first = 0;
    while first < rows {
        let count = (rows - first).min(T::LANES);
        let mut columns = [Lanes::zero(s); NARROW];
        columns_of_rows(
            s,
            n,
            #[inline(always)]
            |lane| &x[(first + lane.min(count - 1)) * stride..],
            &mut columns,
        );
        let mut results = [Lanes::zero(s); NARROW];
        code(&columns[..n], &mut results[..n]);
        rows_of_columns(s, [count, n, stride], &results, &mut out[first * stride..]);
        first += count;
    }
}

/// `to[j * to_stride + i] = from[i * from_stride + j]` for `i` below `rows` and `j` below `cols`.
///
/// # Panics
///
/// If an index lies outside of a slice.
#[inline(always)]
pub(super) fn transpose<S: Simd, T: Real>(
    s: S,
    [rows, cols]: [usize; 2],
    (from, from_stride): (&[T], usize),
    (to, to_stride): (&mut [T], usize),
) {
    let side = Block::<S, T>::LEN;
    let (whole_rows, whole_cols) = (rows - rows % side, cols - cols % side);
    for i in (0..whole_rows).step_by(side) {
        for j in (0..whole_cols).step_by(side) {
            let mut square = [Block::<S, T>::splat(s, T::ZERO); SIDE];
            for (k, block) in square[..side].iter_mut().enumerate() {
                *block = Block::<S, T>::from_slice(s, &from[(i + k) * from_stride + j..][..side]);
            }
            let square = turn::<S, T>(square);
            for (k, block) in square[..side].iter().enumerate() {
                block.store_slice(&mut to[(j + k) * to_stride + i..][..side]);
            }
        }
    }
    for i in 0..rows {
        let start = if i < whole_rows { whole_cols } else { 0 };
        for j in start..cols {
            to[j * to_stride + i] = from[i * from_stride + j];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch;
    use crate::kernels::testing::{Numbers, at_every_level};

    fn check<T: Real>(n: usize, stride: usize) {
        let data = Numbers(n as u64).flat::<T>(T::LANES * stride);
        let mut back = std::vec![T::NAN; T::LANES * stride];
        for count in [T::LANES, T::LANES - 1, 1] {
            dispatch!(s => {
                let mut columns = [Lanes::zero(s); 40];
                columns_of_rows(s, n, |row| &data[row * stride..], &mut columns);
                for (c, column) in columns[..n].iter().enumerate() {
                    for (row, &x) in column.as_slice().iter().enumerate() {
                        assert_eq!(x, data[row * stride + c]);
                    }
                }
                back.fill(T::NAN);
                rows_of_columns(s, [count, n, stride], &columns, &mut back);
            });
            for (i, (x, y)) in data.iter().zip(&back).enumerate() {
                let written = i % stride < n && i / stride < count;
                assert!(if written { x == y } else { y.is_nan() }, "{i}");
            }
        }
    }

    #[test]
    fn rows_become_columns_and_rows_again() {
        at_every_level(|_| {
            for n in [1, 2, 3, 4, 5, 7, 8, 13, 16, 30] {
                for stride in [n, n + 3] {
                    check::<f32>(n, stride);
                    check::<f64>(n, stride);
                }
            }
        });
    }

    fn check_transpose<T: Real>(rows: usize, cols: usize) {
        let (from_stride, to_stride) = (cols + 1, rows + 2);
        let data = Numbers(7).flat::<T>(rows * from_stride);
        let mut out = std::vec![T::NAN; cols * to_stride];
        dispatch!(s => transpose(s, [rows, cols], (&data, from_stride), (&mut out, to_stride)));
        for (i, y) in out.iter().enumerate() {
            let (j, i) = (i / to_stride, i % to_stride);
            assert!(if i < rows { *y == data[i * from_stride + j] } else { y.is_nan() });
        }
    }

    #[test]
    fn transposes_of_any_size() {
        at_every_level(|_| {
            for rows in [1, 3, 4, 5, 8, 17] {
                for cols in [1, 2, 4, 7, 12] {
                    check_transpose::<f32>(rows, cols);
                    check_transpose::<f64>(rows, cols);
                }
            }
        });
    }
}
