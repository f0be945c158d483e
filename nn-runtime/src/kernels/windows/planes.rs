//! Poolings of largest elements with places across the lanes.
//!
//! Lines have their padding, which is below everything, and with a stride the pixels of each phase are adjacent: an
//! element of the window lies at one offset from all places of a row. The pooling takes the largest of rows first and of
//! columns then. Its adjoint copies a channel to a plane of such lines, looks for the element of each window that is the
//! largest, and adds what the place receives to the same element of a second plane.

use fearless_simd::{Simd, SimdBase};

use super::super::{Lanes, Real, eq, gt, ne};
use super::panels::Stack;
use super::pool::Pool;

/// Scalars of the largest plane.
const PLANE: usize = 20 * 1024;
/// Scalars of the longest line.
const LINE: usize = 1024;

/// Scalars of a phase of a line, and of a line with all of them; registers may reach over the end of either.
fn line<T: Real>(pool: &Pool) -> [usize; 2] {
    let h = pool.horizontal;
    let columns = (h.output - 1) * h.stride + (h.kernel - 1) * h.dilation + 1;
    let phase = columns.div_ceil(h.stride) + T::LANES;
    [phase, phase * h.stride]
}

/// Lines of a plane.
fn lines(pool: &Pool) -> usize {
    let v = pool.vertical;
    (v.output - 1) * v.stride + (v.kernel - 1) * v.dilation + 1
}

/// Whether lines and planes of a pooling have room.
pub(super) fn fits<T: Real>(pool: &Pool) -> bool {
    let [_, line] = line::<T>(pool);
    line <= LINE && line * lines(pool) <= PLANE
}

/// Where an element of the window's row lies in a line.
#[inline(always)]
fn offset(pool: &Pool, phase: usize, j: usize) -> usize {
    let (column, stride) = (j * pool.horizontal.dilation, pool.horizontal.stride);
    column % stride * phase + column / stride
}

/// The phases of a row of pixels, after its padding.
#[inline(always)]
fn to_phases<S: Simd, T: Real>(s: S, pool: &Pool, phase: usize, x: &[T], line: &mut [T]) {
    let h = pool.horizontal;
    if h.stride == 1 {
        let count = x.len().min(phase - h.before);
        line[h.before..][..count].copy_from_slice(&x[..count]);
        return;
    }
    let mut done = 0;
    if h.stride == 2 && h.before.is_multiple_of(2) {
        let (even, odd) = line.split_at_mut(phase);
        let (even, odd) = (&mut even[h.before / 2..], &mut odd[h.before / 2..]);
        while done + 2 * T::LANES <= x.len() && done / 2 + T::LANES <= even.len() {
            let (a, b) = Lanes::load(s, &x[done..]).0.deinterleave(Lanes::load(s, &x[done + T::LANES..]).0);
            Lanes::<S, T>(a).store(&mut even[done / 2..]);
            Lanes::<S, T>(b).store(&mut odd[done / 2..]);
            done += 2 * T::LANES;
        }
    }
    for (column, x) in (h.before + done..).zip(&x[done..]) {
        let at = column / h.stride;
        if at < phase {
            line[column % h.stride * phase + at] = *x;
        }
    }
}

/// The row of pixels whose phases these are.
#[inline(always)]
fn from_phases<S: Simd, T: Real>(s: S, pool: &Pool, phase: usize, line: &[T], x: &mut [T]) {
    let h = pool.horizontal;
    if h.stride == 1 {
        let count = x.len().min(phase - h.before);
        x[..count].copy_from_slice(&line[h.before..][..count]);
        x[count..].fill(T::ZERO);
        return;
    }
    let mut done = 0;
    if h.stride == 2 && h.before.is_multiple_of(2) {
        let (even, odd) = (&line[h.before / 2..phase], &line[phase + h.before / 2..]);
        while done + 2 * T::LANES <= x.len() && done / 2 + T::LANES <= even.len() {
            let (a, b) = Lanes::load(s, &even[done / 2..]).0.interleave(Lanes::load(s, &odd[done / 2..]).0);
            Lanes::<S, T>(a).store(&mut x[done..]);
            Lanes::<S, T>(b).store(&mut x[done + T::LANES..]);
            done += 2 * T::LANES;
        }
    }
    for (column, x) in (h.before + done..).zip(&mut x[done..]) {
        let at = column / h.stride;
        *x = if at < phase { line[column % h.stride * phase + at] } else { T::ZERO };
    }
}

/// The larger of both, with NaN larger than anything.
#[inline(always)]
fn larger<S: Simd, T: Real>(x: Lanes<S, T>, than: Lanes<S, T>) -> Lanes<S, T> {
    gt(x, than).select(x, ne(x, x).select(x, than))
}

/// The largest pixel of each window of an image; what [`fits`].
///
/// # Panics
///
/// If a slice is too short.
#[inline(always)]
pub(in super::super) fn largest<S: Simd, T: Real>(s: S, pool: &Pool, x: &[T], out: &mut [T]) {
    let (v, h) = (pool.vertical, pool.horizontal);
    let [phase, length] = line::<T>(pool);
    let (mut rows, mut phases) = (Stack::<T, LINE>::new(), Stack::<T, LINE>::new());
    let rows = rows.filled(h.input, T::ZERO);
    let phases = phases.filled(length, -T::INFINITY);
    let pixels = x[..pool.image()].chunks_exact(v.input * h.input);
    for (x, out) in pixels.zip(out.chunks_exact_mut(v.output * h.output)) {
        for (y, out) in out.chunks_exact_mut(h.output).enumerate() {
            let mut is_first = true;
            for i in 0..v.kernel {
                let Some(at) = v.at(y, i) else { continue };
                let x = &x[at * h.input..][..h.input];
                if is_first {
                    rows.copy_from_slice(x);
                    is_first = false;
                    continue;
                }
                for c in (0..h.input).step_by(T::LANES) {
                    let (x, row) = (Lanes::load_partial(s, &x[c..]), Lanes::load_partial(s, &rows[c..]));
                    larger(x, row).store_partial(&mut rows[c..]);
                }
            }
            to_phases(s, pool, phase, rows, phases);
            for place in (0..h.output).step_by(T::LANES) {
                let mut best = Lanes::load(s, &phases[place..]);
                for j in 1..h.kernel {
                    best = larger(Lanes::load(s, &phases[place + offset(pool, phase, j)..]), best);
                }
                best.store_partial(&mut out[place..]);
            }
        }
    }
}

/// Adds what each place receives to the largest pixel of its window, the first of equal ones, from zeros; what [`fits`].
///
/// # Panics
///
/// If a slice is too short.
#[inline(always)]
pub(in super::super) fn largest_input<S: Simd, T: Real>(s: S, pool: &Pool, x: &[T], d: &[T], out: &mut [T]) {
    let (v, h) = (pool.vertical, pool.horizontal);
    let [phase, length] = line::<T>(pool);
    let (image, places) = (v.input * h.input, v.output * h.output);
    let (mut plane, mut sums) = (Stack::<T, PLANE>::new(), Stack::<T, PLANE>::new());
    let plane = plane.filled(length * lines(pool), -T::INFINITY);
    let sums = sums.filled(plane.len(), T::ZERO);
    // Pixels below the last window are in no line.
    let inside = v.input.min(lines(pool) - v.before.min(lines(pool)));
    for channel in 0..pool.channels {
        let pixels = &x[channel * image..][..image];
        for (line, x) in plane.chunks_exact_mut(length).skip(v.before).zip(pixels.chunks_exact(h.input)) {
            to_phases(s, pool, phase, x, line);
        }
        sums.fill(T::ZERO);
        for y in 0..v.output {
            let at = |i: usize, j: usize| (y * v.stride + i * v.dilation) * length + offset(pool, phase, j);
            for place in (0..h.output).step_by(T::LANES) {
                let mut best = Lanes::load(s, &plane[at(0, 0) + place..]);
                let mut chosen = Lanes::zero(s);
                for tap in 1..v.kernel * h.kernel {
                    let x = Lanes::load(s, &plane[at(tap / h.kernel, tap % h.kernel) + place..]);
                    let number = Lanes::splat(s, T::from_f64(tap as f64));
                    let (above, is_nan) = (gt(x, best), ne(x, x));
                    best = above.select(x, is_nan.select(x, best));
                    chosen = above.select(number, is_nan.select(number, chosen));
                }
                let count = (h.output - place).min(T::LANES);
                let received = &d[channel * places + y * h.output + place..][..count];
                // Padding can't be told from pixels that are as small.
                let lowest = best.as_slice()[..count].iter().position(|x| *x == -T::INFINITY);
                if lowest.is_some() {
                    for (p, d) in (channel * places + y * h.output + place..).zip(received) {
                        let Some(pixel) = pool.largest_at(p, x) else { continue };
                        let (line, column) = (pixel % image / h.input, h.before + pixel % h.input);
                        let at = (v.before + line) * length;
                        sums[at + column % h.stride * phase + column / h.stride] += *d;
                    }
                    continue;
                }
                let received = Lanes::load_partial(s, received);
                for tap in 0..v.kernel * h.kernel {
                    let sum = &mut sums[at(tap / h.kernel, tap % h.kernel) + place..];
                    let here = eq(chosen, T::from_f64(tap as f64));
                    (Lanes::load(s, sum) + here.select(received, Lanes::zero(s))).store(sum);
                }
            }
        }
        let out = &mut out[channel * image..][..image];
        let (covered, rest) = out.split_at_mut(inside * h.input);
        rest.fill(T::ZERO);
        for (line, x) in sums.chunks_exact(length).skip(v.before).zip(covered.chunks_exact_mut(h.input)) {
            from_phases(s, pool, phase, line, x);
        }
    }
}
