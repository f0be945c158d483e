//! Attention: the products of all heads, and how much each query takes of each key.

use fearless_simd::Simd;

use super::arrays::exp_down;
use super::gemm::{Finish, Gemm, Matrix, Output, Start};
use super::lanes::first;
use super::windows::example;
use super::{LaneExpr, Lanes, Real, fork, max, stride};

pub(super) mod arrays;

/// The sizes of [`contract_each`]: products, rows, summed elements, columns; how far products, rows and summed elements
/// of the first operand are apart; products, summed elements and columns of the second; products, rows and columns of
/// the result. Its rows or its columns are adjacent.
pub type EachSizes = [usize; 13];

/// A matrix product for each place of an axis: `out[e, i, j] = Σ_l a[e, i, l] · b[e, l, j]`, with any strides.
///
/// `a`, `b` and `out` are tile buffers; what all examples share is a slice of one example's length.
///
/// # Panics
///
/// If a slice is too short.
pub fn contract_each<T: Real>(rows: usize, sizes: EachSizes, a: &[T], b: &[T], out: &mut [T]) {
    let [places, m, k, n, a_place, a_row, a_col, b_place, b_row, b_col, y_place, y_row, y_col] = sizes;
    let stride = stride::<T>(places * m * n);
    for r in 0..rows {
        let (a, b) = (example(a, rows, places * m * k, r), example(b, rows, places * k * n, r));
        let out = &mut out[r * stride..][..places * m * n];
        for place in 0..places {
            let a = Matrix { data: &a[place * a_place..], row: a_row, col: a_col };
            let b = Matrix { data: &b[place * b_place..], row: b_row, col: b_col };
            let y = &mut out[place * y_place..];
            // Columns of the result lie across the lanes: where its rows are adjacent, they are those of the transpose.

            let (dims, a, b, row) =
                if y_col == 1 { ([m, k, n], a, b, y_row) } else { ([n, k, m], turned(b), turned(a), y_col) };
            let c = Output::new(y, row, false);
            fork::gemm(Gemm { dims, a, b, c, start: Start::Zero, finish: Finish::Keep });
        }
    }
}

/// How much each query takes of each key: `out[h, i, j] = softmax_j(x[h, i, j] / √width)` for `[heads, queries, keys,
/// width, causal]`. If it is causal, query `i` sees no key after place `i`: these count nothing and get 0.
///
/// `x` and `out` are tile buffers of `heads * queries * keys` elements.
///
/// # Panics
///
/// If a slice is too short.
pub fn attention_weights<T: Real>(rows: usize, sizes: [usize; 5], x: &[T], out: &mut [T]) {
    T::attention_weights(rows, sizes, x, out);
}

/// The adjoint of the scores: `out[h, i, j] = y[h, i, j] · (d[h, i, j] - Σ_k d[h, i, k] · y[h, i, k]) / √width`, for
/// `[heads, queries, keys, width]`.
///
/// `y`, `d` and `out` are tile buffers of `heads * queries * keys` elements; what all examples share is a slice of one example's
/// length.
///
/// # Panics
///
/// If a slice is too short.
pub fn attention_weights_input<T: Real>(rows: usize, sizes: [usize; 4], y: &[T], d: &[T], out: &mut [T]) {
    T::attention_weights_input(rows, sizes, y, d, out);
}

/// The transpose.
fn turned<T>(x: Matrix<'_, T>) -> Matrix<'_, T> {
    Matrix { row: x.col, col: x.row, ..x }
}

/// What scores of heads of so many columns are multiplied with.
pub(super) fn scale<T: Real>(width: usize) -> T {
    T::ONE / T::from_f64(width as f64).sqrt()
}

/// See [`attention_weights`].
#[inline(always)]
pub(super) fn weights<S: Simd, T: Real>(
    s: S,
    rows: usize,
    [heads, queries, keys, width, causal]: [usize; 5],
    x: &[T],
    out: &mut [T],
) {
    let (scale, stride) = (scale::<T>(width), stride::<T>(heads * queries * keys));
    for r in 0..rows {
        for line in 0..heads * queries {
            let at = r * stride + line * keys;
            let seen = if causal == 1 { keys.min(line % queries + 1) } else { keys };
            let (x, out) = (&x[at..][..seen], &mut out[at..][..keys]);
            out[seen..].fill(T::ZERO);
            let mut largest = Lanes::splat(s, -T::INFINITY);
            for x in x.chunks(T::LANES) {
                largest = max(largest, up_to(s, x, -T::INFINITY));
            }
            let largest = Lanes::splat(s, largest.largest());
            let mut sum = Lanes::zero(s);
            for (x, y) in x.chunks(T::LANES).zip(out[..seen].chunks_mut(T::LANES)) {
                let below = (up_to(s, x, -T::INFINITY) - largest) * scale;
                let growth = exp_down(below.lanes(), T::EXP_NORMAL);
                sum += growth;
                growth.store_partial(y);
            }
            let share = T::ONE / sum.sum();
            for y in out[..seen].chunks_mut(T::LANES) {
                let part = Lanes::load_partial(s, y) * share;
                part.lanes().store_partial(y);
            }
        }
    }
}

/// See [`attention_weights_input`].
#[inline(always)]
pub(super) fn weights_input<S: Simd, T: Real>(
    s: S,
    rows: usize,
    [heads, queries, keys, width]: [usize; 4],
    y: &[T],
    d: &[T],
    out: &mut [T],
) {
    let count = heads * queries * keys;
    let (scale, stride) = (scale::<T>(width), stride::<T>(count));
    for r in 0..rows {
        let (y, d) = (example(y, rows, count, r), example(d, rows, count, r));
        let out = out[r * stride..][..count].chunks_exact_mut(keys);
        for ((y, d), out) in y.chunks_exact(keys).zip(d.chunks_exact(keys)).zip(out) {
            let mut mean = Lanes::zero(s);
            for (y, d) in y.chunks(T::LANES).zip(d.chunks(T::LANES)) {
                mean += Lanes::load_partial(s, y) * Lanes::load_partial(s, d);
            }
            let mean = Lanes::splat(s, mean.sum());
            let parts = y.chunks(T::LANES).zip(d.chunks(T::LANES)).zip(out.chunks_mut(T::LANES));
            for ((y, d), out) in parts {
                let from_mean = (Lanes::load_partial(s, d) - mean) * scale;
                (Lanes::load_partial(s, y) * from_mean).lanes().store_partial(out);
            }
        }
    }
}

/// The scalars of a line's part, and `fill` in the lanes after them.
#[inline(always)]
fn up_to<S: Simd, T: Real>(s: S, x: &[T], fill: T) -> Lanes<S, T> {
    let lanes = Lanes::load_partial(s, x);
    if x.len() == T::LANES { lanes } else { first::<S, T>(s, x.len()).select(lanes, Lanes::splat(s, fill)) }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;
    use crate::kernels::testing::{Numbers, assert_close, at_every_level, elements, nan_tile};

    /// Row-major strides of axes that stand in this order, in the order of the sizes.
    fn strides<const N: usize>(order: [usize; N], sizes: [usize; N]) -> [usize; N] {
        let mut strides = [0; N];
        let mut step = 1;
        for &axis in order.iter().rev() {
            strides[axis] = step;
            step *= sizes[axis];
        }
        strides
    }

    fn check_products<T: Real>(rows: usize, [places, m, k, n]: [usize; 4], orders: [[usize; 3]; 3]) {
        let [a_at, b_at] = [strides(orders[0], [places, m, k]), strides(orders[1], [places, k, n])];
        let y_at = strides(orders[2], [places, m, n]);
        let sizes = [&[places, m, k, n][..], &a_at, &b_at, &y_at].concat().try_into().expect("thirteen");
        for shared in 0..4 {
            let mut numbers = Numbers((rows * 1000 + m * 100 + k * 10 + n) as u64);
            let mut operand = |is_shared: bool, count: usize| {
                if is_shared { numbers.flat::<T>(count) } else { numbers.tile::<T>(rows, count) }
            };
            let (a, b) = (operand(shared & 1 > 0, places * m * k), operand(shared & 2 > 0, places * k * n));
            let mut want = std::vec![0.0; rows * places * m * n];
            for (r, want) in want.chunks_exact_mut(places * m * n).enumerate() {
                let (a, b) = (example(&a, rows, places * m * k, r), example(&b, rows, places * k * n, r));
                for (place, i, l, j) in (0..places).flat_map(|e| {
                    (0..m).flat_map(move |i| (0..k).flat_map(move |l| (0..n).map(move |j| (e, i, l, j))))
                }) {
                    let at = |[e, x, y]: [usize; 3], [p, q]: [usize; 2]| place * e + p * x + q * y;
                    want[at(y_at, [i, j])] += a[at(a_at, [i, l])].to_f64() * b[at(b_at, [l, j])].to_f64();
                }
            }
            let mut out = nan_tile::<T>(rows, places * m * n);
            contract_each(rows, sizes, &a, &b, &mut out);
            assert_close(
                &elements(&out, rows, places * m * n),
                &want,
                (16 + k) as f64,
                &(rows, sizes, shared),
            );
        }
    }

    #[test]
    fn products_of_axes_in_any_order() {
        let orders = [
            [[1, 0, 2], [2, 0, 1], [0, 1, 2]],
            [[0, 1, 2], [1, 0, 2], [1, 0, 2]],
            [[0, 2, 1], [0, 2, 1], [0, 2, 1]],
            [[2, 1, 0], [1, 2, 0], [2, 0, 1]],
        ];
        at_every_level(|_| {
            for orders in orders {
                for sizes in [[1, 1, 1, 1], [2, 3, 4, 5], [3, 17, 9, 1], [2, 1, 5, 33], [4, 20, 8, 20]] {
                    for rows in [1, 3] {
                        check_products::<f32>(rows, sizes, orders);
                        check_products::<f64>(rows, sizes, orders);
                    }
                }
            }
        });
    }

    fn check_weights<T: Real>(rows: usize, [heads, queries, keys, width, causal]: [usize; 5]) {
        let count = heads * queries * keys;
        let mut numbers = Numbers((rows * 100 + keys) as u64);
        let (mut x, d) = (numbers.tile::<T>(rows, count), numbers.tile::<T>(rows, count));
        for x in &mut x {
            *x *= T::from_f64(20.0);
        }
        let scale = 1.0 / (width as f64).sqrt();
        let (mut want, mut adjoint) = (Vec::new(), Vec::new());
        let lines = elements(&x, rows, count);
        for (line, (x, d)) in
            lines.chunks_exact(keys).zip(elements(&d, rows, count).chunks_exact(keys)).enumerate()
        {
            let seen = if causal == 1 { keys.min(line % queries + 1) } else { keys };
            let largest = x[..seen].iter().map(|x| x.to_f64()).fold(f64::NEG_INFINITY, f64::max);
            let growth = |j: usize| if j < seen { ((x[j].to_f64() - largest) * scale).exp() } else { 0.0 };
            let sum: f64 = (0..keys).map(growth).sum();
            let y: Vec<f64> = (0..keys).map(|j| growth(j) / sum).collect();
            let mean: f64 = y.iter().zip(d).map(|(y, d)| y * d.to_f64()).sum();
            adjoint.extend(y.iter().zip(d).map(|(y, d)| y * (d.to_f64() - mean) * scale));
            want.extend(y);
        }
        let what = (core::any::type_name::<T>(), rows, heads, queries, keys, causal);
        let mut y = nan_tile::<T>(rows, count);
        attention_weights(rows, [heads, queries, keys, width, causal], &x, &mut y);
        assert_close(&elements(&y, rows, count), &want, 64.0, &what);
        let mut out = nan_tile::<T>(rows, count);
        attention_weights_input(rows, [heads, queries, keys, width], &y, &d, &mut out);
        assert_close(&elements(&out, rows, count), &adjoint, 64.0, &what);
    }

    #[test]
    fn weights_and_their_adjoint() {
        at_every_level(|_| {
            for sizes in
                [[1, 1, 1, 1, 0], [2, 3, 5, 4, 0], [2, 5, 3, 1, 1], [1, 40, 40, 7, 1], [3, 4, 64, 16, 0]]
            {
                for rows in [1, 3] {
                    check_weights::<f32>(rows, sizes);
                    check_weights::<f64>(rows, sizes);
                }
            }
        });
    }

    #[test]
    fn what_is_not_seen_counts_nothing() {
        let x = [1.0_f32, f32::NAN, f32::INFINITY, 1.0, 1.0, f32::NAN];
        let mut out = [f32::NAN; 6];
        attention_weights(1, [1, 2, 3, 1, 1], &x, &mut out);
        assert_eq!(out, [1.0, 0.0, 0.0, 0.5, 0.5, 0.0]);
    }
}
