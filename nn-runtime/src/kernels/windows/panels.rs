//! What windows take in, as panels for the matrix kernel.
//!
//! Two copies stand between an image and the registers, both on the stack and both small beside the products:
//!
//! - a *band*: some rows of some channels with their padding, so that nothing after it looks at borders. With a stride
//!   along the rows, the pixels of each phase are adjacent: an element of the window lies at one offset from all places.
//! - a *panel*: a line for each tap, two registers of places in each. A register takes its places from as many rows of
//!   the band as they lie on, and the lanes of each row are known before the first tap.
//!
//! A panel fills two thirds of a first-level cache and serves all units.

use core::mem::MaybeUninit;
use core::ops::Range;

use fearless_simd::Simd;

use super::super::lanes::first;
use super::super::{Lanes, Real};
use super::Convolution;

/// Most taps of a panel: sums are read and written once for so many products.
pub(super) const DEPTH: usize = 288;
/// Scalars of a band: the taps of a panel on some rows of places of the largest images that matter.
pub(super) const BAND: usize = 16 * 1024;
/// Rows of places that a band should have, even if it then holds fewer channels.
const ROWS: usize = 4;
/// Rows that a register can lie on: as many as it has lanes.
const MOST_ROWS: usize = 16;

/// Scalars on the stack, of which as many are set as are used.
#[repr(C, align(64))]
pub(super) struct Stack<T, const N: usize>(MaybeUninit<[T; N]>);

impl<T: Real, const N: usize> Stack<T, N> {
    #[inline(always)]
    pub(super) fn new() -> Self {
        Self(MaybeUninit::uninit())
    }

    /// The first `len` scalars, set to zero.
    ///
    /// # Panics
    ///
    /// If there are fewer.
    pub(super) fn zeroed(&mut self, len: usize) -> &mut [T] {
        self.filled(len, T::ZERO)
    }

    /// The first `len` scalars, set to a value.
    ///
    /// # Panics
    ///
    /// If there are fewer.
    #[allow(unsafe_code)]
    #[inline(always)]
    pub(super) fn filled(&mut self, len: usize, value: T) -> &mut [T] {
        assert!(len <= N, "{len} of {N} scalars");
        let first = self.0.as_mut_ptr().cast::<T>();
        for i in 0..len {
            // SAFETY: `i` is within the array.
            unsafe { first.add(i).write(value) };
        }
        // SAFETY: so many scalars are set, and borrowed mutably with the array.
        unsafe { core::slice::from_raw_parts_mut(first, len) }
    }
}

/// Places of a panel: two lines.
pub(super) const fn width<T: Real>() -> usize {
    2 * T::LANES
}

/// How the windows of a convolution's groups are cut into bands and panels.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    conv: Convolution,
    /// Channels of a band.
    pub(super) channels: usize,
    /// Scalars from one phase of a row of the band to the next one.
    phase: usize,
    /// Rows of places of a band.
    rows: usize,
    /// Scalars of a channel.
    plane: usize,
}

impl Layout {
    /// `None` if not even one channel fits.
    pub(super) fn new<T: Real>(conv: &Convolution) -> Option<Self> {
        let (v, h) = (conv.vertical, conv.horizontal);
        let per_group = conv.channels / conv.groups;
        let phase = ((h.output - 1) * h.stride + (h.kernel - 1) * h.dilation + 1).div_ceil(h.stride);
        let row = phase * h.stride;
        // Bands of nearly as many channels.
        let most = DEPTH.checked_div(conv.window()).filter(|&most| most > 0)?;
        let mut channels = per_group.div_ceil(per_group.div_ceil(most));
        while channels > 0 {
            // The last register may reach over the end.
            let lines = (BAND - T::LANES) / channels / row;
            let rows =
                lines.checked_sub((v.kernel - 1) * v.dilation + 1).map_or(0, |rest| rest / v.stride + 1);
            let rows = rows.min(v.output);
            if rows == v.output || rows >= ROWS || channels == 1 && rows > 1 {
                let plane = ((rows - 1) * v.stride + (v.kernel - 1) * v.dilation + 1) * row;
                return Some(Self { conv: *conv, channels, phase, rows, plane });
            }
            channels /= 2;
        }
        None
    }

    /// Places that a band is good for, whole panels where it can be.
    pub(super) fn places<T: Real>(&self) -> usize {
        if self.conv.is_plain() || self.rows == self.conv.vertical.output {
            return self.conv.places();
        }
        let places = (self.rows - 1) * self.conv.horizontal.output + 1;
        if places < width::<T>() { places } else { places / width::<T>() * width::<T>() }
    }

    /// Scalars of a band.
    pub(super) fn band<T: Real>(&self) -> usize {
        if self.conv.is_plain() { 0 } else { self.channels * self.plane + T::LANES }
    }

    /// Where each tap of a band's channels lies, from the place on; from the last to the first of each window that is
    /// turned.
    pub(super) fn offsets(&self, is_turned: bool) -> Offsets {
        let (v, h) = (self.conv.vertical, self.conv.horizontal);
        let mut offsets = [0; DEPTH];
        if self.conv.is_plain() {
            for (channel, offset) in offsets.iter_mut().enumerate() {
                *offset = channel * self.conv.places();
            }
            return Offsets(offsets);
        }
        let mut taps = offsets.iter_mut();
        for channel in 0..self.channels {
            for i in 0..v.kernel {
                for j in 0..h.kernel {
                    let column = j * h.dilation;
                    let at = channel * self.plane
                        + (i * v.dilation * h.stride + column % h.stride) * self.phase
                        + column / h.stride;
                    if let Some(tap) = taps.next() {
                        *tap = at;
                    }
                }
            }
        }
        if is_turned {
            offsets.chunks_exact_mut(self.conv.window()).for_each(<[usize]>::reverse);
        }
        Offsets(offsets)
    }

    /// Channels of an image for places from some place on: where they lie, or copied to a band.
    pub(super) fn source<'x, T: Real>(
        &self,
        channels: Range<usize>,
        place: usize,
        x: &'x [T],
        band: &'x mut [T],
    ) -> Source<'x, T> {
        let h = self.conv.horizontal;
        if self.conv.is_plain() {
            let places = self.conv.places();
            return Source { data: &x[channels.start * places..], row: places, first: 0, distance: 0 };
        }
        self.fill(channels, place, x, band);
        let distance = self.phase * h.stride * self.conv.vertical.stride;
        Source { data: band, row: h.output, first: place / h.output, distance }
    }

    /// Fills a band with these channels of an image, for places of which `place` is the first.
    fn fill<T: Real>(&self, channels: Range<usize>, place: usize, x: &[T], band: &mut [T]) {
        let (v, h) = (self.conv.vertical, self.conv.horizontal);
        let line = self.phase * h.stride;
        let top = place / h.output * v.stride;
        for (channel, plane) in channels.zip(band.chunks_exact_mut(self.plane)) {
            let x = &x[channel * v.input * h.input..][..v.input * h.input];
            for (row, line) in plane.chunks_exact_mut(line).enumerate() {
                let at = (top + row).wrapping_sub(v.before);
                if at >= v.input {
                    line.fill(T::ZERO);
                    continue;
                }
                let x = &x[at * h.input..][..h.input];
                for (phase, line) in line.chunks_exact_mut(self.phase).enumerate() {
                    // The first pixel of this phase that is in the image.
                    let first = h.before.saturating_sub(phase).div_ceil(h.stride).min(line.len());
                    let (padding, line) = line.split_at_mut(first);
                    padding.fill(T::ZERO);
                    let from = (first * h.stride + phase).saturating_sub(h.before).min(x.len());
                    let x = &x[from..];
                    let inside = x.len().div_ceil(h.stride).min(line.len());
                    let (line, padding) = line.split_at_mut(inside);
                    padding.fill(T::ZERO);
                    if h.stride == 1 {
                        line.copy_from_slice(&x[..inside]);
                    } else {
                        for (pixel, x) in line.iter_mut().zip(x.iter().step_by(h.stride)) {
                            *pixel = *x;
                        }
                    }
                }
            }
        }
    }
}

/// Where taps lie in a band.
pub(super) struct Offsets(pub(super) [usize; DEPTH]);

/// Rows of places and the pixels that their windows begin at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a, T> {
    data: &'a [T],
    /// Places of a row.
    row: usize,
    /// The row whose pixels come first, and the distance of the next one's.
    first: usize,
    distance: usize,
}

/// A panel to be filled.
#[derive(Debug)]
pub struct Panel<'a, T> {
    pub(super) source: Source<'a, T>,
    /// Of the taps.
    pub(super) offsets: &'a [usize],
    pub(super) places: Range<usize>,
    /// A line of `row` scalars for each tap, whole lines; what is beyond the places is zero.
    pub(super) to: &'a mut [T],
    pub(super) row: usize,
}

/// Fills a panel at the level of `s`.
///
/// # Panics
///
/// If the band or the panel is too short.
#[inline(always)]
pub(in super::super) fn pack<S: Simd, T: Real>(s: S, panel: Panel<'_, T>) {
    let Panel { source: Source { data: band, row: output, first: top, distance }, offsets, places, to, row } =
        panel;
    for (v, place) in places.clone().step_by(T::LANES).enumerate() {
        // The runs of lanes on one row: where the row would begin for lane 0, and the mask.
        let mut runs = [(0, first::<S, T>(s, 0)); MOST_ROWS];
        let mut count = 0;
        let (mut lane, end) = (0, (places.end - place).min(T::LANES));
        while lane < end {
            let (y, x) = ((place + lane) / output, (place + lane) % output);
            let next = (lane + output - x).min(end);
            let mask = first::<S, T>(s, next) & !first::<S, T>(s, lane);
            runs[count] = ((y - top) * distance + x - lane, mask);
            count += 1;
            lane = next;
        }
        let to = &mut to[v * T::LANES..];
        match runs[..count] {
            [(at, _)] if end == T::LANES => {
                let band = &band[at..];
                for (tap, &offset) in offsets.iter().enumerate() {
                    Lanes::load(s, &band[offset..]).store(&mut to[tap * row..]);
                }
            }
            [(a, _), (b, mask)] if end == T::LANES => {
                for (tap, &offset) in offsets.iter().enumerate() {
                    let upper = Lanes::load(s, &band[a + offset..]);
                    let lower = Lanes::load(s, &band[b + offset..]);
                    mask.select(lower, upper).store(&mut to[tap * row..]);
                }
            }
            ref runs => {
                for (tap, &offset) in offsets.iter().enumerate() {
                    let mut line = Lanes::zero(s);
                    for &(at, mask) in runs {
                        line =
                            mask.select(Lanes::load_partial(s, band.get(at + offset..).unwrap_or(&[])), line);
                    }
                    line.store(&mut to[tap * row..]);
                }
            }
        }
    }
}
