//! Windows over images of a few pixels, with one example in each lane.

use fearless_simd::Simd;

use super::super::{Lanes, Real};
use super::{Convolution, ConvolutionSizes};

/// As [`convolve`](super::convolve()), of arrays.
#[inline(always)]
pub fn convolve<S: Simd, T: Real, const I: usize, const W: usize, const O: usize>(
    s: S,
    sizes: ConvolutionSizes,
    x: &[Lanes<S, T>; I],
    w: &[Lanes<S, T>; W],
) -> [Lanes<S, T>; O] {
    let mut y = [Lanes::zero(s); O];
    Convolution::new(sizes).each_product(
        #[inline(always)]
        |place, pixel, tap| y[place] += x[pixel] * w[tap],
    );
    y
}

/// As [`convolve_input`](super::convolve_input()), of arrays.
#[inline(always)]
pub fn convolve_input<S: Simd, T: Real, const I: usize, const W: usize, const O: usize>(
    s: S,
    sizes: ConvolutionSizes,
    d: &[Lanes<S, T>; O],
    w: &[Lanes<S, T>; W],
) -> [Lanes<S, T>; I] {
    let mut dx = [Lanes::zero(s); I];
    Convolution::new(sizes).each_product(
        #[inline(always)]
        |place, pixel, tap| dx[pixel] += d[place] * w[tap],
    );
    dx
}

/// As [`convolve_weight`](super::convolve_weight()), of arrays.
#[inline(always)]
pub fn convolve_weight<S: Simd, T: Real, const I: usize, const W: usize, const O: usize>(
    s: S,
    sizes: ConvolutionSizes,
    x: &[Lanes<S, T>; I],
    d: &[Lanes<S, T>; O],
) -> [Lanes<S, T>; W] {
    let mut dw = [Lanes::zero(s); W];
    Convolution::new(sizes).each_product(
        #[inline(always)]
        |place, pixel, tap| dw[tap] += x[pixel] * d[place],
    );
    dw
}
