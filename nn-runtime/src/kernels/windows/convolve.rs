//! Convolutions of a tile of images as matrix products: `[units, taps]` by `[taps, places]` for each image and group.
//!
//! The matrix of what the windows take in is never made as a whole. A block of it is copied to the stack, some taps by
//! some places, where it stays in cache for as long as the matrix kernel needs it; the adjoint of the image comes out
//! of the kernel as such a block and is added to where it was taken from. A window of one element that moves by one
//! takes in the image as it is, and nothing is copied.

use super::super::gemm::{Finish, Gemm, Matrix, Output, Start};
use super::super::{Real, stride};
use super::{Convolution, ConvolutionSizes, example};

/// Scalars of a block: an eighth of a small second-level cache, and little enough for a stack.
const BLOCK: usize = 8192;
/// Bytes of a row of places in a block: at a larger distance the matrix kernel would copy them once more.
const ROW: usize = 384;
/// Most taps in a row of a block that has a row for each place.
const TAPS: usize = 512;

/// A block on the stack.
#[repr(align(64))]
struct Block<T>([T; BLOCK]);

/// `y[o, p] = Σ x[c, p·stride + k·dilation - padding] · w[o, c, k]`, over the channels `c` of the group of `o` and the
/// elements `k` of the window.
///
/// `x` and `out` are tile buffers of images, `w` `[units, channels / groups, kernel height, kernel width]` is shared.
///
/// # Panics
///
/// If a slice is too short.
pub fn convolve<T: Real>(rows: usize, sizes: ConvolutionSizes, x: &[T], w: &[T], out: &mut [T]) {
    let conv = Convolution::new(sizes);
    let (places, taps) = (conv.places(), conv.taps());
    let stride = stride::<T>(conv.units * places);
    let mut block = Block([T::ZERO; BLOCK]);
    for r in 0..rows {
        let (x, w) = (example(x, rows, conv.image(), r), example(w, rows, conv.units * taps, r));
        let out = &mut out[r * stride..][..conv.units * places];
        for group in Group::all(&conv) {
            let (x, w) = (group.image(x), group.weight(w));
            let y = group.result(out);
            let mut product =
                |[tap, of_taps]: [usize; 2], [place, of_places]: [usize; 2], b: Matrix<'_, T>| {
                    T::gemm(Gemm {
                        dims: [group.units, of_taps, of_places],
                        a: Matrix { data: &w[tap..], row: taps, col: 1 },
                        b,
                        c: Output::new(&mut y[place..], places, false),
                        start: if tap == 0 { Start::Zero } else { Start::Accumulate },
                        finish: Finish::Keep,
                    });
                };
            if group.is_plain() {
                product([0, taps], [0, places], Matrix { data: x, row: places, col: 1 });
                continue;
            }
            group.blocks::<T>(|part, of_places, row| {
                group.take::<T>(part, of_places, row, x, &mut block.0);
                product(part, of_places, Matrix { data: &block.0, row, col: 1 });
            });
        }
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
    let (places, taps) = (conv.places(), conv.taps());
    let stride = stride::<T>(conv.image());
    let mut block = Block([T::ZERO; BLOCK]);
    for r in 0..rows {
        let (d, w) = (example(d, rows, conv.units * places, r), example(w, rows, conv.units * taps, r));
        let out = &mut out[r * stride..][..conv.image()];
        out.fill(T::ZERO);
        for group in Group::all(&conv) {
            let (d, w) = (group.places_of(d), group.weight(w));
            let dx = group.image_mut(out);
            let product = |[tap, of_taps]: [usize; 2], [place, of_places]: [usize; 2], c: Output<'_, T>| {
                T::gemm(Gemm {
                    dims: [of_taps, group.units, of_places],
                    a: Matrix { data: &w[tap..], row: 1, col: taps },
                    b: Matrix { data: &d[place..], row: places, col: 1 },
                    c,
                    start: Start::Zero,
                    finish: Finish::Keep,
                });
            };
            if group.is_plain() {
                product([0, taps], [0, places], Output::new(dx, places, false));
                continue;
            }
            group.blocks::<T>(|part, of_places, row| {
                product(part, of_places, Output::new(&mut block.0, row, true));
                group.give_back::<T>(part, of_places, row, &block.0, dx);
            });
        }
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
    let (places, taps) = (conv.places(), conv.taps());
    let mut block = Block([T::ZERO; BLOCK]);
    for r in examples {
        let (x, d) = (example(x, rows, conv.image(), r), example(d, rows, conv.units * places, r));
        for group in Group::all(conv) {
            let (x, d) = (group.image(x), group.places_of(d));
            let sum = group.weight_mut(sum);
            let of_taps = taps.min(TAPS);
            let row = of_taps.next_multiple_of(T::LANES);
            for tap in (0..taps).step_by(of_taps) {
                let of_taps = of_taps.min(taps - tap);
                for place in (0..places).step_by(BLOCK / row) {
                    let of_places = (places - place).min(BLOCK / row);
                    group.take_by_place([tap, of_taps], [place, of_places], row, x, &mut block.0);
                    T::gemm(Gemm {
                        dims: [group.units, of_places, of_taps],
                        a: Matrix { data: &d[place..], row: places, col: 1 },
                        b: Matrix { data: &block.0, row, col: 1 },
                        c: Output::new(&mut sum[tap..], taps, false),
                        start: Start::Accumulate,
                        finish: Finish::Keep,
                    });
                }
            }
        }
    }
}

/// One group of a convolution.
struct Group<'a> {
    conv: &'a Convolution,
    index: usize,
    units: usize,
}

impl<'a> Group<'a> {
    fn all(conv: &'a Convolution) -> impl Iterator<Item = Self> {
        let units = conv.units / conv.groups;
        (0..conv.groups).map(move |index| Self { conv, index, units })
    }

    /// Whether the window takes in the image as it is.
    fn is_plain(&self) -> bool {
        [self.conv.vertical, self.conv.horizontal].iter().all(|slide| {
            slide.kernel == 1 && slide.stride == 1 && slide.input == slide.output && slide.before == 0
        })
    }

    /// The channels of the group.
    fn image<'x, T>(&self, x: &'x [T]) -> &'x [T] {
        let len = self.conv.image() / self.conv.groups;
        &x[self.index * len..][..len]
    }

    fn image_mut<'x, T>(&self, x: &'x mut [T]) -> &'x mut [T] {
        let len = self.conv.image() / self.conv.groups;
        &mut x[self.index * len..][..len]
    }

    /// The channels of the result.
    fn places_of<'x, T>(&self, y: &'x [T]) -> &'x [T] {
        let len = self.units * self.conv.places();
        &y[self.index * len..][..len]
    }

    fn result<'x, T>(&self, y: &'x mut [T]) -> &'x mut [T] {
        let len = self.units * self.conv.places();
        &mut y[self.index * len..][..len]
    }

    fn weight<'x, T>(&self, w: &'x [T]) -> &'x [T] {
        let len = self.units * self.conv.taps();
        &w[self.index * len..][..len]
    }

    fn weight_mut<'x, T>(&self, w: &'x mut [T]) -> &'x mut [T] {
        let len = self.units * self.conv.taps();
        &mut w[self.index * len..][..len]
    }

    /// Visits the blocks of taps by places, the taps of some places one after the other: first and count of both, and
    /// the distance of rows.
    fn blocks<T: Real>(&self, mut visit: impl FnMut([usize; 2], [usize; 2], usize)) {
        let (places, taps) = (self.conv.places(), self.conv.taps());
        let of_places = places.min(ROW / size_of::<T>());
        let row = of_places.next_multiple_of(T::LANES);
        let of_taps = BLOCK / row;
        for place in (0..places).step_by(of_places) {
            for tap in (0..taps).step_by(of_taps) {
                visit([tap, of_taps.min(taps - tap)], [place, of_places.min(places - place)], row);
            }
        }
    }

    /// Visits the runs of a block: elements of a row of the block that lie on a row of the image, from a place of the
    /// block and from an element of the image on. What no run reaches lies on padding.
    #[inline(always)]
    fn runs(
        &self,
        [tap, of_taps]: [usize; 2],
        [place, of_places]: [usize; 2],
        row: usize,
        mut visit: impl FnMut(usize, usize, usize),
    ) {
        let (v, h) = (self.conv.vertical, self.conv.horizontal);
        for t in 0..of_taps {
            let (channel, window) = ((tap + t) / (v.kernel * h.kernel), (tap + t) % (v.kernel * h.kernel));
            let (i, j) = (window / h.kernel, window % h.kernel);
            let (inside, _) = h.inside(j);
            let mut p = place;
            while p < place + of_places {
                let (y, x) = (p / h.output, p % h.output);
                let end = (x + place + of_places - p).min(h.output);
                let from = inside.start.max(x);
                let to = inside.end.min(end);
                if let Some(line) = v.at(y, i)
                    && from < to
                {
                    let pixel =
                        (channel * v.input + line) * h.input + from * h.stride + j * h.dilation - h.before;
                    visit(t * row + p - place + from - x, pixel, to - from);
                }
                p += end - x;
            }
        }
    }

    /// Copies what the windows take in into a block with a row for each tap.
    fn take<T: Real>(&self, taps: [usize; 2], places: [usize; 2], row: usize, x: &[T], block: &mut [T]) {
        let step = self.conv.horizontal.stride;
        block[..taps[1] * row].fill(T::ZERO);
        self.runs(
            taps,
            places,
            row,
            #[inline(always)]
            |to, from, count| {
                let target = &mut block[to..][..count];
                if step == 1 {
                    target.copy_from_slice(&x[from..][..count]);
                } else {
                    for (target, x) in target.iter_mut().zip(x[from..].iter().step_by(step)) {
                        *target = *x;
                    }
                }
            },
        );
    }

    /// Adds a block to where it would have been taken from.
    fn give_back<T: Real>(&self, taps: [usize; 2], places: [usize; 2], row: usize, block: &[T], x: &mut [T]) {
        let step = self.conv.horizontal.stride;
        self.runs(
            taps,
            places,
            row,
            #[inline(always)]
            |from, to, count| {
                let source = &block[from..][..count];
                if step == 1 {
                    for (x, source) in x[to..][..count].iter_mut().zip(source) {
                        *x += *source;
                    }
                } else {
                    for (x, source) in x[to..].iter_mut().step_by(step).zip(source) {
                        *x += *source;
                    }
                }
            },
        );
    }

    /// Copies what the windows take in into a block with a row for each place.
    fn take_by_place<T: Real>(
        &self,
        [tap, of_taps]: [usize; 2],
        [place, of_places]: [usize; 2],
        row: usize,
        x: &[T],
        block: &mut [T],
    ) {
        let (v, h) = (self.conv.vertical, self.conv.horizontal);
        for p in 0..of_places {
            let (y, place) = ((place + p) / h.output, (place + p) % h.output);
            let line = &mut block[p * row..][..of_taps];
            let mut t = 0;
            while t < of_taps {
                // The rest of a row of the window.
                let (rows, j) = ((tap + t) / h.kernel, (tap + t) % h.kernel);
                let (channel, i) = (rows / v.kernel, rows % v.kernel);
                let target = &mut line[t..(t + h.kernel - j).min(of_taps)];
                t += target.len();
                let Some(y) = v.at(y, i) else {
                    target.fill(T::ZERO);
                    continue;
                };
                let x = &x[(channel * v.input + y) * h.input..][..h.input];
                let first = (place * h.stride + j * h.dilation).wrapping_sub(h.before);
                if h.dilation == 1 && first < h.input && first + target.len() <= h.input {
                    for (target, x) in target.iter_mut().zip(&x[first..]) {
                        *target = *x;
                    }
                } else {
                    for (j, target) in (j..).zip(target) {
                        *target = h.at(place, j).map_or(T::ZERO, |at| x[at]);
                    }
                }
            }
        }
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
        convolve(rows, sizes, &x, &w, &mut out);
        assert_close(&elements(&out, rows, result), &y, bound(conv.taps()), &what);

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
}
