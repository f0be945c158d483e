//! Sine and cosine.

use fearless_simd::{Select, Simd, SimdBase, SimdFloat, SimdMask, SimdNarrow, SimdWiden, f32x16, f64x8};

use super::{Vector, outlined, polynomial, round, splat};
use crate::kernels::{LaneExpr, Lanes, Real};

/// The sine; of infinities, NaN.
#[inline(always)]
pub fn sin<E: LaneExpr>(x: E) -> Lanes<E::Simd, E::Real> {
    outlined(x.lanes(), sin_inline)
}

#[inline(always)]
fn sin_inline<S: Simd, T: Real>(x: Lanes<S, T>) -> Lanes<S, T> {
    let x = x.0;
    let reduced = T::reduce_angle(x);
    let (sine, cosine) = kernels::<S, T>(&reduced);
    let quarter = reduced.quarter;
    let [one, two] = [T::ONE, T::ONE + T::ONE].map(|q| splat::<S, T>(x, q));
    let y = quarter.abs().simd_eq(one).select(cosine, sine);
    let y = (quarter.abs().simd_eq(two) | quarter.simd_eq(-one)).select(-y, y);
    // The sign of zero is the argument's.
    let y = x.simd_eq(splat::<S, T>(x, T::ZERO)).select(x, y);
    large_arguments(Lanes(x), Lanes(y), T::sin_scalar)
}

/// The cosine; of infinities, NaN.
#[inline(always)]
pub fn cos<E: LaneExpr>(x: E) -> Lanes<E::Simd, E::Real> {
    outlined(x.lanes(), cos_inline)
}

#[inline(always)]
fn cos_inline<S: Simd, T: Real>(x: Lanes<S, T>) -> Lanes<S, T> {
    let x = x.0;
    let reduced = T::reduce_angle(x);
    let (sine, cosine) = kernels::<S, T>(&reduced);
    let quarter = reduced.quarter;
    let [one, two] = [T::ONE, T::ONE + T::ONE].map(|q| splat::<S, T>(x, q));
    let y = quarter.abs().simd_eq(one).select(sine, cosine);
    let y = (quarter.abs().simd_eq(two) | quarter.simd_eq(one)).select(-y, y);
    large_arguments(Lanes(x), Lanes(y), T::cos_scalar)
}

/// An argument as `quarter · π/2 + high + low`, with the quarter between -2 and 2, modulo 2π.
pub struct Reduced<V> {
    quarter: V,
    high: V,
    low: V,
}

/// Up to here the reduction is exact enough; larger arguments are rare, and left to a scalar function.
const LARGEST: f64 = 1e5;

/// π/2 in three parts; products of the first two with whole numbers below 2^20 are exact.
const FRAC_PI_2: [f64; 3] = [1.570_796_326_734_125_6, 6.077_100_506_303_966e-11, 2.022_266_248_795_950_6e-21];

/// Sine and cosine of the reduced argument, which is at most π/4.
#[inline(always)]
fn kernels<S: Simd, T: Real>(reduced: &Reduced<Vector<S, T>>) -> (Vector<S, T>, Vector<S, T>) {
    let &Reduced { high: r, low, .. } = reduced;
    let z = r * r;
    let half = T::from_f64(0.5);
    let one = splat::<S, T>(r, T::ONE);
    // sin(r + low) = r + (r³ P(z) + low (1 - z/2))
    let sine = r + (z * r).mul_add(polynomial::<S, T>(z, T::SIN), low * (one - z * half));
    // cos(r + low) = 1 - z/2 + (z² Q(z) - r low), with the rounding of 1 - z/2 recovered.
    let half_square = z * half;
    let leading = one - half_square;
    let lost = (one - leading) - half_square;
    let cosine = leading + (lost + (z * z).mul_add(polynomial::<S, T>(z, T::COS), -(r * low)));
    (sine, cosine)
}

/// The quarter of a whole number of quarter turns.
#[inline(always)]
fn quarter<S: Simd, T: Real>(n: Vector<S, T>) -> Vector<S, T> {
    n - round::<S, T>(n * T::from_f64(0.25)) * T::from_f64(4.0)
}

/// Single precision is reduced in double precision.
#[inline(always)]
pub(in crate::kernels) fn reduce_f32<S: Simd>(x: f32x16<S>) -> Reduced<f32x16<S>> {
    let (a, b) = x.widen();
    let (a, b) = (reduce_f64(a), reduce_f64(b));
    let high = a.high.narrow(b.high);
    let (rounded_a, rounded_b) = high.widen();
    let low = (a.high - rounded_a).narrow(b.high - rounded_b);
    Reduced { quarter: a.quarter.narrow(b.quarter), high, low }
}

/// Subtracts three parts of π/2, and keeps what the subtractions round off.
#[inline(always)]
pub(in crate::kernels) fn reduce_f64<S: Simd>(x: f64x8<S>) -> Reduced<f64x8<S>> {
    let n = round::<S, f64>(x * core::f64::consts::FRAC_2_PI);
    let a = x - n * FRAC_PI_2[0];
    let product = n * FRAC_PI_2[1];
    let b = a - product;
    let rest = n * FRAC_PI_2[2] - ((a - b) - product);
    let high = b - rest;
    Reduced { quarter: quarter::<S, f64>(n), high, low: (b - high) - rest }
}

/// `y`, with the lanes whose argument is large replaced by the scalar function.
#[inline(always)]
fn large_arguments<S: Simd, T: Real>(x: Lanes<S, T>, y: Lanes<S, T>, function: fn(T) -> T) -> Lanes<S, T> {
    if !x.0.abs().simd_gt(splat::<S, T>(x.0, T::from_f64(LARGEST))).any_true() {
        return y;
    }
    let mut y = y;
    replace(x.as_slice(), y.0.as_mut_slice(), function);
    y
}

#[cold]
#[inline(never)]
fn replace<T: Real>(x: &[T], y: &mut [T], function: fn(T) -> T) {
    for (&x, y) in x.iter().zip(y) {
        if x.abs() > T::from_f64(LARGEST) {
            *y = function(x);
        }
    }
}
