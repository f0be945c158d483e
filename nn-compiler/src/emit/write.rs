//! What the exporters for readers share: names for every value, and formulas in them.

use std::cell::RefCell;
use std::collections::BTreeSet;

use crate::build::Program;
use crate::graph::{Graph, Kind, NodeId, Root, number};
use crate::notation::{Formula, Level, Style};
use crate::ops::Kernel;
use crate::schedule::{Function, Step};
use crate::shape::Shape;

/// Names for values: the user's own, `q1`, `q2`, … for the others. What only changes places or shapes, and
/// constants, is written where it is used.
pub(super) struct Names {
    by_node: Vec<Option<String>>,
    /// Which values are adjoints. A name of the user's may start with `d_` too.
    adjoint: Vec<bool>,
    /// The numbers of the user's graph, in order: the place gives what follows `q`.
    known: Vec<usize>,
}

impl Names {
    /// The names in the graph as the user wrote it.
    pub(super) fn new(graph: &Graph) -> Self {
        let label = |id: NodeId| graph[id].label.as_deref().unwrap_or_default();
        let known = graph.ids().filter(|&id| !is_inline(graph, id)).filter_map(|id| number(label(id)));
        let mut names =
            Self { by_node: Vec::new(), adjoint: vec![false; graph.len()], known: in_order(known) };
        names.by_node = graph.ids().map(|id| names.of(graph, id, graph[id].label.as_deref())).collect();
        names
    }

    /// The names in a function that was made of the user's graph: what both have is called the same. A result that
    /// rewriting has made, and that nobody has named, is counted on from there, unless it is so short that it reads
    /// better where it is used: `∂J/∂y = 2 * (y - target)`.
    pub(super) fn derived(program: &Program, function: &Function) -> Self {
        let graph = &function.graph;
        let user = Self::new(&program.graph);
        let mut is_result = vec![false; graph.len()];
        for result in function.steps.iter().flat_map(Step::results) {
            is_result[result.index()] = true;
        }
        let given = graph.ids().filter_map(|id| graph[id].label.as_deref().and_then(number));
        let first = user.known.iter().copied().chain(given).max().map_or(0, |last| last + 1);
        // How many operations stand in the formula of each value, down to what has a name.
        let mut operations = vec![0_usize; graph.len()];
        let mut labels: Vec<Option<String>> = Vec::with_capacity(graph.len());
        for id in graph.ids() {
            let inside: usize = graph.operand_ids(id).iter().map(|operand| operations[operand.index()]).sum();
            let mut label = graph[id].label.clone();
            operations[id.index()] = match graph[id].op() {
                Some(_) if is_inline(graph, id) => inside,
                Some(_) if label.is_none() && is_result[id.index()] && inside >= SHORT => {
                    label = Some(format!("q#{}", first + id.index()));
                    0
                }
                Some(_) if label.is_none() => inside + 1,
                _ => 0,
            };
            labels.push(label);
        }
        let numbers = labels.iter().filter_map(|label| label.as_deref().and_then(number));
        let known = in_order(user.known.iter().copied().chain(numbers));
        // The user's own values come before the adjoints.
        let mut own: BTreeSet<&str> =
            program.graph.ids().filter_map(|id| program.graph[id].label.as_deref()).collect();
        let is_adjoint = |label: &Option<String>| {
            label.as_deref().is_some_and(|label| label.starts_with("d_") && !own.remove(label))
        };
        let adjoint = labels.iter().map(is_adjoint).collect();
        let mut names = Self { by_node: Vec::new(), adjoint, known };
        names.by_node =
            graph.ids().zip(&labels).map(|(id, label)| names.of(graph, id, label.as_deref())).collect();
        names
    }

    pub(super) fn get(&self, id: NodeId) -> Option<&str> {
        self.by_node[id.index()].as_deref()
    }

    fn of(&self, graph: &Graph, id: NodeId, label: Option<&str>) -> Option<String> {
        let label = label?;
        match number(label) {
            _ if matches!(graph[id].kind, Kind::Constant(_)) => None,
            None => Some(label.to_owned()),
            Some(_) if is_inline(graph, id) => None,
            Some(number) => {
                let (stem, _) = label.split_once('#')?;
                let place = self.known.partition_point(|&known| known < number) + 1;
                Some(if self.known.len() == 1 { stem.to_owned() } else { format!("{stem}{place}") })
            }
        }
    }
}

/// A formula of so many operations is written where it is used.
const SHORT: usize = 2;

/// Each number once, ascending.
fn in_order(numbers: impl Iterator<Item = usize>) -> Vec<usize> {
    numbers.collect::<BTreeSet<_>>().into_iter().collect()
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
        Some(of) if names.adjoint[id.index()] => partial(style, of),
        _ => style.variable(name),
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

/// A derivative in the labels of its leaves and of the operation that it is derived from.
pub(super) fn derived(graph: &Graph, id: NodeId) -> Formula {
    written(graph, id, Some(id))
}

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
    let names = Names::derived(program, function);
    let loss = graph.root(Root::Loss);
    let mut is_gradient = vec![false; graph.len()];
    for &(root, id) in &graph.roots {
        is_gradient[id.index()] |= matches!(root, Root::ParamGradient(_));
    }
    let moves = |id: NodeId| graph[id].op().is_some_and(|(op, _)| matches!(op.kernel, Kernel::Move(_)));
    let is_line = |step: &Step, result: NodeId| {
        let is_loss = loss == Some(result);
        let named_before =
            is_loss && names.get(graph.operand_ids(result)[0]).is_some_and(|_| step.fused.is_empty());
        // What has no name is written where it is used.
        let has_name = is_loss || names.get(result).is_some();
        has_name && !is_gradient[result.index()] && !moves(result) && !named_before
    };
    // The parts of each result that have no value of their own.
    let mut fused: Vec<&[NodeId]> = vec![&[]; graph.len()];
    let mut has_line = vec![false; graph.len()];
    for step in &function.steps {
        fused[step.result.index()] = &step.fused;
        for result in step.results() {
            has_line[result.index()] = is_line(step, result);
        }
    }
    // What a formula speaks of has a line too, even where no value of its own is kept.
    let is_read = RefCell::new(vec![false; graph.len()]);
    let line = |id: NodeId| {
        let inside = |node: NodeId| {
            let is_part = node == id || fused[id.index()].contains(&node) || moves(node);
            is_part && graph[node].op().is_some()
        };
        let formula = expand(graph, id, style, &|node| {
            let name = if inside(node) { None } else { read(&names, style, node) };
            is_read.borrow_mut()[node.index()] |= name.is_some();
            name
        });
        let left = if loss == Some(id) { Some(style.variable("J")) } else { read(&names, style, id) };
        Line { left: left.map_or_else(|| "?".to_owned(), |left| left.text), formula: formula.text }
    };
    let gradient = |&(root, id): &(Root, NodeId)| match root {
        Root::ParamGradient(position) => {
            let left = partial(style, &program.model.params[position].name).text;
            Some(Line { left, ..line(id) })
        }
        _ => None,
    };
    let gradients = graph.roots.iter().filter_map(gradient).collect();
    let mut lines = Vec::new();
    for id in graph.ids().rev() {
        // A gradient that goes by its own name is a line of the other list.
        let is_told = is_gradient[id.index()] && names.adjoint[id.index()];
        let spoken_of = is_read.borrow()[id.index()] && graph[id].op().is_some() && !is_told;
        if has_line[id.index()] || spoken_of {
            lines.push(line(id));
        }
    }
    lines.reverse();
    (lines, gradients)
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
