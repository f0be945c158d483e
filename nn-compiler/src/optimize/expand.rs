//! Opens composites into the primitives that they stand for.

use super::rebuild;
use crate::graph::Graph;
use crate::ops::{Kernel, Op};

/// Opens the composites that `which` selects, and those inside of them.
pub(super) fn composites(graph: &Graph, which: impl Fn(&Op) -> bool) -> Graph {
    let mut graph = graph.clone();
    loop {
        let opened = std::cell::Cell::new(false);
        graph = rebuild(&graph, |op, attrs, operands| match op.kernel {
            Kernel::Composite(expand) if which(op) => {
                opened.set(true);
                Some(expand(attrs, operands))
            }
            _ => None,
        });
        if !opened.get() {
            return graph;
        }
    }
}
