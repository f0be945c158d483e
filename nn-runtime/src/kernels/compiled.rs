//! What is compiled here, for each element type and level, and not in the crate that calls it.

use super::attention::{weights, weights_input};
use super::columns::transpose;
use super::contract::{Dot, dot, sum_over_batch};
use super::gemm::{Gemm, Repeated, Times, gemm};
use super::interleaved::{self, Direct, Pooling, WeightSum};
use super::normalise::{normalise_rows, normalise_rows_input};
use super::optimize::{Update, optimize};
use super::reduce::{Reduction, reduce, reduce_added};
use super::single::{Row, row_product, softmax_line};
use super::softmax::{cross_entropy, normalise};
use super::sums::mean_of_sums;
use super::windows::{
    Panel, Pool, Windows, largest, largest_input, pack, winograd_image, winograd_result, winograd_weight,
};
use crate::dispatch;

/// The compiled kernels of an element type.
pub trait Kernels: Sized {
    /// See [`gemm`].
    fn gemm(task: Gemm<'_, Self>) {
        Self::repeated(Repeated { gemm: task, times: Times::ONCE });
    }
    /// See [`gemm`].
    fn repeated(task: Repeated<'_, Self>);
    /// See [`row_product`].
    fn row_product(task: Row<'_, Self>);
    /// See [`softmax_line`].
    fn softmax_line(n: usize, x: &[Self], out: &mut [Self]);
    /// See [`dot`].
    fn dot(task: Dot<'_, Self>);
    /// See [`sum_over_batch`].
    fn batch_sum(rows: usize, n: usize, x: &[Self], sum: &mut [Self]);
    /// See [`reduce`].
    fn reduce(kind: Reduction, rows: usize, dims: [usize; 3], x: &[Self], out: &mut [Self]);
    /// See [`reduce_added`].
    fn reduce_added(rows: usize, dims: [usize; 3], x: &[Self], sum: &mut [Self]);
    /// See [`normalise_rows`].
    fn normalise_rows(rows: usize, dims: [usize; 2], x: &[Self], epsilon: Self, out: &mut [Self]);
    /// See [`normalise_rows_input`].
    fn normalise_rows_input(
        rows: usize,
        dims: [usize; 2],
        x: &[Self],
        epsilon: Self,
        d: &[Self],
        out: &mut [Self],
    );
    /// See [`normalise`].
    fn softmax(rows: usize, dims: [usize; 3], x: &[Self], out: &mut [Self]);
    /// See [`normalise`].
    fn log_softmax(rows: usize, dims: [usize; 3], x: &[Self], out: &mut [Self]);
    /// See [`weights`].
    fn attention_weights(rows: usize, sizes: [usize; 5], x: &[Self], out: &mut [Self]);
    /// See [`weights_input`].
    fn attention_weights_input(rows: usize, sizes: [usize; 4], y: &[Self], d: &[Self], out: &mut [Self]);
    /// See [`cross_entropy`].
    fn softmax_cross_entropy(
        rows: usize,
        classes: [usize; 2],
        x: &[Self],
        target: &[Self],
        loss: Option<&mut [Self]>,
        d: Option<&mut [Self]>,
    );
    /// See [`transpose`].
    fn transpose(dims: [usize; 2], from: (&[Self], usize), to: (&mut [Self], usize));
    /// See [`interleaved::interleave`].
    fn interleave(rows: usize, n: usize, x: &[Self], out: &mut [Self]);
    /// See [`interleaved::deinterleave`].
    fn deinterleave(rows: usize, n: usize, x: &[Self], out: &mut [Self]);
    /// See [`interleaved::batch_sum`].
    fn sum_of_blocks(rows: usize, n: usize, x: &[Self], sum: &mut [Self]);
    /// See [`interleaved::reduce_sum_added`].
    fn reduce_blocks(rows: usize, dims: [usize; 3], x: &[Self], sum: &mut [Self]);
    /// See [`Direct`].
    fn direct(task: Direct<'_, Self>);
    /// See [`WeightSum`].
    fn weight_sum(task: WeightSum<'_, Self>);
    /// See [`Pooling`].
    fn pool_blocks(task: Pooling<'_, Self>);
    /// See [`pack`].
    fn pack(panel: Panel<'_, Self>);
    /// See [`largest`].
    fn largest(pool: &Pool, x: &[Self], out: &mut [Self]);
    /// See [`largest_input`].
    fn largest_input(pool: &Pool, x: &[Self], d: &[Self], out: &mut [Self]);
    /// See [`winograd_image`].
    fn winograd_image(sizes: [usize; 2], panel: &[Self], to: &mut [Self]);
    /// See [`winograd_weight`].
    fn winograd_weight(windows: Windows<'_, Self>, to: &mut [Self]);
    /// See [`winograd_result`].
    fn winograd_result(lanes: usize, sums: &[Self], lines: &mut [Self]);
    /// See [`mean_of_sums`].
    fn mean_of_sums(total: &mut [Self], parts: &[&mut [Self]], examples: usize);
    /// See [`optimize`].
    fn optimize(update: &Update<Self>, p: &mut [Self], g: &[Self], state: &mut [Self]);
}

macro_rules! kernels {
    ($T:ty) => {
        impl Kernels for $T {
            fn repeated(task: Repeated<'_, $T>) {
                dispatch!(s => gemm(s, task));
            }

            fn row_product(task: Row<'_, $T>) {
                dispatch!(s => row_product(s, task));
            }

            fn softmax_line(n: usize, x: &[$T], out: &mut [$T]) {
                dispatch!(s => softmax_line(s, n, x, out));
            }

            fn dot(task: Dot<'_, $T>) {
                dispatch!(s => dot(s, task));
            }

            fn batch_sum(rows: usize, n: usize, x: &[$T], sum: &mut [$T]) {
                dispatch!(s => sum_over_batch(s, rows, n, x, sum));
            }

            fn reduce(kind: Reduction, rows: usize, dims: [usize; 3], x: &[$T], out: &mut [$T]) {
                dispatch!(s => reduce(s, kind, rows, dims, x, out));
            }

            fn reduce_added(rows: usize, dims: [usize; 3], x: &[$T], sum: &mut [$T]) {
                dispatch!(s => reduce_added(s, rows, dims, x, sum));
            }

            fn normalise_rows(rows: usize, dims: [usize; 2], x: &[$T], epsilon: $T, out: &mut [$T]) {
                dispatch!(s => normalise_rows(s, rows, dims, x, epsilon, out));
            }

            fn normalise_rows_input(
                rows: usize,
                dims: [usize; 2],
                x: &[$T],
                epsilon: $T,
                d: &[$T],
                out: &mut [$T],
            ) {
                dispatch!(s => normalise_rows_input(s, rows, dims, x, epsilon, d, out));
            }

            fn softmax(rows: usize, dims: [usize; 3], x: &[$T], out: &mut [$T]) {
                dispatch!(s => normalise::<_, $T, false>(s, rows, dims, x, out));
            }

            fn log_softmax(rows: usize, dims: [usize; 3], x: &[$T], out: &mut [$T]) {
                dispatch!(s => normalise::<_, $T, true>(s, rows, dims, x, out));
            }

            fn attention_weights(rows: usize, sizes: [usize; 5], x: &[$T], out: &mut [$T]) {
                dispatch!(s => weights(s, rows, sizes, x, out));
            }

            fn attention_weights_input(
                rows: usize,
                sizes: [usize; 4],
                y: &[$T],
                d: &[$T],
                out: &mut [$T],
            ) {
                dispatch!(s => weights_input(s, rows, sizes, y, d, out));
            }

            fn softmax_cross_entropy(
                rows: usize,
                classes: [usize; 2],
                x: &[$T],
                target: &[$T],
                loss: Option<&mut [$T]>,
                d: Option<&mut [$T]>,
            ) {
                dispatch!(s => cross_entropy(s, rows, classes, x, target, loss, d));
            }

            fn transpose(dims: [usize; 2], from: (&[$T], usize), to: (&mut [$T], usize)) {
                dispatch!(s => transpose(s, dims, from, to));
            }

            fn interleave(rows: usize, n: usize, x: &[$T], out: &mut [$T]) {
                dispatch!(s => interleaved::rows_to_blocks(s, rows, n, x, out));
            }

            fn deinterleave(rows: usize, n: usize, x: &[$T], out: &mut [$T]) {
                dispatch!(s => interleaved::blocks_to_rows(s, rows, n, x, out));
            }

            fn sum_of_blocks(rows: usize, n: usize, x: &[$T], sum: &mut [$T]) {
                dispatch!(s => interleaved::sum_over_blocks(s, rows, n, x, sum));
            }

            fn reduce_blocks(rows: usize, dims: [usize; 3], x: &[$T], sum: &mut [$T]) {
                dispatch!(s => interleaved::sums_over_blocks(s, rows, dims, x, sum));
            }

            fn direct(task: Direct<'_, $T>) {
                dispatch!(s => interleaved::direct(s, task));
            }

            fn weight_sum(task: WeightSum<'_, $T>) {
                dispatch!(s => interleaved::weight_sum(s, task));
            }

            fn pool_blocks(task: Pooling<'_, $T>) {
                dispatch!(s => interleaved::pool(s, task));
            }

            fn pack(panel: Panel<'_, $T>) {
                dispatch!(s => pack(s, panel));
            }

            fn largest(pool: &Pool, x: &[$T], out: &mut [$T]) {
                dispatch!(s => largest(s, pool, x, out));
            }

            fn largest_input(pool: &Pool, x: &[$T], d: &[$T], out: &mut [$T]) {
                dispatch!(s => largest_input(s, pool, x, d, out));
            }

            fn winograd_image(sizes: [usize; 2], panel: &[$T], to: &mut [$T]) {
                dispatch!(s => winograd_image(s, sizes, panel, to));
            }

            fn winograd_weight(windows: Windows<'_, $T>, to: &mut [$T]) {
                dispatch!(s => winograd_weight(s, windows, to));
            }

            fn winograd_result(lanes: usize, sums: &[$T], lines: &mut [$T]) {
                dispatch!(s => winograd_result(s, lanes, sums, lines));
            }

            fn mean_of_sums(total: &mut [$T], parts: &[&mut [$T]], examples: usize) {
                dispatch!(s => mean_of_sums(s, total, parts, examples));
            }

            fn optimize(update: &Update<$T>, p: &mut [$T], g: &[$T], state: &mut [$T]) {
                dispatch!(s => optimize(s, update, p, g, state));
            }
        }
    };
}

kernels!(f32);
kernels!(f64);
