//! Large products on several threads: the *phases* of wide models, one fork and join for each kernel.
//!
//! The result is cut in halves, and these again, down to parts that are just worth a thread. Where it is cut follows
//! from the shape alone, and an element is computed in the same way whatever part it is in: the bits do not depend on
//! the number of threads.

use super::Real;
use super::gemm::{Gemm, Repeated, Times};

/// Floating-point operations that are worth a task of their own: some 15 to 25 µs of one core.
#[cfg(feature = "rayon")]
const WORTH_TASK: usize = 2_500_000;

/// Most tasks of work that copies something for each.
#[cfg(feature = "rayon")]
const MOST_TASKS: usize = 8;

/// Floating-point operations of a product from which on a fork pays: a worker that went to sleep since the last one
/// takes some 30 µs to wake up.
#[cfg(feature = "rayon")]
const WORTH_FORK: usize = 16_000_000;

/// Computes the product, on as many threads as pay.
///
/// Only a thread of a pool shares its work: waking up a pool from outside takes longer than most products.
pub(super) fn gemm<T: Real>(gemm: Gemm<'_, T>) {
    repeated(Repeated { gemm, times: Times::ONCE });
}

/// The same of a product that is made several times.
pub(super) fn repeated<T: Real>(task: Repeated<'_, T>) {
    #[cfg(feature = "rayon")]
    if pays(task.flops()) {
        return share(task, super::level());
    }
    T::repeated(task);
}

/// Whether a kernel of so many operations shares them with other threads.
#[cfg(feature = "rayon")]
fn pays(flops: usize) -> bool {
    flops >= WORTH_FORK && rayon::current_thread_index().is_some() && rayon::current_num_threads() > 1
}

/// Work that can be cut in two.
#[cfg_attr(not(feature = "rayon"), allow(dead_code, reason = "without threads nothing is cut"))]
pub(super) trait Cut: Sized + Send {
    /// Floating-point operations.
    fn flops(&self) -> usize;

    /// Two parts for different threads, or the whole if it can't be cut.
    fn halves(self) -> Result<(Self, Self), Self>;

    /// Does the work, on this thread.
    fn compute(self);
}

/// Does the work on as many threads as pay. Where it is cut follows from the work alone.
pub(super) fn compute<W: Cut>(work: W) {
    #[cfg(feature = "rayon")]
    {
        let flops = work.flops();
        if pays(flops) {
            return share_work(work, (flops / MOST_TASKS).max(WORTH_TASK), super::level());
        }
    }
    work.compute();
}

#[cfg(feature = "rayon")]
fn share_work<W: Cut>(work: W, worth: usize, level: super::Level) {
    let halves = if work.flops() >= 2 * worth { work.halves() } else { Err(work) };
    match halves {
        Ok((first, second)) => {
            rayon::join(|| share_work(first, worth, level), || share_work(second, worth, level));
        }
        Err(work) => super::with_level(level, || work.compute()),
    }
}

/// Computes the product as parts that any thread of the pool may take, all at the same level.
#[cfg(feature = "rayon")]
fn share<T: Real>(task: Repeated<'_, T>, level: super::Level) {
    let halves = if task.flops() >= 2 * WORTH_TASK { task.halves() } else { Err(task) };
    match halves {
        Ok((first, second)) => {
            rayon::join(|| share(first, level), || share(second, level));
        }
        Err(task) => super::with_level(level, || T::repeated(task)),
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;
    use crate::kernels::gemm::{Finish, Matrix, Output, Start};
    use crate::kernels::testing::{Numbers, at_every_level, elements, nan_tile};
    use crate::kernels::{stride, tile_len};

    /// Cuts the product wherever it can be cut.
    fn in_parts<T: Real>(gemm: Gemm<'_, T>) -> usize {
        match gemm.halves() {
            Ok((first, second)) => in_parts(first) + in_parts(second),
            Err(part) => {
                T::gemm(part);
                1
            }
        }
    }

    /// The bits of a product as a whole and in parts.
    fn parts_have_the_bits_of_the_whole<T: Real>([m, k, n]: [usize; 3]) -> usize {
        let mut numbers = Numbers((1000 * m + 10 * k + n) as u64);
        let (a, b) = (numbers.tile::<T>(m, k), numbers.flat::<T>(k * n));
        let (bias, gate) = (numbers.flat::<T>(n), numbers.tile::<T>(m, n));
        let (before, a_t) = (numbers.flat::<T>(m * n), numbers.tile::<T>(k, m));
        let mut parts = 0;
        for (start, finish) in [
            (Start::Bias(&bias[..]), Finish::Relu),
            (Start::Zero, Finish::Gate(&gate[..])),
            (Start::Zero, Finish::Keep),
        ] {
            let compute = |f: &mut dyn FnMut(Gemm<'_, T>)| -> Vec<T> {
                let mut out = nan_tile::<T>(m, n);
                f(Gemm {
                    dims: [m, k, n],
                    a: Matrix { data: &a, row: stride::<T>(k), col: 1 },
                    b: Matrix { data: &b, row: n, col: 1 },
                    c: Output::new(&mut out, stride::<T>(n), n > 1),
                    start,
                    finish,
                });
                elements(&out[..tile_len::<T>(m, n)], m, n)
            };
            let whole = compute(&mut T::gemm);
            assert_eq!(compute(&mut |gemm| parts = in_parts(gemm)), whole, "{m}x{k}x{n} {finish:?}");
        }
        let accumulate = |f: &mut dyn FnMut(Gemm<'_, T>)| -> Vec<T> {
            let mut out = before.clone();
            f(Gemm {
                dims: [m, k, n],
                a: Matrix { data: &a_t, row: 1, col: stride::<T>(m) },
                b: Matrix { data: &b, row: n, col: 1 },
                c: Output::new(&mut out, n, false),
                start: Start::Accumulate,
                finish: Finish::Keep,
            });
            out
        };
        let whole = accumulate(&mut T::gemm);
        assert_eq!(accumulate(&mut |gemm| parts = in_parts(gemm)), whole, "{m}x{k}x{n} added");
        parts
    }

    #[test]
    fn parts_end_where_the_next_ones_begin() {
        at_every_level(|_| {
            for m in [1, 7, 95, 191, 192, 193, 401] {
                for n in [2, 31, 63, 64, 65, 96, 97, 130] {
                    for k in [1, 5, 140] {
                        let parts = parts_have_the_bits_of_the_whole::<f32>([m, k, n]);
                        assert_eq!(parts > 1, m >= 192 || n >= 64, "{m}x{k}x{n}");
                        parts_have_the_bits_of_the_whole::<f64>([m, k, n]);
                    }
                }
            }
        });
    }

    #[cfg(feature = "rayon")]
    #[test]
    fn threads_compute_the_same_bits() {
        use crate::kernels::{Activation, dense, dense_input, dense_weight};

        for [rows, k, n] in [[64, 300, 160], [130, 200, 101], [256, 400, 30]] {
            at_every_level(|level| {
                let mut numbers = Numbers(rows as u64);
                let (x, d) = (numbers.tile::<f32>(rows, k), numbers.tile::<f32>(rows, n));
                let (weight, bias) = (numbers.flat::<f32>(k * n), numbers.flat::<f32>(n));
                let products = || {
                    super::super::with_level(level, || {
                        let mut y = nan_tile(rows, n);
                        dense(rows, [k, n], &x, &weight, Some(&bias), Activation::Relu, &mut y);
                        let mut d_x = nan_tile(rows, k);
                        dense_input(rows, [k, n], &d, &weight, Some(&x), &mut d_x);
                        let mut d_weight = weight.clone();
                        dense_weight(rows, [k, n], &x, &d, &mut d_weight);
                        [elements(&y, rows, n), elements(&d_x, rows, k), d_weight]
                    })
                };
                let alone = products();
                let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
                assert_eq!(pool.install(products), alone, "{level:?}, {rows}x{k}x{n}");
            });
        }
    }
}
