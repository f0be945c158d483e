//! Kernels that move elements: copies with any strides, fills, one-hot rows.

use super::{Real, stride};

/// Where a copy reads: element `i` of example `r` is `data[r * example + offset + Σ i[d] * strides[d]]`.
#[derive(Clone, Copy, Debug)]
pub struct View<'a, T, const R: usize> {
    /// The whole buffer.
    pub data: &'a [T],
    /// Distance of examples: [`stride`] of a tensor of the tile, 0 for a shared one.
    pub example: usize,
    /// The first element within an example.
    pub offset: usize,
    /// Distances along each axis; 0 repeats.
    pub strides: [usize; R],
}

/// Where a copy writes; as [`View`].
#[derive(Debug)]
pub struct ViewMut<'a, T, const R: usize> {
    /// The whole buffer.
    pub data: &'a mut [T],
    /// Distance of examples.
    pub example: usize,
    /// The first element within an example.
    pub offset: usize,
    /// Distances along each axis.
    pub strides: [usize; R],
}

/// `to[r][i] = from[r][i]` for every example `r` and index `i` below `dims` (row-major order).
///
/// Transposes, broadcasts, slices, pads and concatenates. Between shared tensors, `rows` is 1.
///
/// # Panics
///
/// If an index lies outside of a buffer.
pub fn copy<T: Real, const R: usize>(
    rows: usize,
    dims: [usize; R],
    from: View<'_, T, R>,
    to: ViewMut<'_, T, R>,
) {
    if dims.contains(&0) {
        return;
    }
    for r in 0..rows {
        let mut index = [0; R];
        'elements: loop {
            let at = |strides: [usize; R]| index.iter().zip(strides).map(|(i, s)| i * s).sum::<usize>();
            to.data[r * to.example + to.offset + at(to.strides)] =
                from.data[r * from.example + from.offset + at(from.strides)];
            for axis in (0..R).rev() {
                index[axis] += 1;
                if index[axis] < dims[axis] {
                    continue 'elements;
                }
                index[axis] = 0;
            }
            break;
        }
    }
}

/// `out[r][j] = value` for `rows` examples of `n` elements. `out` is a tile buffer, or with one row a shared tensor.
pub fn fill<T: Real>(rows: usize, n: usize, out: &mut [T], value: T) {
    let stride = stride::<T>(n);
    for r in 0..rows {
        out[r * stride..][..n].fill(value);
    }
}

/// `out[r][c] = 1` where `c` is the example's class, 0 elsewhere. An index that is not a whole number below
/// `classes` makes the row NaN. `index` (1 element) and `out` (`classes` elements) are tile buffers.
pub fn one_hot<T: Real>(rows: usize, classes: usize, index: &[T], out: &mut [T]) {
    let stride = stride::<T>(classes);
    for (r, &index) in index[..rows].iter().enumerate() {
        let row = &mut out[r * stride..][..classes];
        let class = index.to_f64();
        if class >= 0.0 && class < classes as f64 && class % 1.0 == 0.0 {
            row.fill(T::ZERO);
            row[class as usize] = T::ONE;
        } else {
            row.fill(T::NAN);
        }
    }
}
