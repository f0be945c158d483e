//! Convolutions and their adjoint by the image, directly: a few units by a few neighbouring places stay in registers
//! while their windows are walked through. Each step loads one line for each place, and broadcasts one weight for each
//! unit. Nothing is copied; padding is a window that starts later or ends earlier.
//!
//! Both are one loop nest. An element of the result is a sum over channels and taps, and the places of an axis fall into
//! *walks*: places whose taps lie at the same distances, and move with the place. A convolution has one walk along each
//! axis; its adjoint has as many as the stride, since a pixel meets every so-manieth tap only.
//!
//! An element is one chain of multiply-adds in the order of channels and taps, whatever the registers: its bits are the
//! same at every level that has fused multiply-adds.
#![allow(unsafe_code)]
#![allow(clippy::needless_range_loop, reason = "constant bounds, so that arrays become registers")]

use core::ops::Range;

use fearless_simd::{Simd, SimdBase, SimdFloat, SimdFloatElement};

use super::super::windows::{Convolution, Slide};
use super::super::{Activation, Lanes, Real, gt, max, select};
use super::{ConvolutionSizes, block_stride, blocks};

/// `activation(bias + convolution)` of blocks of images: see [`convolve`](super::super::convolve()). `bias` has an element for
/// each unit.
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
    let conv = Convolution::new(sizes);
    let area = conv.vertical.kernel * conv.horizontal.kernel;
    let per_group = conv.channels / conv.groups;
    T::direct(Direct {
        blocks: blocks::<T>(rows),
        groups: conv.groups,
        units: conv.units / conv.groups,
        channels: per_group,
        unit_step: per_group * area,
        channel_step: area,
        group_step: conv.units / conv.groups * per_group * area,
        axes: [conv.vertical, conv.horizontal],
        is_adjoint: false,
        x,
        w,
        bias,
        activation,
        gate: None,
        out,
    });
}

/// The adjoint of the image, of blocks: see [`convolve_input`](super::super::convolve_input()). Where a `gate` is given that is not
/// positive, the result is 0.
///
/// # Panics
///
/// If a slice is too short.
pub fn convolve_input<T: Real>(
    rows: usize,
    sizes: ConvolutionSizes,
    d: &[T],
    w: &[T],
    gate: Option<&[T]>,
    out: &mut [T],
) {
    let conv = Convolution::new(sizes);
    let area = conv.vertical.kernel * conv.horizontal.kernel;
    let per_group = conv.channels / conv.groups;
    T::direct(Direct {
        blocks: blocks::<T>(rows),
        groups: conv.groups,
        units: per_group,
        channels: conv.units / conv.groups,
        unit_step: area,
        channel_step: per_group * area,
        group_step: conv.units / conv.groups * per_group * area,
        axes: [conv.vertical, conv.horizontal],
        is_adjoint: true,
        x: d,
        w,
        bias: None,
        activation: Activation::Linear,
        gate,
        out,
    });
}

/// What both compute: `out[u, p] = Σ x[c, p'] · w[u, c, t]` over channels `c` and taps `t`, of which `p'` is where the
/// tap of `p` lies.
#[derive(Debug)]
pub struct Direct<'a, T> {
    blocks: usize,
    groups: usize,
    /// Units of a group, which the result has.
    units: usize,
    /// Channels of a group, which `x` has.
    channels: usize,
    /// Distances of weights.
    unit_step: usize,
    channel_step: usize,
    group_step: usize,
    /// The axes of the convolution; its adjoint goes from places to pixels.
    axes: [Slide; 2],
    is_adjoint: bool,
    x: &'a [T],
    w: &'a [T],
    bias: Option<&'a [T]>,
    activation: Activation,
    gate: Option<&'a [T]>,
    out: &'a mut [T],
}

/// Places along an axis of the result, and the taps that they share.
#[derive(Clone, Copy, Debug)]
struct Walk {
    /// The first place, the distance to the next, and how many there are.
    first: usize,
    step: usize,
    count: usize,
    /// The first tap, the distance to the next, and how many there are.
    tap: usize,
    tap_step: usize,
    taps: usize,
    /// Where the first tap of the first place lies along the source, and how that moves with places and taps.
    at: isize,
    at_place: isize,
    at_tap: isize,
    /// Elements of the source along the axis.
    source: usize,
}

impl Walk {
    /// Whether a tap of a place lies within the source.
    #[inline(always)]
    fn is_inside(&self, place: usize, tap: usize) -> bool {
        let at = self.at + place as isize * self.at_place + tap as isize * self.at_tap;
        at >= 0 && at < self.source as isize
    }

    /// The taps of a place that lie within the source.
    #[inline(always)]
    fn taps_at(&self, place: usize) -> Range<usize> {
        let mut taps = 0..self.taps;
        while !taps.is_empty() && !self.is_inside(place, taps.start) {
            taps.start += 1;
        }
        while !taps.is_empty() && !self.is_inside(place, taps.end - 1) {
            taps.end -= 1;
        }
        taps
    }

    /// The places all of whose taps lie within the source.
    #[inline(always)]
    fn whole(&self) -> Range<usize> {
        let is_whole = |place: usize| self.taps > 0 && self.taps_at(place).len() == self.taps;
        let mut places = 0..self.count;
        while !places.is_empty() && !is_whole(places.start) {
            places.start += 1;
        }
        while !places.is_empty() && !is_whole(places.end - 1) {
            places.end -= 1;
        }
        places
    }
}

/// The walks along an axis.
#[inline(always)]
fn walks(slide: &Slide, is_adjoint: bool) -> impl Iterator<Item = Walk> {
    let slide = *slide;
    let stride = if is_adjoint { slide.stride } else { 1 };
    (0..stride).filter_map(move |first| {
        if !is_adjoint {
            return Some(Walk {
                first: 0,
                step: 1,
                count: slide.output,
                tap: 0,
                tap_step: 1,
                taps: slide.kernel,
                at: -(slide.before as isize),
                at_place: slide.stride as isize,
                at_tap: slide.dilation as isize,
                source: slide.input,
            });
        }
        if first >= slide.input {
            return None;
        }
        // Pixel `first + k · stride` meets the taps whose distance from it is a multiple of the stride.
        let distance = |tap: usize| (first + slide.before) as isize - (tap * slide.dilation) as isize;
        let meets = |tap: usize| distance(tap).rem_euclid(stride as isize) == 0;
        let tap = (0..slide.kernel).find(|&tap| meets(tap));
        let tap_step = (1..=stride).find(|step| (step * slide.dilation).is_multiple_of(stride))?;
        Some(Walk {
            first,
            step: stride,
            count: (slide.input - first).div_ceil(stride),
            tap: tap.unwrap_or(0),
            tap_step,
            taps: tap.map_or(0, |tap| (slide.kernel - tap).div_ceil(tap_step)),
            at: tap.map_or(0, |tap| distance(tap).div_euclid(stride as isize)),
            at_place: 1,
            at_tap: -((tap_step * slide.dilation / stride) as isize),
            source: slide.output,
        })
    })
}

/// The taps of a block of places: three nested loops over pointers.
#[derive(Clone, Copy)]
struct Taps<T> {
    x: *const T,
    w: *const T,
    /// Channels, rows and columns of taps, and what a step along them adds to both pointers.
    counts: [usize; 3],
    x_steps: [isize; 3],
    w_steps: [isize; 3],
    /// From the source of one place to that of the next.
    place: isize,
    /// From the weights of one unit to those of the next.
    unit: usize,
}

/// Where the sums of a block of places go.
#[derive(Clone, Copy)]
struct Target<T> {
    out: *mut T,
    /// The gate's elements of the same places, or null.
    gate: *const T,
    place: usize,
    unit: usize,
    relu: bool,
}

/// `M` units of `N` places.
///
/// # Safety
///
/// The pointers reach the lines and weights that counts and steps say.
#[inline(always)]
unsafe fn sums<S: Simd, T: Real, const M: usize, const N: usize>(
    s: S,
    taps: &Taps<T>,
    bias: &[Lanes<S, T>; M],
    target: &Target<T>,
) {
    let mut sums = [[Lanes::zero(s); N]; M];
    for m in 0..M {
        sums[m] = [bias[m]; N];
    }
    let [channels, rows, columns] = taps.counts;
    let (mut x_channel, mut w_channel) = (taps.x, taps.w);
    for _ in 0..channels {
        let (mut x_row, mut w_row) = (x_channel, w_channel);
        for _ in 0..rows {
            let (mut x, mut w) = (x_row, w_row);
            for _ in 0..columns {
                // SAFETY: the caller's pointers reach every tap of every place and unit.
                let lines: [Lanes<S, T>; N] = core::array::from_fn(
                    #[inline(always)]
                    |n| unsafe { load(s, x.offset(n as isize * taps.place)) },
                );
                for m in 0..M {
                    // SAFETY: as above.
                    let weight = Lanes::<S, T>::splat(s, unsafe { *w.add(m * taps.unit) });
                    for n in 0..N {
                        sums[m][n] = Lanes(weight.0.mul_add(lines[n].0, sums[m][n].0));
                    }
                }
                (x, w) = (x.wrapping_offset(taps.x_steps[2]), w.wrapping_offset(taps.w_steps[2]));
            }
            (x_row, w_row) = (x_row.wrapping_offset(taps.x_steps[1]), w_row.wrapping_offset(taps.w_steps[1]));
        }
        (x_channel, w_channel) =
            (x_channel.wrapping_offset(taps.x_steps[0]), w_channel.wrapping_offset(taps.w_steps[0]));
    }
    for m in 0..M {
        for n in 0..N {
            let at = m * target.unit + n * target.place;
            let mut sum = sums[m][n];
            if target.relu {
                sum = max(sum, T::ZERO);
            }
            if !target.gate.is_null() {
                // SAFETY: the gate lies like the result.
                let gate = unsafe { load(s, target.gate.add(at)) };
                sum = select(gt(gate, T::ZERO), sum, T::ZERO);
            }
            // SAFETY: the caller's pointer reaches a line of each place and unit.
            sum.store(unsafe { core::slice::from_raw_parts_mut(target.out.add(at), T::LANES) });
        }
    }
}

/// A line.
///
/// # Safety
///
/// There is one.
#[inline(always)]
pub(super) unsafe fn load<S: Simd, T: Real>(s: S, from: *const T) -> Lanes<S, T> {
    // SAFETY: the caller's line.
    Lanes::load(s, unsafe { core::slice::from_raw_parts(from, T::LANES) })
}

/// Whether a line is one register: what there are thirty-two of.
#[inline(always)]
pub(super) fn is_wide<S: Simd, T: Real>() -> bool {
    <<T as SimdFloatElement>::Native<S> as SimdBase<S>>::LEN == T::LANES
}

/// # Panics
///
/// If a slice is too short.
#[inline(always)]
pub(in super::super) fn direct<S: Simd, T: Real>(s: S, task: Direct<'_, T>) {
    let [v, h] = task.axes;
    let (source, target) = if task.is_adjoint {
        ([v.output, h.output], [v.input, h.input])
    } else {
        ([v.input, h.input], [v.output, h.output])
    };
    let (from, to) = (source[0] * source[1], target[0] * target[1]);
    let len = |count: usize, area: usize| {
        block_stride::<T>(count * task.groups * area) * (task.blocks - 1)
            + count * task.groups * area * T::LANES
    };
    if task.blocks == 0 {
        return;
    }
    // What the pointers below rely on.
    assert!(task.x.len() >= len(task.channels, from), "the source is too short");
    assert!(task.out.len() >= len(task.units, to), "the result is too short");
    assert!(task.w.len() >= task.group_step * task.groups, "the weight is too short");
    assert!(
        task.gate.is_none_or(|gate| gate.len() >= len(task.units, to)),
        "the gate is as long as the result"
    );
    let out = task.out.as_mut_ptr();
    for block in 0..task.blocks {
        for group in 0..task.groups {
            let x = block * block_stride::<T>(task.channels * task.groups * from)
                + group * task.channels * from * T::LANES;
            let to =
                block * block_stride::<T>(task.units * task.groups * to) + group * task.units * to * T::LANES;
            for down in walks(&v, task.is_adjoint) {
                for k in 0..down.count {
                    let mut unit = 0;
                    while unit < task.units {
                        let row = Row { task: &task, source, target, group, down, k, unit, x, to };
                        // As even as the registers allow: a single unit waits for its own sums.
                        unit += match task.units - unit {
                            6 | 7 | 9.. => row.of::<S, 6>(s, out),
                            4 | 5 | 8 => row.of::<S, 4>(s, out),
                            2 | 3 => row.of::<S, 2>(s, out),
                            _ => row.of::<S, 1>(s, out),
                        };
                    }
                }
            }
        }
    }
}

/// A row of places of some units.
struct Row<'a, 'b, T> {
    task: &'a Direct<'b, T>,
    /// Height and width of what is read and written.
    source: [usize; 2],
    target: [usize; 2],
    group: usize,
    down: Walk,
    /// The row, as a place of the walk.
    k: usize,
    /// The first unit of the group.
    unit: usize,
    /// The first scalars of the group's channels and units.
    x: usize,
    to: usize,
}

impl<T: Real> Row<'_, '_, T> {
    /// Computes `M` units, and says so.
    #[inline(always)]
    fn of<S: Simd, const M: usize>(&self, s: S, out: *mut T) -> usize {
        let task = self.task;
        let bias: [Lanes<S, T>; M] = core::array::from_fn(
            #[inline(always)]
            |m| {
                let unit = self.group * task.units + self.unit + m;
                Lanes::splat(s, task.bias.map_or(T::ZERO, |bias| bias[unit]))
            },
        );
        let rows = self.down.taps_at(self.k);
        for along in walks(&task.axes[1], task.is_adjoint) {
            let whole = along.whole();
            let mut place = 0;
            while place < along.count {
                let columns = if whole.contains(&place) { 0..along.taps } else { along.taps_at(place) };
                let left = if whole.contains(&place) && is_wide::<S, T>() { whole.end - place } else { 1 };
                // SAFETY: `taps` and `target` point at lines and weights of the task, whose lengths were checked: rows and
                // columns are taps within the source, the places of the walk are within the result.
                unsafe {
                    let (taps, target) = self.pointers(&along, place, rows.clone(), columns, out);
                    place += match (M, left) {
                        (4, 6..) => sums_of::<S, T, M, 6>(s, &taps, &bias, &target),
                        (1 | 2, 8..) => sums_of::<S, T, M, 8>(s, &taps, &bias, &target),
                        (_, 4..) => sums_of::<S, T, M, 4>(s, &taps, &bias, &target),
                        (_, 2..) => sums_of::<S, T, M, 2>(s, &taps, &bias, &target),
                        _ => sums_of::<S, T, M, 1>(s, &taps, &bias, &target),
                    };
                }
            }
        }
        M
    }

    /// Where the taps of a place are read, and where the sums go.
    ///
    /// # Safety
    ///
    /// `out` is the start of the task's result.
    #[inline(always)]
    unsafe fn pointers(
        &self,
        along: &Walk,
        place: usize,
        rows: Range<usize>,
        columns: Range<usize>,
        out: *mut T,
    ) -> (Taps<T>, Target<T>) {
        let (task, down) = (self.task, &self.down);
        let kernel_width = task.axes[1].kernel;
        let [height, width] = self.source;
        let lines = |line: isize| line * T::LANES as isize;
        let is_empty = rows.is_empty() || columns.is_empty();
        let y = down.at + self.k as isize * down.at_place + rows.start as isize * down.at_tap;
        let x = along.at + place as isize * along.at_place + columns.start as isize * along.at_tap;
        let first = if is_empty { 0 } else { lines(y * width as isize + x) };
        let tap = (down.tap + rows.start * down.tap_step) * kernel_width
            + along.tap
            + columns.start * along.tap_step;
        let w = self.group * task.group_step + self.unit * task.unit_step + if is_empty { 0 } else { tap };
        let taps = Taps {
            x: task.x.as_ptr().wrapping_add(self.x).wrapping_offset(first),
            w: task.w.as_ptr().wrapping_add(w),
            counts: if is_empty { [0; 3] } else { [task.channels, rows.len(), columns.len()] },
            x_steps: [
                lines((height * width) as isize),
                lines(down.at_tap * width as isize),
                lines(along.at_tap),
            ],
            w_steps: [
                task.channel_step as isize,
                (down.tap_step * kernel_width) as isize,
                along.tap_step as isize,
            ],
            place: lines(along.at_place),
            unit: task.unit_step,
        };
        let [height, width] = self.target;
        let line = (down.first + self.k * down.step) * width + along.first + place * along.step;
        let at = self.to + (self.unit * height * width + line) * T::LANES;
        let target = Target {
            out: out.wrapping_add(at),
            gate: task.gate.map_or(core::ptr::null(), |gate| gate.as_ptr().wrapping_add(at)),
            place: along.step * T::LANES,
            unit: height * width * T::LANES,
            relu: task.activation == Activation::Relu,
        };
        (taps, target)
    }
}

/// As [`sums`]; says how many places.
///
/// # Safety
///
/// As there.
#[inline(always)]
unsafe fn sums_of<S: Simd, T: Real, const M: usize, const N: usize>(
    s: S,
    taps: &Taps<T>,
    bias: &[Lanes<S, T>; M],
    target: &Target<T>,
) -> usize {
    // SAFETY: the caller's.
    unsafe { sums::<S, T, M, N>(s, taps, bias, target) };
    N
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::super::super::testing::{Numbers, assert_close, at_every_level, elements, nan_tile};
    use super::super::super::windows::tests::CASES;
    use super::super::super::{self as kernels};
    use super::super::tests::{elements_of, interleaved, nan_blocks};
    use super::*;

    fn f64s<T: Real>(x: &[T]) -> Vec<f64> {
        x.iter().map(|x| x.to_f64()).collect()
    }

    /// Against the kernels of rows, which are tested against plain loops.
    fn check<T: Real>(rows: usize, sizes: ConvolutionSizes) {
        let conv = Convolution::new(sizes);
        let (image, result, weight) = (conv.image(), conv.units * conv.places(), conv.units * conv.taps());
        let mut numbers = Numbers((rows + image) as u64);
        let (x, d) = (numbers.tile::<T>(rows, image), numbers.tile::<T>(rows, result));
        let (w, bias) = (numbers.flat::<T>(weight), numbers.flat::<T>(conv.units));
        let what = (core::any::type_name::<T>(), rows, sizes);
        let bound = |count: usize| 16.0 + 2.0 * count as f64;

        let mut want = nan_tile::<T>(rows, result);
        kernels::convolve(rows, sizes, &x, &w, None, Activation::Linear, &mut want);
        let want = f64s(&elements(&want, rows, result));
        let x = interleaved(rows, image, &x);
        let mut out = nan_blocks::<T>(rows, result);
        convolve(rows, sizes, &x, &w, None, Activation::Linear, &mut out);
        assert_close(&elements_of(&out, rows, result), &want, bound(conv.taps()), &what);
        convolve(rows, sizes, &x, &w, Some(&bias), Activation::Relu, &mut out);
        let with_bias: Vec<f64> = want
            .iter()
            .enumerate()
            .map(|(i, y)| (y + bias[i % result / conv.places()].to_f64()).max(0.0))
            .collect();
        assert_close(&elements_of(&out, rows, result), &with_bias, bound(conv.taps()), &what);

        let mut want = nan_tile::<T>(rows, image);
        kernels::convolve_input(rows, sizes, &d, &w, &mut want);
        let want = f64s(&elements(&want, rows, image));
        let d = interleaved(rows, result, &d);
        let mut out = nan_blocks::<T>(rows, image);
        convolve_input(rows, sizes, &d, &w, None, &mut out);
        let places = bound(conv.taps() * conv.units);
        assert_close(&elements_of(&out, rows, image), &want, places, &what);
        convolve_input(rows, sizes, &d, &w, Some(&x), &mut out);
        let gate = elements_of(&x, rows, image);
        let gated: Vec<f64> =
            want.iter().zip(&gate).map(|(d, gate)| if *gate > T::ZERO { *d } else { 0.0 }).collect();
        assert_close(&elements_of(&out, rows, image), &gated, places, &what);
    }

    #[test]
    fn images_across_the_lanes_agree_with_images_by_rows() {
        at_every_level(|_| {
            for sizes in CASES {
                for rows in [1, 18] {
                    check::<f32>(rows, sizes);
                    check::<f64>(rows, sizes);
                }
            }
        });
    }

    #[test]
    #[should_panic(expected = "the source is too short")]
    fn a_short_source_is_caught() {
        let sizes = [1, 2, 2, 1, 2, 2, 1, 1, 1, 1, 0, 0, 1, 1, 1];
        convolve(1, sizes, &[0.0_f32; 63], &[1.0], None, Activation::Linear, &mut [0.0; 64]);
    }
}
