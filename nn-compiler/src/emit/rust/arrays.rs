//! The *arrays* lowering: one line for each step, on arrays of values that hold one example in each lane.
//!
//! A tensor of one element is a plain value. What all examples share stays in slices, as with tiles; so do the steps
//! before and after the examples.

use std::fmt::Write;

use super::formula;
use super::lanes::{self, sum_name};
use super::names::{Names, extras, leaves};
use super::source::{Head, Source, comment, trace};
use super::tiles::{self, Dims, prepared};
use crate::graph::{Kind, NodeId};
use crate::model::{Extra, Model, Variable};
use crate::notation::Style;
use crate::ops::Kernel;
use crate::schedule::{Addend, Function, Step, When, Work, behind_views, transposed};
use crate::shape::Shape;

/// The functions of one pass; `roots` are the values that a call gives back.
pub(super) fn write(
    model: &Model,
    function: &Function,
    name: &str,
    doc: &str,
    roots: &[NodeId],
    out: &mut Source,
) {
    tiles::before(model, function, name, out);
    let writer = Writer { model, function, names: Names::new(function), is_traced: out.is_traced };
    writer.pass(name, doc, roots, out);
    tiles::after(model, function, name, out);
}

struct Writer<'a> {
    model: &'a Model,
    function: &'a Function,
    names: Names,
    is_traced: bool,
}

impl Writer<'_> {
    fn shape(&self, id: NodeId) -> &Shape {
        &self.function.graph[id].shape
    }

    fn count(&self, id: NodeId) -> usize {
        self.shape(id).count()
    }

    fn varies(&self, id: NodeId) -> bool {
        self.function.graph[id].varies
    }

    fn pass(&self, name: &str, doc: &str, roots: &[NodeId], out: &mut Source) {
        let (function, graph) = (self.function, &self.function.graph);
        let mut body = String::new();
        for step in function.steps_of(When::Tile) {
            self.step(step, &mut body);
        }
        let mut returns = String::new();
        if !roots.is_empty() {
            let count: usize = roots.iter().map(|&id| self.count(id)).sum();
            returns = format!("-> [Lanes<S>; {count}]");
            body.push_str(&match roots {
                &[only] if self.is_array(only) => {
                    format!("{}{}", if self.is_given(only) { "*" } else { "" }, self.name(only))
                }
                _ => {
                    let elements = roots.iter().flat_map(|&id| (0..self.count(id)).map(move |i| (id, i)));
                    let elements: Vec<String> = elements.map(|(id, i)| self.element(id, i)).collect();
                    format!("[{}]", elements.join(", "))
                }
            });
        }

        let mut head = Head::default();
        let uses = |word: &str| body.contains(word);
        head.arg(if uses("(s,") { "s: S" } else { "_: S" });
        head.arg(if uses("(rows,") { "rows: usize" } else { "_: usize" });
        let real = self.model.dtype.name();
        let wanted = |id: NodeId| roots.iter().any(|&root| behind_views(graph, root) == id);
        let leaves = |count: usize, position: &dyn Fn(&Kind) -> Option<usize>| {
            let mut found = leaves(function, &[When::Tile], count, position);
            for id in graph.ids().filter(|&id| wanted(id)) {
                if let Some(at) = position(&graph[id].kind) {
                    found[at] = Some(id);
                }
            }
            found
        };
        let params = leaves(self.model.params.len(), &|kind| match kind {
            Kind::Param(at) => Some(*at),
            _ => None,
        });
        head.array(
            "params",
            &self.names.pattern(params),
            &format!("[&[{real}]; {}]", self.model.params.len()),
        );
        let prepared = prepared(function);
        if !prepared.is_empty() {
            let reads = function.reads(When::Tile);
            let read = |id: &NodeId| reads.contains(id) || wanted(*id);
            let pattern = self.names.pattern(prepared.iter().map(|id| read(id).then_some(*id)));
            head.array("prepared", &pattern, &format!("[&[{real}]; {}]", prepared.len()));
        }
        let inputs = leaves(self.model.inputs.len(), &|kind| match kind {
            Kind::Input(at) => Some(*at),
            _ => None,
        });
        head.array("inputs", &self.tuple(&inputs), &types(&shapes(&self.model.inputs)));
        if let Some(target) = graph.ids().find(|&id| matches!(graph[id].kind, Kind::Target)) {
            head.arg(&format!("target: {}", given(self.count(target))));
        } else if graph.ids().any(|id| matches!(graph[id].kind, Kind::Cotangent(_))) {
            let cotangents = leaves(self.model.outputs.len(), &|kind| match kind {
                Kind::Cotangent(at) => Some(*at),
                _ => None,
            });
            head.array("cotangents", &self.tuple(&cotangents), &types(&shapes(&self.model.outputs)));
        }
        let extras = extras(self.model, function);
        if extras.iter().any(Option::is_some) {
            let shapes: Vec<_> = self.model.extras.iter().map(Extra::shape).collect();
            head.array("extras", &self.tuple(&extras), &types(&shapes));
        }
        let means = function.means();
        if !means.is_empty() {
            let sums: Vec<String> = means.iter().map(|&mean| self.sum_name(mean)).collect();
            let ty = format!("[&mut [Sum<S>]; {}]", sums.len());
            head.array("sums", &format!("[{}]", sums.join(", ")), &ty);
        }
        out.function(doc, &head.function(name, &returns, &body));
    }

    /// `(a, _)` for given values of which only some are read; one alone stands without brackets.
    fn tuple(&self, ids: &[Option<NodeId>]) -> String {
        let names: Vec<&str> = ids.iter().map(|id| id.map_or("_", |id| self.names.get(id))).collect();
        if let [only] = names[..] { only.to_owned() } else { format!("({})", names.join(", ")) }
    }

    fn sum_name(&self, id: NodeId) -> String {
        sum_name(self.model, self.function, &self.names, id)
    }

    fn name(&self, id: NodeId) -> &str {
        self.names.get(behind_views(&self.function.graph, id))
    }

    /// Whether a value is an array of lanes.
    fn is_array(&self, id: NodeId) -> bool {
        self.varies(id) && self.count(id) > 1
    }

    /// Whether it comes as an argument, by reference.
    fn is_given(&self, id: NodeId) -> bool {
        let graph = &self.function.graph;
        graph[behind_views(graph, id)].op().is_none()
    }

    /// An element on its own.
    fn element(&self, id: NodeId, i: usize) -> String {
        let graph = &self.function.graph;
        match graph[behind_views(graph, id)].kind {
            Kind::Constant(number) => format!("Lanes::splat(s, {:?})", number.0),
            _ if self.is_array(id) => format!("{}[{i}]", self.name(id)),
            _ if self.varies(id) => self.name(id).to_owned(),
            _ => format!("Lanes::splat(s, {}[{i}])", self.name(id)),
        }
    }

    /// All elements, as a reference to an array.
    fn array(&self, id: NodeId) -> String {
        if self.is_array(id) {
            format!("{}{}", if self.is_given(id) { "" } else { "&" }, self.name(id))
        } else if self.varies(id) {
            format!("&[{}]", self.name(id))
        } else {
            let elements: Vec<String> = (0..self.count(id)).map(|i| self.element(id, i)).collect();
            format!("&[{}]", elements.join(", "))
        }
    }

    fn step(&self, step: &Step, body: &mut String) {
        if self.is_traced {
            body.push_str(&trace(self.function, step));
        }
        let remark = comment(&tiles::remark(self.model, self.function, &self.names, step));
        body.push_str(&remark);
        let graph = &self.function.graph;
        let operands = graph.operands(step.result);
        match &step.work {
            Work::Pointwise => self.pointwise(step, body),
            Work::Call { also } => {
                let Some((op, attrs)) = graph[step.result].op() else { return };
                let Kernel::Call { function, sizes } = op.kernel else { return };
                let function = match (&op.joint, also) {
                    (Some(joint), Some(_)) => joint.function,
                    _ => function,
                };
                let shapes: Vec<Shape> = operands.iter().map(|&id| graph[id].shape.clone()).collect();
                let sizes = (sizes)(attrs, &shapes);
                let sizes = if let [only] = sizes[..] { only.to_string() } else { format!("{sizes:?}") };
                let args: Vec<String> = operands.iter().map(|&id| self.array(id)).collect();
                let call = format!("{function}(s, {sizes}, {})", args.join(", "));
                let results: Vec<NodeId> = step.results().collect();
                self.bind(&results, &call, body);
            }
            Work::Finished { .. } => unreachable!("kernels of arrays finish nothing"),
            Work::Move => self.movement(step.result, body),
            Work::Contract { product, bias, activation, gate } => {
                let call = self.contract(*product, *bias, *activation, *gate);
                self.bind(&[step.result], &call, body);
            }
            Work::Statistic => unreachable!("what sees its batch is computed in tiles"),
            Work::Sum { addends } => addends.iter().for_each(|&addend| self.sum(step.result, addend, body)),
        }
    }

    /// Binds what a call gives: an array for each result.
    fn bind(&self, results: &[NodeId], call: &str, body: &mut String) {
        let pattern = |id: NodeId| {
            let name = self.names.get(id);
            if self.count(id) == 1 { format!("[{name}]") } else { name.to_owned() }
        };
        let ty = |id: NodeId| format!("[_; {}]", self.count(id));
        let (patterns, types): (Vec<_>, Vec<_>) = results.iter().map(|&id| (pattern(id), ty(id))).unzip();
        let _ = if let ([pattern], [ty]) = (&patterns[..], &types[..]) {
            write!(body, "let {pattern}: {ty} = {call};")
        } else {
            write!(body, "let ({}): ({}) = {call};", patterns.join(", "), types.join(", "))
        };
    }

    fn pointwise(&self, step: &Step, body: &mut String) {
        let n = self.count(step.result);
        // An operator takes a scalar beside lanes; a function may not.
        let graph = &self.function.graph;
        let in_call = |id: NodeId| {
            graph.users(id).iter().any(|&user| {
                let is_part = user == step.result || step.fused.contains(&user);
                is_part && graph[user].op().is_some_and(|(op, _)| op.symbol.is_none())
            })
        };
        let name = |id: NodeId| {
            let at = if self.count(id) == 1 { "0" } else { "i" };
            match (self.varies(id), self.count(id)) {
                (true, 1) => self.name(id).to_owned(),
                (false, _) if in_call(id) => format!("Lanes::splat(s, {}[{at}])", self.name(id)),
                _ => format!("{}[{at}]", self.name(id)),
            }
        };
        let formula = formula::of_step(self.function, step, self.model.dtype, Style::Rust, &name);
        if n == 1 {
            let _ = write!(body, "let {} = {};", self.names.get(step.result), lanes::plain(&formula));
        } else {
            let call = format!("each(s, #[inline(always)] |i| {})", formula.text);
            self.bind(&[step.result], &call, body);
        }
    }

    fn movement(&self, id: NodeId, body: &mut String) {
        let graph = &self.function.graph;
        let Some((op, attrs)) = graph[id].op() else { return };
        let Kernel::Move(movement) = op.kernel else { return };
        let operands = graph.operands(id);
        let shapes: Vec<Shape> = operands.iter().map(|&id| graph[id].shape.clone()).collect();
        let movement = movement(attrs, &shapes);
        let fill = movement.fill.map_or(0.0, |fill| fill.0);
        let mut elements = vec![format!("Lanes::splat(s, {fill:?})"); self.count(id)];
        for copy in &movement.copies {
            for place in 0..copy.sizes.iter().product() {
                let (mut rest, mut from, mut to) = (place, copy.from, copy.to);
                for axis in (0..copy.sizes.len()).rev() {
                    let i = rest % copy.sizes[axis];
                    rest /= copy.sizes[axis];
                    from += i * copy.from_strides[axis];
                    to += i * copy.to_strides[axis];
                }
                elements[to] = self.element(operands[copy.operand], from);
            }
        }
        let _ = if let [only] = &elements[..] {
            write!(body, "let {} = {only};", self.names.get(id))
        } else {
            write!(body, "let {} = [{}];", self.names.get(id), elements.join(", "))
        };
    }

    /// A product as a call.
    fn contract(
        &self,
        product: NodeId,
        bias: Option<NodeId>,
        activation: Option<&str>,
        gate: Option<NodeId>,
    ) -> String {
        let graph = &self.function.graph;
        let (a, b) = (graph.operands(product)[0], graph.operands(product)[1]);
        let Some((_, attrs)) = graph[product].op() else { return String::new() };
        let dims = Dims::new(attrs, self.shape(a), self.shape(b));
        let is_row = dims.m == 1 && self.varies(a) && !self.varies(b);
        // A transpose that something else needs too has a step of its own, and then it is what is read.
        let is_computed = self.function.steps.iter().any(|step| step.result == b);
        if is_row
            && !is_computed
            && let Some(weight) = transposed(graph, b)
        {
            let gate = gate.map_or("None".to_owned(), |gate| format!("Some({})", self.array(gate)));
            return format!("dense_input(s, {}, {}, {gate})", self.array(a), self.name(weight));
        }
        if is_row && gate.is_none() && !matches!(graph[b].kind, Kind::Constant(_)) {
            let bias = bias.map_or("None".to_owned(), |bias| format!("Some({})", self.name(bias)));
            let activation = activation.unwrap_or("Linear");
            let (x, weight) = (self.array(a), self.name(b));
            return format!("dense(s, {x}, {weight}, {bias}, Activation::{activation})");
        }
        let operand = |id: NodeId, strides: [usize; 2]| {
            let is_slice = !self.varies(id) && !matches!(graph[id].kind, Kind::Constant(_));
            let elements = if is_slice { self.name(id).to_owned() } else { self.array(id) };
            format!("({elements}, {strides:?})")
        };
        let call = format!("contract(s, {}, {}, {})", dims.sizes(), operand(a, dims.a), operand(b, dims.b));
        match gate {
            Some(gate) => format!("gated(&{call}, {})", self.array(gate)),
            None => call,
        }
    }

    fn sum(&self, mean: NodeId, addend: Addend, body: &mut String) {
        let graph = &self.function.graph;
        let out = self.sum_name(mean);
        let product = match addend {
            Addend::Product(product) => product,
            Addend::Value(value) => {
                let _ = write!(body, "batch_sum(rows, {}, {out});", self.array(value));
                return;
            }
        };
        let (a, b) = (graph.operands(product)[0], graph.operands(product)[1]);
        let Some((_, attrs)) = graph[product].op() else { return };
        let dims = Dims::new(attrs, self.shape(a), self.shape(b));
        let _ = if dims.k == 1 {
            write!(body, "dense_weight(rows, {}, {}, {out});", self.array(a), self.array(b))
        } else {
            let (x, y) = (self.array(a), self.array(b));
            write!(
                body,
                "contract_sum(rows, {}, ({x}, {:?}), ({y}, {:?}), {out});",
                dims.sizes(),
                dims.a,
                dims.b
            )
        };
    }
}

/// The type of a given value of so many elements.
fn given(count: usize) -> String {
    if count == 1 { "Lanes<S>".to_owned() } else { format!("&[Lanes<S>; {count}]") }
}

fn shapes(variables: &[Variable]) -> Vec<Shape> {
    variables.iter().map(|variable| variable.shape.clone()).collect()
}

/// The type of all inputs, or of a cotangent for each output.
fn types(shapes: &[Shape]) -> String {
    let types: Vec<String> = shapes.iter().map(|shape| given(shape.count())).collect();
    if let [only] = &types[..] { only.clone() } else { format!("({})", types.join(", ")) }
}
