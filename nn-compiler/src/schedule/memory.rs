//! Which values of a tile take the memory of others that nobody reads any more.
//!
//! A large model leaves the cache with every value that has memory of its own. One that lies where another has just been
//! read for the last time finds that memory in the cache. Small values stay apart: they are all in the cache anyway.

use std::collections::BTreeMap;

use super::{Function, Lowering, Step, When, Work, behind_views};
use crate::graph::NodeId;

/// Elements of an example's value from which on it takes the memory of another one.
const LARGE: usize = 1024;

/// For each value, the one of the same length whose memory it takes.
///
/// Values that the caller is given are read after the last step, and a step does not write where it reads.
pub(super) fn reused(function: &Function) -> BTreeMap<NodeId, NodeId> {
    let graph = &function.graph;
    if function.lowering != Lowering::Tiles {
        return BTreeMap::new();
    }
    let steps: Vec<&Step> = function.steps_of(When::Tile).collect();
    let mut last: BTreeMap<NodeId, usize> = BTreeMap::new();
    for (at, step) in steps.iter().enumerate() {
        last.extend(step.results().chain(step.reads(graph)).map(|id| (behind_views(graph, id), at)));
    }
    last.extend(graph.roots.iter().map(|&(_, id)| (behind_views(graph, id), steps.len())));

    let mut reused = BTreeMap::new();
    // The memory that is free, by its length; what was read last lies on top.
    let mut free: BTreeMap<usize, Vec<NodeId>> = BTreeMap::new();
    for (at, step) in steps.iter().enumerate() {
        if !matches!(step.work, Work::Sum { .. }) {
            for result in step.results() {
                let count = graph[result].shape.count();
                if let Some(other) = free.get_mut(&count).and_then(Vec::pop) {
                    reused.insert(result, other);
                }
            }
        }
        let mut read: Vec<NodeId> =
            step.reads(graph).into_iter().chain(step.results()).map(|id| behind_views(graph, id)).collect();
        read.sort_unstable();
        read.dedup();
        for id in read {
            let count = graph[id].shape.count();
            let is_own = graph[id].varies && graph[id].op().is_some() && last.get(&id) == Some(&at);
            if is_own && count >= LARGE {
                free.entry(count).or_default().push(id);
            }
        }
    }
    reused
}
