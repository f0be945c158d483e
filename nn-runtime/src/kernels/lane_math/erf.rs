//! The error function.

use fearless_simd::{Select, Simd, SimdBase, SimdFloat};

use super::exponential::exp_vector;
use super::{outlined, polynomial, splat};
use crate::kernels::{LaneExpr, Lanes, Real};

/// The error function `2/√π ∫₀ˣ e^(-t²) dt`.
///
/// Up to `|x| = 1` a polynomial; above, `1 - e^-g` where `g` is a polynomial fitted to `-log(1 - erf)`.
#[inline(always)]
pub fn erf<E: LaneExpr>(x: E) -> Lanes<E::Simd, E::Real> {
    outlined(x.lanes(), erf_inline)
}

#[inline(always)]
fn erf_inline<S: Simd, T: Real>(x: Lanes<S, T>) -> Lanes<S, T> {
    let x = x.0;
    let one = splat::<S, T>(x, T::ONE);
    let range = splat::<S, T>(x, T::ERF_RANGE);

    let small = polynomial::<S, T>(x * x, T::ERF_SMALL).mul_add(x, x);

    let magnitude = x.abs();
    let bounded = magnitude.simd_gt(range).select(range, magnitude);
    let g = polynomial::<S, T>(bounded - T::ONE, T::ERF_LARGE);
    let large = (one - exp_vector::<S, T>(-g)).copysign(x);

    Lanes(magnitude.simd_gt(one).select(large, small))
}
