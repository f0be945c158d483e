//! The user's blocks around nodes, for exporters that show them as boxes inside of boxes.

use crate::build::Program;
use crate::graph::NodeId;

/// What comes next where a graph is written block by block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Part {
    /// A block begins, with its number and title.
    Open(usize, String),
    /// A node of the block that is open.
    Node(NodeId),
    /// The block ends.
    Close,
}

/// A program's nodes in their blocks: of each block first what stands in it, then the blocks inside. Those that hold
/// no node are left out.
pub(super) fn parts(program: &Program) -> Vec<Part> {
    let blocks = program.blocks.all();
    let mut nodes: Vec<Vec<Part>> = vec![Vec::new(); blocks.len()];
    let mut inside: Vec<Vec<Part>> = vec![Vec::new(); blocks.len()];
    let mut body = Vec::new();
    for id in program.graph.ids() {
        program.blocks.of(id).map_or(&mut body, |block| &mut nodes[block]).push(Part::Node(id));
    }
    // A block comes after the one that it is in, so that the last one is whole. Each goes before its later siblings.
    let mut last = Vec::new();
    for (number, block) in blocks.iter().enumerate().rev() {
        let mut whole = std::mem::take(&mut nodes[number]);
        whole.append(&mut inside[number]);
        if whole.is_empty() {
            continue;
        }
        whole.insert(0, Part::Open(number, block.title.clone()));
        whole.push(Part::Close);
        let around = block.parent.map_or(&mut last, |parent| &mut inside[parent]);
        whole.append(around);
        *around = whole;
    }
    body.append(&mut last);
    body
}
