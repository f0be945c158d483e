//! A batch of examples, and how emitted code reads it.

use core::ops::Range;

use crate::kernels::noise::Noise;
use crate::kernels::{Lanes, Real, Simd, columns, stride, tile_len};
use crate::model::Extra;

/// Rows of inputs and targets, row-major, visited in their own order or in one that is given.
///
/// A batch borrows; copying it is free.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a, T> {
    inputs: Rows<'a, T>,
    targets: Rows<'a, T>,
    /// How much each row counts; without it, all count alike.
    weights: Rows<'a, T>,
    visit: Visit<'a>,
    /// What random masks are drawn from, and which example of its step comes first. Without it, all masks are ones.
    noise: Option<(Noise, usize)>,
}

/// Which rows a batch visits.
#[derive(Clone, Copy, Debug)]
enum Visit<'a> {
    /// `len` rows from `start` on.
    Run { start: usize, len: usize },
    /// The rows with these numbers.
    Order(&'a [u32]),
}

/// The lanes of the narrowest type.
const MOST_LANES: usize = <f32 as Real>::LANES;

/// A row-major matrix.
#[derive(Clone, Copy, Debug)]
struct Rows<'a, T> {
    data: &'a [T],
    width: usize,
}

impl<'a, T: Real> Batch<'a, T> {
    /// All rows of `inputs`, `[n, input_len]`, and `targets`, `[n, target_len]`.
    ///
    /// # Panics
    /// If the slices are not whole rows, or not equally many.
    pub fn new(inputs: &'a [T], input_len: usize, targets: &'a [T], target_len: usize) -> Self {
        let (inputs, targets) = (Rows::new(inputs, input_len), Rows::new(targets, target_len));
        let len = if input_len == 0 { targets.len() } else { inputs.len() };
        assert!(
            target_len == 0 || targets.len() == len,
            "{len} rows of inputs but {} of targets",
            targets.len()
        );
        let weights = Rows::new(&[], 0);
        Self { inputs, targets, weights, visit: Visit::Run { start: 0, len }, noise: None }
    }

    /// All rows of `inputs`, `[n, input_len]`, without targets.
    ///
    /// # Panics
    /// If the slice is not whole rows.
    pub fn inputs(inputs: &'a [T], input_len: usize) -> Self {
        Self::new(inputs, input_len, &[], 0)
    }

    /// The same rows with a weight for each, counted from the first row given to [`new`](Self::new). Models whose loss
    /// does not mention `weight` do not look at them.
    ///
    /// # Panics
    /// If there are more or fewer weights than rows.
    #[must_use]
    pub fn with_weights(self, weights: &'a [T]) -> Self {
        let rows = if self.inputs.width == 0 { self.targets.len() } else { self.inputs.len() };
        assert_eq!(weights.len(), rows, "weights of {rows} rows");
        Self { weights: Rows::new(weights, 1), ..self }
    }

    /// The batch of a training step, whose random masks are drawn from this. The first of the examples as they are now
    /// is example 0, however the batch is cut afterwards.
    #[must_use]
    pub fn with_noise(self, noise: Noise) -> Self {
        Self { noise: Some((noise, 0)), ..self }
    }

    /// The rows with the numbers in `order`, in that order. A row may come more than once.
    ///
    /// Row numbers count from the first row given to [`new`](Self::new), whatever was sliced before. Numbers that
    /// are too large panic where the row is read.
    #[must_use]
    pub fn with_order(self, order: &'a [u32]) -> Self {
        Self { visit: Visit::Order(order), ..self }
    }

    /// The examples at these positions.
    ///
    /// # Panics
    /// If the range is not within the batch.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        let visit = match self.visit {
            Visit::Run { start, len } => {
                assert!(range.start <= range.end && range.end <= len, "{range:?} of {len} examples");
                Visit::Run { start: start + range.start, len: range.len() }
            }
            Visit::Order(order) => Visit::Order(&order[range.clone()]),
        };
        let noise = self.noise.map(|(noise, first)| (noise, first + range.start));
        Self { visit, noise, ..*self }
    }

    /// Number of examples.
    pub fn len(&self) -> usize {
        match self.visit {
            Visit::Run { len, .. } => len,
            Visit::Order(order) => order.len(),
        }
    }

    /// Whether there are no examples.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Scalars of the inputs of one example.
    pub fn input_len(&self) -> usize {
        self.inputs.width
    }

    /// Scalars of the targets of one example.
    pub fn target_len(&self) -> usize {
        self.targets.width
    }

    /// The inputs of the example at position `i`.
    ///
    /// # Panics
    /// If there is no such example.
    pub fn input_row(&self, i: usize) -> &'a [T] {
        self.inputs.row(self.row(i))
    }

    /// The targets of the example at position `i`.
    ///
    /// # Panics
    /// If there is no such example.
    pub fn target_row(&self, i: usize) -> &'a [T] {
        self.targets.row(self.row(i))
    }

    /// The positions in runs of `tile` examples; the last run may be shorter.
    ///
    /// # Panics
    /// If `tile` is 0.
    pub fn tiles(&self, tile: usize) -> impl Iterator<Item = Range<usize>> + use<T> {
        let len = self.len();
        (0..len).step_by(tile).map(move |start| start..len.min(start + tile))
    }

    /// Columns `offset..offset + len` of the inputs of these examples, into a tile buffer of rows of `len` scalars.
    ///
    /// # Panics
    /// If the examples or columns do not exist, or `out` is too short.
    pub fn inputs_into(&self, examples: Range<usize>, [offset, len]: [usize; 2], out: &mut [T]) {
        self.copy_into(self.inputs, examples, offset..offset + len, out);
    }

    /// Columns `offset..offset + len` of the targets of these examples, into a tile buffer of rows of `len` scalars.
    ///
    /// # Panics
    /// If the examples or columns do not exist, or `out` is too short.
    pub fn targets_into(&self, examples: Range<usize>, [offset, len]: [usize; 2], out: &mut [T]) {
        self.copy_into(self.targets, examples, offset..offset + len, out);
    }

    /// What these examples bring along, into a tile buffer of rows of [`Extra::len`] scalars.
    ///
    /// # Panics
    /// If the examples do not exist, or `out` is too short.
    #[inline(always)]
    pub fn extra_into(&self, examples: Range<usize>, extra: Extra, out: &mut [T]) {
        let stride = stride::<T>(extra.len());
        for (i, position) in examples.enumerate() {
            self.extra_row(position, extra, &mut out[i * stride..][..extra.len()]);
        }
    }

    /// What one example brings along.
    #[inline(always)]
    fn extra_row(&self, position: usize, extra: Extra, out: &mut [T]) {
        match (extra, self.noise) {
            (Extra::Weight, _) if self.weights.width > 0 => {
                out.copy_from_slice(self.weights.row(self.row(position)));
            }
            (Extra::Mask { site, drop, .. }, Some((noise, first))) => {
                noise.mask(site, drop, first + position, out);
            }
            _ => out.fill(T::ONE),
        }
    }

    /// What up to as many examples as there are lanes bring along, each of the `N` scalars of all `extras` across the
    /// lanes. Lanes past the last example repeat it.
    ///
    /// # Panics
    /// If there is no example, the examples do not exist, or the extras do not have `N` scalars.
    #[inline(always)]
    pub fn extra_columns<S: Simd, const N: usize>(
        &self,
        s: S,
        extras: &[Extra],
        examples: Range<usize>,
    ) -> [Lanes<S, T>; N] {
        let mut columns = [Lanes::zero(s); N];
        if N == 0 {
            return columns;
        }
        let mut rows = [[T::ZERO; N]; MOST_LANES];
        let last = examples.len() - 1;
        for (i, row) in rows.iter_mut().take(examples.len()).enumerate() {
            let mut rest = &mut row[..];
            for &extra in extras {
                let (values, others) = rest.split_at_mut(extra.len());
                self.extra_row(examples.start + i, extra, values);
                rest = others;
            }
        }
        columns::columns_of_rows(
            s,
            N,
            #[inline(always)]
            |lane| &rows[lane.min(last)][..],
            &mut columns,
        );
        columns
    }

    /// The inputs of these examples where they lie, if they lie as in a tile buffer of rows of
    /// [`input_len`](Self::input_len) scalars.
    ///
    /// # Panics
    /// If the examples do not exist.
    pub fn input_tile(&self, examples: Range<usize>) -> Option<&'a [T]> {
        self.tile_in_place(self.inputs, examples)
    }

    /// The targets of these examples, as [`input_tile`](Self::input_tile).
    ///
    /// # Panics
    /// As [`input_tile`](Self::input_tile).
    pub fn target_tile(&self, examples: Range<usize>) -> Option<&'a [T]> {
        self.tile_in_place(self.targets, examples)
    }

    /// The inputs of up to as many examples as there are lanes: each of the `N` columns across the lanes. Lanes past
    /// the last example repeat it.
    ///
    /// # Panics
    /// If there is no example, the examples do not exist, or the inputs do not have `N` columns.
    #[inline(always)]
    pub fn input_columns<S: Simd, const N: usize>(&self, s: S, examples: Range<usize>) -> [Lanes<S, T>; N] {
        self.columns(s, self.inputs, examples)
    }

    /// The targets across the lanes, as in [`input_columns`](Self::input_columns).
    ///
    /// # Panics
    /// As [`input_columns`](Self::input_columns).
    #[inline(always)]
    pub fn target_columns<S: Simd, const N: usize>(&self, s: S, examples: Range<usize>) -> [Lanes<S, T>; N] {
        self.columns(s, self.targets, examples)
    }

    /// The number of the row at position `i`.
    #[inline(always)]
    fn row(&self, i: usize) -> usize {
        match self.visit {
            Visit::Run { start, len } => {
                assert!(i < len, "example {i} of {len}");
                start + i
            }
            Visit::Order(order) => order[i] as usize,
        }
    }

    fn tile_in_place(&self, rows: Rows<'a, T>, examples: Range<usize>) -> Option<&'a [T]> {
        let Visit::Run { start, len } = self.visit else { return None };
        assert!(examples.end <= len, "{examples:?} of {len} examples");
        let width = rows.width;
        let is_whole = width > 0 && stride::<T>(width) == width;
        let data =
            is_whole.then(|| &rows.data[(start + examples.start) * width..(start + examples.end) * width])?;
        (data.len() == tile_len::<T>(examples.len(), width)).then_some(data)
    }

    fn copy_into(&self, rows: Rows<'a, T>, examples: Range<usize>, columns: Range<usize>, out: &mut [T]) {
        let (len, stride) = (columns.len(), stride::<T>(columns.len()));
        if let Visit::Run { start, len: run } = self.visit
            && len == rows.width
            && len == stride
        {
            assert!(examples.end <= run, "{examples:?} of {run} examples");
            let source = &rows.data[(start + examples.start) * len..(start + examples.end) * len];
            out[..source.len()].copy_from_slice(source);
            return;
        }
        for (i, position) in examples.enumerate() {
            let source = &rows.row(self.row(position))[columns.clone()];
            out[i * stride..][..len].copy_from_slice(source);
        }
    }

    #[inline(always)]
    fn columns<S: Simd, const N: usize>(
        &self,
        s: S,
        rows: Rows<'a, T>,
        examples: Range<usize>,
    ) -> [Lanes<S, T>; N] {
        let mut columns = [Lanes::zero(s); N];
        if N == 0 {
            return columns;
        }
        assert!(!examples.is_empty(), "lanes of no example");
        assert_eq!(rows.width, N, "columns");
        let last = examples.len() - 1;
        if last == 0 {
            let row = rows.row(self.row(examples.start));
            for (column, &x) in columns.iter_mut().zip(row) {
                *column = Lanes::splat(s, x);
            }
            return columns;
        }
        match self.visit {
            Visit::Run { start, len } => {
                assert!(examples.end <= len, "{examples:?} of {len} examples");
                let data = &rows.data[(start + examples.start) * N..(start + examples.end) * N];
                if N <= 2 && data.len() == N * T::LANES {
                    columns::of_narrow_rows(s, data, &mut columns);
                } else {
                    columns::columns_of_rows(
                        s,
                        N,
                        #[inline(always)]
                        |lane| &data[lane.min(last) * N..][..N],
                        &mut columns,
                    );
                }
            }
            Visit::Order(order) => {
                let numbers = &order[examples];
                columns::columns_of_rows(
                    s,
                    N,
                    #[inline(always)]
                    |lane| rows.row(numbers[lane.min(last)] as usize),
                    &mut columns,
                );
            }
        }
        columns
    }
}

impl<'a, T> Rows<'a, T> {
    fn new(data: &'a [T], width: usize) -> Self {
        let whole = if width == 0 { data.is_empty() } else { data.len().is_multiple_of(width) };
        assert!(whole, "{} scalars are not rows of {width}", data.len());
        Self { data, width }
    }

    fn len(&self) -> usize {
        self.data.len().checked_div(self.width).unwrap_or(0)
    }

    #[inline(always)]
    fn row(&self, row: usize) -> &'a [T] {
        &self.data[row * self.width..][..self.width]
    }
}

#[cfg(test)]
mod tests {
    use super::Batch;
    use crate::kernels::{Level, Real, stride, tile_len, with_level};

    /// Row r of the inputs is 10 r, 10 r + 1, …; its target is -r.
    fn rows<T: Real>(n: usize, width: usize) -> (Vec<T>, Vec<T>) {
        let inputs = (0..n * width).map(|i| T::from_f64((10 * (i / width) + i % width) as f64)).collect();
        (inputs, (0..n).map(|r| T::from_f64(-(r as f64))).collect())
    }

    #[test]
    fn orders_and_slices_compose() {
        let (inputs, targets) = rows::<f32>(6, 2);
        let batch = Batch::new(&inputs, 2, &targets, 1);
        assert_eq!((batch.len(), batch.input_len(), batch.target_len()), (6, 2, 1));
        assert_eq!(batch.slice(2..5).slice(1..2).input_row(0), [30.0, 31.0]);

        let ordered = batch.with_order(&[5, 0, 5, 3]);
        assert_eq!(ordered.len(), 4);
        assert_eq!(ordered.slice(2..4).target_row(1), [-3.0]);
        assert!(ordered.slice(4..4).is_empty());
    }

    #[test]
    fn tiles_cover_the_batch_once() {
        let (inputs, targets) = rows::<f32>(10, 1);
        let tiles: Vec<_> = Batch::new(&inputs, 1, &targets, 1).tiles(4).collect();
        assert_eq!(tiles, [0..4, 4..8, 8..10]);
    }

    fn tile_buffers_hold_rows_at_their_stride<T: Real>() {
        for width in [1, 3, T::LANES, 2 * T::LANES + 1] {
            let (inputs, targets) = rows::<T>(7, width);
            let batch = Batch::new(&inputs, width, &targets, 1);
            let order = [6, 0, 2, 2, 5];
            for batch in [batch, batch.slice(1..6), batch.with_order(&order)] {
                for columns in [[0, width], [width - 1, 1]] {
                    let len = columns[1];
                    let mut out = vec![T::from_f64(-1.0); tile_len::<T>(3, len)];
                    batch.inputs_into(2..5, columns, &mut out);
                    for r in 0..3 {
                        let expected = &batch.input_row(2 + r)[columns[0]..columns[0] + len];
                        assert_eq!(&out[r * stride::<T>(len)..][..len], expected);
                    }
                }
                let mut out = vec![T::default(); tile_len::<T>(5, 1)];
                batch.targets_into(0..5, [0, 1], &mut out);
                assert!((0..5).all(|r| out[r] == batch.target_row(r)[0]));
                // In place only where a copy would have the same scalars at the same places.
                if let Some(rows) = batch.input_tile(2..5) {
                    let mut copy = vec![T::ZERO; tile_len::<T>(3, width)];
                    batch.inputs_into(2..5, [0, width], &mut copy);
                    assert_eq!(rows, copy);
                }
                assert_eq!(
                    batch.input_tile(2..5).is_some(),
                    width == T::LANES && !matches!(batch.visit, super::Visit::Order(_))
                );
            }
        }
    }

    #[test]
    fn tile_buffers() {
        tile_buffers_hold_rows_at_their_stride::<f32>();
        tile_buffers_hold_rows_at_their_stride::<f64>();
    }

    fn lanes_hold_columns_and_repeat_the_last_example<T: Real, const N: usize>() {
        let (inputs, targets) = rows::<T>(40, N);
        let order: Vec<u32> = (0..40).rev().collect();
        let batch = Batch::new(&inputs, N, &targets, 1);
        for batch in [batch, batch.with_order(&order)] {
            for examples in [5..6, 2..2 + T::LANES, 3..2 + T::LANES] {
                crate::dispatch!(s => {
                    let columns = batch.input_columns::<_, N>(s, examples.clone());
                    let [target] = batch.target_columns(s, examples.clone());
                    for lane in 0..T::LANES {
                        let example = (examples.start + lane).min(examples.end - 1);
                        for (c, column) in columns.iter().enumerate() {
                            assert_eq!(column.as_slice()[lane], batch.input_row(example)[c]);
                        }
                        assert_eq!(target.as_slice()[lane], batch.target_row(example)[0]);
                    }
                });
            }
        }
    }

    #[test]
    fn lanes() {
        for level in Level::available() {
            with_level(level, || {
                lanes_hold_columns_and_repeat_the_last_example::<f32, 1>();
                lanes_hold_columns_and_repeat_the_last_example::<f32, 2>();
                lanes_hold_columns_and_repeat_the_last_example::<f32, 7>();
                lanes_hold_columns_and_repeat_the_last_example::<f64, 1>();
                lanes_hold_columns_and_repeat_the_last_example::<f64, 2>();
                lanes_hold_columns_and_repeat_the_last_example::<f64, 5>();
            });
        }
    }

    #[test]
    #[should_panic(expected = "3 rows of inputs but 2 of targets")]
    fn rows_must_agree() {
        let _ = Batch::new(&[0.0_f32; 6], 2, &[0.0; 2], 1);
    }

    #[test]
    #[should_panic(expected = "5 scalars are not rows of 2")]
    fn rows_must_be_whole() {
        let _ = Batch::inputs(&[0.0_f32; 5], 2);
    }

    #[test]
    #[should_panic(expected = "2..4 of 3 examples")]
    fn slices_stay_within_the_batch() {
        let _ = Batch::inputs(&[0.0_f32; 3], 1).slice(2..4);
    }
}
