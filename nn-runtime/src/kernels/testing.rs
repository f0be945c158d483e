//! What the kernels' tests share: numbers, levels, comparisons.

use std::vec::Vec;

use super::{Level, Real, stride, tile_len, with_level};

/// Runs the test at every level of this machine.
pub(super) fn at_every_level(test: impl Fn(Level)) {
    for level in Level::available() {
        with_level(level, || test(level));
    }
}

/// Deterministic numbers between -1 and 1 (a linear congruential generator).
pub(super) struct Numbers(pub(super) u64);

impl Numbers {
    pub(super) fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }

    pub(super) fn flat<T: Real>(&mut self, n: usize) -> Vec<T> {
        (0..n).map(|_| T::from_f64(self.next())).collect()
    }

    /// A tile buffer of numbers whose pads are NaN: what leaks from a pad shows.
    pub(super) fn tile<T: Real>(&mut self, rows: usize, n: usize) -> Vec<T> {
        let mut tile = nan_tile(rows, n);
        for r in 0..rows {
            for x in &mut tile[r * stride::<T>(n)..][..n] {
                *x = T::from_f64(self.next());
            }
        }
        tile
    }
}

/// A tile buffer of NaN.
pub(super) fn nan_tile<T: Real>(rows: usize, n: usize) -> Vec<T> {
    std::vec![T::NAN; tile_len::<T>(rows, n)]
}

/// The elements of a tile, row-major without pads.
pub(super) fn elements<T: Real>(tile: &[T], rows: usize, n: usize) -> Vec<T> {
    (0..rows).flat_map(|r| tile[r * stride::<T>(n)..][..n].to_vec()).collect()
}

/// Asserts that each number is within `tolerance` roundings of what is expected, relative to at least 1.
#[track_caller]
pub(super) fn assert_close<T: Real>(got: &[T], want: &[f64], tolerance: f64, what: &dyn core::fmt::Debug) {
    assert_eq!(got.len(), want.len());
    for (i, (got, &want)) in got.iter().zip(want).enumerate() {
        let got = got.to_f64();
        let same = got == want || got.is_nan() && want.is_nan();
        let bound = tolerance * T::EPSILON.to_f64() * want.abs().max(1.0);
        assert!(same || (got - want).abs() <= bound, "element {i}: {got}, not {want}: {what:?}");
    }
}
