//! Which values of a tile share memory: what no later step reads makes room for what is computed next.

use super::tile::{blocks_len, tile_len};
use super::{Function, Lowering, Step, When, Work, behind_views};
use crate::graph::{NodeId, Root};
use crate::shape::Dtype;

/// A piece of a tile's workspace, and the values that live in it, one after the other.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Slot {
    /// The values, in the order in which they are computed.
    pub values: Vec<NodeId>,
    /// Elements of the largest, per example.
    pub len: usize,
    /// How they lie in it.
    pub place: Place,
}

/// How a value of a tile lies in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// A row for each example.
    Rows,
    /// Blocks of interleaved examples.
    Blocks,
    /// Once for all examples, without pads.
    Once,
}

impl Slot {
    /// Scalars of the slot for a tile of so many examples.
    pub fn scalars(&self, examples: usize, dtype: Dtype) -> usize {
        match self.place {
            Place::Rows => tile_len(examples, self.len, dtype),
            Place::Blocks => blocks_len(examples, self.len, dtype),
            Place::Once => tile_len(1, self.len, dtype),
        }
    }
}

/// How a function's value lies.
fn place(function: &Function, id: NodeId) -> Place {
    match (function.graph[id].varies, function.interleaved[id.index()]) {
        (false, _) => Place::Once,
        (true, false) => Place::Rows,
        (true, true) => Place::Blocks,
    }
}

/// Elements of a value, and a slot, from which on it is worth sharing: smaller ones stay in cache wherever they are.
const WORTH_SHARING: usize = 1024;

/// Gives every value of a tile a slot: the smallest free one that is large enough, else the largest free one, which grows.
pub(super) fn assign(function: &Function) -> Vec<Slot> {
    if function.lowering != Lowering::Tiles {
        return Vec::new();
    }
    let steps: Vec<&Step> = function.steps_of(When::Tile).collect();
    let last = last_reads(function, &steps);
    let mut slots: Vec<Slot> = Vec::new();
    let mut free: Vec<usize> = Vec::new();
    // The slots whose value is read for the last time at a step.
    let mut ends: Vec<Vec<usize>> = vec![Vec::new(); steps.len() + 1];
    for (at, step) in steps.iter().enumerate() {
        if !matches!(step.work, Work::Sum { .. }) {
            for id in step.results() {
                let len = function.graph[id].shape.count();
                let place = place(function, id);
                let fitting = |slot: &&usize| slots[**slot].place == place;
                let large = free.iter().filter(fitting).filter(|slot| slots[**slot].len >= len);
                let is_apart = len < WORTH_SHARING || place == Place::Once;
                let chosen = large
                    .min_by_key(|slot| (slots[**slot].len, **slot))
                    .or_else(|| free.iter().filter(fitting).max_by_key(|slot| (slots[**slot].len, **slot)))
                    .copied()
                    .filter(|_| !is_apart);
                let slot = chosen.unwrap_or_else(|| {
                    slots.push(Slot { values: Vec::new(), len, place });
                    slots.len() - 1
                });
                free.retain(|other| *other != slot);
                slots[slot].len = slots[slot].len.max(len);
                slots[slot].values.push(id);
                if !is_apart {
                    ends[last[id.index()].max(at)].push(slot);
                }
            }
        }
        free.append(&mut ends[at]);
    }
    slots
}

/// The last step that reads each value; outputs are read after all of them.
fn last_reads(function: &Function, steps: &[&Step]) -> Vec<usize> {
    let graph = &function.graph;
    let mut last = vec![0; graph.len()];
    for (at, step) in steps.iter().enumerate() {
        for id in step.reads(graph) {
            last[behind_views(graph, id).index()] = at;
        }
    }
    for &(root, id) in &graph.roots {
        if matches!(root, Root::Output(_) | Root::InputGradient(_)) {
            last[behind_views(graph, id).index()] = steps.len();
        }
    }
    last
}
