//! The chain rule, step by step, as a lecture writes it.

use std::cell::RefCell;

use super::derivatives::{derivatives, loss};
use super::write::{Line, Names, backward, computed, formula, partial, ratio};
use crate::graph::{Graph, Kind, LOSS, NodeId};
use crate::local;
use crate::model::{Extra, Param, StateRule};
use crate::notation::Style;
use crate::schedule::Plan;

/// Models with more values than this are explained by the pass that is computed; each single edge of a large
/// network says nothing new.
const EDGES_LIMIT: usize = 40;

/// More ways from the loss to a parameter than these are not written one by one.
const PATHS_LIMIT: usize = 6;

/// The forward pass, the derivative of every edge, the chain rule for every parameter, what the compiler makes of
/// it, and the update.
pub fn text(plan: &Plan) -> String {
    let program = &plan.program;
    let (model, graph) = (&program.model, &program.graph);
    let names = Names::new(graph);
    let mut out = String::new();

    section(&mut out, "Forward pass");
    let lines: Vec<(String, String)> = computed(program, &names)
        .map(|id| (name(&names, id), formula(graph, &names, Style::Text, id, true).text))
        .collect();
    align(&mut out, &lines);

    if !model.extras.is_empty() {
        section(&mut out, "What examples bring along in training; 1 elsewhere");
        let lines: Vec<_> = model.extras.iter().map(brought).collect();
        align(&mut out, &lines);
    }

    let Some(training) = &plan.training else { return out };
    let loss = loss(graph);
    let small = computed(program, &names).count() <= EDGES_LIMIT;
    if let Some(loss) = loss.filter(|_| small) {
        section(&mut out, "Local derivatives");
        let trained = local::trained(graph);
        let mut lines = Vec::new();
        for id in computed(program, &names) {
            let derivatives = derivatives(graph, &names, id, &trained);
            lines.extend(derivatives.into_iter().map(|derivative| (derivative.left, derivative.formula)));
        }
        align(&mut out, &lines);

        section(&mut out, "Chain rule");
        let mut lines = Vec::new();
        for (position, param) in model.trained().iter().enumerate() {
            let leaf = graph.ids().find(|&id| graph[id].kind == Kind::Param(position));
            let paths = leaf.map(|leaf| paths(graph, &names, loss, leaf)).unwrap_or_default();
            let products: Vec<String> =
                paths.iter().take(PATHS_LIMIT).map(|path| product(&names, path)).collect();
            let more = if paths.len() > PATHS_LIMIT { "\n+ …" } else { "" };
            lines.push((partial(Style::Text, &param.name).text, format!("{}{more}", products.join("\n+ "))));
        }
        align(&mut out, &lines);
    }

    let (lines, gradients) = backward(program, training, Style::Text);
    let equations =
        |lines: Vec<Line>| lines.into_iter().map(|line| (line.left, line.formula)).collect::<Vec<_>>();
    section(&mut out, "What is computed for each example, after simplification");
    align(&mut out, &equations(lines));

    section(&mut out, "Gradients, averaged over the examples");
    align(&mut out, &equations(gradients));

    section(&mut out, "Gradient descent with the learning rate η");
    for param in model.trained() {
        let name = &param.name;
        out.push_str(&format!("  {name} ← {name} - η {}\n", partial(Style::Text, name).text));
    }
    if !model.states().is_empty() {
        section(&mut out, "States, moved by each training step towards what the batch has");
        let lines: Vec<_> = model.states().iter().filter_map(moved).collect();
        align(&mut out, &lines);
    }
    out
}

/// `y.running_mean ← 0.9 y.running_mean + 0.1 mean`.
fn moved(state: &Param) -> Option<(String, String)> {
    let StateRule { momentum, corrected } = state.state?;
    let [kept, new] = [1.0 - momentum, momentum].map(|share| Style::Text.number(share).text);
    let of_batch = match corrected {
        None => "mean".to_owned(),
        Some(1) => "variance n / (n - 1), of n examples".to_owned(),
        Some(places) => format!("variance n / (n - 1), of n = {places} elements of each example"),
    };
    Some((state.name.clone(), format!("{kept} {} + {new} {of_batch}", state.name)))
}

fn brought(extra: &Extra) -> (String, String) {
    match extra {
        Extra::Weight => ("weight".to_owned(), "how much the example counts".to_owned()),
        Extra::Mask { name, drop, .. } => {
            let kept = Style::Text.number(1.0 / (1.0 - drop)).text;
            let drop = Style::Text.number(*drop).text;
            (name.clone(), format!("0 with the probability {drop}, {kept} otherwise, drawn for each element"))
        }
    }
}

fn section(out: &mut String, title: &str) {
    if !out.is_empty() {
        out.push('\n');
    }
    out.push_str(title);
    out.push('\n');
}

/// Equations with their signs below each other.
fn align(out: &mut String, lines: &[(String, String)]) {
    let width = lines.iter().map(|(left, _)| left.chars().count()).max().unwrap_or(0);
    for (left, right) in lines {
        let pad = " ".repeat(width - left.chars().count());
        // A sum over several paths has a line for each.
        let right = right.replace('\n', &format!("\n{}", " ".repeat(width + 3)));
        out.push_str(&format!("  {left}{pad} = {right}\n"));
    }
}

fn name(names: &Names, id: NodeId) -> String {
    names.get(id).unwrap_or(LOSS).to_owned()
}

/// The ways from the loss down to a leaf, as the values that they pass.
fn paths(graph: &Graph, names: &Names, from: NodeId, leaf: NodeId) -> Vec<Vec<NodeId>> {
    let mut reaches = vec![false; graph.len()];
    for id in graph.ids() {
        reaches[id.index()] =
            id == leaf || graph.operand_ids(id).iter().any(|operand| reaches[operand.index()]);
    }
    let found = RefCell::new(Vec::new());
    walk(graph, names, from, leaf, &reaches, &mut Vec::new(), &found);
    found.into_inner()
}

fn walk(
    graph: &Graph,
    names: &Names,
    at: NodeId,
    leaf: NodeId,
    reaches: &[bool],
    path: &mut Vec<NodeId>,
    found: &RefCell<Vec<Vec<NodeId>>>,
) {
    if !reaches[at.index()] || found.borrow().len() > PATHS_LIMIT {
        return;
    }
    let has_name = names.get(at).is_some();
    if has_name {
        path.push(at);
    }
    if at == leaf {
        found.borrow_mut().push(path.clone());
    } else {
        let operands = graph.operand_ids(at);
        // `q * q` is one way to `q`.
        let first = |(place, operand): &(usize, &NodeId)| !operands[..*place].contains(operand);
        for (_, &operand) in operands.iter().enumerate().filter(first) {
            walk(graph, names, operand, leaf, reaches, path, found);
        }
    }
    if has_name {
        path.pop();
    }
}

/// `∂J/∂y · ∂y/∂q · ∂q/∂w`.
fn product(names: &Names, path: &[NodeId]) -> String {
    let factors: Vec<String> = path
        .windows(2)
        .map(|pair| ratio(Style::Text, &name(names, pair[0]), &name(names, pair[1])).text)
        .collect();
    factors.join(" · ")
}
