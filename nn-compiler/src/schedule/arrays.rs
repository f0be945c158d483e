//! Which models are computed with one example in each lane throughout.
//!
//! A tensor is then an array of lanes, and an element of a weight is broadcast to all of them. No lane is ever idle,
//! whatever the widths of the layers, nothing is reduced across lanes but the sums at the end, and a whole pass is one
//! function without calls. Against it stand the sums over the examples, which take a register's width for every
//! parameter and are read and written once for each line of examples: where the layers are wide, a matrix kernel on
//! tiles is faster. The limits are where the two were measured to meet, by `nn-runtime/benches/layouts.rs`.

use super::is_short;
use crate::graph::{Graph, Kind, NodeId};
use crate::ops::Kernel;

/// The widest tensor that is computed.
const WIDTH: usize = 32;
/// The widest tensor that is given: an input is only read.
const GIVEN: usize = 64;
/// The most elements that are summed over the examples.
const SUMS: usize = 900;

/// Whether every tensor of the graph is small.
pub(super) fn fit(graph: &Graph) -> bool {
    let count = |id: NodeId| graph[id].shape.count();
    let is_mean = |id: NodeId| matches!(graph[id].op(), Some((op, _)) if matches!(op.kernel, Kernel::Mean));
    let is_small = |id: NodeId| {
        let node = &graph[id];
        match &node.kind {
            Kind::Input(_) | Kind::Target | Kind::Extra(_) | Kind::Cotangent(_) => count(id) <= GIVEN,
            // A product that is only summed is never made.
            Kind::Op(op, _) if node.varies => {
                let summed = matches!(op.kernel, Kernel::Contract) && {
                    let users = graph.users(id);
                    !users.is_empty() && users.iter().all(|&user| is_mean(user))
                };
                // What a call is given of a shared tensor is written element by element.
                let is_call = matches!(op.kernel, Kernel::Call { .. });
                let shared = |id: &NodeId| is_call && !graph[*id].varies;
                let given = graph.operands(id).into_iter().filter(shared).map(count).sum::<usize>();
                (count(id) <= WIDTH || summed) && given <= SUMS
            }
            _ => true,
        }
    };
    let sums: usize = graph.ids().filter(|&id| is_mean(id)).map(count).sum();
    is_short(graph) && sums <= SUMS && graph.ids().all(is_small)
}
