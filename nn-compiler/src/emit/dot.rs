//! The graph in Graphviz' DOT language, as the user wrote it.

use super::write::Names;
use crate::build::Program;
use crate::graph::{Kind, Root};
use crate::notation::Style;

/// Inputs and target are boxes, parameters are filled, operations are ellipses; edges carry shapes.
pub fn text(program: &Program) -> String {
    let (model, graph) = (&program.model, &program.graph);
    let names = Names::new(graph);
    let mut out = format!(
        "digraph {:?} {{\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n",
        model.name.to_string()
    );
    for id in graph.ids() {
        let node = &graph[id];
        let name = names.get(id).unwrap_or_default();
        let (label, style) = match &node.kind {
            Kind::Input(_) => (name.to_owned(), "shape=box, style=filled, fillcolor=\"#cfe3f5\""),
            Kind::Target | Kind::Extra(_) | Kind::Cotangent(_) => {
                (name.to_owned(), "shape=box, style=dashed")
            }
            Kind::Param(_) => (name.to_owned(), "shape=ellipse, style=filled, fillcolor=\"#fbe3c0\""),
            Kind::Constant(number) => (Style::Text.number(number.0).text, "shape=plaintext"),
            Kind::Op(op, _) if name.is_empty() => (op.name.to_owned(), "shape=ellipse"),
            Kind::Op(op, _) => (format!("{name}\\n{}", op.name), "shape=ellipse"),
        };
        out.push_str(&format!("  n{} [label=\"{label}\", {style}];\n", id.index()));
        for (position, operand) in graph.operands(id).into_iter().enumerate() {
            let shape = &graph[operand].shape;
            let label = if shape.is_scalar() { String::new() } else { format!(" [label=\"{shape}\"]") };
            let _ = position;
            out.push_str(&format!("  n{} -> n{}{label};\n", operand.index(), id.index()));
        }
    }
    for &(root, id) in &graph.roots {
        let label = match root {
            Root::Output(position) => model.outputs[position].name.to_string(),
            Root::Loss => "loss".to_owned(),
            Root::ParamGradient(_) | Root::InputGradient(_) => continue,
        };
        out.push_str(&format!("  {label:?} [shape=box, style=bold];\n  n{} -> {label:?};\n", id.index()));
    }
    out.push_str("}\n");
    out
}
