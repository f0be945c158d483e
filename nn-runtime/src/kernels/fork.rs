//! Large products on several threads: the *phases* of wide models, one fork and join for each kernel.
//!
//! The result is cut in halves, and these again, down to parts that are just worth a thread. Where it is cut follows
//! from the shape alone, and an element is computed in the same way whatever part it is in: the bits do not depend on
//! the number of threads.

use super::Real;
use super::gemm::Gemm;

/// Floating-point operations that are worth a task of their own: some 15 to 25 µs of one core.
#[cfg(feature = "rayon")]
const WORTH_TASK: usize = 2_500_000;

/// Computes the product, on as many threads as pay.
///
/// Only a thread of a pool shares its work: waking up a pool from outside takes longer than most products.
pub(super) fn gemm<T: Real>(gemm: Gemm<'_, T>) {
    #[cfg(feature = "rayon")]
    if gemm.flops() >= 2 * WORTH_TASK
        && rayon::current_thread_index().is_some()
        && rayon::current_num_threads() > 1
    {
        return share(gemm, super::level());
    }
    T::gemm(gemm);
}

/// Computes the product as parts that any thread of the pool may take, all at the same level.
#[cfg(feature = "rayon")]
fn share<T: Real>(gemm: Gemm<'_, T>, level: super::Level) {
    let halves = if gemm.flops() >= 2 * WORTH_TASK { gemm.halves() } else { Err(gemm) };
    match halves {
        Ok((first, second)) => {
            rayon::join(|| share(first, level), || share(second, level));
        }
        Err(gemm) => super::with_level(level, || T::gemm(gemm)),
    }
}
