//! What is compiled here, for each element type and level, and not in the crate that calls it.

use super::contract::{Dot, dot, sum_over_batch};
use super::gemm::{Gemm, gemm};
use crate::dispatch;

/// The compiled kernels of an element type.
pub trait Kernels: Sized {
    /// See [`gemm`].
    fn gemm(task: Gemm<'_, Self>);
    /// See [`dot`].
    fn dot(task: Dot<'_, Self>);
    /// See [`sum_over_batch`].
    fn batch_sum(rows: usize, n: usize, x: &[Self], sum: &mut [Self]);
}

macro_rules! kernels {
    ($T:ty) => {
        impl Kernels for $T {
            fn gemm(task: Gemm<'_, $T>) {
                dispatch!(s => gemm(s, task));
            }

            fn dot(task: Dot<'_, $T>) {
                dispatch!(s => dot(s, task));
            }

            fn batch_sum(rows: usize, n: usize, x: &[$T], sum: &mut [$T]) {
                dispatch!(s => sum_over_batch(s, rows, n, x, sum));
            }
        }
    };
}

kernels!(f32);
kernels!(f64);
