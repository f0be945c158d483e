//! Applies the rewrites that operations carry in their records.

use super::{Rewritten, rebuild};
use crate::graph::Graph;
use crate::ops::Stage;

/// More rounds than the longest chain of rewrites that feed each other; reaching it is a defect.
const ROUNDS: usize = 32;

/// The rewrites of a stage, until none matches. A round goes from operands to users and sees what it has
/// rewritten, so that two or three rounds are the rule.
pub(super) fn to_fixpoint(mut graph: Graph, stage: Stage) -> Rewritten {
    let mut changed = false;
    for _ in 0..ROUNDS {
        let round = rebuild(graph, |op, attrs, operands| {
            let mut matching = op.rewrites.iter().filter(|rewrite| rewrite.stage == stage);
            matching.find_map(|rewrite| (rewrite.apply)(attrs, operands))
        });
        graph = round.graph;
        if !round.changed {
            return Rewritten { graph, changed };
        }
        changed = true;
    }
    debug_assert!(false, "the rewrites of {stage:?} do not come to an end");
    Rewritten { graph, changed }
}
