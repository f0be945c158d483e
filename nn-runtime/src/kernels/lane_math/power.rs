//! Powers.

use fearless_simd::{Select, Simd, SimdBase, SimdFloat, SimdNarrow, SimdWiden, f32x16, f64x8};

use super::exponential::exp_vector;
use super::logarithm::{special_cases, split};
use super::{Tables, outlined, polynomial, splat};
use crate::kernels::{LaneExpr, LanePair, Lanes, Real};

/// `x^n`, by repeated squaring; of negative `n`, the reciprocal of that.
#[inline(always)]
pub fn powi<E: LaneExpr>(x: E, n: i32) -> Lanes<E::Simd, E::Real> {
    let x = x.lanes();
    let one = splat::<E::Simd, E::Real>(x.0, E::Real::ONE);
    let (mut power, mut square, mut rest) = (one, x.0, n.unsigned_abs());
    loop {
        if rest % 2 == 1 {
            power *= square;
        }
        rest /= 2;
        if rest == 0 {
            break;
        }
        square *= square;
    }
    Lanes(if n < 0 { one / power } else { power })
}

/// `x^y`. A finite negative `x` needs a whole `y`, else the power is NaN; `x^0` and `1^y` are 1, whatever the other is.
#[inline(always)]
pub fn pow<A: LanePair<B>, B>(x: A, y: B) -> Lanes<A::Simd, A::Real> {
    let [x, y] = x.pair(y);
    outlined(
        x,
        #[inline(always)]
        |x| pow_inline(x, y),
    )
}

#[inline(always)]
fn pow_inline<S: Simd, T: Real>(x: Lanes<S, T>, y: Lanes<S, T>) -> Lanes<S, T> {
    let (x, y) = (x.0, y.0);
    let [zero, one, nan] = [T::ZERO, T::ONE, T::NAN].map(|value| splat::<S, T>(x, value));

    let magnitude = T::pow_positive(x.abs(), y);
    // 1^±∞ is 1.
    let magnitude = x.abs().simd_eq(one).select(y.simd_eq(y).select(one, y), magnitude);
    let whole = y.floor().simd_eq(y);
    let half = y * T::from_f64(0.5);
    let odd = whole & half.floor().simd_ne(half);
    // Also the power of -0 is signed.
    let negative = x.is_sign_negative();
    let signed = (negative & odd).select(-magnitude, magnitude);
    let finite = x.simd_gt(splat::<S, T>(x, -T::INFINITY));
    let power = (x.simd_lt(zero) & finite & !whole).select(nan, signed);
    let power = (x.simd_ne(x) | y.simd_ne(y)).select(x + y, power);
    Lanes((y.simd_eq(zero) | x.simd_eq(one)).select(one, power))
}

/// `x^y` for `x >= 0` in double precision, rounded at the end.
#[inline(always)]
pub(in crate::kernels) fn pow_f32<S: Simd>(x: f32x16<S>, y: f32x16<S>) -> f32x16<S> {
    let ((x_a, x_b), (y_a, y_b)) = (x.widen(), y.widen());
    pow_f64(x_a, y_a).narrow(pow_f64(x_b, y_b))
}

/// `x^y` for `x >= 0`, with the logarithm as the sum of two numbers.
#[inline(always)]
pub(in crate::kernels) fn pow_f64<S: Simd>(x: f64x8<S>, y: f64x8<S>) -> f64x8<S> {
    let (exponent, fraction) = split::<S, f64>(x);
    // log(m) = 2 s + s³ P(s²), with s = (m - 1) / (m + 1) = s_high + s_low.
    let numerator = fraction - 1.0;
    let (sum, sum_low) = two_sum(fraction, splat::<S, f64>(x, 1.0));
    let s = numerator / sum;
    let (product, product_low) = two_product(s, sum);
    let s_low = (((numerator - product) - product_low) - s * sum_low) / sum;
    let z = s * s;
    let tail = z * s * polynomial::<S, f64>(z, f64::LOG);
    // n ln 2 + 2 s, largest first.
    let (high, low) = two_sum(exponent * f64::LN_2_HIGH, s * 2.0);
    let (high, low_2) = two_sum(high, tail);
    let low = low + (low_2 + (exponent * f64::LN_2_LOW + s_low * 2.0));
    let log = special_cases::<S, f64>(x, high);
    let finite = x.simd_gt(splat::<S, f64>(x, 0.0)) & x.simd_lt(splat::<S, f64>(x, f64::INFINITY));
    let low = finite.select(low, splat::<S, f64>(x, 0.0));

    // e^(y log) = e^high (1 + low)
    let (power, power_low) = two_product(y, log);
    let rest = power_low + y * low;
    let e = exp_vector::<S, f64>(power);
    // Where the power has over- or underflowed, or the product's parts are not finite, there is nothing to correct.
    let small = rest.abs().simd_lt(splat::<S, f64>(x, 0.5));
    let corrected = e.mul_add(rest, e);
    let usable = small & corrected.simd_eq(corrected);
    usable.select(corrected, e)
}

/// `a + b` and what its rounding lost (Knuth).
#[inline(always)]
fn two_sum<S: Simd>(a: f64x8<S>, b: f64x8<S>) -> (f64x8<S>, f64x8<S>) {
    let sum = a + b;
    let b_part = sum - a;
    (sum, (a - (sum - b_part)) + (b - b_part))
}

/// `a b` and what its rounding lost (Dekker), without fused multiply-add, so that every level agrees.
#[inline(always)]
fn two_product<S: Simd>(a: f64x8<S>, b: f64x8<S>) -> (f64x8<S>, f64x8<S>) {
    let product = a * b;
    let ((a_high, a_low), (b_high, b_low)) = (halves(a), halves(b));
    let error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low;
    (product, error)
}

/// Two numbers of half the precision that sum to `a`.
#[inline(always)]
fn halves<S: Simd>(a: f64x8<S>) -> (f64x8<S>, f64x8<S>) {
    // 2^27 + 1
    let scaled = a * 134_217_729.0;
    let high = scaled - (scaled - a);
    (high, a - high)
}
