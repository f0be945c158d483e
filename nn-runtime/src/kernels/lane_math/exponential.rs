//! The exponential and what is made of it.

use fearless_simd::{Select, Simd, SimdBase, SimdFloat};

use super::logarithm::log1p_up_to_one;
use super::{Vector, outlined, polynomial, round, splat};
use crate::kernels::{LaneExpr, Lanes, Real};

/// `e^x`: 0 below and infinite above the range, subnormal in between.
#[inline(always)]
pub fn exp<E: LaneExpr>(x: E) -> Lanes<E::Simd, E::Real> {
    outlined(x.lanes(), exp_inline)
}

#[inline(always)]
fn exp_inline<S: Simd, T: Real>(x: Lanes<S, T>) -> Lanes<S, T> {
    Lanes(exp_vector::<S, T>(x.0))
}

/// The logistic function `1 / (1 + e^-x)`, with full relative precision where it is close to 0, and 0 where it is no
/// normal number.
#[inline(always)]
pub fn sigmoid<E: LaneExpr>(x: E) -> Lanes<E::Simd, E::Real> {
    outlined(x.lanes(), sigmoid_inline)
}

#[inline(always)]
fn sigmoid_inline<S: Simd, T: Real>(x: Lanes<S, T>) -> Lanes<S, T> {
    let x = x.0;
    let one = splat::<S, T>(x, T::ONE);
    let e = exp_negative::<S, T>(-x.abs(), T::EXP_NORMAL);
    Lanes(x.simd_lt(splat::<S, T>(x, T::ZERO)).select(e, one) / (e + one))
}

/// `log(1 + e^x)`, as `max(x, 0) + log(1 + e^-|x|)`; 0 where it is no normal number.
#[inline(always)]
pub fn softplus<E: LaneExpr>(x: E) -> Lanes<E::Simd, E::Real> {
    outlined(x.lanes(), softplus_inline)
}

#[inline(always)]
fn softplus_inline<S: Simd, T: Real>(x: Lanes<S, T>) -> Lanes<S, T> {
    let x = x.0;
    let zero = splat::<S, T>(x, T::ZERO);
    let e = exp_negative::<S, T>(-x.abs(), T::EXP_NORMAL);
    let rest = log1p_up_to_one::<S, T>(e);
    Lanes(x.simd_gt(zero).select(x, zero) + rest)
}

/// The hyperbolic tangent, as `-m / (2 + m)` with `m = e^(-2|x|) - 1`, which is precise at 0 too.
#[inline(always)]
pub fn tanh<E: LaneExpr>(x: E) -> Lanes<E::Simd, E::Real> {
    outlined(x.lanes(), tanh_inline)
}

#[inline(always)]
fn tanh_inline<S: Simd, T: Real>(x: Lanes<S, T>) -> Lanes<S, T> {
    let x = x.0;
    let twice = x.abs() * -(T::ONE + T::ONE);
    let m = expm1_negative::<S, T>(twice);
    Lanes((-m / (m + (T::ONE + T::ONE))).copysign(x))
}

#[inline(always)]
pub(super) fn exp_vector<S: Simd, T: Real>(x: Vector<S, T>) -> Vector<S, T> {
    let [low, high] = T::EXP_RANGE.map(|bound| splat::<S, T>(x, bound));
    // NaN fails both comparisons and stays.
    let x = x.simd_lt(low).select(low, x);
    let x = x.simd_gt(high).select(high, x);
    let Reduced { n, exact, r, rest } = reduce::<S, T>(x);
    // 1 + r with the rounding recovered, then what is small.
    let sum = exact + T::ONE;
    let low = n.mul_add(splat::<S, T>(x, -T::LN_2_LOW), (splat::<S, T>(x, T::ONE) - sum) + exact);
    let e_r = sum + (r * r).mul_add(rest, low);
    // Two factors, for exponents beyond those of normal numbers; only the last product rounds.
    let half = round::<S, T>(n * T::from_f64(0.5));
    e_r * power_of_two::<S, T>(half) * power_of_two::<S, T>(n - half)
}

/// `e^x` for `x <= 0` that is added to something of the size of 1, or compared with it: 0 below `from`, which is at least
/// [`Tables::EXP_NORMAL`](super::Tables::EXP_NORMAL). Subnormal numbers would be lost there, and processors take a
/// hundred times as long with them.
#[inline(always)]
pub(in crate::kernels) fn exp_negative<S: Simd, T: Real>(x: Vector<S, T>, from: T) -> Vector<S, T> {
    let zero = splat::<S, T>(x, T::ZERO);
    let vanishes = x.simd_lt(splat::<S, T>(x, from));
    let Reduced { n, exact, r, rest } = reduce::<S, T>(vanishes.select(zero, x));
    let sum = exact + T::ONE;
    let low = n.mul_add(splat::<S, T>(x, -T::LN_2_LOW), (splat::<S, T>(x, T::ONE) - sum) + exact);
    let e_r = sum + (r * r).mul_add(rest, low);
    vanishes.select(zero, e_r * power_of_two::<S, T>(n))
}

/// `e^x - 1` for `x <= 0`.
#[inline(always)]
fn expm1_negative<S: Simd, T: Real>(x: Vector<S, T>) -> Vector<S, T> {
    // Where the result has long been -1, `2^n` is still a normal number.
    let low = splat::<S, T>(x, T::from_f64(-60.0));
    let Reduced { n, r, rest, .. } = reduce::<S, T>(x.simd_lt(low).select(low, x));
    let scale = power_of_two::<S, T>(n);
    (r * r).mul_add(rest, r).mul_add(scale, scale - T::ONE)
}

/// `x = n ln 2 + r`, with whole `n` and the smallest `|r|`.
struct Reduced<V> {
    n: V,
    /// `x - n LN_2_HIGH`, which is exact.
    exact: V,
    r: V,
    /// `(e^r - 1 - r) / r²`.
    rest: V,
}

#[inline(always)]
fn reduce<S: Simd, T: Real>(x: Vector<S, T>) -> Reduced<Vector<S, T>> {
    let n = round::<S, T>(x * T::LOG2_E);
    let exact = n.mul_add(splat::<S, T>(x, -T::LN_2_HIGH), x);
    let r = n.mul_add(splat::<S, T>(x, -T::LN_2_LOW), exact);
    Reduced { n, exact, r, rest: polynomial::<S, T>(r, T::EXP) }
}

/// `2^n` for whole `n` that are exponents of normal numbers.
#[inline(always)]
pub(super) fn power_of_two<S: Simd, T: Real>(n: Vector<S, T>) -> Vector<S, T> {
    Vector::<S, T>::from_bits((n + (T::ROUND + T::BIAS)).to_bits() << T::MANTISSA_BITS)
}
