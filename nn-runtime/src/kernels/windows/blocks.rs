//! Convolutions of any geometry as matrix products: `[units, taps]` by `[taps, places]` for each image and group.
//!
//! The matrix of what the windows take in is never made as a whole. A block of it is copied to the stack, some taps by
//! some places, where it stays in cache for as long as the matrix kernel needs it; the adjoint of the image comes out
//! of the kernel as such a block and is added to where it was taken from. A window of one element that moves by one
//! takes in the image as it is, and nothing is copied.
//!
//! What is large has [`products`](super::products), which copy less and share their work.

use super::super::gemm::{Finish, Gemm, Matrix, Output, Start};
use super::super::{Real, stride};
use super::convolve::Ends;
use super::{Convolution, example};

/// Scalars of a block: an eighth of a small second-level cache, and little enough for a stack.
const BLOCK: usize = 8192;
/// Bytes of a row of places in a block: at a larger distance the matrix kernel would copy them once more.
const ROW: usize = 384;
/// Most taps in a row of a block that has a row for each place.
const TAPS: usize = 512;

/// A block on the stack.
#[repr(align(64))]
struct Block<T>([T; BLOCK]);

/// See [`convolve`](super::convolve()).
pub(super) fn convolve<T: Real>(
    rows: usize,
    conv: &Convolution,
    x: &[T],
    w: &[T],
    ends: Ends<'_, T>,
    out: &mut [T],
) {
    let (places, taps) = (conv.places(), conv.taps());
    let stride = stride::<T>(conv.units * places);
    let mut block = Block([T::ZERO; BLOCK]);
    for r in 0..rows {
        let (x, w) = (example(x, rows, conv.image(), r), example(w, rows, conv.units * taps, r));
        let out = &mut out[r * stride..][..conv.units * places];
        for group in Group::all(conv) {
            let (x, w) = (group.image(x), group.weight(w));
            let y = group.result(out);
            if let Some(bias) = ends.bias {
                let bias = &bias[group.index * group.units..][..group.units];
                y.chunks_exact_mut(places).zip(bias).for_each(|(y, &bias)| y.fill(bias));
            }
            let mut product =
                |[tap, of_taps]: [usize; 2], [place, of_places]: [usize; 2], b: Matrix<'_, T>| {
                    T::gemm(Gemm {
                        dims: [group.units, of_taps, of_places],
                        a: Matrix { data: &w[tap..], row: taps, col: 1 },
                        b,
                        c: Output::new(&mut y[place..], places, false),
                        start: if tap == 0 && ends.bias.is_none() { Start::Zero } else { Start::Accumulate },
                        finish: if tap + of_taps == taps { ends.finish() } else { Finish::Keep },
                    });
                };
            if conv.is_plain() {
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

/// See [`convolve_input`](super::convolve_input).
pub(super) fn convolve_input<T: Real>(rows: usize, conv: &Convolution, d: &[T], w: &[T], out: &mut [T]) {
    let (places, taps) = (conv.places(), conv.taps());
    let stride = stride::<T>(conv.image());
    let mut block = Block([T::ZERO; BLOCK]);
    for r in 0..rows {
        let (d, w) = (example(d, rows, conv.units * places, r), example(w, rows, conv.units * taps, r));
        let out = &mut out[r * stride..][..conv.image()];
        out.fill(T::ZERO);
        for group in Group::all(conv) {
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
            if conv.is_plain() {
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

/// Adds the adjoint of the weight of these examples; see [`convolve_weight_sum`](super::convolve_weight_sum).
pub(super) fn add_weight<T: Real>(
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
