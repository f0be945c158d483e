//! Kernels that move elements: copies with any strides, fills, one-hot rows.

use super::{Places, Real, stride};

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
#[allow(clippy::needless_pass_by_value, reason = "a view is a bundle of arguments")]
pub fn copy<T: Real, const R: usize>(
    rows: usize,
    dims: [usize; R],
    from: View<'_, T, R>,
    to: ViewMut<'_, T, R>,
) {
    if dims.contains(&0) {
        return;
    }
    // A transpose of a matrix, which weights take before every step.
    if let ([rows_in, cols], [1, _], [_, 1]) = (&dims[..], &from.strides[..], &to.strides[..])
        && rows == 1
    {
        let source = (&from.data[from.offset..], from.strides[1]);
        let target = (&mut to.data[to.offset..], to.strides[0]);
        return T::transpose([*cols, *rows_in], source, target);
    }
    let Some((&run, outer)) = dims.split_last() else {
        for r in 0..rows {
            to.data[r * to.example + to.offset] = from.data[r * from.example + from.offset];
        }
        return;
    };
    let (from_step, to_step) = (from.strides[R - 1], to.strides[R - 1]);
    for r in 0..rows {
        let mut index = [0; R];
        'runs: loop {
            let at = |strides: [usize; R]| index.iter().zip(strides).map(|(i, s)| i * s).sum::<usize>();
            let source = &from.data[r * from.example + from.offset + at(from.strides)..];
            let target = &mut to.data[r * to.example + to.offset + at(to.strides)..];
            match (from_step, to_step) {
                (1, 1) => target[..run].copy_from_slice(&source[..run]),
                (0, 1) => target[..run].fill(source[0]),
                _ => {
                    for i in 0..run {
                        target[i * to_step] = source[i * from_step];
                    }
                }
            }
            for axis in (0..outer.len()).rev() {
                index[axis] += 1;
                if index[axis] < dims[axis] {
                    continue 'runs;
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

/// `out[r][p][c] = 1` where `c` is the class of place `p`, 0 elsewhere. An index that is not a whole number below the
/// number of classes makes its row NaN. `index` (one element a place) and `out` (a row of all classes a place) are tile
/// buffers.
pub fn one_hot<T: Real>(rows: usize, classes: impl Places, index: &[T], out: &mut [T]) {
    let [places, classes] = classes.places();
    let (from, to) = (stride::<T>(places), stride::<T>(places * classes));
    for r in 0..rows {
        let hot = out[r * to..][..places * classes].chunks_exact_mut(classes);
        for (&index, row) in index[r * from..][..places].iter().zip(hot) {
            match whole_below(index, classes) {
                Some(class) => {
                    row.fill(T::ZERO);
                    row[class] = T::ONE;
                }
                None => row.fill(T::NAN),
            }
        }
    }
}

/// The index that a scalar holds, if it is a whole number below `count`.
pub(super) fn whole_below<T: Real>(index: T, count: usize) -> Option<usize> {
    let index = index.to_f64();
    (index >= 0.0 && index < count as f64 && index % 1.0 == 0.0).then_some(index as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Numbers, elements, nan_tile};

    /// Transposes every axis order of a tensor of each rank by a naive loop over flat indices.
    #[test]
    fn transposes_of_any_rank() {
        let mut numbers = Numbers(5);
        for rows in [1, 3, 17] {
            let x = numbers.tile::<f32>(rows, 2 * 3 * 4 * 5);
            let mut y = nan_tile::<f32>(rows, 120);
            let example = stride::<f32>(120);
            // out[d][b][a][c] = in[a][b][c][d]
            copy(
                rows,
                [5, 3, 2, 4],
                View { data: &x, example, offset: 0, strides: [1, 20, 60, 5] },
                ViewMut { data: &mut y, example, offset: 0, strides: [24, 8, 4, 1] },
            );
            let (x, y) = (elements(&x, rows, 120), elements(&y, rows, 120));
            for r in 0..rows {
                for (i, &x) in x[r * 120..][..120].iter().enumerate() {
                    let [a, b, c, d] = [i / 60, i / 20 % 3, i / 5 % 4, i % 5];
                    assert_eq!(y[r * 120 + ((d * 3 + b) * 2 + a) * 4 + c], x);
                }
            }
        }
    }

    #[test]
    fn slices_broadcasts_and_scalars() {
        let x = [1.0_f64, 2.0, 3.0];
        let mut tile = nan_tile::<f64>(2, 6);
        // Shared [3] into the middle of rows of [2, 3], twice by a stride of 0.
        let to = ViewMut { data: &mut tile, example: 8, offset: 0, strides: [3, 1] };
        copy(2, [2, 3], View { data: &x, example: 0, offset: 0, strides: [0, 1] }, to);
        assert_eq!(elements(&tile, 2, 6), [x, x, x, x].concat());
        let to = ViewMut { data: &mut tile, example: 8, offset: 4, strides: [1] };
        copy(2, [2], View { data: &x, example: 1, offset: 0, strides: [1] }, to);
        assert_eq!(elements(&tile, 2, 6), [1.0, 2.0, 3.0, 1.0, 1.0, 2.0, 1.0, 2.0, 3.0, 1.0, 2.0, 3.0]);
        let to = ViewMut { data: &mut tile, example: 8, offset: 5, strides: [] };
        copy(2, [], View { data: &x, example: 0, offset: 2, strides: [] }, to);
        assert_eq!((tile[5], tile[13]), (3.0, 3.0));
    }

    #[test]
    fn fills_rows_and_shared_slices() {
        let mut tile = nan_tile::<f32>(3, 5);
        fill(3, 5, &mut tile, 2.0);
        assert_eq!(elements(&tile, 3, 5), [2.0; 15]);
        let mut flat = [1.0; 6];
        fill(1, 5, &mut flat, 0.0);
        assert_eq!(flat, [0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn several_places_have_a_row_each() {
        // Two examples of three places, the last one of them invalid.
        let mut index = nan_tile::<f32>(2, 3);
        let example = stride::<f32>(3);
        index[..3].copy_from_slice(&[1.0, 0.0, 1.0]);
        index[example..example + 3].copy_from_slice(&[0.0, 1.0, 2.0]);
        let mut out = nan_tile::<f32>(2, 6);
        one_hot(2, [3, 2], &index, &mut out);
        let out = elements(&out, 2, 6);
        assert_eq!(out[..10], [0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0]);
        assert!(out[10..].iter().all(|x| x.is_nan()));
    }

    #[test]
    fn one_hot_rows_and_invalid_classes() {
        for classes in [1, 3, 20] {
            let index = [0.0_f64, classes as f64 - 1.0, classes as f64, -1.0, 0.5, f64::NAN];
            let mut out = nan_tile::<f64>(6, classes);
            one_hot(6, classes, &index, &mut out);
            let out = elements(&out, 6, classes);
            let hot = |class: usize| (0..classes).map(move |c| f64::from(c == class));
            assert!(out[..2 * classes].iter().copied().eq(hot(0).chain(hot(classes - 1))));
            assert!(out[2 * classes..].iter().all(|x| x.is_nan()));
        }
    }
}
