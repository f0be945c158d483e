//! Convolutions of a tile of images, with the adjoints of image and weight.

use super::super::gemm::Finish;
use super::super::{Activation, Real, stride};
use super::{Convolution, ConvolutionSizes, blocks, products, winograd};

/// What a convolution does besides its products: it starts from a number for each unit, and may keep what is positive.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends<'a, T> {
    pub(super) bias: Option<&'a [T]>,
    pub(super) activation: Activation,
}

impl<T> Ends<'_, T> {
    /// Products and nothing else.
    pub(super) const PLAIN: Self = Self { bias: None, activation: Activation::Linear };

    /// What happens to the sums of the last taps.
    pub(super) fn finish(&self) -> Finish<'static, T> {
        match self.activation {
            Activation::Linear => Finish::Keep,
            Activation::Relu => Finish::Relu,
        }
    }
}

/// `activation(bias + y)` of `y[o, p] = Σ x[c, p·stride + k·dilation - padding] · w[o, c, k]`, over the channels `c` of the
/// group of `o` and the elements `k` of the window.
///
/// `x` and `out` are tile buffers of images, `w` `[units, channels / groups, kernel height, kernel width]` and `bias`
/// `[units]` are shared.
///
/// # Panics
///
/// If a slice is too short.
pub fn convolve<T: Real>(
    rows: usize,
    sizes: ConvolutionSizes,
    x: &[T],
    w: &[T],
    bias: Option<&[T]>,
    activation: Activation,
    out: &mut [T],
) {
    let (conv, ends) = (Convolution::new(sizes), Ends { bias, activation });
    if !products::convolve(rows, &conv, x, w, ends, out) {
        blocks::convolve(rows, &conv, x, w, ends, out);
    }
}

/// The adjoint of the image: `dx[c, p·stride + k·dilation - padding] += d[o, p] · w[o, c, k]` from zeros.
///
/// `d` and `out` are tile buffers, `w` is shared; see [`convolve`].
///
/// # Panics
///
/// If a slice is too short.
pub fn convolve_input<T: Real>(rows: usize, sizes: ConvolutionSizes, d: &[T], w: &[T], out: &mut [T]) {
    let conv = Convolution::new(sizes);
    if !products::convolve_input(rows, &conv, d, w, out) {
        blocks::convolve_input(rows, &conv, d, w, out);
    }
}

/// As [`convolve`], faster and less precise: with numbers of unit size, single precision and 3×3 windows that move by one,
/// elements are off by up to some 2⁻¹⁸ of the largest that the same sums could reach.
///
/// # Panics
///
/// If a slice is too short.
pub fn convolve_winograd<T: Real>(
    rows: usize,
    sizes: ConvolutionSizes,
    x: &[T],
    w: &[T],
    bias: Option<&[T]>,
    activation: Activation,
    out: &mut [T],
) {
    let conv = Convolution::new(sizes);
    if !winograd::convolve(rows, &conv, x, w, false, out) {
        return convolve(rows, sizes, x, w, bias, activation, out);
    }
    let (places, stride) = (conv.places(), stride::<T>(conv.units * conv.places()));
    for r in 0..rows {
        for (unit, out) in out[r * stride..][..conv.units * places].chunks_exact_mut(places).enumerate() {
            let bias = bias.map_or(T::ZERO, |bias| bias[unit]);
            for y in out {
                let sum = *y + bias;
                *y = if activation == Activation::Relu && sum < T::ZERO { T::ZERO } else { sum };
            }
        }
    }
}

/// As [`convolve_input`], faster and less precise: see [`convolve_winograd`].
///
/// # Panics
///
/// If a slice is too short.
pub fn convolve_input_winograd<T: Real>(
    rows: usize,
    sizes: ConvolutionSizes,
    d: &[T],
    w: &[T],
    out: &mut [T],
) {
    let turned = Convolution::new(sizes).turned();
    if !turned.is_some_and(|conv| winograd::convolve(rows, &conv, d, w, true, out)) {
        convolve_input(rows, sizes, d, w, out);
    }
}

/// The adjoint of the weight for each example: `dw[o, c, k] = Σ_p d[o, p] · x[c, p·stride + k·dilation - padding]`.
///
/// `x`, `d` and `out` are tile buffers; see [`convolve`].
///
/// # Panics
///
/// If a slice is too short.
pub fn convolve_weight<T: Real>(rows: usize, sizes: ConvolutionSizes, x: &[T], d: &[T], out: &mut [T]) {
    let conv = Convolution::new(sizes);
    let weights = conv.units * conv.taps();
    let stride = stride::<T>(weights);
    for r in 0..rows {
        let out = &mut out[r * stride..][..weights];
        out.fill(T::ZERO);
        add_weight(&conv, rows, r..r + 1, x, d, out);
    }
}

/// The adjoint of the weight, added over the examples; see [`convolve_weight`]. `sum` is shared.
///
/// # Panics
///
/// If a slice is too short.
pub fn convolve_weight_sum<T: Real>(rows: usize, sizes: ConvolutionSizes, x: &[T], d: &[T], sum: &mut [T]) {
    add_weight(&Convolution::new(sizes), rows, 0..rows, x, d, sum);
}

fn add_weight<T: Real>(
    conv: &Convolution,
    rows: usize,
    examples: core::ops::Range<usize>,
    x: &[T],
    d: &[T],
    sum: &mut [T],
) {
    if !products::add_weight(conv, rows, examples.clone(), x, d, sum) {
        blocks::add_weight(conv, rows, examples, x, d, sum);
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::super::super::testing::{Numbers, assert_close, at_every_level, elements, nan_tile};
    use super::super::tests::CASES;
    use super::*;

    fn f64s<T: Real>(x: &[T]) -> Vec<f64> {
        x.iter().map(|x| x.to_f64()).collect()
    }

    fn check<T: Real>(rows: usize, sizes: ConvolutionSizes) {
        let conv = Convolution::new(sizes);
        let (image, result, weight) = (conv.image(), conv.units * conv.places(), conv.units * conv.taps());
        let mut numbers = Numbers((rows + image) as u64);
        let (x, d) = (numbers.tile::<T>(rows, image), numbers.tile::<T>(rows, result));
        let w = numbers.flat::<T>(weight);
        let (flat_x, flat_d, flat_w) =
            (f64s(&elements(&x, rows, image)), f64s(&elements(&d, rows, result)), f64s(&w));
        let (mut y, mut dx) = (std::vec![0.0; rows * result], std::vec![0.0; rows * image]);
        let mut dw = std::vec![0.0; rows * weight];
        for r in 0..rows {
            conv.each_product(|place, pixel, tap| {
                y[r * result + place] += flat_x[r * image + pixel] * flat_w[tap];
                dx[r * image + pixel] += flat_d[r * result + place] * flat_w[tap];
                dw[r * weight + tap] += flat_x[r * image + pixel] * flat_d[r * result + place];
            });
        }
        let what = (core::any::type_name::<T>(), rows, sizes);
        let bound = |count: usize| 16.0 + 2.0 * count as f64;
        let mut out = nan_tile::<T>(rows, result);
        convolve(rows, sizes, &x, &w, None, Activation::Linear, &mut out);
        assert_close(&elements(&out, rows, result), &y, bound(conv.taps()), &what);

        let bias = numbers.flat::<T>(conv.units);
        let finished: Vec<f64> =
            (0..rows * result).map(|i| (y[i] + bias[i % result / conv.places()].to_f64()).max(0.0)).collect();
        let mut out = nan_tile::<T>(rows, result);
        convolve(rows, sizes, &x, &w, Some(&bias), Activation::Relu, &mut out);
        assert_close(&elements(&out, rows, result), &finished, bound(conv.taps() + 1), &what);

        let mut out = nan_tile::<T>(rows, image);
        convolve_input(rows, sizes, &d, &w, &mut out);
        assert_close(&elements(&out, rows, image), &dx, bound(conv.taps() * conv.units), &what);

        let mut out = nan_tile::<T>(rows, weight);
        convolve_weight(rows, sizes, &x, &d, &mut out);
        assert_close(&elements(&out, rows, weight), &dw, bound(conv.places()), &what);

        // Sums lie between guards that must stay.
        let mut sum = std::vec![T::ONE; weight + 2];
        convolve_weight_sum(rows, sizes, &x, &d, &mut sum[1..=weight]);
        let mut want = std::vec![1.0; weight + 2];
        for dw in dw.chunks(weight) {
            want[1..=weight].iter_mut().zip(dw).for_each(|(sum, dw)| *sum += dw);
        }
        assert_close(&sum, &want, bound(rows * conv.places()), &what);

        // What all examples share is one row for each of them.
        let shared: Vec<T> = elements(&d, 1, result);
        let mut out = nan_tile::<T>(rows, image);
        convolve_input(rows, sizes, &shared, &w, &mut out);
        let want = dx[..image].repeat(rows);
        assert_close(&elements(&out, rows, image), &want, bound(conv.taps() * conv.units), &what);
    }

    /// What is cut into bands and panels: several of them, strides, dilations, groups, odd sizes, one pixel.
    const LARGE: [ConvolutionSizes; 8] = [
        [40, 30, 33, 24, 30, 33, 3, 3, 1, 1, 1, 1, 1, 1, 1],
        [3, 40, 37, 20, 20, 19, 7, 7, 2, 2, 3, 3, 1, 1, 1],
        [16, 20, 23, 25, 16, 19, 3, 3, 1, 1, 0, 0, 2, 2, 1],
        [64, 17, 16, 30, 17, 16, 3, 3, 1, 1, 1, 1, 1, 1, 2],
        [300, 9, 9, 140, 9, 9, 1, 1, 1, 1, 0, 0, 1, 1, 1],
        [20, 31, 9, 24, 16, 3, 4, 5, 2, 3, 2, 1, 1, 2, 1],
        [130, 7, 7, 100, 7, 7, 5, 5, 1, 1, 2, 2, 1, 1, 1],
        [2, 3, 3000, 11, 3, 3000, 3, 3, 1, 1, 1, 1, 1, 1, 1],
    ];

    #[test]
    fn products_and_adjoints_of_every_kind() {
        at_every_level(|_| {
            for sizes in CASES {
                for rows in [1, 3] {
                    check::<f32>(rows, sizes);
                    check::<f64>(rows, sizes);
                }
            }
        });
    }

    #[test]
    fn large_products_and_adjoints() {
        at_every_level(|_| {
            for sizes in LARGE {
                check::<f32>(2, sizes);
                check::<f64>(1, sizes);
            }
        });
    }

    /// Of plain sums of numbers of unit size, and of Winograd's: against double precision, at every level.
    #[test]
    fn winograd_is_as_precise_as_stated() {
        for sizes in [
            [70, 30, 34, 100, 30, 34, 3, 3, 1, 1, 1, 1, 1, 1, 1],
            [160, 14, 14, 40, 14, 14, 3, 3, 1, 1, 1, 1, 1, 1, 1],
            [16, 19, 21, 33, 17, 22, 3, 3, 1, 1, 0, 2, 1, 1, 1],
        ] {
            let conv = Convolution::new(sizes);
            let (image, result) = (conv.image(), conv.units * conv.places());
            let mut numbers = Numbers(5);
            let (x, d) = (numbers.tile::<f32>(2, image), numbers.tile::<f32>(2, result));
            let w = numbers.flat::<f32>(conv.units * conv.taps());
            let (flat_x, flat_d, flat_w) =
                (f64s(&elements(&x, 2, image)), f64s(&elements(&d, 2, result)), f64s(&w));
            let (mut y, mut dx) = (std::vec![0.0; 2 * result], std::vec![0.0; 2 * image]);
            for r in 0..2 {
                conv.each_product(|place, pixel, tap| {
                    y[r * result + place] += flat_x[r * image + pixel] * flat_w[tap];
                    dx[r * image + pixel] += flat_d[r * result + place] * flat_w[tap];
                });
            }
            let bias = numbers.flat::<f32>(conv.units);
            let finished = |(i, y): (usize, &f64)| (y + f64::from(bias[i % result / conv.places()])).max(0.0);
            let finished_y: Vec<f64> = y.iter().enumerate().map(finished).collect();
            // 2⁻¹⁸ of as many products of unit size.
            let near = |got: Vec<f32>, want: &[f64], products: usize| {
                let bound = products as f64 / f64::from(1 << 18);
                for (got, want) in got.iter().zip(want) {
                    assert!(
                        (f64::from(*got) - want).abs() <= bound,
                        "{got}, not {want}, of {products}: {sizes:?}"
                    );
                }
            };
            at_every_level(|_| {
                let (mut got, mut got_dx) = (nan_tile::<f32>(2, result), nan_tile::<f32>(2, image));
                convolve_winograd(2, sizes, &x, &w, None, Activation::Linear, &mut got);
                convolve_input_winograd(2, sizes, &d, &w, &mut got_dx);
                near(elements(&got, 2, result), &y, conv.taps());
                near(elements(&got_dx, 2, image), &dx, conv.units * conv.window());
                let mut finished = nan_tile::<f32>(2, result);
                convolve_winograd(2, sizes, &x, &w, Some(&bias), Activation::Relu, &mut finished);
                near(elements(&finished, 2, result), &finished_y, conv.taps() + 1);
            });
        }
    }

    #[cfg(feature = "rayon")]
    #[test]
    fn threads_compute_the_same_bits() {
        for (rows, sizes) in LARGE.into_iter().flat_map(|sizes| [(1, sizes), (5, sizes)]) {
            let conv = Convolution::new(sizes);
            let (image, result, weight) =
                (conv.image(), conv.units * conv.places(), conv.units * conv.taps());
            let mut numbers = Numbers(rows as u64);
            let (x, d) = (numbers.tile::<f32>(rows, image), numbers.tile::<f32>(rows, result));
            let (w, bias) = (numbers.flat::<f32>(weight), numbers.flat::<f32>(conv.units));
            let compute = || {
                let (mut y, mut dx) = (nan_tile::<f32>(rows, result), nan_tile::<f32>(rows, image));
                let mut dw = w.clone();
                convolve(rows, sizes, &x, &w, None, Activation::Linear, &mut y);
                convolve_input(rows, sizes, &d, &w, &mut dx);
                convolve_weight_sum(rows, sizes, &x, &d, &mut dw);
                let (plain, plain_dx) = (elements(&y, rows, result), elements(&dx, rows, image));
                convolve(rows, sizes, &x, &w, Some(&bias), Activation::Relu, &mut y);
                let finished = elements(&y, rows, result);
                convolve_winograd(rows, sizes, &x, &w, Some(&bias), Activation::Relu, &mut y);
                convolve_input_winograd(rows, sizes, &d, &w, &mut dx);
                [plain, finished, plain_dx, elements(&y, rows, result), elements(&dx, rows, image), dw]
            };
            let alone = compute();
            for threads in [2, 3] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                assert_eq!(pool.install(compute), alone, "{threads} threads, {rows}x{sizes:?}");
            }
        }
    }
}
