//! The logarithm.

use fearless_simd::{Select, Simd, SimdBase, SimdFloat};

use super::{Vector, outlined, polynomial, splat};
use crate::kernels::{LaneExpr, Lanes, Real};

/// The natural logarithm: `-∞` at 0, NaN below.
#[inline(always)]
pub fn log<E: LaneExpr>(x: E) -> Lanes<E::Simd, E::Real> {
    outlined(x.lanes(), log_inline)
}

#[inline(always)]
fn log_inline<S: Simd, T: Real>(x: Lanes<S, T>) -> Lanes<S, T> {
    Lanes(log_vector::<S, T>(x.0))
}

#[inline(always)]
fn log_vector<S: Simd, T: Real>(x: Vector<S, T>) -> Vector<S, T> {
    let (exponent, fraction) = split::<S, T>(x);
    let y = log_of_parts::<S, T>(exponent, fraction - T::ONE);
    special_cases::<S, T>(x, y)
}

/// `y`, the logarithm of positive finite `x`, completed for all others.
#[inline(always)]
pub(super) fn special_cases<S: Simd, T: Real>(x: Vector<S, T>, y: Vector<S, T>) -> Vector<S, T> {
    let y = x.simd_lt(splat::<S, T>(x, T::INFINITY)).select(y, x);
    let y = x.simd_lt(splat::<S, T>(x, T::ZERO)).select(splat::<S, T>(x, T::NAN), y);
    x.simd_eq(splat::<S, T>(x, T::ZERO)).select(splat::<S, T>(x, -T::INFINITY), y)
}

/// `e` and `m` of positive finite `x = 2^e m`, with `m` between `√½` and `√2`.
#[inline(always)]
pub(super) fn split<S: Simd, T: Real>(x: Vector<S, T>) -> (Vector<S, T>, Vector<S, T>) {
    let subnormal = x.simd_lt(splat::<S, T>(x, T::MIN_POSITIVE));
    let bits = subnormal.select(x * T::SUBNORMAL_SCALE, x).to_bits() + T::SQRT_HALF_TO_ONE;
    let biased =
        Vector::<S, T>::from_bits((bits >> T::MANTISSA_BITS) | splat::<S, T>(x, T::INTEGER).to_bits());
    let bias = splat::<S, T>(x, T::INTEGER + T::BIAS);
    let lifted = splat::<S, T>(x, T::INTEGER + T::BIAS + T::SUBNORMAL_EXPONENT);
    (
        biased - subnormal.select(lifted, bias),
        Vector::<S, T>::from_bits((bits & T::MANTISSA_MASK) + T::SQRT_HALF),
    )
}

/// `log(1 + u)` for `u` from 0 to 1.
#[inline(always)]
pub(super) fn log1p_up_to_one<S: Simd, T: Real>(u: Vector<S, T>) -> Vector<S, T> {
    // Below half a unit in the last place of 1 it is `u`, whose square might be subnormal.
    let least = splat::<S, T>(u, T::EPSILON * T::from_f64(0.125));
    let tiny = u.simd_lt(least);
    let given = u;
    let u = tiny.select(least, u);
    // Above √2 - 1, `1 + u = 2 (1 + (u - 1) / 2)`.
    let upper = u.simd_gt(splat::<S, T>(u, T::from_f64(core::f64::consts::SQRT_2 - 1.0)));
    let exponent = upper.select(splat::<S, T>(u, T::ONE), splat::<S, T>(u, T::ZERO));
    tiny.select(given, log_of_parts::<S, T>(exponent, upper.select((u - T::ONE) * T::from_f64(0.5), u)))
}

/// `log(2^exponent (1 + f))`. With `s = f / (2 + f)`, `log(1 + f) = 2 artanh s = f - f²/2 + s (f²/2 + R(s²))`,
/// whose large terms are nearly exact.
#[inline(always)]
fn log_of_parts<S: Simd, T: Real>(exponent: Vector<S, T>, f: Vector<S, T>) -> Vector<S, T> {
    let s = f / (f + (T::ONE + T::ONE));
    let z = s * s;
    let half_square = f * f * T::from_f64(0.5);
    let r = z * polynomial::<S, T>(z, T::LOG);
    let low = exponent.mul_add(splat::<S, T>(f, T::LN_2_LOW), s * (half_square + r));
    exponent.mul_add(splat::<S, T>(f, T::LN_2_HIGH), f - (half_square - low))
}
