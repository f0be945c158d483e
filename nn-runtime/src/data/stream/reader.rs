//! What gives a stream its rows, one after another.

use crate::kernels::Real;
use crate::{Error, Result};

/// Gives the rows of one epoch, one after another.
///
/// Functions that do what [`read`](Self::read) does are readers.
pub trait RowReader<T>: Send {
    /// Writes the inputs and the targets of the next row, and says whether there was one. The slices have the widths
    /// of the stream, and any content.
    ///
    /// # Errors
    /// If the row cannot be read. Nothing is read after that.
    fn read(&mut self, inputs: &mut [T], targets: &mut [T]) -> Result<bool>;
}

impl<T, F: FnMut(&mut [T], &mut [T]) -> Result<bool> + Send> RowReader<T> for F {
    fn read(&mut self, inputs: &mut [T], targets: &mut [T]) -> Result<bool> {
        self(inputs, targets)
    }
}

/// Pairs of inputs and targets.
pub(super) struct Pairs<I> {
    pairs: I,
    row: usize,
}

impl<I> Pairs<I> {
    pub(super) fn new(pairs: I) -> Self {
        Self { pairs, row: 0 }
    }
}

impl<T, I, X, Y> RowReader<T> for Pairs<I>
where
    T: Real,
    I: Iterator<Item = Result<(X, Y)>> + Send,
    X: AsRef<[T]>,
    Y: AsRef<[T]>,
{
    fn read(&mut self, inputs: &mut [T], targets: &mut [T]) -> Result<bool> {
        let Some(pair) = self.pairs.next() else { return Ok(false) };
        let (x, y) = pair?;
        for (to, from, what) in [(inputs, x.as_ref(), "inputs"), (targets, y.as_ref(), "targets")] {
            if to.len() != from.len() {
                return Err(Error::RowWidth { row: self.row, what, expected: to.len(), found: from.len() });
            }
            to.copy_from_slice(from);
        }
        self.row += 1;
        Ok(true)
    }
}
