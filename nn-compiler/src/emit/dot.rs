//! The graph in Graphviz' DOT language, as the user wrote it.

use super::nest::{Part, parts};
use super::write::Names;
use crate::build::Program;
use crate::graph::{Kind, NodeId, Root};
use crate::notation::Style;

/// Inputs and target are boxes, parameters are filled, operations are ellipses; edges carry shapes. Calls of functions
/// and rounds of loops are clusters.
pub fn text(program: &Program) -> String {
    let (model, graph) = (&program.model, &program.graph);
    let names = Names::new(graph);
    let mut out = format!(
        "digraph {:?} {{\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n",
        model.name.to_string()
    );
    let mut indent = "  ".to_owned();
    for part in parts(program) {
        match part {
            Part::Open(number, title) => {
                out.push_str(&format!("{indent}subgraph cluster_{number} {{\n"));
                indent.push_str("  ");
                out.push_str(&format!("{indent}label={title:?}; fontname=\"sans-serif\"; style=rounded;\n"));
            }
            Part::Node(id) => out.push_str(&format!("{indent}{}\n", node(program, &names, id))),
            Part::Close => {
                indent.truncate(indent.len() - 2);
                out.push_str(&format!("{indent}}}\n"));
            }
        }
    }
    for id in graph.ids() {
        for operand in graph.operands(id) {
            let shape = &graph[operand].shape;
            let label = if shape.is_scalar() { String::new() } else { format!(" [label=\"{shape}\"]") };
            out.push_str(&format!("  n{} -> n{}{label};\n", operand.index(), id.index()));
        }
    }
    for &(root, id) in &graph.roots {
        let label = match root {
            Root::Output(position) => model.outputs[position].name.to_string(),
            Root::Loss => "loss".to_owned(),
            Root::ParamGradient(_) | Root::InputGradient(_) | Root::State(_) => continue,
        };
        out.push_str(&format!("  {label:?} [shape=box, style=bold];\n  n{} -> {label:?};\n", id.index()));
    }
    out.push_str("}\n");
    out
}

fn node(program: &Program, names: &Names, id: NodeId) -> String {
    let name = names.get(id).unwrap_or_default();
    let (label, style) = match &program.graph[id].kind {
        Kind::Input(_) => (name.to_owned(), "shape=box, style=filled, fillcolor=\"#cfe3f5\""),
        Kind::Target | Kind::Extra(_) | Kind::Cotangent(_) => (name.to_owned(), "shape=box, style=dashed"),
        Kind::Param(_) => (name.to_owned(), "shape=ellipse, style=filled, fillcolor=\"#fbe3c0\""),
        Kind::Constant(number) => (Style::Text.number(number.0).text, "shape=plaintext"),
        Kind::Op(op, _) if name.is_empty() => (op.name.to_owned(), "shape=ellipse"),
        Kind::Op(op, _) => (format!("{name}\\n{}", op.name), "shape=ellipse"),
    };
    format!("n{} [label=\"{label}\", {style}];", id.index())
}
