//! Shapes of one example, and how they broadcast.

use std::fmt;
use std::ops::Deref;

/// The sizes of a tensor's axes, outermost first. The batch is not among them: a model describes one
/// example, and a scalar has no axes.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Shape(Vec<usize>);

impl Shape {
    /// The shape of a scalar: no axes, one element.
    pub fn scalar() -> Self {
        Self::default()
    }

    /// The number of elements; 1 for a scalar.
    pub fn count(&self) -> usize {
        self.0.iter().product()
    }

    /// Whether there are no axes.
    pub fn is_scalar(&self) -> bool {
        self.0.is_empty()
    }

    /// The shape without the given axes.
    #[must_use]
    pub fn without(&self, axes: &[usize]) -> Self {
        self.iter().enumerate().filter(|(axis, _)| !axes.contains(axis)).map(|(_, &size)| size).collect()
    }

    /// Strides of the row-major layout, in elements.
    pub fn strides(&self) -> Vec<usize> {
        let mut strides = vec![1; self.len()];
        for axis in (1..self.len()).rev() {
            strides[axis - 1] = strides[axis] * self[axis];
        }
        strides
    }

    /// The shape that both operands stretch to under `NumPy`'s rules (axes aligned at the right, sizes equal
    /// or one of them 1), or `None` if they don't fit.
    pub fn broadcast(&self, other: &Self) -> Option<Self> {
        let rank = self.len().max(other.len());
        let size = |shape: &Self, axis: usize| {
            (axis + shape.len()).checked_sub(rank).map_or(1, |aligned| shape[aligned])
        };
        (0..rank)
            .map(|axis| match (size(self, axis), size(other, axis)) {
                (a, b) if a == b => Some(a),
                (1, b) => Some(b),
                (a, 1) => Some(a),
                _ => None,
            })
            .collect()
    }
}

impl Deref for Shape {
    type Target = [usize];

    fn deref(&self) -> &[usize] {
        &self.0
    }
}

impl From<Vec<usize>> for Shape {
    fn from(sizes: Vec<usize>) -> Self {
        Self(sizes)
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(sizes: [usize; N]) -> Self {
        Self(sizes.to_vec())
    }
}

impl FromIterator<usize> for Shape {
    fn from_iter<I: IntoIterator<Item = usize>>(sizes: I) -> Self {
        Self(sizes.into_iter().collect())
    }
}

/// `[16, 64]`, as a model declares it; a scalar is `[]`.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The precision that a model computes in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Dtype {
    /// Single precision, the default.
    #[default]
    F32,
    /// Double precision: `model Name<f64>`.
    F64,
}

impl Dtype {
    /// Bytes of a scalar.
    pub fn size(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// The Rust type's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcasting_follows_numpy() {
        let shape = |sizes: &[usize]| Shape::from(sizes.to_vec());
        assert_eq!(shape(&[4, 1]).broadcast(&shape(&[3])), Some(shape(&[4, 3])));
        assert_eq!(shape(&[]).broadcast(&shape(&[2, 5])), Some(shape(&[2, 5])));
        assert_eq!(shape(&[2]).broadcast(&shape(&[3])), None);
    }

    #[test]
    fn strides_are_row_major() {
        assert_eq!(Shape::from([2, 3, 4]).strides(), [12, 4, 1]);
        assert!(Shape::scalar().strides().is_empty());
    }
}
