//! Interleaved tensors: every number of examples and of elements, and the kernels of images on them.

use nn_runtime::dispatch;
use nn_runtime::kernels::{Activation, Real, full, interleaved};

use crate::images::{Case, cases};
use crate::{LONGEST, Numbers, close, elements, empty, in_both_precisions, tile_of};

/// A buffer of blocks of NaN.
fn blocks<T: Real>(rows: usize, n: usize) -> Vec<T> {
    vec![T::NAN; interleaved::blocks_len::<T>(rows, n)]
}

/// Rows as blocks.
fn turned<T: Real>(rows: usize, n: usize, x: &[T]) -> Vec<T> {
    let mut out = blocks::<T>(rows, n);
    interleaved::interleave(rows, n, x, &mut out);
    out
}

/// The elements of blocks, example by example.
fn back<T: Real>(rows: usize, n: usize, x: &[T]) -> Vec<T> {
    let mut out = empty::<T>(rows, n);
    interleaved::deinterleave(rows, n, x, &mut out);
    elements(&out, rows, n)
}

fn layouts<T: Real>(length: usize) {
    let mut numbers = Numbers(length as u64);
    for (rows, n) in [(length, 1 + length % 7), (1 + length % 19, length)] {
        let (x, x64) = numbers.tile::<T>(rows, n);
        let inside = turned(rows, n, &x);
        close(&back(rows, n, &inside), &x64, 0.0, &("interleave", rows, n));
        let (mut sum, sum64) = numbers.shared::<T>(n);
        interleaved::batch_sum(rows, n, &inside, &mut sum);
        let added: Vec<f64> =
            (0..n).map(|j| sum64[j] + (0..rows).map(|r| x64[r * n + j]).sum::<f64>()).collect();
        close(&sum, &added, 8.0 + rows as f64, &("batch_sum of blocks", rows, n));

        let mut out = blocks::<T>(rows, 1);
        interleaved::reduce_sum(rows, [1, n, 1], &inside, &mut out);
        let totals: Vec<f64> = x64.chunks_exact(n).map(|x| x.iter().sum()).collect();
        close(&back(rows, 1, &out), &totals, 8.0 + n as f64, &("reduce_sum of blocks", rows, n));
        let mut sum = vec![T::ZERO];
        interleaved::reduce_sum_added(rows, [1, n, 1], &inside, &mut sum);
        let total = [totals.iter().sum()];
        close(&sum, &total, 8.0 + (rows * n) as f64, &("reduce_sum_added of blocks", rows, n));
    }
}

macro_rules! chain {
    ($name:ident, $T:ty) => {
        fn $name(rows: usize) {
            let (n, mut numbers) = (1 + rows % 7, Numbers(rows as u64));
            let (x, x64) = numbers.tile::<$T>(rows, n);
            let inside = turned(rows, n, &x);
            let mut out = blocks::<$T>(rows, n);
            dispatch!(s => interleaved::pointwise(s, rows, n, (full(&inside),), &mut out, |(x,)| x * x));
            let squares: Vec<f64> = x64.iter().map(|x| x * x).collect();
            close(&back(rows, n, &out), &squares, 2.0, &("pointwise of blocks", rows, n));
        }
    };
}

chain!(chain_f32, f32);
chain!(chain_f64, f64);

#[test]
fn chains_of_blocks() {
    crate::at_every_length(&(1..=LONGEST), |rows| {
        chain_f32(rows);
        chain_f64(rows);
    });
}

fn convolved<T: Real>(rows: usize, case: Case, numbers: &mut Numbers) {
    let (image, result, weights) = (case.image(), case.result(), case.weights());
    let ((x, x64), (w, w64)) = (numbers.tile::<T>(rows, image), numbers.shared::<T>(weights));
    let ((d, d64), (mut sum, mut dw)) = (numbers.tile::<T>(rows, result), numbers.shared::<T>(weights));
    let units = case.sizes()[3];
    let (bias, bias64) = numbers.shared::<T>(units);
    let (mut y, mut dx) = (vec![0.0; rows * result], vec![0.0; rows * image]);
    for (i, y) in y.iter_mut().enumerate() {
        *y = bias64[i % result / (result / units)];
    }
    for r in 0..rows {
        case.each_product(|place, pixel, tap| {
            let (place, pixel) = (r * result + place, r * image + pixel);
            y[place] += x64[pixel] * w64[tap];
            dx[pixel] += d64[place] * w64[tap];
            dw[tap] += x64[pixel] * d64[place];
        });
    }
    let (inside, d_inside) = (turned(rows, image, &x), turned(rows, result, &d));
    let mut out = blocks::<T>(rows, result);
    interleaved::convolve(rows, case.sizes(), &inside, &w, Some(&bias), Activation::Relu, &mut out);
    let finished: Vec<f64> = y.iter().map(|y| y.max(0.0)).collect();
    close(&back(rows, result, &out), &finished, 64.0, &("convolve of blocks", rows, case));
    let mut out = blocks::<T>(rows, image);
    interleaved::convolve_input(rows, case.sizes(), &d_inside, &w, Some(&inside), &mut out);
    let gated: Vec<f64> = dx.iter().zip(&x64).map(|(d, x)| if *x > 0.0 { *d } else { 0.0 }).collect();
    close(&back(rows, image, &out), &gated, 64.0, &("convolve_input of blocks", rows, case));
    interleaved::convolve_weight_sum(rows, case.sizes(), &inside, &d_inside, &mut sum);
    close(&sum, &dw, 1024.0, &("convolve_weight_sum of blocks", rows, case));
}

/// Poolings say the same in blocks as in rows.
fn pooled<T: Real>(rows: usize, case: Case, numbers: &mut Numbers) {
    use nn_runtime::kernels as in_rows;

    let [channels, h, w, oh, ow, ..] = case.max_pool();
    let (image, result) = (channels * h * w, channels * oh * ow);
    let ((x, _), (d, _)) = (numbers.tile::<T>(rows, image), numbers.tile::<T>(rows, result));
    let (inside, d_inside) = (turned(rows, image, &x), turned(rows, result, &d));
    let check = |what: &str, n: usize, in_rows: &[T], in_blocks: &[T]| {
        let expected: Vec<f64> = elements(in_rows, rows, n).iter().map(|x| x.to_f64()).collect();
        close(&back(rows, n, in_blocks), &expected, 16.0, &(what, rows, case));
    };
    let (mut out, mut expected) = (blocks::<T>(rows, result), empty::<T>(rows, result));
    let (mut d_out, mut d_expected) = (blocks::<T>(rows, image), empty::<T>(rows, image));
    if case.is_covered() {
        in_rows::max_pool_at(rows, case.max_pool(), &x, &x, &mut expected);
        interleaved::max_pool_at(rows, case.max_pool(), &inside, &inside, &mut out);
        check("max_pool_at of blocks", result, &expected, &out);
        in_rows::max_pool_input(rows, case.max_pool(), &x, &d, &mut d_expected);
        interleaved::max_pool_input(rows, case.max_pool(), &inside, &d_inside, None, &mut d_out);
        check("max_pool_input of blocks", image, &d_expected, &d_out);
    }
    if case.max_pool()[11..] == [1, 1] {
        in_rows::avg_pool2d(rows, case.avg_pool(), &x, &mut expected);
        interleaved::avg_pool2d(rows, case.avg_pool(), &inside, &mut out);
        check("avg_pool2d of blocks", result, &expected, &out);
        in_rows::avg_pool_input(rows, case.avg_pool(), &d, &mut d_expected);
        interleaved::avg_pool_input(rows, case.avg_pool(), &d_inside, &mut d_out);
        check("avg_pool_input of blocks", image, &d_expected, &d_out);
    }
}

fn images<T: Real>(length: usize) {
    let mut numbers = Numbers(length as u64);
    // Every number of examples with some width, and some number of examples with every width.
    for (rows, width) in [(length, 3 + length % 6), (1 + length % 3, length)] {
        for case in cases(width).skip(length % 2).step_by(2) {
            convolved::<T>(rows, case, &mut numbers);
            pooled::<T>(rows, case, &mut numbers);
        }
    }
}

in_both_precisions! {
    layouts_of_every_size: layouts over 1..=LONGEST;
    images_of_every_width_and_number: images over 1..=LONGEST;
}

#[test]
fn the_last_block_of_a_tile_is_cut_off() {
    let rows = 3;
    let tile = tile_of(rows, 2, &[1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(back(rows, 2, &turned(rows, 2, &tile)), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
}
