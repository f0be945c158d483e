//! The element types: `f32` and `f64`.

use core::fmt::{Debug, Display};

use fearless_simd::{Simd, SimdFloat, SimdFloatElement, f32x16, f64x8};

use super::compiled::Kernels;
use super::lane_math::{self, Reduced, Tables};

/// A scalar of tensors and parameters: `f32` or `f64`. Sealed.
///
/// Beside the operators of floats it offers the few scalar functions that the runtime needs, without `std`.
pub trait Real: SimdFloatElement + Kernels + Tables + Debug + Display + Send + Sync + 'static {
    /// Scalars in one 64-byte line, and examples or elements in one [`Lanes`](super::Lanes): 16 or 8.
    const LANES: usize;
    /// `0`.
    const ZERO: Self;
    /// `1`.
    const ONE: Self;
    /// Not a number.
    const NAN: Self;
    /// Positive infinity.
    const INFINITY: Self;
    /// The distance from 1 to the next larger number.
    const EPSILON: Self;

    /// One line of scalars in SIMD registers.
    type Vector<S: Simd>: SimdFloat<S, Element = Self>;

    /// The nearest value to `x`.
    fn from_f64(x: f64) -> Self;
    /// The value, exactly.
    fn to_f64(self) -> f64;
    /// Magnitude.
    #[must_use]
    fn abs(self) -> Self;
    /// Square root.
    #[must_use]
    fn sqrt(self) -> Self;
    /// `e` to the power of `self`.
    #[must_use]
    fn exp(self) -> Self;
    /// Natural logarithm.
    #[must_use]
    fn ln(self) -> Self;
    /// Neither infinite nor NaN.
    fn is_finite(self) -> bool;
    /// Not a number.
    fn is_nan(self) -> bool;

    #[doc(hidden)]
    #[must_use]
    fn sin_scalar(self) -> Self;
    #[doc(hidden)]
    #[must_use]
    fn cos_scalar(self) -> Self;
    #[doc(hidden)]
    fn reduce_angle<S: Simd>(x: Self::Vector<S>) -> Reduced<Self::Vector<S>>;
    #[doc(hidden)]
    fn pow_positive<S: Simd>(x: Self::Vector<S>, y: Self::Vector<S>) -> Self::Vector<S>;
}

macro_rules! real {
    ($T:ident, $lanes:literal, $Vector:ident, $sqrt:ident, $exp:ident, $log:ident, $sin:ident, $cos:ident, $reduce:ident, $pow:ident) => {
        impl Real for $T {
            const LANES: usize = $lanes;
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const NAN: Self = $T::NAN;
            const INFINITY: Self = $T::INFINITY;
            const EPSILON: Self = $T::EPSILON;

            type Vector<S: Simd> = $Vector<S>;

            #[inline]
            fn from_f64(x: f64) -> Self {
                x as $T
            }

            #[inline]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }

            #[inline]
            fn abs(self) -> Self {
                $T::abs(self)
            }

            #[inline]
            fn sqrt(self) -> Self {
                // One instruction; `libm` is a call.
                #[cfg(feature = "std")]
                return $T::sqrt(self);
                #[cfg(not(feature = "std"))]
                libm::$sqrt(self)
            }

            #[inline]
            fn exp(self) -> Self {
                libm::$exp(self)
            }

            #[inline]
            fn ln(self) -> Self {
                libm::$log(self)
            }

            #[inline]
            fn is_finite(self) -> bool {
                $T::is_finite(self)
            }

            #[inline]
            fn is_nan(self) -> bool {
                $T::is_nan(self)
            }

            fn sin_scalar(self) -> Self {
                libm::$sin(self)
            }

            fn cos_scalar(self) -> Self {
                libm::$cos(self)
            }

            #[inline(always)]
            fn reduce_angle<S: Simd>(x: $Vector<S>) -> Reduced<$Vector<S>> {
                lane_math::$reduce(x)
            }

            #[inline(always)]
            fn pow_positive<S: Simd>(x: $Vector<S>, y: $Vector<S>) -> $Vector<S> {
                lane_math::$pow(x, y)
            }
        }
    };
}

real!(f32, 16, f32x16, sqrtf, expf, logf, sinf, cosf, reduce_f32, pow_f32);
real!(f64, 8, f64x8, sqrt, exp, log, sin, cos, reduce_f64, pow_f64);
