//! The *lanes* lowering: straight-line code on values that hold one example in each lane.

use std::fmt::Write;

use super::formula;
use super::names::{Names, extras, leaves};
use super::source::{Head, Source, comment, trace};
use crate::graph::{Kind, NodeId, Root};
use crate::model::Model;
use crate::notation::{Formula, Level, Style};
use crate::schedule::{Function, Step, When, Work};

/// What a function gives back for each tile.
pub(super) enum Result {
    /// Values of the roots, in order.
    Values(Vec<NodeId>),
    /// Sums over the batch, added to what the caller holds.
    Sums,
}

/// The functions of one pass: `prepare` and `finish` where there is something to do before or after the
/// tiles, and the tile's function itself.
pub(super) fn write(
    model: &Model,
    function: &Function,
    name: &str,
    doc: &str,
    result: &Result,
    out: &mut Source,
) {
    let writer = Writer { model, function, names: Names::new(function), is_traced: out.is_traced };
    let prepared = writer.prepared();
    if !prepared.is_empty() {
        writer.prologue(name, &prepared, out);
    }
    writer.tile(name, doc, &prepared, result, out);
    if !function.means().is_empty() && needs_finish(function) {
        writer.epilogue(name, &prepared, out);
    }
}

/// Whether the loss and the gradients are more than means over the batch.
pub(super) fn needs_finish(function: &Function) -> bool {
    let means = function.means();
    function.graph.roots.iter().any(|(root, id)| {
        matches!(root, Root::Loss | Root::ParamGradient(_) | Root::State(_)) && !means.contains(id)
    })
}

/// The number of values that `prepare` gives.
pub(super) fn prepared_count(function: &Function) -> usize {
    prepared(function).len()
}

fn prepared(function: &Function) -> Vec<NodeId> {
    let mut reads = function.reads(When::Tile);
    reads.extend(function.reads(When::Epilogue));
    reads.extend(function.graph.roots.iter().map(|&(_, id)| id));
    reads.sort_unstable();
    reads.dedup();
    reads.retain(|id| function.when[id.index()] == When::Prologue && function.graph[*id].op().is_some());
    reads
}

/// Whether a root is a constant, which takes a SIMD token to spread over lanes.
pub(super) fn needs_token(function: &Function) -> bool {
    let roots = &function.graph.roots;
    roots.iter().any(|&(_, id)| matches!(function.graph[id].kind, Kind::Constant(_)))
}

struct Writer<'a> {
    model: &'a Model,
    function: &'a Function,
    names: Names,
    is_traced: bool,
}

impl Writer<'_> {
    fn prepared(&self) -> Vec<NodeId> {
        prepared(self.function)
    }

    /// The SIMD token, where a constant has to be spread over lanes, and the parameters.
    fn head(&self, when: &[When], roots: bool) -> Head {
        let mut head = Head::default();
        if needs_token(self.function) && when != [When::Prologue] {
            head.arg("s: S");
        }
        let mut params = leaves(self.function, when, self.model.params.len(), |kind| match kind {
            Kind::Param(at) => Some(*at),
            _ => None,
        });
        if roots {
            for &(_, id) in &self.function.graph.roots {
                if let Kind::Param(at) = self.function.graph[id].kind {
                    params[at] = Some(id);
                }
            }
        }
        head.array("params", &self.names.pattern(params), &lanes(self.model.params.len()));
        head
    }

    fn prologue(&self, name: &str, prepared: &[NodeId], out: &mut Source) {
        let mut body = String::new();
        for step in self.function.steps_of(When::Prologue) {
            self.binding(step, &mut body);
        }
        body.push_str(&self.names.pattern(prepared.iter().copied().map(Some)));
        let returns = format!("-> {}", lanes(prepared.len()));
        let head = self.head(&[When::Prologue], false);
        out.function(
            "What does not vary with the example.",
            &head.function(&format!("prepare_{name}"), &returns, &body),
        );
    }

    fn tile(&self, name: &str, doc: &str, prepared: &[NodeId], result: &Result, out: &mut Source) {
        let graph = &self.function.graph;
        let mut head = self.head(&[When::Tile], false);
        if !prepared.is_empty() {
            let reads = self.function.reads(When::Tile);
            let pattern = self.names.pattern(prepared.iter().map(|id| reads.contains(id).then_some(*id)));
            head.array("prepared", &pattern, &lanes(prepared.len()));
        }
        let position = |kind: &Kind| match kind {
            Kind::Input(at) => Some(*at),
            _ => None,
        };
        let mut inputs = leaves(self.function, &[When::Tile], self.model.inputs.len(), position);
        let mut targets = leaves(self.function, &[When::Tile], self.model.outputs.len(), |kind| match kind {
            Kind::Target => Some(0),
            Kind::Cotangent(at) => Some(*at),
            _ => None,
        });
        if let Result::Values(roots) = result {
            for &id in roots {
                match graph[id].kind {
                    Kind::Input(at) => inputs[at] = Some(id),
                    Kind::Cotangent(at) => targets[at] = Some(id),
                    _ => {}
                }
            }
        }
        head.array("inputs", &self.names.pattern(inputs), &lanes(self.model.inputs.len()));
        let has_target = graph.ids().any(|id| matches!(graph[id].kind, Kind::Target));
        let has_cotangent = graph.ids().any(|id| matches!(graph[id].kind, Kind::Cotangent(_)));
        if has_target {
            head.arg("target: Lanes<S>");
        } else if has_cotangent {
            head.array("cotangents", &self.names.pattern(targets), &lanes(self.model.outputs.len()));
        }
        let extras = extras(self.model, self.function);
        if extras.iter().any(Option::is_some) {
            head.array("extras", &self.names.pattern(extras), &lanes(self.model.extras.len()));
        }

        let means = self.function.means();
        if matches!(result, Result::Sums) || !means.is_empty() {
            let sums: Vec<String> = means.iter().map(|&mean| self.sum_name(mean)).collect();
            head.array("sums", &format!("[{}]", sums.join(", ")), &format!("&mut {}", lanes(sums.len())));
        }

        let mut body = String::new();
        for step in self.function.steps_of(When::Tile) {
            if matches!(step.work, Work::Sum { .. }) {
                let value = self.rust(step).text;
                if self.is_traced {
                    body.push_str(&trace(self.function, step));
                }
                let _ = write!(body, "*{} += {value};", self.sum_name(step.result));
            } else {
                self.binding(step, &mut body);
            }
        }
        let mut returns = String::new();
        if let Result::Values(roots) = result {
            let values: Vec<String> = roots.iter().map(|&id| self.value(id)).collect();
            let _ = write!(body, "[{}]", values.join(", "));
            returns = format!("-> {}", lanes(roots.len()));
        }
        out.function(doc, &head.function(name, &returns, &body));
    }

    /// Means to loss and gradients.
    fn epilogue(&self, name: &str, prepared: &[NodeId], out: &mut Source) {
        let means = self.function.means();
        let mut head = self.head(&[When::Epilogue], true);
        if !prepared.is_empty() {
            let pattern = self.names.pattern(prepared.iter().copied().map(Some));
            head.array("prepared", &pattern, &lanes(prepared.len()));
        }
        let sums: Vec<String> = means.iter().map(|&mean| self.sum_name(mean)).collect();
        head.array("means", &format!("[{}]", sums.join(", ")), &lanes(means.len()));
        let mut body = String::new();
        for step in self.function.steps_of(When::Epilogue) {
            self.binding(step, &mut body);
        }
        let roots: Vec<NodeId> = self
            .function
            .graph
            .roots
            .iter()
            .filter(|(root, _)| matches!(root, Root::Loss | Root::ParamGradient(_)))
            .map(|&(_, id)| id)
            .collect();
        let values: Vec<String> = roots.iter().map(|&id| self.value(id)).collect();
        let _ = write!(body, "[{}]", values.join(", "));
        let returns = format!("-> {}", lanes(roots.len()));
        out.function(
            "The loss and the gradients, from means over the batch.",
            &head.function(&format!("finish_{name}"), &returns, &body),
        );
    }

    fn binding(&self, step: &Step, body: &mut String) {
        if self.is_traced {
            body.push_str(&trace(self.function, step));
        }
        let label = self.function.graph[step.result].label.clone().unwrap_or_default();
        if let Some(of) = label.strip_prefix("d_") {
            let of = if of.contains('#') { self.names.get(step.result).trim_start_matches("d_") } else { of };
            body.push_str(&comment(&format!("∂J/∂{of}")));
        }
        let formula = self.rust(step);
        let value = match formula.level {
            Level::Compare if !self.is_returned(step.result) => formula.text,
            _ => plain(&formula),
        };
        let _ = write!(body, "let {} = {value};", self.names.get(step.result));
    }

    fn rust(&self, step: &Step) -> Formula {
        formula::of_step(self.function, step, self.model.dtype, Style::Rust, &|id| self.name(id))
    }

    /// Whether a value goes into an array, where only plain values go.
    fn is_returned(&self, id: NodeId) -> bool {
        let is_root = self.function.graph.roots.iter().any(|&(_, root)| root == id);
        is_root || self.function.when[id.index()] == When::Prologue
    }

    fn name(&self, id: NodeId) -> String {
        match self.function.graph[id].op() {
            Some((op, _)) if matches!(op.kernel, crate::ops::Kernel::Mean) => self.sum_name(id),
            _ => self.names.get(id).to_owned(),
        }
    }

    /// A root's value where it is returned.
    fn value(&self, id: NodeId) -> String {
        match self.function.graph[id].kind {
            Kind::Constant(number) => format!("Lanes::splat(s, {:?})", number.0),
            _ => self.name(crate::schedule::behind_views(&self.function.graph, id)),
        }
    }

    /// What a sum over the batch is called: after the root that it is, or after its node.
    fn sum_name(&self, id: NodeId) -> String {
        sum_name(self.model, self.function, &self.names, id)
    }
}

pub(super) fn sum_name(model: &Model, function: &Function, names: &Names, id: NodeId) -> String {
    let root = function.graph.roots.iter().find(|(root, root_id)| {
        *root_id == id && matches!(root, Root::Loss | Root::ParamGradient(_) | Root::State(_))
    });
    match root {
        Some((Root::Loss, _)) => "loss".to_owned(),
        Some((Root::ParamGradient(at), _)) => format!("d_{}", model.params[*at].field),
        Some((Root::State(at), _)) => format!("batch_{}", model.params[*at].field),
        _ => names.get(id).to_owned(),
    }
}

/// A formula whose value is plain lanes, and no truth value or product that waits.
pub(super) fn plain(formula: &Formula) -> String {
    match formula.level {
        Level::Compare => format!("{}.lanes()", formula.text),
        _ if is_product(formula) => format!("({}).lanes()", formula.text),
        _ => formula.text.clone(),
    }
}

/// Whether the runtime's type of a formula is a product that waits to be added to something. What is bound to a
/// name is rounded once, there.
fn is_product(formula: &Formula) -> bool {
    let text = match formula.level {
        Level::Product => &*formula.text,
        Level::Negation => match formula.text.strip_prefix("-(").and_then(|text| text.strip_suffix(')')) {
            Some(negated) => negated,
            None => return false,
        },
        _ => return false,
    };
    let mut depth = 0;
    let mut last = None;
    for (at, symbol) in text.char_indices() {
        match symbol {
            '(' => depth += 1,
            ')' => depth -= 1,
            // A sign has no space behind it.
            '+' | '-' if depth == 0 && text[at + 1..].starts_with(' ') => return false,
            '*' | '/' if depth == 0 => last = Some(symbol),
            _ => {}
        }
    }
    last == Some('*')
}

/// The type of so many values.
fn lanes(count: usize) -> String {
    format!("[Lanes<S>; {count}]")
}
