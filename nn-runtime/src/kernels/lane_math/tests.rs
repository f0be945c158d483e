//! Every function against a reference, over grids of all magnitudes and special values.

use std::vec::Vec;

use super::*;
use crate::dispatch;
use crate::kernels::testing::{Numbers, at_every_level};

/// Arguments of every magnitude and sign: special values, a grid over the bits, and a dense one near the middle.
fn arguments<T: Real>(from_bits: impl Fn(u64) -> T, sign_bits: u64) -> Vec<T> {
    let mut x: Vec<T> =
        [0.0, -0.0, 1.0, -1.0, f64::INFINITY, -f64::INFINITY, f64::NAN].map(T::from_f64).to_vec();
    x.extend([T::MIN_POSITIVE, -T::MIN_POSITIVE, from_bits(1), from_bits(sign_bits | 1)]);
    let steps = 40_000;
    x.extend((0..2 * steps).map(|i| from_bits(sign_bits / steps * i + i)));
    x.extend((-40_000..=40_000).map(|i| T::from_f64(f64::from(i) * 0.002_7)));
    let mut numbers = Numbers(1);
    x.extend((0..40_000).map(|_| T::from_f64(numbers.next() * 3.0)));
    x.resize(x.len().next_multiple_of(T::LANES), T::ZERO);
    x
}

/// The distance of `got` to `want`, in units in the last place of `want` (or of the smallest subnormal number).
fn ulps<T: Real>(got: T, want: f64, low: f64) -> f64 {
    let (got, max) = (got.to_f64(), if T::LANES == 16 { f64::from(f32::MAX) } else { f64::MAX });
    if want.is_nan() || got.is_nan() {
        return if want.is_nan() && got.is_nan() { 0.0 } else { f64::INFINITY };
    }
    if got.is_infinite() || want.abs() > max {
        // Infinite when the exact result rounds to it, within a rounding.
        let edge = want.abs() >= max * (1.0 - T::EPSILON.to_f64());
        return if edge && got.abs() >= max && (got > 0.0) == (want > 0.0) { 0.0 } else { f64::INFINITY };
    }
    let smallest = T::MIN_POSITIVE.to_f64();
    let binade = 2.0_f64.powi(want.abs().max(smallest).log2().floor() as i32);
    ((got - want) - low).abs() / (binade * T::EPSILON.to_f64())
}

/// Asserts the bound for `f` at every level; `reference` gives the exact result as a sum of two. Results of magnitude
/// below `least` may be 0.
fn check<T: Real>(
    name: &str,
    [bound, least]: [f64; 2],
    x: &[T],
    f: impl Fn(&[T], &mut [T]),
    reference: impl Fn(f64) -> (f64, f64),
) {
    at_every_level(|level| {
        let mut worst = (0.0, T::ZERO);
        let mut y = std::vec![T::ZERO; x.len()];
        f(x, &mut y);
        for (&x, &y) in x.iter().zip(&y) {
            let (want, low) = reference(x.to_f64());
            let vanishes = y == T::ZERO && want.abs() < least;
            let error = if vanishes { 0.0 } else { ulps(y, want, low) };
            assert!(error <= bound, "{name}({x:e}) = {y:e}, not {want:e}: {error} ulp at {level:?}");
            if error > worst.0 {
                worst = (error, x);
            }
        }
        std::println!(
            "{name} {} {level:?}: {:.3} ulp at {:e}",
            core::any::type_name::<T>(),
            worst.0,
            worst.1
        );
    });
}

/// Applies a lane function to a slice.
macro_rules! apply {
    ($T:ty, $f:expr) => {
        |x: &[$T], y: &mut [$T]| {
            dispatch!(s => {
                for (x, y) in x.chunks_exact(<$T>::LANES).zip(y.chunks_exact_mut(<$T>::LANES)) {
                    $f(Lanes::load(s, x)).store(y);
                }
            });
        }
    };
}

fn f32s() -> Vec<f32> {
    arguments(|bits| f32::from_bits(bits as u32), 1 << 31)
}

fn f64s() -> Vec<f64> {
    arguments(f64::from_bits, 1 << 63)
}

/// The bound of the argument is rounded, so the smallest normal numbers vanish too.
const LEAST_NORMAL: f32 = 1.0001;

/// A single-precision function against the double-precision one, which is exact in comparison.
macro_rules! single {
    ($name:ident, $bound:expr, $reference:expr) => {
        single!($name, $bound, $reference, 0.0)
    };
    ($name:ident, $bound:expr, $reference:expr, $least:expr) => {
        check(stringify!($name), [$bound, $least.into()], &f32s(), apply!(f32, $name), |x| {
            ($reference(x), 0.0)
        })
    };
}

/// A double-precision function against one of at most one ulp.
macro_rules! double {
    ($name:ident, $bound:expr, $reference:expr) => {
        double!($name, $bound, $reference, 0.0)
    };
    ($name:ident, $bound:expr, $reference:expr, $least:expr) => {
        check(stringify!($name), [$bound, $least], &f64s(), apply!(f64, $name), |x| ($reference(x), 0.0))
    };
}

fn sigmoid_reference(x: f64) -> f64 {
    if x < 0.0 { libm::exp(x) / (1.0 + libm::exp(x)) } else { 1.0 / (1.0 + libm::exp(-x)) }
}

fn softplus_reference(x: f64) -> f64 {
    x.max(0.0) + libm::log1p(libm::exp(-x.abs()))
}

#[test]
fn single_precision_is_within_the_stated_bounds() {
    single!(exp, 1.0, libm::exp);
    single!(log, 1.0, libm::log);
    single!(sigmoid, 2.5, sigmoid_reference, LEAST_NORMAL * f32::MIN_POSITIVE);
    single!(tanh, 2.5, libm::tanh);
    single!(softplus, 2.0, softplus_reference, LEAST_NORMAL * f32::MIN_POSITIVE);
    single!(sin, 1.0, libm::sin);
    single!(cos, 1.0, libm::cos);
    single!(erf, 1.5, libm::erf);
    single!(sqrt, 0.5, libm::sqrt);
}

#[test]
fn double_precision_is_within_the_stated_bounds_of_a_reference_within_one() {
    double!(exp, 1.0 + 1.0, libm::exp);
    double!(log, 1.0 + 1.0, libm::log);
    double!(sigmoid, 2.0 + 2.0, sigmoid_reference, f64::from(LEAST_NORMAL) * f64::MIN_POSITIVE);
    double!(tanh, 2.0 + 1.0, libm::tanh);
    double!(softplus, 2.0 + 2.0, softplus_reference, f64::from(LEAST_NORMAL) * f64::MIN_POSITIVE);
    double!(sin, 1.0 + 1.0, libm::sin);
    double!(cos, 1.0 + 1.0, libm::cos);
    double!(erf, 2.0 + 1.0, libm::erf);
    double!(sqrt, 0.5, libm::sqrt);
}

#[test]
fn powers() {
    let mut numbers = Numbers(3);
    let bases: Vec<f64> = (0..20_000).map(|_| libm::exp(numbers.next() * 12.0)).collect();
    let exponents: Vec<f64> = (0..20_000).map(|_| numbers.next() * 4.0).collect();
    let single = |x: &[f64]| x.iter().map(|&x| x as f32).collect::<Vec<_>>();
    let (bases32, exponents32) = (single(&bases), single(&exponents));
    at_every_level(|level| {
        for (x, y) in bases32.chunks_exact(16).zip(exponents32.chunks_exact(16)) {
            let mut power = [0.0; 16];
            dispatch!(s => pow(Lanes::load(s, x), Lanes::load(s, y)).store(&mut power));
            for ((&x, &y), &power) in x.iter().zip(y).zip(&power) {
                let error = ulps(power, libm::pow(x.into(), y.into()), 0.0);
                assert!(error <= 1.0, "{x:e}^{y:e} = {power:e}: {error} ulp at {level:?}");
            }
        }
        for (x, y) in bases.chunks_exact(8).zip(exponents.chunks_exact(8)) {
            let mut power = [0.0; 8];
            dispatch!(s => pow(Lanes::load(s, x), Lanes::load(s, y)).store(&mut power));
            for ((&x, &y), &power) in x.iter().zip(y).zip(&power) {
                let error = ulps(power, libm::pow(x, y), 0.0);
                let bound = 3.0 + (y * libm::log(x)).abs() / 32.0;
                assert!(error <= bound, "{x:e}^{y:e} = {power:e}: {error} ulp at {level:?}");
            }
        }
    });
}

/// Zeros, ones, infinities, NaN, negative bases, whole and odd exponents: as IEEE 754 recommends.
#[test]
fn special_powers() {
    let values = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        2.0,
        -2.0,
        3.0,
        -3.0,
        0.5,
        -0.5,
        1e300,
        -1e300,
        1e-300,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
    ];
    at_every_level(|level| {
        for x in values {
            for y in values {
                let want = libm::pow(x, y);
                let power = dispatch!(s => pow(Lanes::splat(s, x), y).as_slice()[0]);
                let near = power == want || (power / want - 1.0).abs() < 1e-15 * (1.0 + y.abs());
                let same = near && (power != 0.0 || power.is_sign_negative() == want.is_sign_negative());
                assert!(
                    same || power.is_nan() && want.is_nan(),
                    "{x}^{y} = {power}, not {want} at {level:?}"
                );
                let (x, y) = (x as f32, y as f32);
                let want = libm::powf(x, y);
                let power = dispatch!(s => pow(Lanes::splat(s, x), y).as_slice()[0]);
                let same =
                    power == want && (power != 0.0 || power.is_sign_negative() == want.is_sign_negative());
                assert!(
                    same || power.is_nan() && want.is_nan(),
                    "{x}^{y} = {power}, not {want} at {level:?}"
                );
            }
        }
        for n in [0, 1, 2, 3, 7, 10, -1, -2, -5] {
            let power = dispatch!(s => powi(Lanes::splat(s, -1.5_f64), n).as_slice()[0]);
            assert!((power / (-1.5_f64).powi(n) - 1.0).abs() < 1e-15, "{n}: {power}");
        }
    });
}

#[test]
fn nan_infinity_and_zero_in_choices() {
    at_every_level(|_| {
        dispatch!(s => {
            let at = |x: f32| Lanes::splat(s, x);
            for (a, b) in [(f32::NAN, 1.0), (1.0, f32::NAN), (f32::NAN, f32::NAN)] {
                assert!(max(at(a), b).as_slice()[0].is_nan() && min(at(a), b).as_slice()[0].is_nan());
                assert!(max(a, at(b)).as_slice()[0].is_nan() && min(a, at(b)).as_slice()[0].is_nan());
                assert_eq!(gt(at(a), b).to_bitmask() | le(at(a), b).to_bitmask() | eq(at(a), b).to_bitmask(), 0);
                assert_eq!(ne(at(a), b).to_bitmask(), 0xffff);
            }
            assert_eq!(max(at(-f32::INFINITY), -1.0).as_slice()[0], -1.0);
            assert_eq!(min(at(f32::INFINITY), -1.0).as_slice()[0], -1.0);
            assert!(sign(at(f32::NAN)).as_slice()[0].is_nan());
            assert_eq!([0.0, -3.0, f32::INFINITY].map(|x| sign(at(x)).as_slice()[0]), [0.0, -1.0, 1.0]);
            assert_eq!(select(at(f32::NAN), 1.0, 2.0).as_slice()[0], 1.0);
            assert_eq!(abs(at(-0.0)).as_slice()[0].to_bits(), 0);
            assert_eq!(sin(at(-0.0)).as_slice()[0].to_bits(), (-0.0_f32).to_bits());
            assert_eq!(tanh(at(-0.0)).as_slice()[0].to_bits(), (-0.0_f32).to_bits());
        });
    });
}

/// The same argument gives the same bits wherever it stands, also beside arguments that take another path.
#[test]
fn lanes_do_not_depend_on_each_other() {
    let x: Vec<f32> = f32s().into_iter().step_by(37).collect();
    at_every_level(|_| {
        for x in x.chunks_exact(16) {
            dispatch!(s => {
                let together = [exp, log, sin, cos, tanh, sigmoid, softplus, erf].map(|f| f(Lanes::load(s, x)));
                for (i, &x) in x.iter().enumerate() {
                    let alone = [exp, log, sin, cos, tanh, sigmoid, softplus, erf].map(|f| f(Lanes::splat(s, x)));
                    for (together, alone) in together.iter().zip(alone) {
                        assert_eq!(together.as_slice()[i].to_bits(), alone.as_slice()[i].to_bits(), "{x:e}");
                    }
                }
            });
        }
    });
}
