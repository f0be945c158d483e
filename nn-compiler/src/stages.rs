//! A model on its way through the compiler: the graph after each pass.

use std::collections::BTreeMap;

use crate::build::Program;
use crate::build::blocks::Blocks;
use crate::diag::Diagnostics;
use crate::graph::{Graph, Root};
use crate::optimize::{AFTER, BEFORE, Pass};
use crate::{grad, keep};

/// A graph, and the step that made it.
pub struct Stage {
    /// What was done: the name of a pass, "as written", "differentiate".
    pub name: &'static str,
    /// What has to hold before it is done.
    pub precondition: &'static str,
    /// What came out.
    pub graph: Graph,
}

impl Stage {
    /// How many operations of each kind some root needs, by the order of their names.
    pub fn operations(&self) -> BTreeMap<&'static str, usize> {
        let live = self.graph.live();
        let operations = self.graph.ids().filter(|id| live[id.index()]).filter_map(|id| self.graph[id].op());
        let mut counts = BTreeMap::new();
        for (op, _) in operations {
            *counts.entry(op.written()).or_insert(0) += 1;
        }
        counts
    }
}

/// From the model as written to the training step: forward and backward pass. Of a model without a loss, the forward
/// pass.
///
/// # Errors
/// What can't be differentiated.
pub fn stages(program: &Program) -> Result<Vec<Stage>, Diagnostics> {
    let first = Stage { name: "as written", precondition: "none", graph: program.graph.clone() };
    let mut stages = vec![first];
    apply(&mut stages, BEFORE);
    let mut stable =
        Program { model: program.model.clone(), graph: last(&stages), blocks: Blocks::default() };
    stable.graph.name_intermediates();
    if program.model.has_loss {
        let gradient = grad::of_loss(&stable)?;
        stages.push(Stage {
            name: "differentiate",
            precondition: "every operation on the way has a derivative rule",
            graph: keep(&gradient, |root| {
                matches!(root, Root::Loss | Root::ParamGradient(_) | Root::State(_))
            })
            .in_training(),
        });
    }
    apply(&mut stages, AFTER);
    Ok(stages)
}

fn apply(stages: &mut Vec<Stage>, passes: &'static [Pass]) {
    for pass in passes {
        let graph = pass.apply(last(stages));
        stages.push(Stage { name: pass.name, precondition: pass.precondition, graph });
    }
}

fn last(stages: &[Stage]) -> Graph {
    stages.last().map(|stage| stage.graph.clone()).unwrap_or_default()
}

/// What a step changed: how many operations of each kind there are more, or fewer.
pub fn changes(before: &Stage, after: &Stage) -> Vec<(&'static str, i64)> {
    let (before, after) = (before.operations(), after.operations());
    let mut names: Vec<&'static str> = before.keys().chain(after.keys()).copied().collect();
    names.sort_unstable();
    names.dedup();
    let count =
        |counts: &BTreeMap<&'static str, usize>, name| counts.get(name).map_or(0, |&count| count as i64);
    let change = |name: &'static str| (name, count(&after, name) - count(&before, name));
    names.into_iter().map(change).filter(|(_, change)| *change != 0).collect()
}

#[cfg(test)]
mod tests {
    use super::{changes, stages};

    #[test]
    fn the_last_stage_is_what_is_scheduled() {
        let source =
            "model M(x: [3]) -> y { y = sigmoid(mean(dense(x, 1))); loss binary_cross_entropy(y, target); }";
        let tokens = source.parse().expect("the source is tokens");
        let plans = crate::parse::source(tokens).and_then(crate::compile);
        let plan = plans.unwrap_or_else(|errors| panic!("{errors:?}")).remove(0);
        let stages = stages(&plan.program).unwrap_or_else(|errors| panic!("{errors:?}"));
        let training = plan.training.expect("there is a loss").graph;
        let last = &stages.last().expect("there are stages").graph;
        assert_eq!(last.len(), training.len());
        assert!(
            last.ids().all(|id| last[id].kind == training[id].kind && last[id].shape == training[id].shape)
        );
        // The stabilising rewrite of a binary cross-entropy of a sigmoid shows.
        let stabilised = changes(&stages[0], &stages[1]);
        assert!(stabilised.contains(&("binary_cross_entropy", -1)), "{stabilised:?}");
        assert!(stabilised.contains(&("softplus", 1)), "{stabilised:?}");
    }
}
