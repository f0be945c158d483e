//! The buffers of a stream: filled and shuffled on one thread, visited on another.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use rand::seq::SliceRandom;
use rand_chacha::ChaCha12Rng;

use super::{RowReader, Stream};
use crate::batch::Batch;
use crate::data::source::Visit;
use crate::data::{Order, TargetColumns};
use crate::kernels::Real;
use crate::{Error, Result, random};

/// The shape of a stream's buffers.
pub(super) struct Sizes {
    /// Feature columns.
    pub(super) inputs: usize,
    /// Target columns.
    pub(super) targets: usize,
    /// Rows that are shuffled together.
    pub(super) buffer: usize,
    /// Rows of a batch.
    pub(super) batch: usize,
}

/// Rows in memory, and the order in which they are visited.
struct Window<T> {
    inputs: Vec<T>,
    targets: Vec<T>,
    order: Vec<u32>,
    /// How many rows of the order are visited; the others move into the next window.
    visited: usize,
}

impl<T: Real> Window<T> {
    fn empty() -> Self {
        Self { inputs: Vec::new(), targets: Vec::new(), order: Vec::new(), visited: 0 }
    }

    fn batch(&self, sizes: &Sizes) -> Batch<'_, T> {
        Batch::new(&self.inputs, sizes.inputs, &self.targets, sizes.targets)
            .with_order(&self.order[..self.visited])
    }

    fn len(&self, sizes: &Sizes) -> usize {
        self.inputs.len() / sizes.inputs
    }

    /// Adds a row; says whether there was one.
    fn push(&mut self, reader: &mut Checked<'_, T>, sizes: &Sizes) -> Result<bool> {
        let (inputs, targets) = (self.inputs.len(), self.targets.len());
        self.inputs.resize(inputs + sizes.inputs, T::ZERO);
        self.targets.resize(targets + sizes.targets, T::ZERO);
        let read = reader.read(&mut self.inputs[inputs..], &mut self.targets[targets..])?;
        if !read {
            self.inputs.truncate(inputs);
            self.targets.truncate(targets);
        }
        Ok(read)
    }

    /// Draws the order, and cuts off what does not fill a batch unless it is the last of the epoch.
    fn arrange(&mut self, random: Option<&mut ChaCha12Rng>, sizes: &Sizes, more: bool) {
        let rows = self.len(sizes);
        self.order.clear();
        self.order.extend((0..).take(rows));
        if let Some(random) = random {
            self.order.shuffle(random);
        }
        self.visited = if more { rows - rows % sizes.batch } else { rows };
    }

    /// Moves the rows that are not visited to another window, which is emptied before.
    fn carry_to(&self, next: &mut Self, sizes: &Sizes) {
        next.inputs.clear();
        next.targets.clear();
        for &row in &self.order[self.visited..] {
            let row = row as usize;
            next.inputs.extend_from_slice(&self.inputs[row * sizes.inputs..][..sizes.inputs]);
            next.targets.extend_from_slice(&self.targets[row * sizes.targets..][..sizes.targets]);
        }
    }
}

/// A reader whose values are checked to be finite.
pub(super) struct Checked<'s, T> {
    reader: Box<dyn RowReader<T>>,
    features: &'s [String],
    target: &'s TargetColumns,
    origin: &'s str,
    row: usize,
}

impl<'s, T: Real> Checked<'s, T> {
    pub(super) fn new(reader: Box<dyn RowReader<T>>, stream: &'s Stream<T>) -> Self {
        let Stream { features, target, origin, .. } = stream;
        Self { reader, features, target, origin, row: 0 }
    }

    fn read(&mut self, inputs: &mut [T], targets: &mut [T]) -> Result<bool> {
        if !self.reader.read(inputs, targets)? {
            return Ok(false);
        }
        let bad = |values: &[T]| values.iter().position(|value| !value.is_finite());
        let (column, value) = match (bad(inputs), bad(targets)) {
            (None, None) => {
                self.row += 1;
                return Ok(true);
            }
            (Some(i), _) => (self.features[i].clone(), inputs[i]),
            (None, Some(i)) => (self.target.name(i).to_owned(), targets[i]),
        };
        Err(Error::StreamValue { file: self.origin.to_owned(), row: self.row, column, value: value.to_f64() })
    }
}

/// Visits the batches of one epoch. Gives the number of rows if all were read.
///
/// The reader has a thread of its own, which ends before this returns: once rows have run out or failed, or nobody
/// takes them any more.
pub(super) fn visit<T: Real>(
    mut reader: Checked<'_, T>,
    order: Order,
    sizes: &Sizes,
    skip: usize,
    visit: &mut Visit<'_, T>,
) -> Result<Option<usize>> {
    thread::scope(|scope| {
        // One window is visited while another is filled: neither channel ever holds more than one.
        let (filled, to_visit) = sync_channel::<Result<Window<T>>>(1);
        let (visited, to_fill) = sync_channel::<Window<T>>(2);
        for _ in 0..2 {
            // The other end is there, and the channel has room.
            let _ = visited.send(Window::empty());
        }
        scope.spawn(move || {
            if let Err(error) = fill(&mut reader, order, sizes, &to_fill, &filled) {
                // If nobody takes windows any more, nobody wants to hear of errors either.
                let _ = filled.send(Err(error));
            }
        });
        visit_windows(&to_visit, &visited, sizes, skip, visit)
    })
}

/// Fills and shuffles windows until rows have run out or nobody takes them.
fn fill<T: Real>(
    reader: &mut Checked<'_, T>,
    order: Order,
    sizes: &Sizes,
    to_fill: &Receiver<Window<T>>,
    filled: &SyncSender<Result<Window<T>>>,
) -> Result<()> {
    // One generator for the whole epoch: the first window is in the order of a dataset with these rows.
    let mut random = order.shuffled.then(|| random::stream(order.seed, order.epoch));
    // A batch can be larger than the buffer: it is then shuffled by itself.
    let capacity = sizes.buffer.max(sizes.batch);
    let mut carried = Window::empty();
    // The row after a window tells whether that was the last one.
    let mut ahead = Window::empty();
    while let Ok(mut window) = to_fill.recv() {
        std::mem::swap(&mut window.inputs, &mut carried.inputs);
        std::mem::swap(&mut window.targets, &mut carried.targets);
        window.inputs.append(&mut ahead.inputs);
        window.targets.append(&mut ahead.targets);
        let mut more = true;
        while more && window.len(sizes) < capacity {
            more = window.push(reader, sizes)?;
        }
        more = more && ahead.push(reader, sizes)?;
        window.arrange(random.as_mut(), sizes, more);
        window.carry_to(&mut carried, sizes);
        if filled.send(Ok(window)).is_err() || !more {
            break;
        }
    }
    Ok(())
}

/// Takes windows, and gives them back when their batches were visited.
fn visit_windows<T: Real>(
    to_visit: &Receiver<Result<Window<T>>>,
    visited: &SyncSender<Window<T>>,
    sizes: &Sizes,
    mut skip: usize,
    visit: &mut Visit<'_, T>,
) -> Result<Option<usize>> {
    let mut rows = 0;
    for window in to_visit {
        let window = window?;
        let batch = window.batch(sizes);
        rows += batch.len();
        for range in batch.tiles(sizes.batch) {
            if skip > 0 {
                skip -= 1;
            } else if visit(&batch.slice(range))?.is_break() {
                return Ok(None);
            }
        }
        // The reader may have ended with this window.
        let _ = visited.send(window);
    }
    Ok(Some(rows))
}
