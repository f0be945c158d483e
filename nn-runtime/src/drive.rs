//! The loops around emitted code: from the rows of a batch to tiles and back. For emitted code alone.

use core::ops::Range;

use crate::batch::Batch;
use fearless_simd::SimdBase;

use crate::kernels::arrays::{Sum, add_across};
use crate::kernels::columns::rows_of_columns;
use crate::kernels::{Lanes, Operand, Real, Simd, View, ViewMut, stride, tile_len};
use crate::model::Extra;

/// Where the parameters of a model are kept that are too large for the stack.
#[cfg(feature = "alloc")]
pub use crate::kernels::params::Boxed;

/// Each scalar in every lane.
///
/// # Panics
/// If there are not `N` scalars.
#[inline(always)]
pub fn spread<S: Simd, T: Real, const N: usize>(s: S, values: &[T]) -> [Lanes<S, T>; N] {
    assert_eq!(values.len(), N, "scalars to spread");
    let mut lanes = [Lanes::zero(s); N];
    for (lane, &value) in lanes.iter_mut().zip(values) {
        *lane = Lanes::splat(s, value);
    }
    lanes
}

/// The first lane of each value.
#[inline(always)]
pub fn first<S: Simd, T: Real, const N: usize>(values: &[Lanes<S, T>; N], out: &mut [T; N]) {
    for (out, value) in out.iter_mut().zip(values) {
        *out = value.as_slice()[0];
    }
}

/// The slice cut into runs of these lengths.
///
/// # Panics
/// If it is too short.
#[inline(always)]
pub fn slices<T, const N: usize>(mut values: &[T], lens: [usize; N]) -> [&[T]; N] {
    let mut runs = [&values[..0]; N];
    for (run, len) in runs.iter_mut().zip(lens) {
        (*run, values) = values.split_at(len);
    }
    runs
}

/// Sums over a number of examples to means.
pub fn means<T: Real>(sums: &mut [T], examples: usize) {
    let count = T::from_f64(examples as f64);
    for sum in sums {
        *sum /= count;
    }
}

/// Runs a batch through code that holds one example in each lane. The code takes `I` inputs, `K` targets, the
/// `E` scalars that examples bring along and the `M` running sums, and gives the `O` values of each example's row.
///
/// The tile that is not full comes first, so that the lanes past its end can be cleared from the sums.
///
/// # Panics
/// If the widths of the batch, `rows` or `sums` are not these.
#[inline(always)]
pub fn lanes<
    S: Simd,
    T: Real,
    const I: usize,
    const K: usize,
    const E: usize,
    const O: usize,
    const M: usize,
>(
    s: S,
    batch: &Batch<'_, T>,
    extras: &[Extra],
    rows: &mut [T],
    sums: &mut [T],
    code: impl Fn([Lanes<S, T>; I], [Lanes<S, T>; K], [Lanes<S, T>; E], &mut [Lanes<S, T>; M]) -> [Lanes<S, T>; O],
) {
    assert!(rows.len() >= batch.len() * O, "room for {O} values of each example");
    assert_eq!(sums.len(), M, "sums");
    let (examples, width) = (batch.len(), T::LANES);
    let tiles = examples.div_ceil(width);
    let mut totals = [Lanes::zero(s); M];
    for i in 0..tiles {
        let start = if i == 0 { tiles - 1 } else { i - 1 } * width;
        let range = start..examples.min(start + width);
        let inputs = batch.input_columns(s, range.clone());
        let targets = batch.target_columns(s, range.clone());
        let extras = batch.extra_columns(s, extras, range.clone());
        let values = code(inputs, targets, extras, &mut totals);
        if range.len() < width {
            for total in &mut totals {
                *total = total.keep(range.len());
            }
        }
        if O > 0 {
            rows_of_columns(s, [range.len(), O, O], &values, &mut rows[range.start * O..]);
        }
    }
    for (sum, total) in sums.iter_mut().zip(totals) {
        *sum += total.sum();
    }
}

/// Runs a batch through code on arrays of lanes. The code takes the number of examples, `I` inputs, `K` targets, the
/// `E` scalars that examples bring along and the `M` running sums, and gives the `O` values of each example's row.
///
/// # Panics
/// If the widths of the batch, `rows` or `sums` are not these.
#[inline(always)]
pub fn arrays<
    S: Simd,
    T: Real,
    const I: usize,
    const K: usize,
    const E: usize,
    const O: usize,
    const M: usize,
>(
    s: S,
    batch: &Batch<'_, T>,
    extras: &[Extra],
    rows: &mut [T],
    sums: &mut [T],
    code: impl Fn(
        usize,
        &[Lanes<S, T>; I],
        &[Lanes<S, T>; K],
        &[Lanes<S, T>; E],
        &mut [Sum<S, T>; M],
    ) -> [Lanes<S, T>; O],
) {
    assert!(rows.len() >= batch.len() * O, "room for {O} values of each example");
    let mut totals = [Sum::<S, T>::splat(s, T::ZERO); M];
    for range in batch.tiles(T::LANES) {
        let inputs = batch.input_columns(s, range.clone());
        let targets = batch.target_columns(s, range.clone());
        let extras = batch.extra_columns(s, extras, range.clone());
        let values = code(range.len(), &inputs, &targets, &extras, &mut totals);
        if O > 0 {
            rows_of_columns(s, [range.len(), O, O], &values, &mut rows[range.start * O..]);
        }
    }
    if M > 0 {
        add_across(s, &totals, sums);
    }
}

/// Runs a batch through code that takes tiles of up to `tile` examples: the rows of each input, of each target and
/// of what examples bring along in tile buffers, and the rest of the workspace.
///
/// # Panics
/// If the workspace is too small, or the widths of the batch are not these.
#[inline(always)]
pub fn tiles<T: Real, const I: usize, const K: usize, const E: usize>(
    batch: &Batch<'_, T>,
    tile: usize,
    input_lens: [usize; I],
    target_lens: [usize; K],
    extras: &[Extra],
    workspace: &mut [T],
    mut code: impl FnMut(Range<usize>, [&[T]; I], [&[T]; K], [&[T]; E], &mut [T]),
) {
    let mut extra_lens = [0; E];
    for (len, extra) in extra_lens.iter_mut().zip(extras) {
        *len = extra.len();
    }
    let room = |lens: &[usize]| lens.iter().map(|&len| tile_len::<T>(tile, len)).sum::<usize>();
    let (inputs, rest) = workspace.split_at_mut(room(&input_lens));
    let (targets, rest) = rest.split_at_mut(room(&target_lens));
    let (brought, rest) = rest.split_at_mut(room(&extra_lens));
    for range in batch.tiles(tile) {
        // Rows that lie as in a tile are read where they are.
        let (in_place, targets_in_place) = (
            batch.input_tile(range.clone()).filter(|_| I == 1),
            batch.target_tile(range.clone()).filter(|_| K == 1),
        );
        if in_place.is_none() {
            let (mut at, mut offset) = (0, 0);
            for len in input_lens {
                batch.inputs_into(range.clone(), [offset, len], &mut inputs[at..]);
                offset += len;
                at += tile_len::<T>(tile, len);
            }
        }
        if batch.target_len() > 0 && targets_in_place.is_none() {
            let (mut at, mut offset) = (0, 0);
            for len in target_lens {
                batch.targets_into(range.clone(), [offset, len], &mut targets[at..]);
                offset += len;
                at += tile_len::<T>(tile, len);
            }
        }
        let mut at = 0;
        for &extra in extras {
            batch.extra_into(range.clone(), extra, &mut brought[at..]);
            at += tile_len::<T>(tile, extra.len());
        }
        let (mut inputs, mut targets) = (cut(inputs, tile, input_lens), cut(targets, tile, target_lens));
        if let (Some(rows), [only]) = (in_place, &mut inputs[..]) {
            *only = rows;
        }
        if let (Some(rows), [only]) = (targets_in_place, &mut targets[..]) {
            *only = rows;
        }
        code(range, inputs, targets, cut(brought, tile, extra_lens), rest);
    }
}

/// The tile buffers of tensors of these lengths.
#[inline(always)]
fn cut<T: Real, const N: usize>(buffers: &[T], tile: usize, lens: [usize; N]) -> [&[T]; N] {
    let mut sizes = lens;
    for size in &mut sizes {
        debug_assert!(stride::<T>(*size) >= *size);
        *size = tile_len::<T>(tile, *size);
    }
    slices(buffers, sizes)
}

/// Elements that are read: where they are, the distance between two examples' rows, the first element, and the
/// distance between neighbours along each axis.
#[inline(always)]
pub fn from<T, const R: usize>(
    data: &[T],
    example: usize,
    offset: usize,
    strides: [usize; R],
) -> View<'_, T, R> {
    View { data, example, offset, strides }
}

/// Elements that are written, as in [`from`].
#[inline(always)]
pub fn to<T, const R: usize>(
    data: &mut [T],
    example: usize,
    offset: usize,
    strides: [usize; R],
) -> ViewMut<'_, T, R> {
    ViewMut { data, example, offset, strides }
}

/// A matrix for each example: where it is, the distance between two examples' matrices (0 if they share one), and
/// the distances between its rows and columns.
#[inline(always)]
pub fn matrix<T>(data: &[T], example: usize, [row, col]: [usize; 2]) -> Operand<'_, T> {
    Operand { data, row, col, example }
}
