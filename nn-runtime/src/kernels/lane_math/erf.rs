//! The error function.

use fearless_simd::{Select, SimdBase, SimdFloat};

use super::exponential::exp_vector;
use super::{Tables, polynomial, splat};
use crate::kernels::{LaneExpr, Lanes, Real};

/// The error function `2/√π ∫₀ˣ e^(-t²) dt`.
///
/// Up to `|x| = 1` a polynomial; above, `1 - e^-g` where `g` is a polynomial fitted to `-log(1 - erf)`.
#[inline(always)]
pub fn erf<E: LaneExpr>(x: E) -> Lanes<E::Simd, E::Real> {
    let x = x.lanes().0;
    let one = splat::<E::Simd, E::Real>(x, E::Real::ONE);
    let range = splat::<E::Simd, E::Real>(x, E::Real::ERF_RANGE);

    let small = polynomial::<E::Simd, E::Real>(x * x, E::Real::ERF_SMALL).mul_add(x, x);

    let magnitude = x.abs();
    let bounded = magnitude.simd_gt(range).select(range, magnitude);
    let g = polynomial::<E::Simd, E::Real>(bounded - E::Real::ONE, E::Real::ERF_LARGE);
    let large = (one - exp_vector::<E::Simd, E::Real>(-g)).copysign(x);

    Lanes(magnitude.simd_gt(one).select(large, small))
}
