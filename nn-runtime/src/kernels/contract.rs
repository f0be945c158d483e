//! Matrix products over the examples of a tile.

use fearless_simd::Simd;

use super::gemm::{Finish, Gemm, Matrix, Output, Start};
use super::{Lanes, Real, fork, stride, tile_len};

/// What a dense layer applies to its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    Linear,
    /// `max(x, 0)`; NaN stays.
    Relu,
}

/// A matrix per example, or one for all, with any strides: element `[i, j]` of example `r` is
/// `data[r * example + i * row + j * col]`.
#[derive(Clone, Copy, Debug)]
pub struct Operand<'a, T> {
    /// The scalars, from the matrix' first on.
    pub data: &'a [T],
    /// Distance of rows.
    pub row: usize,
    /// Distance of columns.
    pub col: usize,
    /// Distance of examples: [`stride`] of a tensor of the tile, 0 for a shared one.
    pub example: usize,
}

/// A dense layer: `out[r][j] = activation(bias[j] + Σ_i x[r][i] · weight[i][j])`.
///
/// `x` (k elements) and `out` (n elements) are tile buffers, `weight` `[k, n]` and `bias` `[n]` are shared.
///
/// # Panics
///
/// If a slice is too short.
pub fn dense<T: Real>(
    rows: usize,
    [k, n]: [usize; 2],
    x: &[T],
    weight: &[T],
    bias: Option<&[T]>,
    activation: Activation,
    out: &mut [T],
) {
    let finish = match activation {
        Activation::Linear => Finish::Keep,
        Activation::Relu => Finish::Relu,
    };
    let start = bias.map_or(Start::Zero, Start::Bias);
    tile_product(rows, [k, n], x, weight, start, finish, out);
}

/// Adjoint of a dense layer's input: `out[r][i] = Σ_j d[r][j] · weight_t[j][i]`, and 0 where a `gate` is
/// given and `gate[r][i] > 0` does not hold (the layer's input was the result of a relu).
///
/// `d` (n elements), `gate` and `out` (k elements) are tile buffers, `weight_t` is the shared transpose `[n, k]`.
///
/// # Panics
///
/// If a slice is too short.
pub fn dense_input<T: Real>(
    rows: usize,
    [k, n]: [usize; 2],
    d: &[T],
    weight_t: &[T],
    gate: Option<&[T]>,
    out: &mut [T],
) {
    tile_product(rows, [n, k], d, weight_t, Start::Zero, gate.map_or(Finish::Keep, Finish::Gate), out);
}

/// The product of a tile `x` of rows of `k` elements by a shared matrix `[k, n]`.
fn tile_product<T: Real>(
    rows: usize,
    [k, n]: [usize; 2],
    x: &[T],
    weight: &[T],
    start: Start<'_, T>,
    finish: Finish<'_, T>,
    out: &mut [T],
) {
    if n == 1 {
        return T::dot(Dot { rows, k, x, weight, start, finish, out });
    }
    fork::gemm(Gemm {
        dims: [rows, k, n],
        a: Matrix { data: x, row: stride::<T>(k), col: 1 },
        b: Matrix { data: weight, row: n, col: 1 },
        c: Output::new(out, stride::<T>(n), true),
        start,
        finish,
    });
}

/// Adjoint of a dense layer's weight, added: `d_weight[i][j] += Σ_r x[r][i] · d[r][j]`.
///
/// `x` (k elements) and `d` (n elements) are tile buffers, `d_weight` `[k, n]` is shared.
///
/// # Panics
///
/// If a slice is too short.
pub fn dense_weight<T: Real>(rows: usize, [k, n]: [usize; 2], x: &[T], d: &[T], d_weight: &mut [T]) {
    let x = Operand { data: x, row: 1, col: 0, example: stride::<T>(k) };
    let d = Operand { data: d, row: 0, col: 1, example: stride::<T>(n) };
    contract_sum(rows, [k, 1, n], x, d, d_weight);
}

/// Sum over the examples, added: `sum[j] += Σ_r x[r][j]`. `x` is a tile buffer of n elements, `sum` is shared.
///
/// # Panics
///
/// If a slice is too short.
pub fn batch_sum<T: Real>(rows: usize, n: usize, x: &[T], sum: &mut [T]) {
    T::batch_sum(rows, n, x, sum);
}

/// Mean over the examples of a batch that is one tile: `out[j] = Σ_r x[r][j] / rows`. `x` is a tile buffer of n elements,
/// `out` is shared.
///
/// # Panics
///
/// If a slice is too short.
pub fn batch_statistic<T: Real>(rows: usize, n: usize, x: &[T], out: &mut [T]) {
    let out = &mut out[..n];
    out.fill(T::ZERO);
    T::batch_sum(rows, n, x, out);
    let count = T::from_f64(rows as f64);
    for sum in out {
        *sum /= count;
    }
}

/// A product per example: `out[r][i][j] = Σ_l a[r][i, l] · b[r][l, j]`, for `[m, k, n]`.
///
/// `out` is a tile buffer of `m * n` elements, row-major; with everything shared, `rows` is 1 and `out` a shared
/// tensor.
///
/// # Panics
///
/// If a slice is too short.
pub fn contract<T: Real>(
    rows: usize,
    [m, k, n]: [usize; 3],
    a: Operand<'_, T>,
    b: Operand<'_, T>,
    out: &mut [T],
) {
    if n == 1 && m > 1 {
        // A column is computed as a row, so that its elements lie across the lanes.
        return contract(rows, [1, k, m], b.transposed(), a.transposed(), out);
    }
    let row = stride::<T>(m * n);
    if m == 1 && b.example == 0 {
        // One matrix for all examples: they are the rows of one product.
        let a = Matrix { data: a.data, row: a.example, col: a.col };
        let padded = out.len() >= tile_len::<T>(rows, n) && n > 1;
        let c = Output::new(out, row, padded);
        return fork::gemm(Gemm {
            dims: [rows, k, n],
            a,
            b: b.matrix(0),
            c,
            start: Start::Zero,
            finish: Finish::Keep,
        });
    }
    for r in 0..rows {
        let c = Output::new(&mut out[r * row..], n, false);
        let (a, b) = (a.matrix(r * a.example), b.matrix(r * b.example));
        fork::gemm(Gemm { dims: [m, k, n], a, b, c, start: Start::Zero, finish: Finish::Keep });
    }
}

/// A product summed over the examples, added: `sum[i][j] += Σ_r Σ_l a[r][i, l] · b[r][l, j]`, for `[m, k, n]`.
/// `sum` `[m, n]` is shared.
///
/// # Panics
///
/// If a slice is too short.
pub fn contract_sum<T: Real>(
    rows: usize,
    [m, k, n]: [usize; 3],
    a: Operand<'_, T>,
    b: Operand<'_, T>,
    sum: &mut [T],
) {
    if n == 1 && m > 1 {
        return contract_sum(rows, [1, k, m], b.transposed(), a.transposed(), sum);
    }
    let mut add = |depth, a, b| {
        let c = Output::new(sum, n, false);
        fork::gemm(Gemm { dims: [m, depth, n], a, b, c, start: Start::Accumulate, finish: Finish::Keep });
    };
    // The inner sum is the longer one of those over `l` and over the examples.
    if k < rows {
        for l in 0..k {
            let a = Matrix { data: &a.data[l * a.col..], row: a.row, col: a.example };
            let b = Matrix { data: &b.data[l * b.row..], row: b.example, col: b.col };
            add(rows, a, b);
        }
    } else {
        for r in 0..rows {
            add(k, a.matrix(r * a.example), b.matrix(r * b.example));
        }
    }
}

impl<'a, T> Operand<'a, T> {
    fn matrix(self, from: usize) -> Matrix<'a, T> {
        Matrix { data: &self.data[from..], row: self.row, col: self.col }
    }

    fn transposed(self) -> Self {
        Self { row: self.col, col: self.row, ..self }
    }
}

/// The rows of a tile by one shared column.
#[derive(Debug)]
pub struct Dot<'a, T> {
    rows: usize,
    k: usize,
    x: &'a [T],
    weight: &'a [T],
    start: Start<'a, T>,
    finish: Finish<'a, T>,
    out: &'a mut [T],
}

/// `out[r] = finish(start + Σ_i x[r][i] · weight[i])`.
#[inline(always)]
pub(super) fn dot<S: Simd, T: Real>(s: S, dot: Dot<'_, T>) {
    let Dot { rows, k, x, weight, start, finish, out } = dot;
    let (stride, weight) = (stride::<T>(k), &weight[..k]);
    assert!(x.len() >= tile_len::<T>(rows, k), "x is no tile of {rows} examples of {k}");
    let start = if let Start::Bias(bias) = start { bias[0] } else { T::ZERO };
    for (r, out) in out[..rows].iter_mut().enumerate() {
        let x = &x[r * stride..][..k];
        let (mut sum, mut i) = (Lanes::zero(s), 0);
        while i + T::LANES <= k {
            sum += Lanes::load(s, &x[i..]) * Lanes::load(s, &weight[i..]);
            i += T::LANES;
        }
        if i < k {
            sum += Lanes::load_partial(s, &x[i..]) * Lanes::load_partial(s, &weight[i..]);
        }
        let y = start + sum.sum();
        *out = match finish {
            Finish::Relu if y < T::ZERO => T::ZERO,
            Finish::Gate(gate) if gate[r].is_nan() || gate[r] <= T::ZERO => T::ZERO,
            _ => y,
        };
    }
}

/// `sum[j] += Σ_r x[r][j]`.
#[inline(always)]
pub(super) fn sum_over_batch<S: Simd, T: Real>(s: S, rows: usize, n: usize, x: &[T], sum: &mut [T]) {
    assert!(x.len() >= tile_len::<T>(rows, n), "x is no tile of {rows} examples of {n}");
    if n == 1 {
        let mut total = Lanes::zero(s);
        for x in x[..rows].chunks(T::LANES) {
            total += Lanes::load_partial(s, x);
        }
        sum[0] += total.sum();
        return;
    }
    let stride = stride::<T>(n);
    for (i, sum) in sum[..n].chunks_mut(T::LANES).enumerate() {
        let mut total = Lanes::load_partial(s, sum);
        for r in 0..rows {
            total += Lanes::load(s, &x[r * stride + i * T::LANES..]);
        }
        total.store_partial(sum);
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;
    use crate::kernels::testing::{Numbers, assert_close, at_every_level, elements, nan_tile};

    /// Sizes around one and two vectors of every level, and more than one packed chunk.
    const SIZES: [usize; 14] = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 33, 40];

    fn f64s<T: Real>(x: &[T]) -> Vec<f64> {
        x.iter().map(|x| x.to_f64()).collect()
    }

    /// `start + a · b` for row-major matrices.
    fn naive([m, k, n]: [usize; 3], a: &[f64], b: &[f64], start: impl Fn(usize, usize) -> f64) -> Vec<f64> {
        let mut c = Vec::new();
        for i in 0..m {
            for j in 0..n {
                c.push((0..k).fold(start(i, j), |sum, l| sum + a[i * k + l] * b[l * n + j]));
            }
        }
        c
    }

    fn transposed<T: Copy>([rows, cols]: [usize; 2], x: &[T]) -> Vec<T> {
        (0..cols).flat_map(|j| (0..rows).map(move |i| x[i * cols + j])).collect()
    }

    fn check_dense<T: Real>(rows: usize, [k, n]: [usize; 2]) {
        let what = (core::any::type_name::<T>(), rows, k, n);
        let roundings = (16 + rows + k + n) as f64;
        let mut numbers = Numbers((rows * 10_000 + k * 100 + n) as u64);
        let x = numbers.tile::<T>(rows, k);
        let (w, bias) = (numbers.flat::<T>(k * n), numbers.flat::<T>(n));
        let flat_x = f64s(&elements(&x, rows, k));

        let mut want = naive([rows, k, n], &flat_x, &f64s(&w), |_, j| bias[j].to_f64());
        let mut out = nan_tile::<T>(rows, n);
        dense(rows, [k, n], &x, &w, Some(&bias), Activation::Linear, &mut out);
        assert_close(&elements(&out, rows, n), &want, roundings, &what);

        dense(rows, [k, n], &x, &w, Some(&bias), Activation::Relu, &mut out);
        for y in &mut want {
            *y = y.max(0.0);
        }
        assert_close(&elements(&out, rows, n), &want, roundings, &what);

        dense(rows, [k, n], &x, &w, None, Activation::Linear, &mut out);
        let want = naive([rows, k, n], &flat_x, &f64s(&w), |_, _| 0.0);
        assert_close(&elements(&out, rows, n), &want, roundings, &what);

        let d = numbers.tile::<T>(rows, n);
        let w_t = transposed([k, n], &w);
        let mut want = naive([rows, n, k], &f64s(&elements(&d, rows, n)), &f64s(&w_t), |_, _| 0.0);
        let mut out = nan_tile::<T>(rows, k);
        dense_input(rows, [k, n], &d, &w_t, None, &mut out);
        assert_close(&elements(&out, rows, k), &want, roundings, &what);

        let mut gate = numbers.tile::<T>(rows, k);
        gate[0] = T::NAN;
        for (y, gate) in want.iter_mut().zip(elements(&gate, rows, k)) {
            *y = if gate > T::ZERO { *y } else { 0.0 };
        }
        dense_input(rows, [k, n], &d, &w_t, Some(&gate), &mut out);
        assert_close(&elements(&out, rows, k), &want, roundings, &what);

        // Shared results lie between guards that must stay.
        let mut sums = numbers.flat::<T>(k * n + 2);
        let before = f64s(&sums);
        let x_t = transposed([rows, k], &flat_x);
        let mut want = naive([k, rows, n], &x_t, &f64s(&elements(&d, rows, n)), |i, j| before[1 + i * n + j]);
        want.insert(0, before[0]);
        want.push(before[k * n + 1]);
        dense_weight(rows, [k, n], &x, &d, &mut sums[1..=k * n]);
        assert_close(&sums, &want, roundings, &what);

        let mut sums = numbers.flat::<T>(n + 2);
        let before = f64s(&sums);
        let mut want =
            naive([1, rows, n], &std::vec![1.0; rows], &f64s(&elements(&d, rows, n)), |_, j| before[1 + j]);
        want.insert(0, before[0]);
        want.push(before[n + 1]);
        batch_sum(rows, n, &d, &mut sums[1..=n]);
        assert_close(&sums, &want, roundings, &what);

        let mean: Vec<f64> = (0..n).map(|j| (want[1 + j] - before[1 + j]) / rows as f64).collect();
        let mut means = std::vec![T::NAN; n];
        batch_statistic(rows, n, &d, &mut means);
        assert_close(&means, &mean, roundings, &what);
    }

    #[test]
    fn dense_and_its_adjoints_for_any_number_of_examples() {
        at_every_level(|_| {
            for rows in 1..=40 {
                for size in [[3, 5], [16, 16], [9, 33], [1, 17], [17, 1], [1, 1]] {
                    check_dense::<f32>(rows, size);
                    check_dense::<f64>(rows, size);
                }
            }
        });
    }

    #[test]
    fn dense_and_its_adjoints_for_any_size() {
        at_every_level(|_| {
            for k in SIZES {
                for n in SIZES {
                    check_dense::<f32>(7, [k, n]);
                    check_dense::<f64>(5, [k, n]);
                }
            }
            check_dense::<f32>(13, [300, 70]);
            check_dense::<f64>(3, [513, 130]);
        });
    }

    /// Every strided, shared and per-example kind of operand.
    fn check_contract<T: Real>(rows: usize, [m, k, n]: [usize; 3]) {
        let mut numbers = Numbers((rows * 1000 + m * 100 + k * 10 + n) as u64);
        let roundings = (16 + k) as f64;
        for kind in 0..16 {
            let what = (core::any::type_name::<T>(), rows, m, k, n, kind);
            let [a_shared, a_transposed, b_shared, b_transposed] = [1, 2, 4, 8].map(|bit| kind & bit != 0);
            let mut operand = |shared: bool, size: usize| {
                if shared { numbers.flat::<T>(size) } else { numbers.tile::<T>(rows, size) }
            };
            let (a, b) = (operand(a_shared, m * k), operand(b_shared, k * n));
            let view = |data, shared: bool, is_transposed: bool, [i, j]: [usize; 2]| {
                let (row, col) = if is_transposed { (1, i) } else { (j, 1) };
                Operand { data, row, col, example: if shared { 0 } else { stride::<T>(i * j) } }
            };
            let (a, b) =
                (view(&a[..], a_shared, a_transposed, [m, k]), view(&b[..], b_shared, b_transposed, [k, n]));
            let matrix = |x: Operand<'_, T>, r: usize, [rows, cols]: [usize; 2]| {
                let at = |i: usize| x.data[r * x.example + i / cols * x.row + i % cols * x.col].to_f64();
                (0..rows * cols).map(at).collect::<Vec<_>>()
            };
            let each: Vec<_> = (0..rows)
                .map(|r| naive([m, k, n], &matrix(a, r, [m, k]), &matrix(b, r, [k, n]), |_, _| 0.0))
                .collect();

            let mut out = nan_tile::<T>(rows, m * n);
            contract(rows, [m, k, n], a, b, &mut out);
            assert_close(&elements(&out, rows, m * n), &each.concat(), roundings, &what);

            let mut flat = std::vec![T::NAN; m * n];
            contract(1, [m, k, n], a, b, &mut flat);
            assert_close(&flat, &each[0], roundings, &what);

            let mut sums = numbers.flat::<T>(m * n + 2);
            let mut want = f64s(&sums);
            for each in &each {
                want[1..=m * n].iter_mut().zip(each).for_each(|(sum, x)| *sum += x);
            }
            contract_sum(rows, [m, k, n], a, b, &mut sums[1..=m * n]);
            assert_close(&sums, &want, roundings * rows as f64, &what);
        }
    }

    #[test]
    fn contract_for_any_strides() {
        at_every_level(|_| {
            for dims in [[1, 1, 1], [3, 4, 5], [8, 16, 1], [1, 7, 9], [4, 1, 20], [17, 3, 33], [2, 300, 10]] {
                for rows in [1, 2, 5, 9] {
                    check_contract::<f32>(rows, dims);
                    check_contract::<f64>(rows, dims);
                }
            }
        });
    }

    #[test]
    fn broadcast_operands() {
        at_every_level(|_| {
            // Strides of 0 repeat a row or a column.
            let b = [2.0_f64, 3.0];
            let ones = Operand { data: &[1.0; 1], row: 0, col: 0, example: 0 };
            let mut out = [0.0; 4];
            contract(1, [2, 300, 2], ones, Operand { data: &b, row: 0, col: 1, example: 0 }, &mut out);
            assert_eq!(out, [600.0, 900.0, 600.0, 900.0]);
            contract(1, [2, 2, 2], ones, Operand { data: &b, row: 1, col: 0, example: 0 }, &mut out);
            assert_eq!(out, [5.0; 4]);
        });
    }

    #[test]
    fn relu_keeps_nan() {
        at_every_level(|_| {
            for n in [1, 3] {
                let x = nan_tile::<f32>(1, 1);
                let mut out = std::vec![0.0; tile_len::<f32>(1, n)];
                dense(1, [1, n], &x, &std::vec![1.0; n], None, Activation::Relu, &mut out);
                assert!(out[..n].iter().all(|y| y.is_nan()));
            }
        });
    }

    #[test]
    #[should_panic(expected = "operand needs more than")]
    fn short_weights_are_caught() {
        dense(2, [4, 4], &[0.0_f32; 32], &[0.0; 15], None, Activation::Linear, &mut [0.0; 32]);
    }
}
