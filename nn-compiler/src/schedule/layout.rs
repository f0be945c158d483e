//! How the values of a tile lie in memory: example by example, or *interleaved*, the same element of as many examples as a
//! vector has lanes side by side.
//!
//! Convolutions of few channels have no axis that fills vectors, but a batch has. Such an operation seeks the
//! interleaved layout, what only moves or combines elements follows its operands, and everything else wants rows. Where
//! the two meet, the value is turned.

use crate::graph::{Attrs, Graph, Kind, NodeId, Root};
use crate::ops::interleave::{DEINTERLEAVE, INTERLEAVE};
use crate::ops::{Interleaved, Kernel, Op};

/// Elements of the largest image, up to which images are interleaved. The lines of one with more leave the second-level
/// cache between two kernels, and a batch of them is hardly ever as large as there are lanes.
const LARGEST: usize = 1 << 16;

/// The graph with the turns that its kernels need, and for each node whether it is interleaved.
pub(super) fn assign(graph: Graph) -> (Graph, Vec<bool>) {
    let sought = graph.ids().filter(|&id| seeks(&graph, id));
    let count = |id: NodeId| graph[id].shape.count();
    let largest = sought.flat_map(|id| graph.operands(id).into_iter().chain([id])).map(count).max();
    if largest.is_none_or(|largest| largest > LARGEST) {
        let rows = vec![false; graph.len()];
        return (graph, rows);
    }
    let mut turned = Turned { graph: Graph::default(), interleaved: Vec::new() };
    let mut renamed: Vec<NodeId> = Vec::with_capacity(graph.len());
    for id in graph.ids() {
        let node = &graph[id];
        let given: Vec<NodeId> = graph.operand_ids(id).iter().map(|old| renamed[old.index()]).collect();
        let new = match &node.kind {
            Kind::Op(op, attrs) => {
                let is_interleaved =
                    node.varies && if seeks(&graph, id) { true } else { follows(op, &given, &turned) };
                let keeps =
                    matches!(op.kernel, Kernel::Mean) && given.iter().any(|&id| turned.is_interleaved(id));
                let operands: Vec<NodeId> = given
                    .into_iter()
                    .map(|operand| if keeps { operand } else { turned.lay(operand, is_interleaved) })
                    .collect();
                let new = turned.graph.apply(op, attrs.clone(), &operands, node.region);
                let new = new.unwrap_or_else(|mismatch| {
                    panic!("turning changes no shape, but `{}`: {}", op.name, mismatch.fact)
                });
                turned.note(is_interleaved);
                new
            }
            leaf => {
                let new = turned.graph.leaf(leaf.clone(), node.shape.clone(), node.region);
                turned.note(false);
                new
            }
        };
        if let Some(label) = &node.label {
            turned.graph.label(new, label.clone());
        }
        renamed.push(new);
    }
    for &(root, id) in &graph.roots {
        let mut new = renamed[id.index()];
        if matches!(root, Root::Output(_) | Root::InputGradient(_)) {
            new = turned.lay(new, false);
        }
        turned.graph.roots.push((root, new));
    }
    (turned.graph, turned.interleaved)
}

/// Whether an operation has a kernel for interleaved examples that is worth turning its operands.
fn seeks(graph: &Graph, id: NodeId) -> bool {
    let Some((op, _)) = graph[id].op() else { return false };
    let Some(Interleaved { is_sought: true, varying, .. }) = &op.interleaved else { return false };
    let operands = graph.operand_ids(id);
    let fits = operands.iter().zip(*varying).all(|(&operand, varies)| graph[operand].varies == *varies);
    // Only the sum over the examples has such a kernel.
    let is_summed = || match graph.users(id)[..] {
        [user] => graph[user].op().is_some_and(|(op, _)| matches!(op.kernel, Kernel::Mean)),
        _ => false,
    };
    let is_root = || graph.roots.iter().any(|(_, root)| *root == id);
    fits && (op.summed.is_none() || (is_summed() && !is_root()))
}

/// Whether an operation works on interleaved operands as well as on rows, and has some.
fn follows(op: &'static Op, operands: &[NodeId], turned: &Turned) -> bool {
    let can = match op.kernel {
        Kernel::Pointwise | Kernel::Move(_) | Kernel::View => true,
        Kernel::Call { .. } => op.interleaved.as_ref().is_some_and(|kernel| !kernel.is_sought),
        Kernel::Contract | Kernel::Mean | Kernel::Statistic | Kernel::Composite(_) => false,
    };
    can && operands.iter().any(|&operand| turned.is_interleaved(operand))
}

/// A graph under construction.
struct Turned {
    graph: Graph,
    /// By node.
    interleaved: Vec<bool>,
}

impl Turned {
    fn is_interleaved(&self, id: NodeId) -> bool {
        self.interleaved[id.index()]
    }

    /// Notes the layout of the newest node, if it is one.
    fn note(&mut self, is_interleaved: bool) {
        if self.interleaved.len() < self.graph.len() {
            self.interleaved.push(is_interleaved);
        }
    }

    /// A value in the wanted layout. What is shared, and a single element of each example, lies in both alike.
    fn lay(&mut self, id: NodeId, interleaved: bool) -> NodeId {
        let node = &self.graph[id];
        if !node.varies || node.shape.count() == 1 || self.is_interleaved(id) == interleaved {
            return id;
        }
        let op = if interleaved { &INTERLEAVE } else { &DEINTERLEAVE };
        let label = node.label.as_ref().filter(|label| !label.contains('#'));
        let label = label.map(|label| format!("{label}_{}", if interleaved { "lanes" } else { "rows" }));
        let region = node.region;
        let turned = self.graph.apply(op, Attrs::default(), &[id], region);
        let turned = turned.unwrap_or_else(|mismatch| panic!("turning changes no shape: {}", mismatch.fact));
        self.note(interleaved);
        if let Some(label) = label {
            self.graph.label(turned, label);
        }
        turned
    }
}
