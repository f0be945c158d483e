//! What the exporters for readers share: names for every value, and formulas in them.

use std::collections::BTreeSet;

use crate::build::Program;
use crate::graph::{Graph, Kind, NodeId};
use crate::notation::{Formula, Style};
use crate::ops::Kernel;
use crate::schedule::{Function, Step};
use crate::shape::Shape;

/// Names for the values of a graph as the user wrote it: the user's own, `q1`, `q2`, … for the others. What only
/// changes places or shapes, and constants, is written where it is used.
pub(super) struct Names(Vec<Option<String>>);

impl Names {
    pub(super) fn new(graph: &Graph) -> Self {
        let unnamed = |id: &NodeId| graph[*id].label.is_none() && !is_inline(graph, *id);
        let single = graph.ids().filter(unnamed).count() == 1;
        let mut count = 0;
        let names = graph
            .ids()
            .map(|id| {
                if graph[id].label.is_some() {
                    return graph[id].label.clone();
                }
                if is_inline(graph, id) {
                    return None;
                }
                count += 1;
                Some(if single { "q".to_owned() } else { format!("q{count}") })
            })
            .collect();
        Self(names)
    }

    pub(super) fn get(&self, id: NodeId) -> Option<&str> {
        self.0[id.index()].as_deref()
    }
}

fn is_inline(graph: &Graph, id: NodeId) -> bool {
    match &graph[id].kind {
        Kind::Constant(_) => true,
        Kind::Op(op, _) => matches!(op.kernel, Kernel::Move(_) | Kernel::View | Kernel::Mean),
        _ => false,
    }
}

/// How a node is computed from values that have names; `top` is written out even if it has a name.
pub(super) fn formula(graph: &Graph, names: &Names, style: Style, id: NodeId, top: bool) -> Formula {
    if let Some(name) = names.get(id)
        && !top
    {
        return style.variable(name);
    }
    match &graph[id].kind {
        Kind::Constant(number) => style.number(number.0),
        Kind::Op(op, attrs) => {
            let operands = graph.operands(id);
            let formulas: Vec<Formula> =
                operands.iter().map(|&operand| formula(graph, names, style, operand, false)).collect();
            // A stretched scalar or vector looks like itself, as on paper.
            if names.get(id).is_none() && matches!(op.kernel, Kernel::Mean) || is_stretched(graph, id) {
                return formulas[0].clone();
            }
            let shapes: Vec<Shape> = operands.iter().map(|&operand| graph[operand].shape.clone()).collect();
            (op.notation)(style, attrs, &formulas, &shapes)
        }
        _ => style.variable(names.get(id).unwrap_or_default()),
    }
}

/// Whether a node repeats its operand's elements and does nothing else.
fn is_stretched(graph: &Graph, id: NodeId) -> bool {
    let Some((op, _)) = graph[id].op() else { return false };
    let operand = graph.operands(id)[0];
    matches!(op.kernel, Kernel::Move(_))
        && graph[operand].shape.count() < graph[id].shape.count()
        && !op.args.is_empty()
}

/// The values of the user's graph, in order, that have a name and are computed.
pub(super) fn computed<'a>(program: &'a Program, names: &'a Names) -> impl Iterator<Item = NodeId> + 'a {
    let graph = &program.graph;
    graph.ids().filter(|&id| graph[id].op().is_some() && names.get(id).is_some())
}

/// The lines of a backward pass as it is computed: what each is, and its formula, in the names of a reader.
pub(super) fn backward(program: &Program, function: &Function, style: Style) -> Vec<(String, Formula)> {
    let graph = &function.graph;
    let forward = crate::stable(program).graph.len();
    let numbers: BTreeSet<usize> = function
        .steps
        .iter()
        .filter_map(|step| number(graph[step.result].label.as_deref().unwrap_or_default()))
        .collect();
    let _ = forward;
    let name = |id: NodeId| -> String {
        let label = graph[id].label.clone().unwrap_or_else(|| format!("q#{}", id.index()));
        let (stem, index) = match (label.split_once('#'), number(&label)) {
            (Some((stem, _)), Some(_)) if numbers.len() == 1 => (stem.to_owned(), String::new()),
            (Some((stem, _)), Some(n)) => (stem.to_owned(), (numbers.range(..n).count() + 1).to_string()),
            _ => (label, String::new()),
        };
        format!("{stem}{index}")
    };
    let read = |id: NodeId| -> Formula {
        let name = name(id);
        match name.strip_prefix("d_") {
            Some(of) => partial(style, of),
            None => style.variable(&name),
        }
    };
    let line = |step: &Step| {
        let mut inside = step.fused.clone();
        inside.push(step.result);
        (read(step.result).text, inline(graph, &inside, step.result, style, &read))
    };
    function.steps.iter().map(line).collect()
}

fn number(label: &str) -> Option<usize> {
    label.split_once('#').and_then(|(_, number)| number.parse().ok())
}

fn inline(
    graph: &Graph,
    inside: &[NodeId],
    id: NodeId,
    style: Style,
    read: &impl Fn(NodeId) -> Formula,
) -> Formula {
    match &graph[id].kind {
        Kind::Constant(number) => style.number(number.0),
        Kind::Op(op, attrs) if inside.contains(&id) || matches!(op.kernel, Kernel::View) => {
            let operands = graph.operands(id);
            let formulas: Vec<Formula> =
                operands.iter().map(|&operand| inline(graph, inside, operand, style, read)).collect();
            if is_stretched(graph, id) {
                return formulas[0].clone();
            }
            let shapes: Vec<Shape> = operands.iter().map(|&operand| graph[operand].shape.clone()).collect();
            (op.notation)(style, attrs, &formulas, &shapes)
        }
        _ => read(id),
    }
}

/// `∂J/∂of`.
pub(super) fn partial(style: Style, of: &str) -> Formula {
    ratio(style, "J", of)
}

/// `∂y/∂x`.
pub(super) fn ratio(style: Style, y: &str, x: &str) -> Formula {
    let (y, x) = (style.variable(y).text, style.variable(x).text);
    Formula::atom(match style {
        Style::Latex => format!(r"\frac{{\partial {y}}}{{\partial {x}}}"),
        _ => format!("∂{y}/∂{x}"),
    })
}
