//! The formulas in LaTeX: the model, and its gradient as it is computed.

use super::write::{Names, backward, computed, formula};
use crate::notation::Style;
use crate::schedule::Plan;

/// Two `align*` environments (amsmath): the forward pass, and forward and backward pass after simplification.
pub fn text(plan: &Plan) -> String {
    let program = &plan.program;
    let names = Names::new(&program.graph);
    let left = |id| Style::Latex.variable(names.get(id).unwrap_or_default()).text;
    let forward = computed(program, &names)
        .map(|id| (left(id), formula(&program.graph, &names, Style::Latex, id, true).text));
    let mut out = align(forward);
    if let Some(training) = &plan.training {
        let (lines, gradients) = backward(program, training, Style::Latex);
        out.push_str(&align(lines.into_iter().chain(gradients).map(|line| (line.left, line.formula))));
    }
    out
}

fn align(lines: impl Iterator<Item = (String, String)>) -> String {
    let lines: Vec<String> = lines.map(|(left, right)| format!("  {left} &= {right}")).collect();
    format!("\\begin{{align*}}\n{}\n\\end{{align*}}\n", lines.join(" \\\\\n"))
}
