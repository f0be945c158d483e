//! The graph as a Mermaid flowchart, which Markdown viewers draw, as the user wrote it.

use super::nest::{Part, parts};
use super::write::Names;
use crate::build::Program;
use crate::graph::{Kind, NodeId, Root};
use crate::notation::Style;

/// Colours by role, which the colour-blind can tell apart and whose text is legible on light and dark pages.
const CLASSES: &str = "  classDef input fill:#cfe3f5,stroke:#0072b2,color:#000
  classDef param fill:#fbe3c0,stroke:#b06f00,color:#000
  classDef target fill:#d5efe5,stroke:#00795a,color:#000,stroke-dasharray:4
  classDef op fill:#f2f2f2,stroke:#767676,color:#000
  classDef constant fill:#fff,stroke:#fff,color:#000
  classDef root fill:#fff,stroke:#000,color:#000,stroke-width:3px
";

/// Inputs and target are boxes, parameters are stadiums, operations have round corners; edges carry shapes. Calls of
/// functions and rounds of loops are subgraphs.
pub fn text(program: &Program) -> String {
    let (model, graph) = (&program.model, &program.graph);
    let names = Names::new(graph);
    let mut out = format!("---\ntitle: {}\n---\nflowchart LR\n", model.name);
    let mut indent = "  ".to_owned();
    for part in parts(program) {
        match part {
            Part::Open(number, title) => {
                out.push_str(&format!("{indent}subgraph b{number} [\"{title}\"]\n"));
                indent.push_str("  ");
            }
            Part::Node(id) => out.push_str(&format!("{indent}{}\n", node(program, &names, id))),
            Part::Close => {
                indent.truncate(indent.len() - 2);
                out.push_str(&format!("{indent}end\n"));
            }
        }
    }
    for id in graph.ids() {
        for operand in graph.operands(id) {
            let shape = &graph[operand].shape;
            let label = if shape.is_scalar() { String::new() } else { format!("|\"{shape}\"|") };
            out.push_str(&format!("  n{} -->{label} n{}\n", operand.index(), id.index()));
        }
    }
    for (position, &(root, id)) in graph.roots.iter().enumerate() {
        let label = match root {
            Root::Output(position) => model.outputs[position].name.to_string(),
            Root::Loss => "loss".to_owned(),
            Root::ParamGradient(_) | Root::InputGradient(_) | Root::State(_) => continue,
        };
        out.push_str(&format!("  r{position}[\"{label}\"]:::root\n  n{} --> r{position}\n", id.index()));
    }
    out.push_str(CLASSES);
    out
}

/// `n3("h<br>relu"):::op`. Names are in quotation marks, because some of them are words of Mermaid's own.
fn node(program: &Program, names: &Names, id: NodeId) -> String {
    let name = names.get(id).unwrap_or_default();
    let (open, label, close) = match &program.graph[id].kind {
        Kind::Input(_) => ("[", name.to_owned(), "]:::input"),
        Kind::Target | Kind::Extra(_) | Kind::Cotangent(_) => ("[", name.to_owned(), "]:::target"),
        Kind::Param(_) => ("([", name.to_owned(), "]):::param"),
        Kind::Constant(number) => ("[", Style::Text.number(number.0).text, "]:::constant"),
        Kind::Op(op, _) if name.is_empty() => ("(", op.name.to_owned(), "):::op"),
        Kind::Op(op, _) => ("(", format!("{name}<br>{}", op.name), "):::op"),
    };
    format!("n{}{open}\"{label}\"{close}", id.index())
}
