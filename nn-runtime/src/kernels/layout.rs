//! How tensors lie in a tile, and how a workspace is cut.

use super::Real;

/// Row stride, in scalars, of a tensor of `n` elements per example in a tile.
///
/// One element: 1, so that examples are adjacent. Otherwise whole 64-byte lines, plus one line where their
/// number is even and at least 16: rows a power of two apart fall into the same cache sets, which costs 20
/// to 30 %.
#[must_use]
pub const fn stride<T: Real>(n: usize) -> usize {
    if n == 1 {
        return 1;
    }
    let lines = n.div_ceil(T::LANES);
    let extra = lines >= 16 && lines.is_multiple_of(2);
    (lines + extra as usize) * T::LANES
}

/// Scalars in a tile buffer of `rows` examples of `n` elements each: the rows, rounded up to whole lines.
#[must_use]
pub const fn tile_len<T: Real>(rows: usize, n: usize) -> usize {
    (rows * stride::<T>(n)).next_multiple_of(T::LANES)
}

/// The rows that a kernel works on within each example: a number is the length of a single one, `[places, length]` says
/// that there are several, side by side without pads.
pub trait Places: Copy {
    /// How many, and how long.
    fn places(self) -> [usize; 2];
}

impl Places for usize {
    fn places(self) -> [usize; 2] {
        [1, self]
    }
}

impl Places for [usize; 2] {
    fn places(self) -> [usize; 2] {
        self
    }
}

/// Cuts a workspace into buffers of the given lengths, in order. What is left over is dropped.
///
/// # Panics
///
/// If the workspace is shorter than the lengths together.
#[track_caller]
pub fn split<T, const N: usize>(workspace: &mut [T], lens: [usize; N]) -> [&mut [T]; N] {
    let mut rest = workspace;
    lens.map(|len| {
        let (buffer, tail) = core::mem::take(&mut rest)
            .split_at_mut_checked(len)
            .expect("the workspace is as long as the model's constant says");
        rest = tail;
        buffer
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strides_are_whole_lines_and_odd_where_it_counts() {
        assert_eq!(
            [1, 2, 16, 17, 64, 240, 241, 256, 512].map(stride::<f32>),
            [1, 16, 16, 32, 64, 240, 272, 272, 528]
        );
        assert_eq!([1, 2, 8, 9, 128, 512].map(stride::<f64>), [1, 8, 8, 16, 136, 520]);
        assert_eq!([tile_len::<f32>(3, 1), tile_len::<f32>(17, 1), tile_len::<f32>(3, 5)], [16, 32, 48]);
    }

    #[test]
    fn a_workspace_is_cut_in_order() {
        let mut workspace = [0.0_f32; 10];
        let [a, b, c] = split(&mut workspace, [3, 0, 6]);
        a.fill(1.0);
        c.fill(2.0);
        assert_eq!((a.len(), b.len(), c.len()), (3, 0, 6));
        assert_eq!(workspace, [1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 0.0]);
    }

    #[test]
    #[should_panic(expected = "as long as the model's constant")]
    fn a_short_workspace_is_caught() {
        split(&mut [0.0_f32; 4], [3, 2]);
    }
}
