//! A table of the layers: shapes, parameters and how their count adds up, operations.

use super::rust::flops;
use super::write::{Names, computed, formula};
use crate::notation::Style;
use crate::schedule::Plan;
use crate::shape::Shape;

/// One line for each input and each value with a name of the user's, and the totals.
pub fn text(plan: &Plan) -> String {
    let (model, graph) = (&plan.program.model, &plan.program.graph);
    let names = Names::new(graph);
    let mut rows = vec![["name", "shape", "parameters", "computed by"].map(str::to_owned)];
    for input in &model.inputs {
        rows.push([input.name.to_string(), shape(&input.shape), String::new(), "input".to_owned()]);
    }
    for param in model.params.iter().filter(|param| !param.name.contains('.')) {
        let count = counted(std::slice::from_ref(&param.shape));
        rows.push([param.name.clone(), shape(&param.shape), count, "parameter".to_owned()]);
    }
    for id in computed(&plan.program, &names) {
        if !graph.is_named(id) {
            continue;
        }
        let name = names.get(id).unwrap_or_default();
        let own: Vec<Shape> = model
            .params
            .iter()
            .filter(|param| param.name.rsplit_once('.').is_some_and(|(owner, _)| owner == name))
            .map(|param| param.shape.clone())
            .collect();
        let formula = formula(graph, &names, Style::Text, id, true).text;
        rows.push([name.to_owned(), shape(&graph[id].shape), counted(&own), formula]);
    }

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
    out.push_str(&format!(
        "{} trainable parameters, {} operations forward",
        grouped(model.param_count() as u64),
        grouped(flops(&plan.forward))
    ));
    if let Some(training) = &plan.training {
        out.push_str(&format!(", {} in a training step", grouped(flops(training))));
    }
    out.push_str(" for each example\n");
    if let Err(errors) = &plan.pullback {
        let reasons: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
        out.push_str(&format!("no pullback of the outputs: {}\n", reasons.join("; ")));
    }
    out
}

fn shape(shape: &Shape) -> String {
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
fn grouped(number: u64) -> String {
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
