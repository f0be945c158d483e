//! What the exporters for readers share: names for every value, and formulas in them.

use std::collections::BTreeSet;

use crate::build::Program;
use crate::graph::{Graph, Kind, NodeId, Root, number};
use crate::model::Model;
use crate::notation::{Formula, Style};
use crate::ops::Kernel;
use crate::schedule::{Function, Step};
use crate::shape::Shape;

/// Names for values: the user's own, `q1`, `q2`, … for the others. What only changes places or shapes, and
/// constants, is written where it is used.
pub(super) struct Names {
    names: Vec<Option<String>>,
    /// The numbers of the user's graph, in order: the place gives what follows `q`.
    known: BTreeSet<usize>,
}

impl Names {
    /// The names in the graph as the user wrote it.
    pub(super) fn new(graph: &Graph) -> Self {
        let label = |id: NodeId| graph[id].label.as_deref().unwrap_or_default();
        let known =
            graph.ids().filter(|&id| !is_inline(graph, id)).filter_map(|id| number(label(id))).collect();
        let mut names = Self { names: Vec::new(), known };
        names.names = graph.ids().map(|id| names.of(graph, id)).collect();
        names
    }

    /// The names in a graph that was made of the user's: what both have is called the same.
    pub(super) fn derived(program: &Program, graph: &Graph) -> Self {
        let user = Self::new(&program.graph);
        let label = |id: NodeId| graph[id].label.as_deref().unwrap_or_default();
        let more: BTreeSet<usize> = graph.ids().filter_map(|id| number(label(id))).collect();
        let mut names = Self { names: Vec::new(), known: &user.known | &more };
        names.names = graph.ids().map(|id| names.of(graph, id)).collect();
        names
    }

    pub(super) fn get(&self, id: NodeId) -> Option<&str> {
        self.names[id.index()].as_deref()
    }

    fn of(&self, graph: &Graph, id: NodeId) -> Option<String> {
        let label = graph[id].label.as_deref()?;
        match number(label) {
            _ if matches!(graph[id].kind, Kind::Constant(_)) => None,
            None => Some(label.to_owned()),
            Some(_) if is_inline(graph, id) => None,
            Some(number) => {
                let (stem, _) = label.split_once('#')?;
                let place = self.known.range(..number).count() + 1;
                Some(if self.known.len() == 1 { stem.to_owned() } else { format!("{stem}{place}") })
            }
        }
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
    expand(graph, id, style, &|node| if top && node == id { None } else { read(names, style, node) })
}

/// A value's name; adjoints are written as `∂J/∂y`.
fn read(names: &Names, style: Style, id: NodeId) -> Option<Formula> {
    let name = names.get(id)?;
    Some(match name.strip_prefix("d_") {
        Some(of) => partial(style, of),
        None => style.variable(name),
    })
}

/// A node's formula, down to what `name` has a name for.
fn expand(graph: &Graph, id: NodeId, style: Style, name: &impl Fn(NodeId) -> Option<Formula>) -> Formula {
    if let Some(named) = name(id) {
        return named;
    }
    match &graph[id].kind {
        Kind::Constant(number) => style.number(number.0),
        Kind::Op(op, attrs) => {
            let operands = graph.operands(id);
            let formulas: Vec<Formula> =
                operands.iter().map(|&operand| expand(graph, operand, style, name)).collect();
            // A mean over the examples is what the line around it says.
            if matches!(op.kernel, Kernel::Mean) {
                return formulas[0].clone();
            }
            let shapes: Vec<Shape> = operands.iter().map(|&operand| graph[operand].shape.clone()).collect();
            (op.notation)(style, attrs, &formulas, &shapes)
        }
        _ => Formula::atom("?"),
    }
}

/// The values of the user's graph, in order, that have a name and are computed.
pub(super) fn computed<'a>(program: &'a Program, names: &'a Names) -> impl Iterator<Item = NodeId> + 'a {
    let graph = &program.graph;
    graph.ids().filter(|&id| graph[id].op().is_some() && names.get(id).is_some())
}

/// A line of the pass that is computed: what it is, and its formula.
pub(super) struct Line {
    pub(super) left: String,
    pub(super) formula: String,
}

/// The pass as it is computed, in the names of a reader: what each example needs, then the gradients of the
/// parameters in their order, which are averaged over the examples.
pub(super) fn backward(program: &Program, function: &Function, style: Style) -> (Vec<Line>, Vec<Line>) {
    let graph = &function.graph;
    let names = Names::derived(program, graph);
    let moves = |id: NodeId| graph[id].op().is_some_and(|(op, _)| matches!(op.kernel, Kernel::Move(_)));
    let is_line = |step: &&Step| {
        let is_loss = graph.root(Root::Loss) == Some(step.result);
        let named_before =
            is_loss && names.get(graph.operands(step.result)[0]).is_some_and(|_| step.fused.is_empty());
        !gradient_of(&program.model, graph, step.result) && !moves(step.result) && !named_before
    };
    let line = |id: NodeId, fused: &[NodeId]| {
        let inside = |node: NodeId| node == id || fused.contains(&node) || moves(node);
        let formula =
            expand(graph, id, style, &|node| if inside(node) { None } else { read(&names, style, node) });
        let left = if graph.root(Root::Loss) == Some(id) {
            Some(style.variable("J"))
        } else {
            read(&names, style, id)
        };
        Line { left: left.map_or_else(|| "?".to_owned(), |left| left.text), formula: formula.text }
    };
    let lines = function.steps.iter().filter(is_line).map(|step| line(step.result, &step.fused)).collect();
    let mut gradients = Vec::new();
    for (position, param) in program.model.params.iter().enumerate() {
        let Some(id) = graph.root(Root::ParamGradient(position)) else { continue };
        let fused = function.steps.iter().find(|step| step.result == id).map_or(&[][..], |step| &step.fused);
        gradients.push(Line { left: partial(style, &param.name).text, ..line(id, fused) });
    }
    (lines, gradients)
}

fn gradient_of(model: &Model, graph: &Graph, id: NodeId) -> bool {
    (0..model.params.len()).any(|position| graph.root(Root::ParamGradient(position)) == Some(id))
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
