//! Large convolutions as matrix products over [`panels`](super::panels), shared among threads.
//!
//! The products of a panel, `[units, taps]` by `[taps, places]`, are added to the result panel by panel along the taps;
//! an element is one chain of multiply-adds, whatever part of the result some thread computes. The adjoint of the image
//! is the convolution of the result's adjoint by the turned window, whose weights are copied in that order, block by
//! block. The adjoint of the weight is a product along the places, for which panels are transposed.

use core::ops::Range;

use super::super::fork::{self, Cut};
use super::super::gemm::{Finish, Gemm, Matrix, Output, Start};
use super::super::{Real, stride, tile_len};
use super::convolve::Ends;
use super::panels::{BAND, DEPTH, Layout, Offsets, Panel, Stack, width};
use super::{Convolution, example};

/// Operations of a tile from which on bands pay.
const LARGE: usize = 1 << 20;
/// Units of a group from which on the matrix kernel is worth a panel.
const LEAST_UNITS: usize = 4;
/// Scalars of a panel.
const PANEL: usize = 32 * DEPTH;
/// Scalars of a block of turned weights.
const TURNED: usize = 128 * DEPTH;
/// Least panels of a part of an image, and least units.
const PART_PANELS: usize = 4;
const PART_UNITS: usize = 48;
/// Rows of the widest blocks of the matrix kernel.
const BLOCK_ROWS: usize = 12;

/// See [`convolve`](super::convolve()). Returns false where [`blocks`](super::blocks) are better.
pub(super) fn convolve<T: Real>(
    rows: usize,
    conv: &Convolution,
    x: &[T],
    w: &[T],
    ends: Ends<'_, T>,
    out: &mut [T],
) -> bool {
    product(rows, conv, x, Weights { data: w, is_turned: false }, ends, out)
}

/// See [`convolve_input`](super::convolve_input). Returns false where [`blocks`](super::blocks) are better.
pub(super) fn convolve_input<T: Real>(
    rows: usize,
    conv: &Convolution,
    d: &[T],
    w: &[T],
    out: &mut [T],
) -> bool {
    let Some(turned) = conv.turned() else { return false };
    product(rows, &turned, d, Weights { data: w, is_turned: true }, Ends::PLAIN, out)
}

fn product<T: Real>(
    rows: usize,
    conv: &Convolution,
    x: &[T],
    weights: Weights<'_, T>,
    ends: Ends<'_, T>,
    out: &mut [T],
) -> bool {
    let Some(layout) = layout::<T>(rows, conv) else { return false };
    // Weights of each example are nobody's layer.
    if rows > 1 && weights.data.len() >= tile_len::<T>(rows, conv.units * conv.taps()) {
        return false;
    }
    let product =
        Product { conv, layout, offsets: layout.offsets(weights.is_turned), rows, x, weights, ends };
    fork::compute(Part {
        product: &product,
        examples: 0..rows,
        units: 0..conv.units / conv.groups,
        places: 0..conv.places(),
        out: Output::new(out, conv.places(), false),
    });
    true
}

/// How a tile's windows are cut, if it is worth it.
fn layout<T: Real>(rows: usize, conv: &Convolution) -> Option<Layout> {
    let is_worth = rows * conv.flops() >= LARGE && conv.units / conv.groups >= LEAST_UNITS;
    is_worth.then(|| Layout::new::<T>(conv)).flatten()
}

/// The weights of a convolution, or those whose windows are turned and channels exchanged.
#[derive(Clone, Copy)]
struct Weights<'a, T> {
    data: &'a [T],
    is_turned: bool,
}

/// A convolution of a tile.
struct Product<'a, T> {
    conv: &'a Convolution,
    layout: Layout,
    offsets: Offsets,
    rows: usize,
    x: &'a [T],
    weights: Weights<'a, T>,
    ends: Ends<'a, T>,
}

impl<'a, T: Real> Product<'a, T> {
    /// The weights of units of a group for some of its channels, which are copied if they are turned.
    fn weights(
        &self,
        group: usize,
        units: &Range<usize>,
        channels: Range<usize>,
        copy: &'a mut [T],
    ) -> Matrix<'_, T> {
        let Convolution { groups, .. } = *self.conv;
        let (window, of_units, of_channels) =
            (self.conv.window(), self.conv.units / groups, self.conv.channels / groups);
        let Weights { data, is_turned } = self.weights;
        let data = &data[group * of_units * of_channels * window..][..of_units * of_channels * window];
        if !is_turned {
            let row = of_channels * window;
            return Matrix { data: &data[units.start * row + channels.start * window..], row, col: 1 };
        }
        // Stored with the channels of what is turned as units.
        let row = of_units * window;
        if window == 1 {
            return Matrix { data: &data[channels.start * row + units.start..], row: 1, col: row };
        }
        let depth = channels.len() * window;
        for (c, channel) in channels.enumerate() {
            let from = data[channel * row..][..row].chunks_exact(window).skip(units.start);
            for (to, from) in copy.chunks_exact_mut(depth).zip(from).take(units.len()) {
                to[c * window..][..window].copy_from_slice(from);
            }
        }
        Matrix { data: copy, row: depth, col: 1 }
    }
}

/// A part of a result: examples, the same units of each group, places.
struct Part<'a, T> {
    product: &'a Product<'a, T>,
    examples: Range<usize>,
    units: Range<usize>,
    places: Range<usize>,
    out: Output<'a, T>,
}

impl<T: Real> Cut for Part<'_, T> {
    fn flops(&self) -> usize {
        let conv = self.product.conv;
        2 * self.examples.len() * self.units.len() * self.places.len() * conv.taps() * conv.groups
    }

    fn halves(self) -> Result<(Self, Self), Self> {
        let Self { product, examples, units, places, .. } = &self;
        // Turned weights are copied by each part.
        let units_first = product.weights.is_turned && units.len() >= 2 * PART_UNITS;
        let [lower, upper] = if examples.len() > 1 && !units_first {
            halves(examples, 1).map(|examples| (examples, units.clone(), places.clone()))
        } else if places.len() >= 2 * PART_PANELS * width::<T>() && !units_first {
            halves(places, width::<T>()).map(|places| (examples.clone(), units.clone(), places))
        } else if units.len() >= 2 * PART_UNITS {
            halves(units, BLOCK_ROWS).map(|units| (examples.clone(), units, places.clone()))
        } else {
            return Err(self);
        };
        // The halves have no example, unit or place in common.
        let out = self.out.shared();
        let part = |(examples, units, places), out| Self { product, examples, units, places, out };
        Ok((part(lower, out), part(upper, self.out)))
    }

    fn compute(mut self) {
        let Product { conv, layout, ref offsets, rows, x, weights, ends } = *self.product;
        let (width, window, all) = (width::<T>(), conv.window(), conv.places());
        let (of_units, of_channels) = (conv.units / conv.groups, conv.channels / conv.groups);
        let stride = stride::<T>(conv.units * all);
        let (mut band, mut panel, mut copy) =
            (Stack::<T, BAND>::new(), Stack::<T, PANEL>::new(), Stack::<T, TURNED>::new());
        let band = band.zeroed(layout.band::<T>());
        let panel = panel.zeroed(width * layout.channels * window);
        let is_copied = weights.is_turned && window > 1;
        let block = if is_copied { TURNED / (layout.channels * window) } else { self.units.len() };
        let copy =
            copy.zeroed(if is_copied { block.min(self.units.len()) * layout.channels * window } else { 0 });
        for group in 0..conv.groups {
            for channels in steps(0..of_channels, layout.channels) {
                let depth = channels.len() * window;
                let offsets = &offsets.0[..depth];
                let (is_first, is_last) = (channels.start == 0, channels.end == of_channels);
                for units in steps(self.units.clone(), block) {
                    let a = self.product.weights(group, &units, channels.clone(), copy);
                    for r in self.examples.clone() {
                        let image = example(x, rows, conv.image(), r);
                        let image =
                            &image[group * conv.image() / conv.groups..][..conv.image() / conv.groups];
                        let first = r * stride + (group * of_units + units.start) * all;
                        for strip in steps(self.places.clone(), layout.places::<T>()) {
                            let source = layout.source(channels.clone(), strip.start, image, band);
                            for places in steps(strip, width) {
                                T::pack(Panel {
                                    source,
                                    offsets,
                                    places: places.clone(),
                                    to: panel,
                                    row: width,
                                });
                                if let Some(bias) = ends.bias.filter(|_| is_first) {
                                    for (i, unit) in units.clone().enumerate() {
                                        let at = first + i * all + places.start;
                                        self.out.fill(at, places.len(), bias[group * of_units + unit]);
                                    }
                                }
                                let from_zero = is_first && ends.bias.is_none();
                                T::gemm(Gemm {
                                    dims: [units.len(), depth, places.len()],
                                    a,
                                    b: Matrix { data: panel, row: width, col: 1 },
                                    c: self.out.from(first + places.start, all),
                                    start: if from_zero { Start::Zero } else { Start::Accumulate },
                                    finish: if is_last { ends.finish() } else { Finish::Keep },
                                });
                            }
                        }
                    }
                }
            }
        }
    }
}

/// See [`convolve_weight_sum`](super::convolve_weight_sum). Returns false where [`blocks`](super::blocks) are better.
pub(super) fn add_weight<T: Real>(
    conv: &Convolution,
    rows: usize,
    examples: Range<usize>,
    x: &[T],
    d: &[T],
    sum: &mut [T],
) -> bool {
    let Some(layout) = layout::<T>(examples.len(), conv) else { return false };
    let task = Adjoint { conv, layout, offsets: layout.offsets(false), rows, examples, x, d };
    fork::compute(AdjointPart {
        task: &task,
        units: 0..conv.units / conv.groups,
        channels: 0..conv.channels / conv.groups,
        sum: Output::new(sum, conv.taps(), false),
    });
    true
}

/// The adjoint of a weight over some examples of a tile.
struct Adjoint<'a, T> {
    conv: &'a Convolution,
    layout: Layout,
    offsets: Offsets,
    rows: usize,
    examples: Range<usize>,
    x: &'a [T],
    d: &'a [T],
}

/// A part of a weight: the same units and channels of each group.
struct AdjointPart<'a, T> {
    task: &'a Adjoint<'a, T>,
    units: Range<usize>,
    channels: Range<usize>,
    sum: Output<'a, T>,
}

impl<T: Real> Cut for AdjointPart<'_, T> {
    fn flops(&self) -> usize {
        let conv = self.task.conv;
        let weights = self.units.len() * self.channels.len() * conv.window() * conv.groups;
        2 * self.task.examples.len() * weights * conv.places()
    }

    fn halves(self) -> Result<(Self, Self), Self> {
        let Self { task, units, channels, .. } = &self;
        let [lower, upper] = if channels.len() * task.conv.window() >= 4 * width::<T>() && channels.len() > 1
        {
            halves(channels, 1).map(|channels| (units.clone(), channels))
        } else if units.len() >= 2 * BLOCK_ROWS {
            halves(units, BLOCK_ROWS).map(|units| (units, channels.clone()))
        } else {
            return Err(self);
        };
        // The halves have no unit or channel in common.
        let sum = self.sum.shared();
        let part = |(units, channels), sum| Self { task, units, channels, sum };
        Ok((part(lower, sum), part(upper, self.sum)))
    }

    fn compute(mut self) {
        let Adjoint { conv, layout, ref offsets, rows, ref examples, x, d } = *self.task;
        let (width, window, all, taps) = (width::<T>(), conv.window(), conv.places(), conv.taps());
        let of_units = conv.units / conv.groups;
        let (mut band, mut lines, mut panel) =
            (Stack::<T, BAND>::new(), Stack::<T, PANEL>::new(), Stack::<T, PANEL>::new());
        let band = band.zeroed(layout.band::<T>());
        let (lines, panel) = (lines.zeroed(width * DEPTH), panel.zeroed(width * DEPTH));
        for group in 0..conv.groups {
            for channels in steps(self.channels.clone(), layout.channels) {
                for r in examples.clone() {
                    let (image, d) =
                        (example(x, rows, conv.image(), r), example(d, rows, conv.units * all, r));
                    let image = &image[group * conv.image() / conv.groups..][..conv.image() / conv.groups];
                    let d = &d[(group * of_units + self.units.start) * all..];
                    for strip in steps(0..all, layout.places::<T>()) {
                        let source = layout.source(channels.clone(), strip.start, image, band);
                        for places in steps(strip, DEPTH) {
                            for some in steps(0..channels.len() * window, width) {
                                T::pack(Panel {
                                    source,
                                    offsets: &offsets.0[some.clone()],
                                    places: places.clone(),
                                    to: lines,
                                    row: DEPTH,
                                });
                                T::transpose([some.len(), places.len()], (lines, DEPTH), (panel, width));
                                let tap = channels.start * window + some.start;
                                let first = (group * of_units + self.units.start) * taps + tap;
                                T::gemm(Gemm {
                                    dims: [self.units.len(), places.len(), some.len()],
                                    a: Matrix { data: &d[places.start..], row: all, col: 1 },
                                    b: Matrix { data: panel, row: width, col: 1 },
                                    c: self.sum.from(first, taps),
                                    start: Start::Accumulate,
                                    finish: Finish::Keep,
                                });
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A range in runs of equal length, but for the last.
pub(super) fn steps(range: Range<usize>, len: usize) -> impl Iterator<Item = Range<usize>> {
    let end = range.end;
    range.step_by(len).map(move |start| start..end.min(start + len))
}

/// Two halves, the first of which is a multiple.
pub(super) fn halves(range: &Range<usize>, multiple: usize) -> [Range<usize>; 2] {
    let middle = range.start + (range.len() / 2).next_multiple_of(multiple);
    [range.start..middle, middle..range.end]
}
