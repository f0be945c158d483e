//! Opens composites into the primitives that they stand for.

use super::{Rewritten, rebuild};
use crate::graph::Graph;
use crate::ops::{Kernel, Op};

/// Opens the composites that `which` selects, and those inside of them.
pub(super) fn composites(mut graph: Graph, which: impl Fn(&Op) -> bool) -> Rewritten {
    let mut changed = false;
    loop {
        let round = rebuild(graph, |op, attrs, operands| match op.kernel {
            Kernel::Composite(expand) if which(op) => Some(expand(attrs, operands)),
            _ => None,
        });
        graph = round.graph;
        if !round.changed {
            return Rewritten { graph, changed };
        }
        changed = true;
    }
}
