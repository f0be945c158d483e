//! Elementary functions over lanes.
//!
//! Every function takes any expression ([`LaneExpr`]: lanes, a product, a mask); where it has two
//! arguments or more, all but one may be scalars. They are polynomials with a reduction of the argument, the same
//! operations in every lane, at every level and in every place, so results don't depend on the position. (The
//! levels differ in the last bits: some have fused multiply-add.) NaN propagates; infinities, zeros and subnormal
//! numbers give what IEEE 754 recommends, but for `sigmoid` and `softplus`, which are 0 where they are no normal
//! numbers. Bounds in units in the last place (ulp) hold for all arguments:
//!
//! | function | `f32` | `f64` |
//! |---|---|---|
//! | `exp`, `log` | 1 | 1 |
//! | `sigmoid`, `tanh` | 2.5 | 2.5 |
//! | `softplus` | 2 | 2 |
//! | `sin`, `cos` | 1 | 1 |
//! | `erf` | 1.5 | 2 |
//! | `pow(x, y)` | 1 | 2 + \|y ln x\| / 32 |

mod erf;
mod exponential;
mod logarithm;
mod power;
mod select;
mod tables;
mod trigonometric;

#[cfg(test)]
mod tests;

use fearless_simd::{ExtractToken, Simd, SimdBase, SimdFloat};

use super::{LaneExpr, Lanes, Real};

pub use erf::erf;
pub(in crate::kernels) use exponential::exp_negative;
pub use exponential::{exp, sigmoid, softplus, tanh};
pub use logarithm::log;
pub use power::{pow, powi};
pub(in crate::kernels) use power::{pow_f32, pow_f64};
pub use select::{eq, ge, gt, le, lt, max, min, ne, select, sign};
pub(in crate::kernels) use tables::Tables;
pub(in crate::kernels) use trigonometric::{Reduced, reduce_f32, reduce_f64};
pub use trigonometric::{cos, sin};

/// Registers of one line of scalars.
type Vector<S, T> = <T as Real>::Vector<S>;

/// The square root, rounded once.
#[inline(always)]
pub fn sqrt<E: LaneExpr>(x: E) -> Lanes<E::Simd, E::Real> {
    Lanes(x.lanes().0.sqrt())
}

/// The magnitude.
#[inline(always)]
pub fn abs<E: LaneExpr>(x: E) -> Lanes<E::Simd, E::Real> {
    Lanes(x.lanes().0.abs())
}

/// `f(x)`. In a build that checks, which usually does not optimise either, it is a call: inlined into code that is not
/// optimised, every function would take kilobytes of the caller's stack and rustc's time at each place.
#[cfg_attr(debug_assertions, inline(never))]
#[cfg_attr(not(debug_assertions), inline(always))]
fn outlined<S: Simd, T: Real>(x: Lanes<S, T>, f: impl FnOnce(Lanes<S, T>) -> Lanes<S, T>) -> Lanes<S, T> {
    if cfg!(debug_assertions) {
        x.token().vectorize(
            #[inline(always)]
            || f(x),
        )
    } else {
        f(x)
    }
}

/// `Σ coefficients[i] xⁱ`, by Horner's rule.
#[inline(always)]
fn polynomial<S: Simd, T: Real>(x: Vector<S, T>, coefficients: &[T]) -> Vector<S, T> {
    let (&highest, lower) = coefficients.split_last().expect("a polynomial has coefficients");
    let mut sum = splat::<S, T>(x, highest);
    for &coefficient in lower.iter().rev() {
        sum = sum.mul_add(x, splat::<S, T>(x, coefficient));
    }
    sum
}

/// A scalar in every lane of a vector like `x`.
#[inline(always)]
fn splat<S: Simd, T: Real>(x: Vector<S, T>, value: T) -> Vector<S, T> {
    Vector::<S, T>::splat(x.token(), value)
}

/// The nearest whole number, of magnitude below a quarter of [`Tables::INTEGER`]; ties to even.
#[inline(always)]
fn round<S: Simd, T: Real>(x: Vector<S, T>) -> Vector<S, T> {
    (x + T::ROUND) - T::ROUND
}
