//! How many examples pass through the kernels together.
//!
//! A tile's rows are written by one kernel and read by the next ones: they should stay in cache. But each tile also
//! reads all weights, and reads and writes the sums of all their gradients. Where these outweigh the cache, a small
//! tile pays for them again and again; a large one pays with rows that leave the cache between kernels. The rule
//! compares the bytes that move for one example:
//!
//! ```text
//! rows that fit:    streamed / rows
//! the most rows:    streamed / MOST_ROWS + PASSES · row
//! ```
//!
//! with `row` the bytes of one example's values, and `streamed` those of the weights and twice those of the sums.
//!
//! Where large tiles win and most of the work is in products of large weights, the model is *wide*: these products
//! are cut among the threads, and not the batch, whose parts would each need sums as large as the weights.

use super::{Function, Lowering, When, Work};
use crate::graph::{Kind, NodeId};
use crate::ops::Kernel;
use crate::shape::Dtype;

/// Bytes of the lanes of one value.
const LINE: usize = 64;
/// Bytes that stay in cache: half of a small second-level cache.
const CACHE: usize = 256 * 1024;
/// The most rows of a tile whose rows and weights fit.
const ROWS: usize = 64;
/// The most rows of a tile of streamed weights: an element of a gradient then takes part in so many multiplications
/// for each time that it is read and written.
const MOST_ROWS: usize = 256;
/// How often an element of a row is written or read: by the step that makes it, the next one, and the backward pass.
const PASSES: usize = 3;
/// Elements of a weight from which on a product of a tile is worth several threads: two tasks of 64 rows.
const WORTH_SHARING: usize = 32 * 1024;

/// Chooses the tile of a function whose steps are known.
pub(super) fn choose(function: &mut Function, dtype: Dtype) {
    let size = dtype.size();
    if function.lowering != Lowering::Tiles {
        function.tile = LINE / size;
        return;
    }
    if function.sees_batch {
        // As long as the batch in the end; until then, something to count in.
        (function.tile, function.is_wide) = (ROWS, true);
        return;
    }
    let graph = &function.graph;
    let bytes = |id: NodeId| graph[id].shape.count() * size;
    let weights = function.reads(When::Tile).into_iter().filter(|&id| !graph[id].varies);
    let streamed =
        weights.map(bytes).sum::<usize>() + 2 * function.means().into_iter().map(bytes).sum::<usize>();
    let row = rows(function).map(bytes).sum::<usize>();

    let fitting = [ROWS, ROWS / 2, ROWS / 4].into_iter().find(|rows| rows * row <= CACHE).unwrap_or(ROWS / 8);
    let is_large = streamed > CACHE && streamed / MOST_ROWS + PASSES * row < streamed / fitting;
    let is_wide = is_large && most_work_can_be_shared(function);
    function.tile = if is_large { MOST_ROWS } else { fitting };
    function.is_wide = is_wide;
}

/// Scalars of the buffer for a tensor of `n` elements of each of so many examples, as the runtime lays it out: rows of
/// whole lines, one more where their number is even and large, and the whole rounded up.
pub fn tile_len(examples: usize, n: usize, dtype: Dtype) -> usize {
    let lanes = LINE / dtype.size();
    let lines = n.div_ceil(lanes);
    let stride =
        if n == 1 { 1 } else { (lines + usize::from(lines >= 16 && lines.is_multiple_of(2))) * lanes };
    (examples * stride).next_multiple_of(lanes)
}

/// The values that have a row for each example of a tile.
fn rows(function: &Function) -> impl Iterator<Item = NodeId> {
    let graph = &function.graph;
    let computed = function.steps_of(When::Tile).filter(|step| !matches!(step.work, Work::Sum { .. }));
    let given = |id: &NodeId| graph[*id].varies && !matches!(graph[*id].kind, Kind::Op(..));
    graph.ids().filter(given).chain(computed.flat_map(super::Step::results))
}

/// Whether more than half of the multiplications are in products that are worth several threads.
fn most_work_can_be_shared(function: &Function) -> bool {
    let graph = &function.graph;
    let products = graph.ids().filter_map(|id| {
        let (op, attrs) = graph[id].op()?;
        let is_product = graph[id].varies && matches!(op.kernel, Kernel::Contract);
        is_product.then(|| {
            let [a, b] = [0, 1].map(|at| &graph[graph.operands(id)[at]].shape);
            let summed: usize = attrs.axes.iter().map(|&axis| a[axis]).product();
            a.count() * b.count() / summed
        })
    });
    let (large, small): (Vec<usize>, Vec<usize>) = products.partition(|&work| work >= WORTH_SHARING);
    large.iter().sum::<usize>() > small.iter().sum()
}
