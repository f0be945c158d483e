//! The constants of each element type. The polynomials are minimax fits (Remez), lowest power first; the
//! error beside each is that of the function it serves, relative to it (absolute for `ERF_LARGE`).
#![allow(clippy::unreadable_literal, clippy::excessive_precision, reason = "coefficients are data")]

use fearless_simd::SimdFloatElement;

/// Constants of the elementary functions for one element type.
pub trait Tables: SimdFloatElement + 'static {
    /// Bits of the fraction in memory.
    const MANTISSA_BITS: u32;
    /// Bias of the exponent.
    const BIAS: Self;
    /// `1.5 * 2^MANTISSA_BITS`: adding it rounds to a whole number, which then is in the lowest bits.
    const ROUND: Self;
    /// `2^MANTISSA_BITS`: with a whole number in the lowest bits it is that number more.
    const INTEGER: Self;
    /// The power of two that lifts subnormal numbers to normal ones.
    const SUBNORMAL_SCALE: Self;
    /// Its exponent.
    const SUBNORMAL_EXPONENT: Self;
    /// The smallest normal number.
    const MIN_POSITIVE: Self;
    /// The fraction's bits.
    const MANTISSA_MASK: Self::Bits;
    /// The bits of `√½`.
    const SQRT_HALF: Self::Bits;
    /// How many representable numbers lie between `√½` and 1.
    const SQRT_HALF_TO_ONE: Self::Bits;
    /// `log2 e`.
    const LOG2_E: Self;
    /// `ln 2`, with so few bits that products with exponents are exact.
    const LN_2_HIGH: Self;
    /// `ln 2 - LN_2_HIGH`.
    const LN_2_LOW: Self;
    /// Below, `exp` is 0; above, infinite.
    const EXP_RANGE: [Self; 2];
    /// Below, `exp` is no normal number.
    const EXP_NORMAL: Self;
    /// Below, `exp` is too small for its products with weights to be normal numbers.
    const EXP_USEFUL: Self;
    /// Gradients and their running means below this size count as zero: `2^-100`, or `2^-960` in double precision.
    const LEAST_GRADIENT: Self;
    /// Gradients below this size have a square of zero.
    const LEAST_ROOT: Self;
    /// Running means of squares below this size count as zero.
    const LEAST_SQUARE: Self;
    /// Above, `erf` is 1.
    const ERF_RANGE: Self;
    /// `(e^r - 1 - r) / r²` in `r`, for `|r| <= ln 2 / 2`.
    const EXP: &'static [Self];
    /// `(2 artanh s - 2 s) / s³` in `s²`, for `|s| <= 3 - 2√2`.
    const LOG: &'static [Self];
    /// `(sin r - r) / r³` in `r²`, for `|r| <= π/4`.
    const SIN: &'static [Self];
    /// `(cos r - 1 + r²/2) / r⁴` in `r²`, for `|r| <= π/4`.
    const COS: &'static [Self];
    /// `erf(x) / x - 1` in `x²`, for `|x| <= 1`.
    const ERF_SMALL: &'static [Self];
    /// `-log(1 - erf(1 + t))` in `t`, for `0 <= t <= ERF_RANGE - 1`.
    const ERF_LARGE: &'static [Self];
}

impl Tables for f32 {
    const MANTISSA_BITS: u32 = f32::MANTISSA_DIGITS - 1;
    const BIAS: Self = 127.0;
    const ROUND: Self = 12_582_912.0;
    const INTEGER: Self = 8_388_608.0;
    const SUBNORMAL_SCALE: Self = 33_554_432.0;
    const SUBNORMAL_EXPONENT: Self = 25.0;
    const MIN_POSITIVE: Self = f32::MIN_POSITIVE;
    const MANTISSA_MASK: Self::Bits = (1 << Self::MANTISSA_BITS) - 1;
    const SQRT_HALF: Self::Bits = core::f32::consts::FRAC_1_SQRT_2.to_bits();
    const SQRT_HALF_TO_ONE: Self::Bits = 1.0_f32.to_bits() - Self::SQRT_HALF;
    const LOG2_E: Self = core::f32::consts::LOG2_E;
    const LN_2_HIGH: Self = 0.69311523;
    const LN_2_LOW: Self = 3.1946183e-5;
    const EXP_RANGE: [Self; 2] = [-104.0, 89.0];
    const EXP_NORMAL: Self = -87.33654;
    const EXP_USEFUL: Self = -69.31472;
    const LEAST_GRADIENT: Self = 7.888609e-31;
    const LEAST_ROOT: Self = 8.8817842e-16;
    const LEAST_SQUARE: Self = 1.9259299e-34;
    const ERF_RANGE: Self = 3.95;
    // Error 2^-31.981.
    const EXP: &'static [Self] = &[0.5, 0.16666667, 0.041666355, 0.008333273, 0.0013941008, 0.0001991424];
    // Error 2^-36.597.
    const LOG: &'static [Self] = &[0.6666666, 0.40000337, 0.2853724, 0.23583546];
    // Error 2^-37.566.
    const SIN: &'static [Self] = &[-0.16666667, 0.008333329, -0.0001983933, 2.7182741e-6];
    // Error 2^-33.279.
    const COS: &'static [Self] = &[0.041666646, -0.0013887364, 2.443809e-5];
    // Error 2^-29.656.
    const ERF_SMALL: &'static [Self] =
        &[0.12837917, -0.37612626, 0.112836, -0.026854444, 0.005189535, -0.00080208416, 7.889119e-5];
    // Error 2^-35.47.
    const ERF_LARGE: &'static [Self] = &[
        1.8496056,
        2.6389675,
        0.8431071,
        0.04156348,
        -0.01004645,
        0.0020119646,
        -0.00028952703,
        2.1686585e-5,
    ];
}

impl Tables for f64 {
    const MANTISSA_BITS: u32 = f64::MANTISSA_DIGITS - 1;
    const BIAS: Self = 1023.0;
    const ROUND: Self = 6_755_399_441_055_744.0;
    const INTEGER: Self = 4_503_599_627_370_496.0;
    const SUBNORMAL_SCALE: Self = 18_014_398_509_481_984.0;
    const SUBNORMAL_EXPONENT: Self = 54.0;
    const MIN_POSITIVE: Self = f64::MIN_POSITIVE;
    const MANTISSA_MASK: Self::Bits = (1 << Self::MANTISSA_BITS) - 1;
    const SQRT_HALF: Self::Bits = core::f64::consts::FRAC_1_SQRT_2.to_bits();
    const SQRT_HALF_TO_ONE: Self::Bits = 1.0_f64.to_bits() - Self::SQRT_HALF;
    const LOG2_E: Self = core::f64::consts::LOG2_E;
    const LN_2_HIGH: Self = 0.6931471806019545;
    const LN_2_LOW: Self = -4.2009150726810846e-11;
    const EXP_RANGE: [Self; 2] = [-746.0, 710.0];
    const EXP_NORMAL: Self = -708.396_418_532_264_1;
    const EXP_USEFUL: Self = -665.0;
    const LEAST_GRADIENT: Self = 1.026_340_070_870_4e-289;
    const LEAST_ROOT: Self = 3.2e-145;
    const LEAST_SQUARE: Self = 2.5e-293;
    const ERF_RANGE: Self = 5.95;
    // Error 2^-61.727.
    const EXP: &'static [Self] = &[
        0.5,
        0.16666666666666677,
        0.0416666666666667,
        0.008333333333321615,
        0.0013888888888866815,
        0.0001984126988615856,
        2.4801587360615503e-5,
        2.755724418207405e-6,
        2.7557242701076906e-7,
        2.5109044801087866e-8,
        2.0924463046122964e-9,
    ];
    // Error 2^-58.482.
    const LOG: &'static [Self] = &[
        0.6666666666666735,
        0.3999999999941109,
        0.2857142874326371,
        0.2222219847584909,
        0.18183569747331255,
        0.15313903052210914,
        0.14797509666436426,
    ];
    // Error 2^-58.005.
    const SIN: &'static [Self] = &[
        -0.16666666666666632,
        0.00833333333332237,
        -0.0001984126982977132,
        2.755731367870642e-6,
        -2.505075596665037e-8,
        1.5896666767038679e-10,
    ];
    // Error 2^-64.207.
    const COS: &'static [Self] = &[
        0.0416666666666666,
        -0.0013888888888874064,
        2.4801587289443505e-5,
        -2.7557314340650693e-7,
        2.0875721620846798e-9,
        -1.1359559113917042e-11,
    ];
    // Error 2^-62.781.
    const ERF_SMALL: &'static [Self] = &[
        0.1283791670955126,
        -0.3761263890318375,
        0.11283791670954885,
        -0.02686617064507787,
        0.005223977624828394,
        -0.0008548326981423858,
        0.0001205533113290754,
        -1.4925595771308064e-5,
        1.646100846796314e-6,
        -1.635039615814245e-7,
        1.4660328525181357e-8,
        -1.1374955789778035e-9,
        5.960686654847134e-11,
    ];
    // Error 2^-59.527.
    const ERF_LARGE: &'static [Self] = &[
        1.8496055099332482,
        2.638967514234788,
        0.8431072563586768,
        0.04156109804180872,
        -0.010033825374412535,
        0.0019779025679421236,
        -0.00023732248158646037,
        -2.6277874794019917e-5,
        2.7159111946181734e-5,
        -9.608900581020216e-6,
        2.0597730175950656e-6,
        -1.4287665481302384e-7,
        -9.754638678217401e-8,
        5.20373592237168e-8,
        -1.4911263003222763e-8,
        2.8639938258863436e-9,
        -3.682406827286403e-10,
        2.8814878359070276e-11,
        -1.039071832948396e-12,
    ];
}
