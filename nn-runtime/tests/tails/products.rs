//! Matrix products: each of the three sizes has every remainder.

use nn_runtime::kernels::{
    Activation, Operand, Real, batch_statistic, batch_sum, contract, contract_each, contract_sum, dense,
    dense_input, dense_weight, single, stride,
};

use crate::{LONGEST, Numbers, close, elements, empty, in_both_precisions};

/// The sizes with this one in each place, and others that differ from length to length.
fn around(n: usize) -> [[usize; 3]; 3] {
    let (a, b) = (1 + n % 5, 1 + n * 7 % 19);
    [[n, a, b], [b, n, a], [a, b, n]]
}

/// `Σ_l a[i, l] b[l, j]`, row-major.
fn product(a: &[f64], b: &[f64], [m, k, n]: [usize; 3]) -> Vec<f64> {
    let at = |i: usize, j: usize| (0..k).map(|l| a[i * k + l] * b[l * n + j]).sum();
    (0..m * n).map(|place| at(place / n, place % n)).collect()
}

fn transposed<X: Copy>(x: &[X], rows: usize, columns: usize) -> Vec<X> {
    (0..columns * rows).map(|place| x[place % rows * columns + place / rows]).collect()
}

fn layers<T: Real>(length: usize) {
    let mut numbers = Numbers(length as u64);
    for dims in around(length) {
        let [rows, k, n] = dims;
        let ((x, x64), (w, w64)) = (numbers.tile::<T>(rows, k), numbers.shared::<T>(k * n));
        let ((bias, bias64), (gate, gate64)) = (numbers.shared::<T>(n), numbers.tile::<T>(rows, n));
        let plain = product(&x64, &w64, dims);
        let mut out = empty::<T>(rows, n);
        dense(rows, [k, n], &x, &w, None, Activation::Linear, &mut out);
        close(&elements(&out, rows, n), &plain, 8.0 + k as f64, &("dense", dims));
        let finished: Vec<f64> =
            plain.iter().enumerate().map(|(i, x)| (x + bias64[i % n]).max(0.0)).collect();
        dense(rows, [k, n], &x, &w, Some(&bias), Activation::Relu, &mut out);
        close(&elements(&out, rows, n), &finished, 8.0 + k as f64, &("dense, finished", dims));

        // The adjoint of an input has the same product, and a gate.
        dense_input(rows, [n, k], &x, &w, Some(&gate), &mut out);
        let gated: Vec<f64> =
            plain.iter().zip(&gate64).map(|(x, gate)| if *gate > 0.0 { *x } else { 0.0 }).collect();
        close(&elements(&out, rows, n), &gated, 8.0 + k as f64, &("dense_input", dims));

        // That of a weight sums over the rows, which are few or many.
        let ((d, d64), (mut sum, sum64)) = (numbers.tile::<T>(rows, n), numbers.shared::<T>(k * n));
        dense_weight(rows, [k, n], &x, &d, &mut sum);
        let mut added = product(&transposed(&x64, rows, k), &d64, [k, rows, n]);
        added.iter_mut().zip(&sum64).for_each(|(x, before)| *x += before);
        close(&sum, &added, 8.0 + rows as f64, &("dense_weight", dims));

        let mut one = empty::<T>(1, n);
        single::dense(1, [k, n], &x, &w, Some(&bias), Activation::Relu, &mut one);
        close(&elements(&one, 1, n), &finished[..n], 8.0 + k as f64, &("a single example", dims));
    }
}

fn contractions<T: Real>(length: usize) {
    let mut numbers = Numbers(length as u64 + 1000);
    for (case, dims) in around(length).into_iter().enumerate() {
        let ([m, k, n], rows) = (dims, 2);
        let ((a, a64), (b, b64)) = (numbers.tile::<T>(rows, m * k), numbers.tile::<T>(rows, k * n));
        let each: Vec<f64> = (0..rows)
            .flat_map(|r| product(&a64[r * m * k..][..m * k], &b64[r * k * n..][..k * n], dims))
            .collect();
        let plain_a = Operand { data: &a, row: k, col: 1, example: stride::<T>(m * k) };
        let plain_b = Operand { data: &b, row: n, col: 1, example: stride::<T>(k * n) };
        let mut out = empty::<T>(rows, m * n);
        contract(rows, dims, plain_a, plain_b, &mut out);
        close(&elements(&out, rows, m * n), &each, 8.0 + k as f64, &("contract", case, dims));
        // A transposed operand is read by columns.
        let turned: Vec<T> = (0..rows)
            .flat_map(|r| transposed(&elements(&b, rows, k * n)[r * k * n..][..k * n], k, n))
            .collect();
        let turned = crate::tile_of(rows, k * n, &turned);
        let turned_b = Operand { data: &turned, row: 1, col: k, example: stride::<T>(k * n) };
        contract(rows, dims, plain_a, turned_b, &mut out);
        close(&elements(&out, rows, m * n), &each, 8.0 + k as f64, &("contract, turned", case, dims));

        let (mut sum, sum64) = numbers.shared::<T>(m * n);
        contract_sum(rows, dims, plain_a, turned_b, &mut sum);
        let summed: Vec<f64> = (0..m * n).map(|i| sum64[i] + each[i] + each[m * n + i]).collect();
        close(&sum, &summed, 16.0 + 2.0 * k as f64, &("contract_sum", case, dims));

        // All heads of an attention: here each example is one place.
        let sizes = [1, m, k, n, 0, k, 1, 0, n, 1, 0, n, 1];
        contract_each(rows, sizes, &a, &b, &mut out);
        close(&elements(&out, rows, m * n), &each, 8.0 + k as f64, &("contract_each", case, dims));
    }
}

fn sums_over_examples<T: Real>(length: usize) {
    let mut numbers = Numbers(length as u64 + 2000);
    for [rows, n] in [[length, 3], [3, length], [length, 1]] {
        let ((x, x64), (mut sum, sum64)) = (numbers.tile::<T>(rows, n), numbers.shared::<T>(n));
        let totals: Vec<f64> = (0..n).map(|j| (0..rows).map(|r| x64[r * n + j]).sum()).collect();
        batch_sum(rows, n, &x, &mut sum);
        let added: Vec<f64> = totals.iter().zip(&sum64).map(|(total, before)| total + before).collect();
        close(&sum, &added, 8.0 + rows as f64, &("batch_sum", rows, n));
        if rows > 0 {
            batch_statistic(rows, n, &x, &mut sum);
            let means: Vec<f64> = totals.iter().map(|total| total / rows as f64).collect();
            close(&sum, &means, 8.0 + rows as f64, &("batch_statistic", rows, n));
        }
    }
}

in_both_precisions! {
    layers_of_every_size: layers over 1..=LONGEST;
    contractions_of_every_size: contractions over 1..=LONGEST;
    sums_over_examples_of_every_size: sums_over_examples over 0..=LONGEST;
}
