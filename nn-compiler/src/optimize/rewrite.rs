//! Applies the rewrites that operations carry in their records.

use super::rebuild;
use crate::graph::Graph;
use crate::ops::Stage;

/// More rounds than the longest chain of rewrites that feed each other; reaching it is a defect.
const ROUNDS: usize = 32;

/// The rewrites of a stage, until none matches. A round goes from operands to users and sees what it has
/// rewritten, so that two or three rounds are the rule.
pub(super) fn to_fixpoint(graph: &Graph, stage: Stage) -> Graph {
    let mut graph = graph.clone();
    for _ in 0..ROUNDS {
        let changed = std::cell::Cell::new(false);
        graph = rebuild(&graph, |op, attrs, operands| {
            let mut matching = op.rewrites.iter().filter(|rewrite| rewrite.stage == stage);
            let replacement = matching.find_map(|rewrite| (rewrite.apply)(attrs, operands));
            changed.set(changed.get() || replacement.is_some());
            replacement
        });
        if !changed.get() {
            return graph;
        }
    }
    debug_assert!(false, "the rewrites of {stage:?} do not come to an end");
    graph
}
