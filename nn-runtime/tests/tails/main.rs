//! The kernels at every length up to 65, in both precisions and at every SIMD level, against plain loops in double
//! precision. Buffers are exactly as long as they are promised to be, so that under `AddressSanitizer` whatever is read or
//! written beyond them ends the test. Without it, this is a test of remainders.
#![cfg(feature = "train")]

mod batches;
mod blocks;
mod images;
mod products;
mod rows;

use std::ops::RangeInclusive;

use nn_runtime::kernels::{Level, Real, stride, tile_len, with_level};

/// The longest remainder: one more than four lines of single precision.
const LONGEST: usize = 65;

/// Runs the test for every length, at every level of this machine.
fn at_every_length(lengths: &RangeInclusive<usize>, test: impl Fn(usize)) {
    for level in Level::available() {
        with_level(level, || lengths.clone().for_each(&test));
    }
}

/// Numbers between -1 and 1, always the same.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }

    /// A shared tensor, and its numbers.
    fn shared<T: Real>(&mut self, n: usize) -> (Vec<T>, Vec<f64>) {
        let values: Vec<T> = (0..n).map(|_| T::from_f64(self.next())).collect();
        let numbers = values.iter().map(|x| x.to_f64()).collect();
        (values, numbers)
    }

    /// A tile buffer whose pads are NaN, and its numbers without pads.
    fn tile<T: Real>(&mut self, rows: usize, n: usize) -> (Vec<T>, Vec<f64>) {
        let (values, numbers) = self.shared::<T>(rows * n);
        (tile_of(rows, n, &values), numbers)
    }
}

/// The elements as a tile buffer whose pads are NaN.
fn tile_of<T: Real>(rows: usize, n: usize, elements: &[T]) -> Vec<T> {
    let mut tile = empty(rows, n);
    for r in 0..rows {
        tile[r * stride::<T>(n)..][..n].copy_from_slice(&elements[r * n..][..n]);
    }
    tile
}

/// A tile buffer of NaN.
fn empty<T: Real>(rows: usize, n: usize) -> Vec<T> {
    vec![T::NAN; tile_len::<T>(rows, n)]
}

/// The elements of a tile buffer.
fn elements<T: Real>(tile: &[T], rows: usize, n: usize) -> Vec<T> {
    (0..rows).flat_map(|r| tile[r * stride::<T>(n)..][..n].to_vec()).collect()
}

/// Within so many roundings of 1 or of the number.
#[track_caller]
fn close<T: Real>(found: &[T], expected: &[f64], roundings: f64, what: &dyn std::fmt::Debug) {
    assert_eq!(found.len(), expected.len(), "{what:?}");
    for (i, (found, &expected)) in found.iter().zip(expected).enumerate() {
        let found = found.to_f64();
        let bound = roundings * T::EPSILON.to_f64() * expected.abs().max(1.0);
        assert!((found - expected).abs() <= bound, "element {i}: {found:e}, not {expected:e}: {what:?}");
    }
}

/// A test of both precisions.
macro_rules! in_both_precisions {
    ($($name:ident: $test:ident over $lengths:expr;)*) => {
        $(
            #[test]
            fn $name() {
                crate::at_every_length(&($lengths), |n| {
                    $test::<f32>(n);
                    $test::<f64>(n);
                });
            }
        )*
    };
}
use in_both_precisions;
