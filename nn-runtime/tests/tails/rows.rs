//! Kernels on rows: chains, reductions, softmax, normalisations, attention, look-ups, copies.

use nn_runtime::dispatch;
use nn_runtime::kernels::{
    Real, View, ViewMut, attention_weights, attention_weights_input, copy, full, log_softmax, logsumexp,
    lookup, lookup_weight_sum, normalise, normalise_input, one_hot, per_row, pointwise, pointwise_shared,
    reduce_max, reduce_min, reduce_sum, reduce_sum_added, shared, single, softmax, softmax_cross_entropy,
    softmax_cross_entropy_loss, softmax_error, stride, tile_len,
};

use crate::{LONGEST, Numbers, close, elements, empty, in_both_precisions};

/// Rows that leave every remainder too.
fn rows(length: usize) -> usize {
    1 + length * 5 % 17
}

/// A function of two scalars in a tile and as a shared tensor, for each precision: lanes are of one type.
macro_rules! chain {
    ($name:ident, $T:ty) => {
        fn $name(n: usize) {
            let (rows, mut numbers) = (rows(n), Numbers(n as u64));
            let ((a, a64), (b, b64)) = (numbers.tile::<$T>(rows, n), numbers.shared::<$T>(n));
            let (c, c64) = numbers.tile::<$T>(rows, 1);
            let expected: Vec<f64> =
                (0..rows * n).map(|i| a64[i] * b64[i % n.max(1)] - c64[i / n.max(1)]).collect();
            let mut out = empty::<$T>(rows, n);
            dispatch!(s => pointwise(s, rows, n, (full(&a), shared(&b), per_row(&c)), &mut out, |(a, b, c)| a * b - c));
            close(&elements(&out, rows, n), &expected, 2.0, &("pointwise", rows, n));
            let (first, mut out) = (elements(&a, 1, n), vec![<$T>::NAN; n]);
            dispatch!(s => pointwise_shared(s, n, (shared(&first), shared(&b)), &mut out, |(a, b)| a * b));
            let expected: Vec<f64> = (0..n).map(|i| a64[i] * b64[i]).collect();
            close(&out, &expected, 2.0, &("pointwise_shared", n));
        }
    };
}

chain!(chain_f32, f32);
chain!(chain_f64, f64);

#[test]
fn chains_of_every_length() {
    crate::at_every_length(&(1..=LONGEST), |n| {
        chain_f32(n);
        chain_f64(n);
    });
}

/// The elements that are reduced to each result, for `[outer, len, inner]`.
fn runs(x: &[f64], [outer, len, inner]: [usize; 3]) -> Vec<Vec<f64>> {
    let run = |r: usize| (0..len).map(move |l| x[(r / inner * len + l) * inner + r % inner]).collect();
    (0..outer * inner).map(run).collect()
}

fn largest(run: &[f64]) -> f64 {
    run.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

fn log_sum(run: &[f64]) -> f64 {
    let largest = largest(run);
    largest + run.iter().map(|x| (x - largest).exp()).sum::<f64>().ln()
}

/// Each of the three sizes has the remainder.
fn shapes(n: usize) -> [[usize; 3]; 4] {
    [[1, n, 1], [1 + n % 3, n, 1], [2, 3, n], [n, 2, 1]]
}

fn reductions<T: Real>(length: usize) {
    let (rows, mut numbers) = (rows(length), Numbers(length as u64));
    for dims in shapes(length) {
        let [outer, len, inner] = dims;
        let (count, results) = (outer * len * inner, outer * inner);
        let (x, x64) = numbers.tile::<T>(rows, count);
        let of_rows: Vec<Vec<f64>> = (0..rows).flat_map(|r| runs(&x64[r * count..][..count], dims)).collect();
        let mut out = empty::<T>(rows, results);
        let mut check =
            |name: &str, kernel: fn(usize, [usize; 3], &[T], &mut [T]), expected: fn(&[f64]) -> f64| {
                kernel(rows, dims, &x, &mut out);
                let expected: Vec<f64> = of_rows.iter().map(|run| expected(run)).collect();
                close(&elements(&out, rows, results), &expected, 8.0 + len as f64, &(name, rows, dims));
            };
        check("reduce_sum", reduce_sum, |run| run.iter().sum());
        check("reduce_max", reduce_max, largest);
        check("reduce_min", reduce_min, |run| run.iter().copied().fold(f64::INFINITY, f64::min));
        check("logsumexp", logsumexp, log_sum);
        let (mut sum, sum64) = numbers.shared::<T>(results);
        reduce_sum_added(rows, dims, &x, &mut sum);
        let added: Vec<f64> = (0..results)
            .map(|i| sum64[i] + (0..rows).map(|r| of_rows[r * results + i].iter().sum::<f64>()).sum::<f64>())
            .collect();
        close(&sum, &added, 8.0 + (rows * len) as f64, &("reduce_sum_added", rows, dims));
    }
}

fn probabilities<T: Real>(length: usize) {
    let (rows, mut numbers) = (rows(length), Numbers(length as u64));
    for dims in shapes(length) {
        let [outer, len, inner] = dims;
        let count = outer * len * inner;
        let (x, x64) = numbers.tile::<T>(rows, count);
        let of_rows: Vec<Vec<f64>> = (0..rows).flat_map(|r| runs(&x64[r * count..][..count], dims)).collect();
        // The run that element `i` of a row is in.
        let run = |i: usize| i / count * outer * inner + i % count / (len * inner) * inner + i % inner;
        let logs: Vec<f64> = (0..rows * count).map(|i| x64[i] - log_sum(&of_rows[run(i)])).collect();
        let shares: Vec<f64> = logs.iter().map(|x| x.exp()).collect();
        let mut out = empty::<T>(rows, count);
        log_softmax(rows, dims, &x, &mut out);
        close(&elements(&out, rows, count), &logs, 16.0, &("log_softmax", rows, dims));
        softmax(rows, dims, &x, &mut out);
        close(&elements(&out, rows, count), &shares, 16.0, &("softmax", rows, dims));
        single::softmax(1, dims, &x, &mut out);
        close(&elements(&out, 1, count), &shares[..count], 16.0, &("one softmax", dims));
    }
    for [places, classes] in [[1, length], [3, length], [length, 4]] {
        let (x, x64) = numbers.tile::<T>(rows, places * classes);
        let class = |place: usize| place * 7 % classes;
        let targets: Vec<T> = (0..rows * places).map(|place| T::from_f64(class(place) as f64)).collect();
        let targets = crate::tile_of(rows, places, &targets);
        let totals: Vec<f64> = x64.chunks_exact(classes).map(log_sum).collect();
        let losses: Vec<f64> = totals
            .iter()
            .enumerate()
            .map(|(place, total)| total - x64[place * classes + class(place)])
            .collect();
        let errors: Vec<f64> = (0..x64.len())
            .map(|i| {
                let hot = class(i / classes) == i % classes;
                (x64[i] - totals[i / classes]).exp() - f64::from(u8::from(hot))
            })
            .collect();
        let (mut loss, mut d) = (empty::<T>(rows, places), empty::<T>(rows, places * classes));
        let what = (rows, places, classes);
        softmax_cross_entropy(rows, [places, classes], &x, &targets, &mut loss, &mut d);
        close(&elements(&loss, rows, places), &losses, 16.0, &("cross-entropy", what));
        close(&elements(&d, rows, places * classes), &errors, 16.0, &("error of both", what));
        loss.fill(T::NAN);
        d.fill(T::NAN);
        softmax_cross_entropy_loss(rows, [places, classes], &x, &targets, &mut loss);
        close(&elements(&loss, rows, places), &losses, 16.0, &("cross-entropy alone", what));
        softmax_error(rows, [places, classes], &x, &targets, &mut d);
        close(&elements(&d, rows, places * classes), &errors, 16.0, &("error alone", what));
    }
}

fn normalisations<T: Real>(length: usize) {
    let (rows, mut numbers) = (rows(length), Numbers(length as u64));
    for [outer, len] in [[1, length], [3, length]] {
        let count = outer * len;
        let ((x, x64), (d, d64)) = (numbers.tile::<T>(rows, count), numbers.tile::<T>(rows, count));
        let epsilon = 0.125;
        let (mut y, mut back) = (Vec::new(), Vec::new());
        for (x, d) in x64.chunks_exact(len).zip(d64.chunks_exact(len)) {
            let mean = |f: &dyn Fn(usize) -> f64| (0..len).map(f).sum::<f64>() / len as f64;
            let middle = mean(&|i| x[i]);
            let scale = 1.0 / (mean(&|i| (x[i] - middle).powi(2)) + epsilon).sqrt();
            let of = |i: usize| (x[i] - middle) * scale;
            let (mean_d, mean_dy) = (mean(&|i| d[i]), mean(&|i| d[i] * of(i)));
            y.extend((0..len).map(of));
            back.extend((0..len).map(|i| (d[i] - mean_d - of(i) * mean_dy) * scale));
        }
        let mut out = empty::<T>(rows, count);
        normalise(rows, [outer, len], &x, &[T::from_f64(epsilon)], &mut out);
        close(&elements(&out, rows, count), &y, 64.0, &("normalise", rows, outer, len));
        normalise_input(rows, [outer, len], &x, &[T::from_f64(epsilon)], &d, &mut out);
        close(&elements(&out, rows, count), &back, 64.0, &("normalise_input", rows, outer, len));
    }
}

fn attention<T: Real>(length: usize) {
    let (rows, mut numbers) = (1 + length % 3, Numbers(length as u64));
    for (heads, queries, keys, causal) in [(1, 2, length, 0), (2, length, length, 1)] {
        let count = heads * queries * keys;
        let ((x, x64), (d, d64)) = (numbers.tile::<T>(rows, count), numbers.tile::<T>(rows, count));
        let (mut y, mut back) = (Vec::new(), Vec::new());
        for (line, (x, d)) in x64.chunks_exact(keys).zip(d64.chunks_exact(keys)).enumerate() {
            let seen = if causal == 1 { keys.min(line % queries + 1) } else { keys };
            let scaled: Vec<f64> = x[..seen].iter().map(|x| x * 0.5).collect();
            let total = log_sum(&scaled);
            let share = |j: usize| scaled.get(j).map_or(0.0, |x| (x - total).exp());
            let mean: f64 = (0..keys).map(|j| share(j) * d[j]).sum();
            y.extend((0..keys).map(share));
            back.extend((0..keys).map(|j| share(j) * (d[j] - mean) * 0.5));
        }
        let (mut weights, mut out) = (empty::<T>(rows, count), empty::<T>(rows, count));
        attention_weights(rows, [heads, queries, keys, 4, causal], &x, &mut weights);
        let what = (rows, heads, queries, keys, causal);
        close(&elements(&weights, rows, count), &y, 16.0, &("weights", what));
        attention_weights_input(rows, [heads, queries, keys, 4], &weights, &d, &mut out);
        close(&elements(&out, rows, count), &back, 32.0, &("adjoint of scores", what));
    }
}

fn movements<T: Real>(length: usize) {
    let (rows, mut numbers) = (rows(length), Numbers(length as u64));
    for [places, entries, width] in [[length, 4, 3], [3, length, 2], [2, 3, length]] {
        let entry = |place: usize| place * 5 % entries;
        let index: Vec<T> = (0..rows * places).map(|place| T::from_f64(entry(place) as f64)).collect();
        let index = crate::tile_of(rows, places, &index);
        let (table, table64) = numbers.shared::<T>(entries * width);
        let mut out = empty::<T>(rows, places * width);
        lookup(rows, [places, entries, width], &index, &table, &mut out);
        let found: Vec<f64> =
            (0..rows * places * width).map(|i| table64[entry(i / width) * width + i % width]).collect();
        close(&elements(&out, rows, places * width), &found, 0.0, &("lookup", rows, places, entries, width));
        let mut hot = empty::<T>(rows, places * entries);
        one_hot(rows, [places, entries], &index, &mut hot);
        let expected: Vec<f64> = (0..rows * places * entries)
            .map(|i| f64::from(u8::from(entry(i / entries) == i % entries)))
            .collect();
        close(&elements(&hot, rows, places * entries), &expected, 0.0, &("one_hot", rows, places, entries));
        let ((d, d64), (mut sum, mut added)) =
            (numbers.tile::<T>(rows, places * width), numbers.shared::<T>(entries * width));
        lookup_weight_sum(rows, [places, entries, width], &index, &d, &mut sum);
        for (i, d) in d64.iter().enumerate() {
            added[entry(i / width) * width + i % width] += d;
        }
        close(
            &sum,
            &added,
            8.0 + (rows * places) as f64,
            &("lookup_weight_sum", rows, places, entries, width),
        );
    }
    // A transpose, of a shared matrix and of a tile.
    for [m, n] in [[length, 3], [5, length]] {
        for rows in [1, 3] {
            let (x, x64) =
                if rows == 1 { numbers.shared::<T>(m * n) } else { numbers.tile::<T>(rows, m * n) };
            let mut out = if rows == 1 { vec![T::NAN; m * n] } else { empty::<T>(rows, m * n) };
            let row = if rows == 1 { 0 } else { stride::<T>(m * n) };
            let from = View { data: &x, example: row, offset: 0, strides: [1, n] };
            copy(rows, [n, m], from, ViewMut { data: &mut out, example: row, offset: 0, strides: [m, 1] });
            let turned: Vec<f64> =
                (0..rows * m * n).map(|i| x64[i / (m * n) * m * n + i % m * n + i % (m * n) / m]).collect();
            let found = if rows == 1 { out } else { elements(&out, rows, m * n) };
            close(&found, &turned, 0.0, &("transpose", rows, m, n));
        }
    }
    assert_eq!(empty::<T>(rows, length).len(), tile_len::<T>(rows, length));
}

in_both_precisions! {
    reductions_of_every_length: reductions over 1..=LONGEST;
    probabilities_of_every_length: probabilities over 1..=LONGEST;
    normalisations_of_every_length: normalisations over 1..=LONGEST;
    attention_of_every_length: attention over 1..=LONGEST;
    movements_of_every_length: movements over 1..=LONGEST;
}
