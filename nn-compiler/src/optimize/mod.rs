//! Rewriting of graphs: an ordered list of small passes. Each keeps the meaning, and is exact or more
//! accurate than what it replaces.

mod arrange;
mod expand;
mod fold;
mod rewrite;
mod split;

use std::cell::RefCell;

use crate::check;
use crate::graph::{Attrs, Graph, Kind, NodeId};
use crate::ops::{Op, Stage, Vjp};
use crate::term::Term;

/// A pass over the whole graph.
pub struct Pass {
    /// What drawings and logs call it.
    pub name: &'static str,
    /// What has to hold before it runs.
    pub precondition: &'static str,
    run: fn(Graph) -> Rewritten,
}

/// What a pass leaves, and whether it has replaced something.
struct Rewritten {
    graph: Graph,
    changed: bool,
}

/// Before differentiation.
pub static BEFORE: &[Pass] = &[STABILISE, EXPAND_UNDERIVED, SPLIT];

/// After differentiation.
pub static AFTER: &[Pass] = &[EXPAND, SPLIT, ARRANGE, SIMPLIFY, FOLD, SIMPLIFY, DEAD];

/// Replaces what loses digits or overflows by what doesn't: `log(sigmoid z)`, a cross-entropy of a softmax.
pub const STABILISE: Pass = Pass {
    name: "stabilise",
    precondition: "composites are whole, so that a loss still sees the activation that it takes",
    run: |graph| rewrite::to_fixpoint(graph, Stage::Stabilise),
};

/// Opens the composites that have no derivative rule of their own.
pub const EXPAND_UNDERIVED: Pass = Pass {
    name: "expand what has no rule",
    precondition: "stabilise has seen the composites",
    run: |graph| expand::composites(graph, |op| matches!(op.vjp, Vjp::Expansion)),
};

/// Opens all composites into primitives.
pub const EXPAND: Pass = Pass {
    name: "expand",
    precondition: "the graph has been differentiated",
    run: |graph| expand::composites(graph, |_| true),
};

/// Splits reductions over separate axes. It runs before differentiation too: the derivative of `logsumexp` is a
/// `softmax`, which can't be split.
pub const SPLIT: Pass = Pass { name: "split", precondition: "composites are open", run: split::run };

/// Brings contractions into the form that kernels take.
pub const ARRANGE: Pass = Pass {
    name: "arrange",
    precondition: "the graph has been differentiated, so that no later derivative undoes it",
    run: arrange::run,
};

/// Identities: `x + 0`, `x * 1`, `a + (-b)`.
pub const SIMPLIFY: Pass = Pass {
    name: "simplify",
    precondition: "none",
    run: |graph| rewrite::to_fixpoint(graph, Stage::Simplify),
};

/// Computes what depends on constants alone.
pub const FOLD: Pass = Pass { name: "fold", precondition: "composites are open", run: fold::run };

/// Drops what no root needs.
pub const DEAD: Pass =
    Pass { name: "drop dead code", precondition: "none", run: |graph| rebuild(graph, |_, _, _| None) };

impl Pass {
    /// The rewritten graph. Debug builds verify it, unless nothing was replaced.
    pub fn apply(&self, graph: Graph) -> Graph {
        let Rewritten { graph, changed } = (self.run)(graph);
        if cfg!(debug_assertions) && changed {
            check::verify(&graph, self.name);
        }
        graph
    }
}

/// All passes of a list, in order.
pub fn run(passes: &[Pass], graph: Graph) -> Graph {
    passes.iter().fold(graph, |graph, pass| pass.apply(graph))
}

/// Builds the live part of a graph again, operands first. `replace` may give another term for an operation on
/// operands that are already in the new graph.
///
/// Most passes find nothing to do in most models, and building a graph is what they cost. So the graph is searched
/// first, and given back as it is where nothing is replaced and nothing is dead.
fn rebuild(
    graph: Graph,
    replace: impl for<'g> Fn(&'static Op, &Attrs, &[Term<'g>]) -> Option<Term<'g>>,
) -> Rewritten {
    let live = graph.live();
    let graph = RefCell::new(graph);
    let replaced = live.iter().enumerate().filter(|(_, live)| **live).any(|(index, _)| {
        let term = Term::new(&graph, NodeId::new(index));
        term.op().is_some_and(|(op, attrs)| replace(op, &attrs, &term.operands()).is_some())
    });
    let graph = graph.into_inner();
    // A rule that has made nodes before it gave up leaves them behind.
    if !replaced && graph.len() == live.len() && live.iter().all(|&live| live) {
        return Rewritten { graph, changed: false };
    }

    let new = RefCell::new(Graph::default());
    let mut renamed: Vec<Option<NodeId>> = vec![None; live.len()];
    for id in graph.ids().take(live.len()).filter(|id| live[id.index()]) {
        let node = &graph[id];
        let operands: Vec<NodeId> =
            graph.operand_ids(id).iter().filter_map(|operand| renamed[operand.index()]).collect();
        let replacement = match &node.kind {
            Kind::Op(op, attrs) => {
                let terms: Vec<Term<'_>> = operands.iter().map(|&id| Term::new(&new, id)).collect();
                replace(op, attrs, &terms)
                    .map(|term| term.id)
                    .or_else(|| new.borrow_mut().apply(op, attrs.clone(), &operands, node.region).ok())
            }
            leaf => Some(new.borrow_mut().leaf(leaf.clone(), node.shape.clone(), node.region)),
        };
        if let (Some(id), Some(label)) = (replacement, &node.label)
            && (matches!(new.borrow()[id].kind, Kind::Op(..)) == node.op().is_some())
        {
            new.borrow_mut().label(id, label.clone());
        }
        renamed[id.index()] = replacement;
    }
    let mut new = new.into_inner();
    new.roots = graph.roots.iter().filter_map(|&(root, id)| Some((root, renamed[id.index()]?))).collect();
    Rewritten { graph: new, changed: replaced }
}
