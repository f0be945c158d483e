//! Where in the user's structure a value comes from: calls of functions and rounds of loops, which the graph itself no
//! longer shows.

use crate::graph::NodeId;

/// A call of a function, or a round of a loop.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Block {
    /// `r: residual` for the call in `r = residual(x)`, `for i = 2` for a round.
    pub title: String,
    /// The block that it is in, which comes before it.
    pub parent: Option<usize>,
}

/// The blocks of a graph, outer ones first, and the innermost one of each node. Of equal nodes, which are one, the
/// first says where it is.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Blocks {
    all: Vec<Block>,
    of: Vec<Option<usize>>,
    current: Option<usize>,
}

impl Blocks {
    /// What comes into the graph from now on, when it has `nodes` nodes, is in a new block inside of the current one.
    pub(super) fn enter(&mut self, nodes: usize, title: String) {
        self.reach(nodes);
        self.all.push(Block { title, parent: self.current });
        self.current = Some(self.all.len() - 1);
    }

    /// What comes into the graph from now on is again where the current block is.
    pub(super) fn leave(&mut self, nodes: usize) {
        self.reach(nodes);
        self.current = self.current.and_then(|block| self.all[block].parent);
    }

    fn reach(&mut self, nodes: usize) {
        self.of.resize(nodes.max(self.of.len()), self.current);
    }

    /// All blocks, outer ones first, in the order of the model.
    pub fn all(&self) -> &[Block] {
        &self.all
    }

    /// The innermost block of a node, unless it stands in the model's own body.
    pub fn of(&self, id: NodeId) -> Option<usize> {
        self.of.get(id.index()).copied().flatten()
    }

    /// The blocks that a block is in, from itself outwards.
    pub fn around(&self, block: Option<usize>) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(block, |&block| self.all[block].parent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_a_tree() {
        let mut blocks = Blocks::default();
        blocks.enter(1, "for i = 0".to_owned());
        blocks.enter(2, "h: inner".to_owned());
        blocks.leave(4);
        blocks.leave(5);
        let of: Vec<_> = (0..7).map(|node| blocks.of(NodeId::from(node))).collect();
        assert_eq!(of, [None, Some(0), Some(1), Some(1), Some(0), None, None]);
        assert_eq!(blocks.around(Some(1)).collect::<Vec<_>>(), [1, 0]);
    }
}
