//! Rows of a table that indices name.

use super::movement::whole_below;
use super::{Real, stride, tile_len};

/// `out[r][p] = table[index[r][p]]`, for `[places, entries, width]`. An index that is not a whole number below `entries`
/// makes its row NaN.
///
/// `index` (one element a place) and `out` (a row of `width` elements a place) are tile buffers, `table`
/// `[entries, width]` is shared, or a tile buffer too.
///
/// # Panics
///
/// If a slice is too short.
pub fn lookup<T: Real>(
    rows: usize,
    [places, entries, width]: [usize; 3],
    index: &[T],
    table: &[T],
    out: &mut [T],
) {
    let (from, to) = (stride::<T>(places), stride::<T>(places * width));
    let len = entries * width;
    let of_example = if rows > 1 && table.len() >= tile_len::<T>(rows, len) { stride::<T>(len) } else { 0 };
    for r in 0..rows {
        let table = &table[r * of_example..][..len];
        let copies = out[r * to..][..places * width].chunks_exact_mut(width);
        for (&index, copy) in index[r * from..][..places].iter().zip(copies) {
            match whole_below(index, entries) {
                Some(entry) => copy.copy_from_slice(&table[entry * width..][..width]),
                None => copy.fill(T::NAN),
            }
        }
    }
}

/// The adjoint of the table for each example: `out[r][e]` is the sum of `d[r][p]` over the places `p` whose index is `e`.
/// An index that is not a whole number below `entries` makes all of it NaN. Buffers as for [`lookup`]; `out` is one of the
/// tile.
///
/// # Panics
///
/// If a slice is too short.
pub fn lookup_weight<T: Real>(rows: usize, sizes: [usize; 3], index: &[T], d: &[T], out: &mut [T]) {
    let [places, entries, width] = sizes;
    let (of_index, of_d) = (stride::<T>(places), stride::<T>(places * width));
    for r in 0..rows {
        let out = &mut out[r * stride::<T>(entries * width)..][..entries * width];
        out.fill(T::ZERO);
        lookup_weight_sum(1, sizes, &index[r * of_index..], &d[r * of_d..], out);
    }
}

/// The same added over the examples. `sum` `[entries, width]` is shared.
///
/// # Panics
///
/// If a slice is too short.
pub fn lookup_weight_sum<T: Real>(
    rows: usize,
    [places, entries, width]: [usize; 3],
    index: &[T],
    d: &[T],
    sum: &mut [T],
) {
    let (of_index, of_d) = (stride::<T>(places), stride::<T>(places * width));
    for r in 0..rows {
        let copies = d[r * of_d..][..places * width].chunks_exact(width);
        for (&index, d) in index[r * of_index..][..places].iter().zip(copies) {
            match whole_below(index, entries) {
                Some(entry) => {
                    for (sum, &d) in sum[entry * width..][..width].iter_mut().zip(d) {
                        *sum += d;
                    }
                }
                None => sum[..entries * width].fill(T::NAN),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;
    use crate::kernels::testing::{Numbers, elements, nan_tile};

    const SIZES: [usize; 3] = [4, 5, 3];

    /// Two examples of four indices.
    fn indices() -> Vec<f32> {
        let mut index = nan_tile::<f32>(2, 4);
        index[..4].copy_from_slice(&[3.0, 0.0, 3.0, 4.0]);
        index[stride::<f32>(4)..][..4].copy_from_slice(&[1.0, 1.0, 1.0, 2.0]);
        index
    }

    #[test]
    fn rows_are_found_and_given_back() {
        let index = indices();
        let mut numbers = Numbers(7);
        let (table, d) = (numbers.flat::<f32>(15), numbers.tile::<f32>(2, 12));
        let mut out = nan_tile::<f32>(2, 12);
        lookup(2, SIZES, &index, &table, &mut out);
        let (flat, flat_index) = (elements(&out, 2, 12), elements(&index, 2, 4));
        for (row, &index) in flat.chunks_exact(3).zip(&flat_index) {
            assert_eq!(row, &table[index as usize * 3..][..3]);
        }

        let mut each = nan_tile::<f32>(2, 15);
        lookup_weight(2, SIZES, &index, &d, &mut each);
        let (each, d_flat) = (elements(&each, 2, 15), elements(&d, 2, 12));
        for r in 0..2 {
            for e in 0..5 {
                for c in 0..3 {
                    let places = (0..4).filter(|p| flat_index[r * 4 + p] == e as f32);
                    let want: f32 = places.map(|p| d_flat[(r * 4 + p) * 3 + c]).sum();
                    assert_eq!(each[r * 15 + e * 3 + c], want);
                }
            }
        }
        let mut sum = std::vec![1.0; 16];
        lookup_weight_sum(2, SIZES, &index, &d, &mut sum[..15]);
        for (i, sum) in sum[..15].iter().enumerate() {
            assert!((sum - (1.0 + each[i] + each[15 + i])).abs() < 1e-5);
        }
        assert_eq!(sum[15], 1.0);
    }

    #[test]
    fn a_table_of_each_example_and_indices_outside() {
        let mut index = indices();
        let table = Numbers(3).tile::<f32>(2, 15);
        let mut out = nan_tile::<f32>(2, 12);
        index[1] = 5.0;
        index[2] = 0.5;
        lookup(2, SIZES, &index, &table, &mut out);
        let out = elements(&out, 2, 12);
        assert_eq!(out[..3], table[9..12]);
        assert!(out[3..9].iter().all(|x| x.is_nan()));
        assert_eq!(out[12..15], table[stride::<f32>(15) + 3..][..3]);
        let (d, mut sum) = (std::vec![1.0; 32], std::vec![0.0; 15]);
        lookup_weight_sum(1, SIZES, &index, &d, &mut sum);
        assert!(sum.iter().all(|x| x.is_nan()));
    }
}
