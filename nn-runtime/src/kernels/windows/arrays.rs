//! Windows over images of a few pixels, with one example in each lane.

use fearless_simd::Simd;

use super::super::{LaneValue, Lanes, Mask, Real, eq, gt, lt, ne, select};
use super::pool::Pool;
use super::{AvgPoolSizes, Convolution, ConvolutionSizes, MaxPoolSizes};

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

/// The numbers of the elements with the largest value of each window, for each lane.
#[inline(always)]
fn each_largest<S: Simd, T: Real>(
    s: S,
    sizes: MaxPoolSizes,
    x: &[Lanes<S, T>],
    mut visit: impl FnMut(usize, usize, Mask<S, T>),
) {
    let pool = Pool::largest(sizes);
    pool.each_place(
        #[inline(always)]
        |place, _, _| {
            let (mut best, mut at) = (Lanes::splat(s, -T::INFINITY), Lanes::splat(s, -T::ONE));
            pool.each_pixel(
                place,
                #[inline(always)]
                |pixel| {
                    // The first one is above nothing; NaN is above everything.
                    let is_above = gt(x[pixel], best) | ne(x[pixel], x[pixel]) | lt(at, T::ZERO);
                    best = select(is_above, x[pixel], best);
                    at = select(is_above, Lanes::splat(s, T::from_f64(pixel as f64)), at);
                },
            );
            pool.each_pixel(
                place,
                #[inline(always)]
                |pixel| visit(place, pixel, eq(at, T::from_f64(pixel as f64))),
            );
        },
    );
}

/// As [`max_pool_at`](super::max_pool_at()), of arrays.
#[inline(always)]
pub fn max_pool_at<S: Simd, T: Real, const I: usize, const O: usize>(
    s: S,
    sizes: MaxPoolSizes,
    x: &[Lanes<S, T>; I],
    v: &[Lanes<S, T>; I],
) -> [Lanes<S, T>; O] {
    let mut y = [Lanes::zero(s); O];
    each_largest(
        s,
        sizes,
        x,
        #[inline(always)]
        |place, pixel, is_largest| y[place] = select(is_largest, v[pixel], y[place]),
    );
    y
}

/// As [`max_pool_input`](super::max_pool_input()), of arrays.
#[inline(always)]
pub fn max_pool_input<S: Simd, T: Real, const I: usize, const O: usize>(
    s: S,
    sizes: MaxPoolSizes,
    x: &[Lanes<S, T>; I],
    d: &[Lanes<S, T>; O],
) -> [Lanes<S, T>; I] {
    let mut dx = [Lanes::zero(s); I];
    each_largest(
        s,
        sizes,
        x,
        #[inline(always)]
        |place, pixel, is_largest| dx[pixel] += select(is_largest, d[place], T::ZERO),
    );
    dx
}

/// As [`avg_pool2d`](super::avg_pool2d()), of arrays.
#[inline(always)]
pub fn avg_pool2d<S: Simd, T: Real, const I: usize, const O: usize>(
    s: S,
    sizes: AvgPoolSizes,
    x: &[Lanes<S, T>; I],
) -> [Lanes<S, T>; O] {
    let (pool, counted) = Pool::mean(sizes);
    let mut y = [Lanes::zero(s); O];
    pool.each_place(
        #[inline(always)]
        |place, row, column| {
            pool.each_pixel(
                place,
                #[inline(always)]
                |pixel| y[place] += x[pixel],
            );
            y[place] = (y[place] / counted.of::<T>(&pool, row, column)).value(s);
        },
    );
    y
}

/// As [`avg_pool_input`](super::avg_pool_input()), of arrays.
#[inline(always)]
pub fn avg_pool_input<S: Simd, T: Real, const I: usize, const O: usize>(
    s: S,
    sizes: AvgPoolSizes,
    d: &[Lanes<S, T>; O],
) -> [Lanes<S, T>; I] {
    let (pool, counted) = Pool::mean(sizes);
    let mut dx = [Lanes::zero(s); I];
    pool.each_place(
        #[inline(always)]
        |place, row, column| {
            let share = (d[place] / counted.of::<T>(&pool, row, column)).value(s);
            pool.each_pixel(
                place,
                #[inline(always)]
                |pixel| dx[pixel] += share,
            );
        },
    );
    dx
}
