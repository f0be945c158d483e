//! Convolutions of 3×3 by Winograd's minimal filtering: a quarter of the products, at the price of some precision.
//!
//! F(4×4, 3×3) of Lavin and Gray, *Fast Algorithms for Convolutional Neural Networks* (2015), section 4.3: 4×4 places
//! are computed from 6×6 pixels with 36 products instead of 144, between a transform of the pixels, one of the weights
//! and one of the sums. The transforms multiply by up to 8 and add numbers that cancel: with inputs and weights of unit
//! size, errors are some ten times those of the plain sums (the tests have the bound), which is why a model asks for it.
//!
//! Tiles lie across the lanes. A tile's pixels are a window of 6×6 that moves by four, so [`panels`](super::panels) bring
//! them. Weights are transformed block by block where they are needed, on the stack: all of them together would be four
//! times as large as they are, and one picture would wait for them to come from memory.
#![allow(clippy::needless_range_loop, reason = "only plain indices let the compiler keep tiles in registers")]

use core::ops::Range;

use fearless_simd::{Simd, SimdBase};

use super::super::fork::{self, Cut};
use super::super::gemm::{Finish, Gemm, Matrix, Output, Start};
use super::super::{LaneExpr, Lanes, Real, stride, tile_len};
use super::panels::{BAND, DEPTH, Layout, Offsets, Panel, Stack};
use super::products::{halves, steps};
use super::{Convolution, Slide, example};

/// Pixels of a tile's side, and places.
const SIDE: usize = 6;
const PLACES: usize = 4;
/// Products of a tile.
const PRODUCTS: usize = SIDE * SIDE;
/// Elements of the window.
const WINDOW: usize = 9;
/// Most tiles of a block.
const TILES: usize = 32;
/// Units of a block.
const UNITS: usize = 32;
/// Channels whose weights are transformed together: the products of a sum that is not written in between.
const CHANNELS: usize = 32;
/// Scalars of the transformed pixels of a block, enough for 128 channels of 32 tiles.
const PIXELS: usize = PRODUCTS * apart(128 * TILES);
/// Lanes of the widest line.
const MOST_LANES: usize = 16;

/// The distance of two products' matrices: one line more than they have, since a transform writes to all of them in
/// turn, and lines at distances of a power of two share few places in the cache.
const fn apart(len: usize) -> usize {
    len + MOST_LANES
}
/// Units from which on two parts of them share the work: each transforms all pixels.
const WORTH_SHARING: usize = 6 * UNITS;
/// Least channels, units and tiles for which transforms pay.
const LEAST: usize = 16;

/// The products of 3×3 windows as [`convolve`](super::convolve()) has them, or their adjoint if the windows are turned.
/// Returns false where nothing is gained.
pub(super) fn convolve<T: Real>(
    rows: usize,
    conv: &Convolution,
    x: &[T],
    weights: &[T],
    is_turned: bool,
    out: &mut [T],
) -> bool {
    let fits = |slide: &Slide| [slide.kernel, slide.stride, slide.dilation] == [3, 1, 1];
    let tiles = |slide: &Slide| slide.output.div_ceil(PLACES);
    let (v, h) = (conv.vertical, conv.horizontal);
    let is_worth = size_of::<T>() == size_of::<f32>()
        && fits(&v)
        && fits(&h)
        && conv.groups == 1
        && conv.channels.min(conv.units).min(tiles(&v) * tiles(&h)) >= LEAST
        && (rows == 1 || weights.len() < tile_len::<T>(rows, conv.units * conv.taps()));
    if !is_worth {
        return false;
    }
    let window = |slide: Slide| Slide { output: tiles(&slide), kernel: SIDE, stride: PLACES, ..slide };
    let pixels = Convolution { vertical: window(v), horizontal: window(h), ..*conv };
    let Some(layout) = Layout::new::<T>(&pixels) else { return false };
    let task =
        Task { conv, tiles: pixels, layout, offsets: layout.offsets(false), rows, x, weights, is_turned };
    fork::compute(Part {
        task: &task,
        examples: 0..rows,
        units: 0..conv.units,
        tiles: 0..pixels.places(),
        out: Output::new(out, conv.places(), false),
    });
    true
}

/// A convolution of a tile of images.
struct Task<'a, T> {
    conv: &'a Convolution,
    /// The convolution whose windows are the pixels of a tile.
    tiles: Convolution,
    layout: Layout,
    offsets: Offsets,
    rows: usize,
    x: &'a [T],
    weights: &'a [T],
    is_turned: bool,
}

/// Weights of one unit, `[channels][3][3]` with channels any distance apart, in order or turned.
#[derive(Debug)]
pub struct Windows<'a, T> {
    data: &'a [T],
    distance: usize,
    channels: usize,
    is_turned: bool,
}

impl<T: Real> Task<'_, T> {
    /// The weights of a unit from a channel on.
    fn weights_of(&self, unit: usize, channels: &Range<usize>) -> Windows<'_, T> {
        let Convolution { channels: all, units, .. } = *self.conv;
        let (first, distance) = if self.is_turned {
            (channels.start * units + unit, units * WINDOW)
        } else {
            (unit * all + channels.start, WINDOW)
        };
        let data = &self.weights[first * WINDOW..];
        Windows { data, distance, channels: channels.len(), is_turned: self.is_turned }
    }
}

/// A part of a result: examples, units, tiles.
struct Part<'a, T> {
    task: &'a Task<'a, T>,
    examples: Range<usize>,
    units: Range<usize>,
    tiles: Range<usize>,
    out: Output<'a, T>,
}

impl<T: Real> Cut for Part<'_, T> {
    fn flops(&self) -> usize {
        let products = self.units.len() * self.task.conv.channels * PRODUCTS;
        2 * self.examples.len() * self.tiles.len() * products
    }

    fn halves(self) -> Result<(Self, Self), Self> {
        let Self { task, examples, units, tiles, .. } = &self;
        let [lower, upper] = if examples.len() > 1 {
            halves(examples, 1).map(|examples| (examples, units.clone(), tiles.clone()))
        } else if tiles.len() > TILES {
            halves(tiles, TILES).map(|tiles| (examples.clone(), units.clone(), tiles))
        } else if units.len() >= WORTH_SHARING {
            halves(units, 1).map(|units| (examples.clone(), units, tiles.clone()))
        } else {
            return Err(self);
        };
        let out = self.out.shared();
        let part = |(examples, units, tiles), out| Self { task, examples, units, tiles, out };
        Ok((part(lower, out), part(upper, self.out)))
    }

    fn compute(mut self) {
        let Task { conv, tiles: ref pixels, layout, rows, x, .. } = *self.task;
        let stride = stride::<T>(conv.units * conv.places());
        let (mut band, mut panel) = (Stack::<T, BAND>::new(), Stack::<T, { DEPTH * TILES }>::new());
        let mut images = Stack::<T, PIXELS>::new();
        let mut weights = Stack::<T, { PRODUCTS * apart(UNITS * CHANNELS) }>::new();
        let mut sums = Stack::<T, { PRODUCTS * apart(UNITS * TILES) }>::new();
        let band = band.zeroed(layout.band::<T>());
        // One line of tiles where there are no more.
        let lanes = if self.tiles.len() <= T::LANES { T::LANES } else { TILES };
        let most = conv.channels.min((PIXELS / PRODUCTS - MOST_LANES) / lanes);
        let panel = panel.zeroed(DEPTH * lanes);
        let images = images.zeroed(PRODUCTS * apart(most * lanes));
        let weights = weights.zeroed(PRODUCTS * apart(UNITS * CHANNELS));
        let sums = sums.zeroed(PRODUCTS * apart(UNITS * lanes));
        let mut lines = [T::ZERO; PLACES * PLACES * TILES];
        for r in self.examples.clone() {
            let image = example(x, rows, conv.image(), r);
            for tiles in steps(self.tiles.clone(), lanes.min(layout.places::<T>())) {
                let mut present = 0..0;
                for units in steps(self.units.clone(), UNITS) {
                    for channels in steps(0..conv.channels, most) {
                        if present != channels {
                            self.task.image(image, [&tiles, &channels], [lanes, most], band, panel, images);
                            present = channels.clone();
                        }
                        for some in steps(channels.clone(), CHANNELS) {
                            for (at, unit) in units.clone().enumerate() {
                                T::winograd_weight(
                                    self.task.weights_of(unit, &some),
                                    &mut weights[at * CHANNELS..],
                                );
                            }
                            let skipped = some.start - channels.start;
                            for product in 0..PRODUCTS {
                                let image = &images[product * apart(most * lanes) + skipped * lanes..]
                                    [..some.len() * lanes];
                                T::gemm(Gemm {
                                    dims: [units.len(), some.len(), tiles.len()],
                                    a: Matrix {
                                        data: &weights[product * apart(UNITS * CHANNELS)..],
                                        row: CHANNELS,
                                        col: 1,
                                    },
                                    b: Matrix { data: image, row: lanes, col: 1 },
                                    c: Output::new(&mut sums[product * apart(UNITS * lanes)..], lanes, true),
                                    start: if some.start == 0 { Start::Zero } else { Start::Accumulate },
                                    finish: Finish::Keep,
                                });
                            }
                        }
                    }
                    for (at, unit) in units.enumerate() {
                        T::winograd_result(lanes, &sums[at * lanes..], &mut lines);
                        let first = r * stride + unit * conv.places();
                        write(conv, pixels.horizontal.output, lanes, &tiles, &lines, |place, line| {
                            self.out.set(first + place, line);
                        });
                    }
                }
            }
        }
    }
}

impl<T: Real> Task<'_, T> {
    /// The transformed pixels of some tiles, `[products][channels][tiles]`.
    fn image(
        &self,
        image: &[T],
        [tiles, channels]: [&Range<usize>; 2],
        [lanes, distance]: [usize; 2],
        band: &mut [T],
        panel: &mut [T],
        to: &mut [T],
    ) {
        for some in steps(channels.clone(), self.layout.channels) {
            let source = self.layout.source(some.clone(), tiles.start, image, band);
            let offsets = &self.offsets.0[..some.len() * PRODUCTS];
            T::pack(Panel { source, offsets, places: tiles.clone(), to: panel, row: lanes });
            for (at, channel) in some.enumerate() {
                let panel = &panel[at * PRODUCTS * lanes..];
                T::winograd_image([lanes, distance], panel, &mut to[(channel - channels.start) * lanes..]);
            }
        }
    }
}

/// Hands out the runs of a unit's places that tiles have computed: `lines` holds four of them, of four places a tile.
fn write<T: Real>(
    conv: &Convolution,
    of_row: usize,
    lanes: usize,
    tiles: &Range<usize>,
    lines: &[T],
    mut set: impl FnMut(usize, &[T]),
) {
    let (height, width) = (conv.vertical.output, conv.horizontal.output);
    let mut tile = tiles.start;
    while tile < tiles.end {
        let (row, column) = (tile / of_row, tile % of_row);
        let count = (of_row - column).min(tiles.end - tile);
        let places = (count * PLACES).min(width - column * PLACES);
        for line in 0..PLACES.min(height - row * PLACES) {
            let from = &lines[line * PLACES * lanes + (tile - tiles.start) * PLACES..][..places];
            set((row * PLACES + line) * width + column * PLACES, from);
        }
        tile += count;
    }
}

/// `Bᵀ d`.
#[inline(always)]
fn of_pixels<S: Simd, T: Real>(d: [Lanes<S, T>; SIDE]) -> [Lanes<S, T>; SIDE] {
    let c = |x: f64| T::from_f64(x);
    let (p, q) = (d[4] - d[2] * c(4.0), d[3] - d[1] * c(4.0));
    let (r, t) = (d[4] - d[2], ((d[3] - d[1]) * c(2.0)).lanes());
    [
        d[0] * c(4.0) + (d[4] - d[2] * c(5.0)),
        p + q,
        p - q,
        r + t,
        r - t,
        d[1] * c(4.0) + (d[5] - d[3] * c(5.0)),
    ]
}

/// `G g`.
#[inline(always)]
fn of_weights<S: Simd, T: Real>(g: [Lanes<S, T>; 3]) -> [Lanes<S, T>; SIDE] {
    let c = |x: f64| T::from_f64(x);
    let (p, q) = (((g[0] + g[2]) * c(-1.0 / 6.0)).lanes(), (g[1] * c(1.0 / 6.0)).lanes());
    let (r, t) = (g[0] * c(1.0 / 24.0) + (g[2] * c(1.0 / 6.0)).lanes(), (g[1] * c(1.0 / 12.0)).lanes());
    [(g[0] * c(0.25)).lanes(), p - q, p + q, r + t, r - t, g[2]]
}

/// `Aᵀ m`.
#[inline(always)]
fn of_sums<S: Simd, T: Real>(m: [Lanes<S, T>; SIDE]) -> [Lanes<S, T>; PLACES] {
    let c = |x: f64| T::from_f64(x);
    let (p, q) = (m[1] + m[2], m[1] - m[2]);
    let (r, t) = (m[3] + m[4], m[3] - m[4]);
    [m[0] + p + r, t * c(2.0) + q, r * c(4.0) + p, t * c(8.0) + q + m[5]]
}

/// `Bᵀ d B` of one channel of some tiles: from `[36][tiles]` to the first of `[36][channels][tiles]`.
///
/// # Panics
///
/// If a slice is too short.
#[inline(always)]
pub(in super::super) fn winograd_image<S: Simd, T: Real>(
    s: S,
    [lanes, channels]: [usize; 2],
    panel: &[T],
    to: &mut [T],
) {
    for lane in (0..lanes).step_by(T::LANES) {
        let mut half = [[Lanes::zero(s); SIDE]; SIDE];
        for j in 0..SIDE {
            let mut d = [Lanes::zero(s); SIDE];
            for i in 0..SIDE {
                d[i] = Lanes::load(s, &panel[(i * SIDE + j) * lanes + lane..]);
            }
            half[j] = of_pixels(d);
        }
        for i in 0..SIDE {
            let mut d = [Lanes::zero(s); SIDE];
            for j in 0..SIDE {
                d[j] = half[j][i];
            }
            let d = of_pixels(d);
            for j in 0..SIDE {
                d[j].store(&mut to[(i * SIDE + j) * apart(channels * lanes) + lane..]);
            }
        }
    }
}

/// `G g Gᵀ` of the channels of one unit, to the first of `[36][units][channels]`.
///
/// # Panics
///
/// If a slice is too short.
#[inline(always)]
pub(in super::super) fn winograd_weight<S: Simd, T: Real>(s: S, windows: Windows<'_, T>, to: &mut [T]) {
    let Windows { data, distance, channels, is_turned } = windows;
    // All windows are brought across the lanes before the first is read: a read waits for writes to the same line.
    let mut across = [[T::ZERO; CHANNELS]; WINDOW];
    for channel in 0..channels.min(CHANNELS) {
        let Some(window) = data[channel * distance..].first_chunk::<WINDOW>() else { continue };
        for tap in 0..WINDOW {
            across[tap][channel] = window[tap];
        }
    }
    for first in (0..channels).step_by(T::LANES) {
        let tap =
            |tap: usize| Lanes::load(s, &across[if is_turned { WINDOW - 1 - tap } else { tap }][first..]);
        let mut half = [[Lanes::zero(s); SIDE]; 3];
        for (j, half) in half.iter_mut().enumerate() {
            *half = of_weights([tap(j), tap(3 + j), tap(6 + j)]);
        }
        for i in 0..SIDE {
            let g = of_weights([half[0][i], half[1][i], half[2][i]]);
            for j in 0..SIDE {
                g[j].store(&mut to[(i * SIDE + j) * apart(UNITS * CHANNELS) + first..]);
            }
        }
    }
}

/// `Aᵀ m A` of one unit of some tiles: from the first of `[36][units][tiles]` to `[4][4 · tiles]`, a row of places each.
///
/// # Panics
///
/// If a slice is too short.
#[inline(always)]
pub(in super::super) fn winograd_result<S: Simd, T: Real>(s: S, lanes: usize, sums: &[T], lines: &mut [T]) {
    for lane in (0..lanes).step_by(T::LANES) {
        let mut half = [[Lanes::zero(s); PLACES]; SIDE];
        for j in 0..SIDE {
            let mut m = [Lanes::zero(s); SIDE];
            for i in 0..SIDE {
                m[i] = Lanes::load(s, &sums[(i * SIDE + j) * apart(UNITS * lanes) + lane..]);
            }
            half[j] = of_sums(m);
        }
        for i in 0..PLACES {
            let mut m = [Lanes::zero(s); SIDE];
            for j in 0..SIDE {
                m[j] = half[j][i];
            }
            let [a, b, c, d] = of_sums(m);
            let (even_low, even_high) = a.0.interleave(c.0);
            let (odd_low, odd_high) = b.0.interleave(d.0);
            let line = &mut lines[(i * lanes + lane) * PLACES..][..PLACES * T::LANES];
            for (at, (even, odd)) in [(even_low, odd_low), (even_high, odd_high)].into_iter().enumerate() {
                let (low, high) = even.interleave(odd);
                Lanes::<S, T>(low).store(&mut line[2 * at * T::LANES..]);
                Lanes::<S, T>(high).store(&mut line[(2 * at + 1) * T::LANES..]);
            }
        }
    }
}
