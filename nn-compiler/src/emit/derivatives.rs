//! Local derivatives as a reader sees them: of one value with respect to each value that it is computed from.

#[cfg(feature = "draw")]
use std::cell::RefCell;

use super::write::{Names, derived, formula, partial, ratio};
use crate::graph::{Graph, LOSS, NodeId, Root};
use crate::local::{self, Operation};
use crate::notation::Style;
#[cfg(feature = "draw")]
use crate::ops::{Site, Vjp};

/// The derivative along one edge of the graph.
#[cfg_attr(not(feature = "report"), allow(dead_code, reason = "explanations need the formulas alone"))]
pub(super) struct Derivative {
    /// The value that it is with respect to.
    pub(super) operand: NodeId,
    /// `∂y/∂q` where each element of the result depends on one element, so that the derivative is a factor; otherwise
    /// `∂J/∂q`, what this edge contributes to the adjoint of its operand.
    pub(super) left: String,
    /// It, in the names of the graph.
    pub(super) formula: String,
    /// The same as a graph: input `i` is the `i`-th of the node's distinct operands, the cotangent is its adjoint.
    pub(super) graph: Graph,
    /// Its node there.
    pub(super) root: NodeId,
}

/// The derivatives of a node with respect to those values that it is computed from and that are `wanted`.
pub(super) fn derivatives(graph: &Graph, names: &Names, id: NodeId, wanted: &[bool]) -> Vec<Derivative> {
    let label = |id: NodeId| formula(graph, names, Style::Text, id, false).text;
    let name = names.get(id).unwrap_or(LOSS).to_owned();
    let adjoint = partial(Style::Text, &name).text;
    let operation = Operation { id, name, adjoint };
    let derivative = |edge: local::Edge| {
        let of = label(edge.operand);
        let left = if local::is_elementwise(graph, id) {
            ratio(Style::Text, &operation.name, &of)
        } else {
            partial(Style::Text, &of)
        };
        Derivative {
            operand: edge.operand,
            left: left.text,
            formula: derived(&edge.graph, edge.derivative).text,
            graph: edge.graph,
            root: edge.derivative,
        }
    };
    local::edges(graph, &operation, wanted, label).into_iter().map(derivative).collect()
}

/// The loss of one example.
pub(super) fn loss(graph: &Graph) -> Option<NodeId> {
    graph.root(Root::Loss).map(|mean| graph.operand_ids(mean)[0])
}

/// For each node, whether a gradient passes through it on its way from the loss to a parameter. A condition or an index
/// is computed from parameters too, and lets none through.
#[cfg(feature = "draw")]
pub(super) fn flows(graph: &Graph) -> Vec<bool> {
    let mut flows = vec![false; graph.len()];
    let Some(loss) = loss(graph) else { return flows };
    let trained = local::trained(graph);
    flows[loss.index()] = trained[loss.index()];
    // Rules build nodes, which are left behind.
    let scratch = RefCell::new(graph.clone());
    for id in graph.ids().rev().filter(|id| graph[*id].op().is_some()) {
        if !flows[id.index()] {
            continue;
        }
        let site = Site::new(&scratch, id);
        let seed = site.y.filled(1.0, graph[id].shape.clone());
        let passes = match graph[id].op().map(|(op, _)| &op.vjp) {
            Some(Vjp::Rule(rule)) => rule(&site, seed).iter().map(Option::is_some).collect(),
            Some(Vjp::Expansion) => vec![true; site.x.len()],
            Some(Vjp::Zero | Vjp::None { .. }) | None => Vec::new(),
        };
        for (operand, passes) in site.x.iter().zip(passes) {
            flows[operand.id.index()] |= passes && trained[operand.id.index()];
        }
    }
    flows
}
