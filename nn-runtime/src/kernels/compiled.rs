//! What is compiled here, for each element type and level, and not in the crate that calls it.

use super::columns::transpose;
use super::contract::{Dot, dot, sum_over_batch};
use super::gemm::{Gemm, gemm};
use super::optimize::{Update, optimize};
use super::reduce::{Reduction, reduce};
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
    fn gemm(task: Gemm<'_, Self>);
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
    /// See [`normalise`].
    fn softmax(rows: usize, dims: [usize; 3], x: &[Self], out: &mut [Self]);
    /// See [`normalise`].
    fn log_softmax(rows: usize, dims: [usize; 3], x: &[Self], out: &mut [Self]);
    /// See [`cross_entropy`].
    fn softmax_cross_entropy(
        rows: usize,
        classes: usize,
        x: &[Self],
        target: &[Self],
        loss: Option<&mut [Self]>,
        d: Option<&mut [Self]>,
    );
    /// See [`transpose`].
    fn transpose(dims: [usize; 2], from: (&[Self], usize), to: (&mut [Self], usize));
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
            fn gemm(task: Gemm<'_, $T>) {
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

            fn softmax(rows: usize, dims: [usize; 3], x: &[$T], out: &mut [$T]) {
                dispatch!(s => normalise::<_, $T, false>(s, rows, dims, x, out));
            }

            fn log_softmax(rows: usize, dims: [usize; 3], x: &[$T], out: &mut [$T]) {
                dispatch!(s => normalise::<_, $T, true>(s, rows, dims, x, out));
            }

            fn softmax_cross_entropy(
                rows: usize,
                classes: usize,
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
