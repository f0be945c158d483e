//! The derivative of a single operation: what stands at an edge of the graph.

use std::collections::BTreeMap;

use crate::diag::Region;
use crate::grad;
use crate::graph::{Graph, Kind, NodeId, Root};
use crate::ops::Kernel;
use crate::optimize::{self, EXPAND_UNDERIVED, FOLD, SIMPLIFY, STABILISE};

/// An operation of a graph, and what its result and its adjoint are called.
pub struct Operation {
    /// Its node.
    pub id: NodeId,
    /// The name of its value.
    pub name: String,
    /// The name of its adjoint.
    pub adjoint: String,
}

/// The derivative of an operation with respect to one of its operands, in a graph of its own whose inputs are the
/// operation's operands, each once, in the order of their nodes.
pub struct Edge {
    /// The operand.
    pub operand: NodeId,
    /// The operands as inputs and, unless the operation [is elementwise](is_elementwise), the adjoint of its result as
    /// a cotangent.
    pub graph: Graph,
    /// The local derivative if the operation is elementwise; otherwise its product with the adjoint.
    pub derivative: NodeId,
}

/// Whether the local derivative is a tensor like the operand, which the adjoint of the result multiplies: each element
/// of the result comes from one element of each operand, or there is only one element.
pub fn is_elementwise(graph: &Graph, id: NodeId) -> bool {
    let pointwise = graph[id].op().is_some_and(|(op, _)| matches!(op.kernel, Kernel::Pointwise));
    pointwise || graph[id].shape.is_scalar()
}

/// The distinct operands of a node, in the order of their nodes.
pub fn sources(graph: &Graph, id: NodeId) -> Vec<NodeId> {
    let mut sources = graph.operands(id);
    sources.sort_unstable();
    sources.dedup();
    sources
}

/// The edges of an operation to those of its operands that are `wanted`. Operands without a derivative have none.
pub fn edges(
    graph: &Graph,
    operation: &Operation,
    wanted: &[bool],
    label: impl Fn(NodeId) -> String,
) -> Vec<Edge> {
    let id = operation.id;
    let Some((op, attrs)) = graph[id].op() else { return Vec::new() };
    let sources = sources(graph, id);

    // The operation alone, with its operands as leaves that have names.
    let mut alone = Graph::default();
    let mut leaf_of = BTreeMap::new();
    for (position, &operand) in sources.iter().enumerate() {
        let leaf = match graph[operand].kind {
            Kind::Constant(number) => alone.constant(number.0, graph[operand].shape.clone()),
            _ => alone.leaf(Kind::Input(position), graph[operand].shape.clone(), Region::none()),
        };
        alone.label(leaf, label(operand));
        leaf_of.insert(operand, leaf);
    }
    let inputs: Vec<NodeId> = graph.operand_ids(id).iter().map(|operand| leaf_of[operand]).collect();
    let Ok(result) = alone.apply(op, attrs.clone(), &inputs, Region::none()) else { return Vec::new() };
    alone.label(result, operation.name.clone());
    alone.roots.push((Root::Output(0), result));
    let mut alone = optimize::run(&[STABILISE, EXPAND_UNDERIVED], alone);

    let Some(result) = alone.root(Root::Output(0)) else { return Vec::new() };
    let seed = if is_elementwise(graph, id) {
        alone.constant(1.0, graph[id].shape.clone())
    } else {
        let seed = alone.leaf(Kind::Cotangent(0), graph[id].shape.clone(), Region::none());
        alone.label(seed, operation.adjoint.clone());
        seed
    };
    let edge = |(position, &operand): (usize, &NodeId)| {
        let leaf = alone.ids().find(|&leaf| alone[leaf].kind == Kind::Input(position))?;
        let wanted = [(leaf, Root::InputGradient(0))];
        let mut derived = grad::differentiate(alone.clone(), &[(result, seed)], &wanted).ok()?;
        derived.roots.retain(|(root, _)| matches!(root, Root::InputGradient(_)));
        let graph = optimize::run(&[SIMPLIFY, FOLD, SIMPLIFY], derived);
        let derivative = graph.root(Root::InputGradient(0))?;
        Some(Edge { operand, graph, derivative })
    };
    let is_wanted = |(_, operand): &(usize, &NodeId)| wanted[operand.index()];
    sources.iter().enumerate().filter(is_wanted).filter_map(edge).collect()
}

/// For each value, whether a parameter acts on it.
pub fn trained(graph: &Graph) -> Vec<bool> {
    let mut trained = vec![false; graph.len()];
    for id in graph.ids() {
        let is_param = matches!(graph[id].kind, Kind::Param(_));
        trained[id.index()] =
            is_param || graph.operand_ids(id).iter().any(|operand| trained[operand.index()]);
    }
    trained
}
