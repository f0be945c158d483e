//! One page about a model, which works without a server and without a network: its drawing, in which every value and
//! every edge can be looked at; the forward pass and the chain rule step by step, with numbers that can be changed; the
//! table of layers; the model's text and the emitted code, linked with what they compute.

mod engine;
mod numbers;

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::{Value, json};

use super::derivatives::{derivatives, flows};
use super::draw::{self, Options};
use super::rust::{Traced, traced};
use super::svg::escaped;
use super::write::{Names, backward, formula, partial};
use super::{latex, summary};
use crate::graph::{Graph, Kind, LOSS, NodeId};
use crate::local;
use crate::model::{Model, Target};
use crate::notation::Style;
use crate::ops::Kernel;
use crate::schedule::Plan;
use crate::shape::Shape;
use engine::{Engine, Functions};

pub use numbers::Numbers;

/// A model of more parameters has a page without numbers.
pub const LARGEST: usize = 20_000;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// What the page evaluates graphs with.
pub const EVALUATOR: &str = include_str!("evaluate.js");

/// The page of a model; `source` is the text that its tokens come from, whose lines the page shows.
pub fn html(plan: &Plan, source: &str) -> String {
    let (code, statements) = traced(plan);
    let mut functions = Functions::default();
    let data = data(plan, &statements, &mut functions);
    let name = plan.program.model.name.to_string();
    let parts = [
        ("title", name.clone()),
        ("style", STYLE.to_owned()),
        ("name", name),
        ("about", escaped(&about(&plan.program.model))),
        ("drawing", draw::svg(&plan.program, &Options::default())),
        ("summary", table(&summary::rows(plan))),
        ("totals", escaped(&summary::totals(plan))),
        ("source", lines("source", source)),
        ("code", lines("code", &code)),
        ("latex", escaped(&latex::text(plan))),
        // A text in the data could otherwise end the script.
        ("data", data.to_string().replace('<', "\\u003c")),
        ("evaluator", EVALUATOR.to_owned()),
        ("functions", functions.script()),
        ("script", SCRIPT.to_owned()),
    ];
    fill(PAGE, &parts)
}

/// The template with each `<!--name-->` replaced by its part.
fn fill(template: &str, parts: &[(&str, String)]) -> String {
    let mut pieces = template.split("<!--");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let Some((name, rest)) = piece.split_once("-->") else { continue };
        if let Some((_, part)) = parts.iter().find(|(known, _)| *known == name) {
            out.push_str(part);
        }
        out.push_str(rest);
    }
    out
}

/// The documentation of the model.
fn about(model: &Model) -> String {
    let doc = |attribute: &syn::Attribute| match &attribute.meta {
        syn::Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => {
                Some(text.value().trim().to_owned())
            }
            _ => None,
        },
        _ => None,
    };
    model.attributes.iter().filter_map(doc).collect::<Vec<_>>().join(" ")
}

fn table(rows: &[[String; 4]]) -> String {
    let mut out = String::from("<table>\n");
    for (position, row) in rows.iter().enumerate() {
        let tag = if position == 0 { "th" } else { "td" };
        let cells: Vec<String> = row.iter().map(|cell| format!("<{tag}>{}</{tag}>", escaped(cell))).collect();
        out.push_str(&format!("<tr>{}</tr>\n", cells.concat()));
    }
    out.push_str("</table>");
    out
}

/// Lines that can be pointed to.
fn lines(what: &str, text: &str) -> String {
    let line = |(number, line): (usize, &str)| {
        format!(
            "<span class=\"line\" id=\"{what}-{number}\" data-line=\"{number}\">{}</span>\n",
            escaped(line)
        )
    };
    text.lines().enumerate().map(line).collect()
}

/// What the page knows: the graph that it evaluates, the values that it shows, and the numbers that it begins with.
fn data(plan: &Plan, statements: &[Traced], functions: &mut Functions) -> Value {
    let (program, model) = (&plan.program, &plan.program.model);
    let engine = Engine::new(program);
    let numbers = Numbers::new(model);
    let has_numbers = numbers.count() <= LARGEST;
    let leaf = |name: &str, shape: &Shape, values: &[f64]| json!({ "name": name, "shape": &shape[..], "values": if has_numbers { values } else { &[] } });
    let inputs: Value = model
        .inputs
        .iter()
        .zip(&numbers.inputs)
        .map(|(input, values)| leaf(&input.name.to_string(), &input.shape, values))
        .collect();
    let params: Value = model
        .params
        .iter()
        .zip(&numbers.params)
        .map(|(param, values)| leaf(&param.name, &param.shape, values))
        .collect();
    let target = model.target.as_ref().zip(numbers.target.as_ref()).map(|(target, values)| {
        let mut leaf = leaf("target", &target.shape(), values);
        if let Target::Class(classes, _) = target {
            leaf["classes"] = json!(classes);
        }
        leaf
    });
    json!({
        "name": model.name.to_string(),
        "has_numbers": has_numbers,
        "inputs": inputs,
        "params": params,
        "target": target,
        "nodes": engine::nodes(&engine.graph, functions),
        "values": values(plan, &engine, statements, functions),
    })
}

/// The values of the user's graph, by node; `null` for what nothing depends on.
fn values(plan: &Plan, engine: &Engine, statements: &[Traced], functions: &mut Functions) -> Value {
    let program = &plan.program;
    let graph = &program.graph;
    let names = Names::new(graph);
    let computed = computed(plan);
    let flows = flows(graph);
    let live = graph.live();
    graph
        .ids()
        .map(|id| {
            let is_mean = graph[id].op().is_some_and(|(op, _)| matches!(op.kernel, Kernel::Mean));
            if !live[id.index()] || is_mean {
                return Value::Null;
            }
            let name = names.get(id).unwrap_or_default();
            let is_shown = !name.is_empty() && !matches!(graph[id].kind, Kind::Constant(_));
            let written = formula(graph, &names, Style::Text, id, true).text;
            let left = partial(Style::Text, if name.is_empty() { LOSS } else { name }).text;
            let sources = local::sources(graph, id);
            let factors: Value = derivatives(graph, &names, id, &flows)
                .into_iter()
                .filter(|_| flows[id.index()])
                .map(|local| {
                    json!({
                        "operand": local.operand.index(),
                        "left": local.left,
                        "formula": local.formula,
                        "sources": sources.iter().map(|source| source.index()).collect::<Vec<_>>(),
                        "graph": engine::alone(&local.graph, local.root, functions),
                    })
                })
                .collect();
            json!({
                "id": id.index(),
                "name": name,
                "is_shown": is_shown,
                "is_computed": graph[id].op().is_some(),
                "shape": &graph[id].shape[..],
                "formula": if graph[id].op().is_some() { written } else { String::new() },
                "operands": graph.operand_ids(id).iter().map(|operand| operand.index()).collect::<Vec<_>>(),
                "node": engine.value(id),
                "adjoint": engine.adjoint(id),
                "computed": computed.get(&left).filter(|_| is_shown),
                "factors": factors,
                "line": line(graph, id),
                "code": code(graph, id, statements, ""),
                "adjoint_code": code(graph, id, statements, "d_"),
            })
        })
        .collect()
}

/// What the compiler makes of each adjoint, where it has one of that name.
fn computed(plan: &Plan) -> BTreeMap<String, String> {
    let Some(training) = &plan.training else { return BTreeMap::new() };
    let (lines, gradients) = backward(&plan.program, training, Style::Text);
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in lines.into_iter().chain(gradients) {
        found.entry(line.left).or_default().push(line.formula);
    }
    let only = |(left, mut formulas): (String, Vec<String>)| {
        formulas.dedup();
        if formulas.len() == 1 { Some((left, formulas.remove(0))) } else { None }
    };
    found.into_iter().filter_map(only).collect()
}

/// The line of the user's text that a value comes from, counted from 0.
fn line(graph: &Graph, id: NodeId) -> Option<usize> {
    let start = graph[id].region.start.start();
    // The place of something that the user did not write is the first column of the first line.
    (start.line > 1 || start.column > 0).then(|| start.line - 1)
}

/// The statements of emitted code that compute a value or, with a prefix, its adjoint: first and last line of each.
///
/// Labels tell. Where the user has given one name to several values, their order does, in the pass as in the user's
/// graph; adjoints come in the reverse one.
fn code(graph: &Graph, id: NodeId, statements: &[Traced], prefix: &str) -> Vec<[usize; 2]> {
    let Some(label) = graph[id].label.as_deref() else { return Vec::new() };
    let alike: Vec<NodeId> =
        graph.ids().filter(|&other| graph[other].label.as_deref() == Some(label)).collect();
    let place = alike.iter().position(|&other| other == id).unwrap_or(0);
    let place = if prefix.is_empty() { place } else { alike.len() - 1 - place };
    let wanted = format!("{prefix}{label}");
    let mut by_node: BTreeMap<(&str, usize), Vec<&Range<usize>>> = BTreeMap::new();
    for statement in statements {
        for (node, _) in statement.values.iter().filter(|(_, label)| *label == wanted) {
            by_node.entry((&statement.pass, *node)).or_default().push(&statement.lines);
        }
    }
    let mut found = Vec::new();
    for pass in ["forward", "train"] {
        let here: Vec<_> =
            by_node.iter().filter(|((of, _), _)| *of == pass).map(|(_, lines)| lines).collect();
        let count = here.len();
        for (at, lines) in here.into_iter().enumerate() {
            if count != alike.len() || at == place {
                found.extend(lines.iter().map(|lines| [lines.start, lines.end - 1]));
            }
        }
    }
    found
}
