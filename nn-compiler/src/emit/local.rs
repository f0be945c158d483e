//! Local derivatives: of one value with respect to each value that it is computed from, as formulas and as graphs.

use std::collections::BTreeMap;

use super::write::{Names, formula, partial, ratio};
use crate::diag::Region;
use crate::grad;
use crate::graph::{Graph, Kind, LOSS, NodeId, Root};
use crate::notation::{Formula, Level, Style};
use crate::ops::Kernel;
use crate::optimize::{self, EXPAND_UNDERIVED, FOLD, SIMPLIFY, STABILISE};

/// The derivative along one edge of the graph.
#[cfg_attr(not(feature = "report"), allow(dead_code, reason = "explanations need the formulas alone"))]
pub(super) struct Local {
    /// The value that it is with respect to.
    pub(super) operand: NodeId,
    /// `∂y/∂q` where each element of the result depends on one element, so that the derivative is a factor; otherwise
    /// `∂J/∂q`, what this edge contributes to the adjoint of its operand.
    pub(super) left: String,
    /// It, in the names of the graph.
    pub(super) formula: String,
    /// The same as a graph: input `i` is the `i`-th of [`Local::sources`], the cotangent is the adjoint of the result.
    pub(super) graph: Graph,
    /// Its node there.
    pub(super) root: NodeId,
    /// The values that the result is computed from, each once.
    pub(super) sources: Vec<NodeId>,
}

/// The derivative of a node with respect to each value that it is computed from, and that what is trained acts on.
pub(super) fn locals(graph: &Graph, names: &Names, id: NodeId, trained: &[bool]) -> Vec<Local> {
    let Some((op, attrs)) = graph[id].op() else { return Vec::new() };
    let operands = graph.operands(id);
    let mut sources = operands.clone();
    sources.sort_unstable();
    sources.dedup();

    // The operation alone, with its operands as leaves that have names.
    let mut alone = Graph::default();
    let mut leaf_of = BTreeMap::new();
    for (position, &operand) in sources.iter().enumerate() {
        let leaf = match graph[operand].kind {
            Kind::Constant(number) => alone.constant(number.0, graph[operand].shape.clone()),
            _ => alone.leaf(Kind::Input(position), graph[operand].shape.clone(), Region::none()),
        };
        alone.label(leaf, formula(graph, names, Style::Text, operand, false).text);
        leaf_of.insert(operand, leaf);
    }
    let inputs: Vec<NodeId> = operands.iter().map(|operand| leaf_of[operand]).collect();
    let Ok(result) = alone.apply(op, attrs.clone(), &inputs, Region::none()) else { return Vec::new() };
    let name = names.get(id).unwrap_or(LOSS);
    alone.label(result, name);
    alone.roots.push((Root::Output(0), result));
    let mut alone = optimize::run(&[STABILISE, EXPAND_UNDERIVED], alone);

    let is_elementwise = matches!(op.kernel, Kernel::Pointwise) || graph[id].shape.is_scalar();
    let Some(result) = alone.root(Root::Output(0)) else { return Vec::new() };
    let seed = if is_elementwise {
        alone.constant(1.0, graph[id].shape.clone())
    } else {
        let seed = alone.leaf(Kind::Cotangent(0), graph[id].shape.clone(), Region::none());
        alone.label(seed, partial(Style::Text, name).text);
        seed
    };
    let mut found = Vec::new();
    for (position, &operand) in sources.iter().enumerate() {
        if !trained[operand.index()] {
            continue;
        }
        let Some(leaf) = alone.ids().find(|&leaf| alone[leaf].kind == Kind::Input(position)) else {
            continue;
        };
        let wanted = [(leaf, Root::InputGradient(0))];
        let Ok(mut derived) = grad::differentiate(alone.clone(), &[(result, seed)], &wanted) else {
            continue;
        };
        derived.roots.retain(|(root, _)| matches!(root, Root::InputGradient(_)));
        let derived = optimize::run(&[SIMPLIFY, FOLD, SIMPLIFY], derived);
        let Some(root) = derived.root(Root::InputGradient(0)) else { continue };
        let of = formula(graph, names, Style::Text, operand, false).text;
        let left = if is_elementwise { ratio(Style::Text, name, &of) } else { partial(Style::Text, &of) };
        found.push(Local {
            operand,
            left: left.text,
            formula: written(&derived, root, Some(root)).text,
            graph: derived,
            root,
            sources: sources.clone(),
        });
    }
    found
}

/// A formula in the labels of its leaves and of the operation that it is derived from.
fn written(graph: &Graph, id: NodeId, top: Option<NodeId>) -> Formula {
    let node = &graph[id];
    match (&node.kind, &node.label) {
        (Kind::Constant(number), _) => Style::Text.number(number.0),
        (Kind::Op(op, attrs), label)
            if label.is_none() || top == Some(id) || label.as_ref().is_some_and(|l| l.starts_with("d_")) =>
        {
            let operands = graph.operands(id);
            let formulas: Vec<Formula> =
                operands.iter().map(|&operand| written(graph, operand, None)).collect();
            let shapes: Vec<_> = operands.iter().map(|&operand| graph[operand].shape.clone()).collect();
            (op.notation)(Style::Text, attrs, &formulas, &shapes)
        }
        (_, Some(label)) if label.contains(' ') => Formula::new(label.clone(), Level::Sum),
        (_, Some(label)) => Formula::atom(label.clone()),
        (_, None) => Formula::atom("?"),
    }
}

/// For each value, whether a parameter acts on it.
pub(super) fn trained(graph: &Graph) -> Vec<bool> {
    let mut trained = vec![false; graph.len()];
    for id in graph.ids() {
        let is_param = matches!(graph[id].kind, Kind::Param(_));
        trained[id.index()] =
            is_param || graph.operand_ids(id).iter().any(|operand| trained[operand.index()]);
    }
    trained
}

/// The loss of one example.
pub(super) fn loss(graph: &Graph) -> Option<NodeId> {
    graph.root(Root::Loss).map(|mean| graph.operand_ids(mean)[0])
}

/// For each node, whether it lies between a parameter and the loss.
#[cfg(feature = "draw")]
pub(super) fn flows(graph: &Graph) -> Vec<bool> {
    let mut flows = vec![false; graph.len()];
    let Some(loss) = loss(graph) else { return flows };
    let trained = trained(graph);
    flows[loss.index()] = trained[loss.index()];
    for id in graph.ids().rev() {
        if flows[id.index()] {
            for operand in graph.operand_ids(id) {
                flows[operand.index()] = trained[operand.index()];
            }
        }
    }
    flows
}
