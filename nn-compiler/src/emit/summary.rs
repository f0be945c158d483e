//! A table of the layers: shapes, parameters and how their count adds up, operations.

use super::rust::flops;
use super::write::{Names, computed, formula};
use crate::graph::{Kind, LOSS, NodeId};
use crate::notation::Style;
use crate::schedule::Plan;
use crate::shape::Shape;

/// One line for each input and each value with a name of the user's, and the totals.
pub fn text(plan: &Plan) -> String {
    let rows = rows(plan);
    let mut out = String::new();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    for row in &rows {
        for (cell, width) in row.iter().zip(widths) {
            out.push_str(&format!("{cell}{}  ", " ".repeat(width - cell.chars().count())));
        }
        out.push_str(&row[3]);
        out.push('\n');
    }
    out.push_str(&totals(plan));
    let indices = indices(plan);
    if plan.pullback.is_ok() && !indices.is_empty() {
        out.push_str(&format!("no gradient by {}: nothing but an index\n", indices.join(", ")));
    }
    if let Err(errors) = &plan.pullback {
        let reasons: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
        out.push_str(&format!("no pullback of the outputs: {}\n", reasons.join("; ")));
    }
    out
}

/// The inputs by which nothing can be derived.
fn indices(plan: &Plan) -> Vec<String> {
    let (model, graph) = (&plan.program.model, &plan.program.graph);
    let position = |id: NodeId| match graph[id].kind {
        Kind::Input(at) if crate::grad::is_index(graph, id) => Some(at),
        _ => None,
    };
    graph.ids().filter_map(position).map(|at| format!("`{}`", model.inputs[at].name)).collect()
}

/// The table: a head and a line each, of name, shape, parameters and formula.
pub(super) fn rows(plan: &Plan) -> Vec<[String; 4]> {
    let (model, graph) = (&plan.program.model, &plan.program.graph);
    let names = Names::new(graph);
    let mut rows = vec![["name", "shape", "parameters", "computed by"].map(str::to_owned)];
    for input in &model.inputs {
        rows.push([input.name.to_string(), shape(&input.shape), String::new(), "input".to_owned()]);
    }
    for param in model.trained().iter().filter(|param| !param.name.contains('.')) {
        let count = counted(std::slice::from_ref(&param.shape));
        rows.push([param.name.clone(), shape(&param.shape), count, "parameter".to_owned()]);
    }
    for state in model.states() {
        rows.push([state.name.clone(), shape(&state.shape), String::new(), "state, not trained".to_owned()]);
    }
    let mut seen = vec![false; graph.len()];
    for id in computed(&plan.program, &names) {
        let own = layers(plan, id, &mut seen);
        // The loss has a line if it is a layer too, so that the counts add up.
        let is_loss = graph[id].label.as_deref() == Some(LOSS) && !own.is_empty();
        if !graph.is_named(id) && !is_loss {
            continue;
        }
        let name = names.get(id).unwrap_or_default();
        let formula = formula(graph, &names, Style::Text, id, true).text;
        rows.push([name.to_owned(), shape(&graph[id].shape), counted(&own), formula]);
    }
    rows
}

/// One line: how many parameters and operations there are.
pub(super) fn totals(plan: &Plan) -> String {
    let states = match plan.program.model.state_count() {
        0 => String::new(),
        count => format!(", {} scalars of state", grouped(count as u64)),
    };
    let mut out = format!(
        "{} trainable parameters{states}, {} operations forward",
        grouped(plan.program.model.param_count() as u64),
        grouped(flops(&plan.forward))
    );
    if let Some(training) = &plan.training {
        out.push_str(&format!(", {} in a training step", grouped(flops(training))));
    }
    out.push_str(" for each example\n");
    out
}

/// The parameters of the layers behind a value, back to the values before it that have names; each is counted once.
/// A name alone does not tell: `h = relu(dense(h, 64))` may stand there several times.
fn layers(plan: &Plan, id: NodeId, seen: &mut [bool]) -> Vec<Shape> {
    let (model, graph) = (&plan.program.model, &plan.program.graph);
    let trained = model.trained().len();
    let is_line = |id: NodeId| graph.is_named(id) || graph[id].label.as_deref() == Some(LOSS);
    if !is_line(id) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut ahead = graph.operands(id);
    while let Some(id) = ahead.pop() {
        if std::mem::replace(&mut seen[id.index()], true) {
            continue;
        }
        match graph[id].kind {
            Kind::Param(position) if position < trained && model.params[position].name.contains('.') => {
                found.push(position);
            }
            Kind::Op(..) if !is_line(id) => ahead.extend(graph.operand_ids(id)),
            _ => {}
        }
    }
    found.sort_unstable();
    found.into_iter().map(|position| model.params[position].shape.clone()).collect()
}

pub(super) fn shape(shape: &Shape) -> String {
    if shape.is_scalar() { "scalar".to_owned() } else { shape.to_string() }
}

/// `1,088 = 16·64 + 64`.
fn counted(shapes: &[Shape]) -> String {
    if shapes.is_empty() {
        return String::new();
    }
    let total: usize = shapes.iter().map(Shape::count).sum();
    let terms: Vec<String> = shapes
        .iter()
        .map(|shape| shape.iter().map(ToString::to_string).collect::<Vec<_>>().join("·"))
        .filter(|term| !term.is_empty())
        .collect();
    let total = grouped(total as u64);
    if terms.is_empty() || terms == [total.as_str()] {
        total
    } else {
        format!("{total} = {}", terms.join(" + "))
    }
}

/// Digits in groups of three.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
