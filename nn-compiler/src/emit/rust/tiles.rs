//! The *tiles* lowering: one kernel call for each fused step, on rows of a workspace that stays in cache.

use std::cell::RefCell;
use std::fmt::Write;

use super::formula;
use super::lanes::{needs_finish, sum_name};
use super::names::{Names, extras, leaves};
use super::source::{Head, Source, comment, trace};
use crate::graph::{Attrs, Graph, Kind, NodeId, Root};
use crate::model::Model;
use crate::notation::Style;
use crate::ops::{Finish, Kernel, Op};
use crate::schedule::{Addend, Function, Lowering, Place, Slot, Step, When, Work, behind_views};
use crate::shape::Shape;

/// From so many pointwise steps on, equal chains of a function share one of their own. Each is a loop that is inlined for
/// every SIMD level, and what rustc takes for a function grows faster than its length.
const MOST_LOOPS: usize = 64;

/// The functions of one pass; `stores` are the roots whose rows are written out, with a name each.
pub(super) fn write(
    model: &Model,
    function: &Function,
    name: &str,
    doc: &str,
    stores: &[(NodeId, &'static str)],
    out: &mut Source,
) {
    before(model, function, name, out);
    Writer::new(model, function, name, out.is_traced).tile(name, doc, stores, out);
    after(model, function, name, out);
}

/// The function of what is computed before the examples, if there is anything.
pub(super) fn before(model: &Model, function: &Function, name: &str, out: &mut Source) {
    if !prepared(function).is_empty() {
        Writer::new(model, function, &format!("prepare_{name}"), out.is_traced).prologue(name, out);
    }
}

/// The function of what is computed after the examples, if there is anything.
pub(super) fn after(model: &Model, function: &Function, name: &str, out: &mut Source) {
    if !function.means().is_empty() && needs_finish(function) {
        Writer::new(model, function, &format!("finish_{name}"), out.is_traced).epilogue(name, out);
    }
}

/// The formula of a step, in the names of the user.
pub(super) fn remark(model: &Model, function: &Function, names: &Names, step: &Step) -> String {
    Writer { names: names.clone(), ..Writer::new(model, function, "", false) }.remark(step)
}

/// The shared values that have a place in memory: what the prologue computes.
pub(in crate::emit) fn prepared(function: &Function) -> Vec<NodeId> {
    function.steps_of(When::Prologue).flat_map(Step::results).collect()
}

/// The values of the epilogue.
pub(in crate::emit) fn finished(function: &Function) -> Vec<NodeId> {
    function.steps_of(When::Epilogue).flat_map(Step::results).collect()
}

/// Whether a value has a row for each example of the tile that computes it.
fn has_rows(function: &Function, id: NodeId) -> bool {
    function.graph[id].varies
}

/// The length of each piece of the workspace as emitted code computes it, from the examples of a tile.
pub(super) fn slot_lens(function: &Function, real: &str, tile: &str) -> Vec<String> {
    let len = |slot: &Slot| match slot.place {
        Place::Rows => format!("tile_len::<{real}>({tile}, {})", slot.len),
        Place::Blocks => format!("interleaved::blocks_len::<{real}>({tile}, {})", slot.len),
        Place::Once => format!("tile_len::<{real}>(1, {})", slot.len),
    };
    function.slots.iter().map(len).collect()
}

/// Sums of more terms than this are counted and not written down: each has a line of its own anyway.
const LONG: usize = 4;

struct Writer<'a> {
    model: &'a Model,
    function: &'a Function,
    names: Names,
    is_traced: bool,
    /// The chains of a long function, each a function too: name, and text from its arguments on.
    chains: Option<RefCell<Vec<(String, String)>>>,
    /// What their names begin with.
    prefix: String,
}

impl<'a> Writer<'a> {
    fn new(model: &'a Model, function: &'a Function, prefix: &str, is_traced: bool) -> Self {
        let loops = function.steps.iter().filter(|step| matches!(step.work, Work::Pointwise)).count();
        Self {
            model,
            function,
            names: Names::new(function),
            is_traced,
            chains: (loops >= MOST_LOOPS).then(RefCell::default),
            prefix: prefix.to_owned(),
        }
    }

    /// The functions that the function itself calls.
    fn write_chains(&self, out: &mut Source) {
        for (name, text) in self.chains.iter().flat_map(RefCell::take) {
            out.function("Pointwise steps that differ in their operands alone.", &format!("fn {name}{text}"));
        }
    }

    fn shape(&self, id: NodeId) -> &Shape {
        &self.function.graph[id].shape
    }

    fn count(&self, id: NodeId) -> usize {
        self.shape(id).count()
    }

    /// Where the kernels of rows are found: in a function on arrays, those of arrays have their names.
    fn kernels(&self) -> &'static str {
        if self.function.lowering == Lowering::Arrays { "kernels::" } else { "" }
    }

    fn real(&self) -> &'static str {
        self.model.dtype.name()
    }

    /// The SIMD token, if the body needs it, and the parameters.
    fn head(&self, when: When, body: &str, rows: bool) -> Head {
        let mut head = Head::default();
        head.arg(if body.contains("pointwise") { "s: S" } else { "_: S" });
        if rows {
            let tile = if body.contains("_len::<") { "tile" } else { "_" };
            head.array("size", &format!("[rows, {tile}]"), "[usize; 2]");
        }
        let params = leaves(self.function, &[when], self.model.params.len(), |kind| match kind {
            Kind::Param(at) => Some(*at),
            _ => None,
        });
        head.array("params", &self.names.pattern(params), &self.slices(self.model.params.len()));
        let prepared = prepared(self.function);
        if prepared.is_empty() || when == When::Prologue {
            return head;
        }
        let reads: Vec<NodeId> =
            self.function.reads(when).into_iter().map(|id| behind_views(&self.function.graph, id)).collect();
        let pattern = self.names.pattern(prepared.iter().map(|id| reads.contains(id).then_some(*id)));
        head.array("prepared", &pattern, &self.slices(prepared.len()));
        head
    }

    /// The type of so many slices.
    fn slices(&self, count: usize) -> String {
        format!("[&[{}]; {count}]", self.real())
    }

    /// The type of so many slices that are written.
    fn slices_mut(&self, count: usize) -> String {
        format!("[&mut [{}]; {count}]", self.real())
    }

    fn prologue(&self, name: &str, out: &mut Source) {
        let prepared = prepared(self.function);
        let mut body = String::new();
        for step in self.function.steps_of(When::Prologue) {
            self.step(step, true, &mut body);
        }
        self.write_chains(out);
        let mut head = self.head(When::Prologue, &body, false);
        let pattern = self.names.pattern(prepared.iter().copied().map(Some));
        head.array("prepared", &pattern, &self.slices_mut(prepared.len()));
        out.function(
            "What does not vary with the example.",
            &head.function(&format!("prepare_{name}"), "", &body),
        );
    }

    fn tile(&self, name: &str, doc: &str, stores: &[(NodeId, &'static str)], out: &mut Source) {
        let function = self.function;
        let real = self.real();
        let mut body = String::new();
        let lens = slot_lens(function, real, "tile");
        if !lens.is_empty() {
            let first = function.slots.iter().map(|slot| slot.values.first().copied());
            let pattern = self.names.pattern(first);
            let _ = write!(body, "let {pattern} = split(workspace, [{}]);", lens.join(", "));
            // What all examples share lies without pads.
            for slot in function.slots.iter().filter(|slot| slot.place == Place::Once) {
                for &id in &slot.values {
                    let name = self.names.get(id);
                    let _ = write!(body, "let {name} = &mut {name}[..{}];", self.count(id));
                }
            }
        }
        for step in function.steps_of(When::Tile) {
            self.step(step, !has_rows(function, step.result), &mut body);
        }
        let total: usize = stores.iter().map(|&(id, _)| self.count(id)).sum();
        let mut offset = 0;
        for &(id, target) in stores {
            self.store(id, target, [offset, self.count(id), total], &mut body);
            offset += self.count(id);
        }
        self.write_chains(out);

        let mut head = self.head(When::Tile, &body, true);
        let stored: Vec<NodeId> = stores.iter().map(|&(id, _)| behind_views(&function.graph, id)).collect();
        let wanted = |id: &NodeId| stored.contains(id);
        let mut inputs = leaves(function, &[When::Tile], self.model.inputs.len(), |kind| match kind {
            Kind::Input(at) => Some(*at),
            _ => None,
        });
        let mut cotangents = leaves(function, &[When::Tile], self.model.outputs.len(), |kind| match kind {
            Kind::Cotangent(at) => Some(*at),
            _ => None,
        });
        for id in function.graph.ids().filter(wanted) {
            match function.graph[id].kind {
                Kind::Input(at) => inputs[at] = Some(id),
                Kind::Cotangent(at) => cotangents[at] = Some(id),
                _ => {}
            }
        }
        head.array("inputs", &self.names.pattern(inputs), &self.slices(self.model.inputs.len()));
        if function.graph.ids().any(|id| matches!(function.graph[id].kind, Kind::Target)) {
            head.arg(&format!("target: &[{real}]"));
        } else if function.graph.ids().any(|id| matches!(function.graph[id].kind, Kind::Cotangent(_))) {
            head.array("cotangents", &self.names.pattern(cotangents), &self.slices(self.model.outputs.len()));
        }
        let extras = extras(self.model, function);
        if extras.iter().any(Option::is_some) {
            head.array("extras", &self.names.pattern(extras), &self.slices(self.model.extras.len()));
        }
        let means = function.means();
        if !means.is_empty() {
            head.array("sums", &self.sums(), &self.slices_mut(means.len()));
        }
        if let Some(&(_, target)) = stores.first() {
            head.arg(&format!("{target}: &mut [{real}]"));
        }
        if !lens.is_empty() {
            head.arg(&format!("workspace: &mut [{real}]"));
        }
        out.function(doc, &head.function(name, "", &body));
    }

    fn epilogue(&self, name: &str, out: &mut Source) {
        let function = self.function;
        let finished = finished(function);
        let mut body = String::new();
        for step in function.steps_of(When::Epilogue) {
            self.step(step, true, &mut body);
        }
        self.write_chains(out);
        let mut head = self.head(When::Epilogue, &body, false);
        head.array("means", &self.sums(), &self.slices(function.means().len()));
        let pattern: Vec<String> = finished.iter().map(|&id| self.name(id)).collect();
        head.array("results", &format!("[{}]", pattern.join(", ")), &self.slices_mut(finished.len()));
        out.function(
            "The loss and the gradients, from means over the batch.",
            &head.function(&format!("finish_{name}"), "", &body),
        );
    }

    fn sums(&self) -> String {
        let sums: Vec<String> = self
            .function
            .means()
            .iter()
            .map(|&id| sum_name(self.model, self.function, &self.names, id))
            .collect();
        format!("[{}]", sums.join(", "))
    }

    /// What a value is called: a buffer, a parameter, an input, a sum.
    fn name(&self, id: NodeId) -> String {
        let id = behind_views(&self.function.graph, id);
        match &self.function.graph[id].kind {
            // Where a kernel wants a tensor, the compiler of the emitted code makes one.
            Kind::Constant(number) => format!("&[{:?}; {}]", number.0, self.count(id)),
            Kind::Op(op, ..) if matches!(op.kernel, Kernel::Mean) => {
                sum_name(self.model, self.function, &self.names, id)
            }
            _ => self.names.get(id).to_owned(),
        }
    }

    /// One step. In a shared stage there is one row, of values without padding.
    fn step(&self, step: &Step, shared: bool, body: &mut String) {
        let mut remark = self.remark(step);
        for id in step.results() {
            if let Some(before) = self.before(id) {
                let (name, before) = (self.name(id), self.name(before));
                let _ = write!(body, "let {name} = {before};");
                remark.push_str(&format!(", in the memory of {before}"));
            }
        }
        if self.is_traced {
            body.push_str(&trace(self.function, step));
        }
        body.push_str(&comment(&remark));
        let rows = if shared { "1" } else { "rows" };
        let graph = &self.function.graph;
        let out = self.name(step.result);
        let operands = graph.operands(step.result);
        match &step.work {
            Work::Pointwise => self.pointwise(step, shared, &out, body),
            Work::Call { also } => {
                let Some((op, attrs)) = graph[step.result].op() else { return };
                let Kernel::Call { function, sizes } = op.kernel else { return };
                let function = match (&op.joint, also) {
                    (Some(joint), Some(_)) => joint.function,
                    _ => self.quick(step.result).unwrap_or(function),
                };
                let shapes: Vec<Shape> = operands.iter().map(|&id| graph[id].shape.clone()).collect();
                let sizes = (sizes)(attrs, &shapes);
                let sizes = if let [only] = sizes[..] { only.to_string() } else { format!("{sizes:?}") };
                let args: Vec<String> =
                    operands.iter().copied().chain(step.results()).map(|id| self.name(id)).collect();
                let kernels = self.layout(step.result);
                let _ = write!(body, "{kernels}{function}({rows}, {sizes}, {});", args.join(", "));
            }
            Work::Finished { call, bias, activation, gate } => {
                let Some((op, attrs)) = graph[*call].op() else { return };
                let Kernel::Call { function, sizes } = op.kernel else { return };
                let interleaved = op.interleaved.as_ref().filter(|_| self.is_interleaved(*call));
                let finish = interleaved.map_or(op.finish, |kernel| kernel.finish);
                let function = self.quick(*call).unwrap_or(function);
                let kernels = self.layout(*call);
                let operands = graph.operands(*call);
                let shapes: Vec<Shape> = operands.iter().map(|&id| graph[id].shape.clone()).collect();
                let option = |id: &Option<NodeId>| {
                    id.map_or("None".to_owned(), |id| format!("Some({})", self.name(id)))
                };
                let mut args: Vec<String> = operands.iter().map(|&id| self.name(id)).collect();
                match finish {
                    Finish::Keep => {}
                    Finish::Activate => {
                        args.push(option(bias));
                        args.push(format!("Activation::{}", activation.unwrap_or("Linear")));
                    }
                    Finish::Gate => args.push(option(gate)),
                }
                let (sizes, args) = (sizes(attrs, &shapes), args.join(", "));
                let _ = write!(body, "{kernels}{function}({rows}, {sizes:?}, {args}, {out});");
            }
            Work::Move => self.movement(step.result, shared, &out, body),
            Work::Contract { product, bias, activation, gate } => {
                let bias = bias.map(|id| self.name(id));
                let epilogue = Epilogue { bias, activation: *activation, gate: gate.map(|id| self.name(id)) };
                self.contract(*product, shared, &epilogue, &out, body);
            }
            Work::Statistic => {
                let n = self.count(step.result);
                let _ = write!(body, "batch_statistic(rows, {n}, {}, {out});", self.name(operands[0]));
            }
            Work::Sum { addends } => addends.iter().for_each(|&addend| self.sum(step.result, addend, body)),
        }
    }

    /// The formula of a step, in the names of the user.
    fn remark(&self, step: &Step) -> String {
        let graph = &self.function.graph;
        let label = |id: NodeId| match graph[id].label.as_deref() {
            Some(label) if !label.contains('#') => label.to_owned(),
            _ => self.name(id),
        };
        let formula = formula::of_step(self.function, step, self.model.dtype, Style::Text, &label).text;
        let partial = |at: usize| format!("∂J/∂{}", self.model.params[at].name);
        if matches!(step.work, Work::Sum { .. }) {
            let root = graph.roots.iter().find_map(|&(root, id)| match root {
                Root::ParamGradient(at) if id == step.result => Some(partial(at)),
                Root::State(at) if id == step.result => Some(self.model.params[at].name.clone()),
                _ => None,
            });
            let what = match &step.work {
                Work::Sum { addends } if addends.len() > LONG => format!("of {} terms", addends.len()),
                _ => formula,
            };
            return match root {
                Some(left) => format!("{left}: Σ {what}"),
                None => format!("Σ {what}"),
            };
        }
        let line = |id: NodeId, formula: &str| {
            let name = label(id);
            match name.strip_prefix("d_") {
                Some(of) => format!("∂J/∂{of} = {formula}"),
                None => format!("{name} = {formula}"),
            }
        };
        let mut text = line(step.result, &formula);
        for id in step.results().skip(1) {
            let other = formula::write(self.function, &[id], id, self.model.dtype, Style::Text, &label).text;
            text.push_str("; ");
            text.push_str(&line(id, &other));
        }
        text
    }

    fn pointwise(&self, step: &Step, shared: bool, out: &str, body: &mut String) {
        let n = self.count(step.result);
        let Some(chains) = &self.chains else {
            let name = |id: NodeId| self.name(id);
            body.push_str(&self.chain(step, shared, &n.to_string(), out, &name));
            return;
        };
        // The same chain of other operands is the same function, whose operands are called by their positions.
        let operands = self.names_read(step);
        let position = |id: NodeId| {
            let name = self.name(id);
            operands.iter().position(|operand| *operand == name).map_or(name, |at| format!("x{at}"))
        };
        let chain = self.chain(step, shared, "n", "out", &position);
        let real = self.real();
        let arguments: Vec<String> = (0..operands.len()).map(|at| format!("x{at}: &[{real}]")).collect();
        let arguments = arguments.join(", ");
        let (rows, row) = if shared { ("", "") } else { ("rows: usize, ", "rows, ") };
        let text =
            format!("({rows}n: usize, {arguments}, out: &mut [{real}]) {{ dispatch!(s => {{ {chain} }}) }}");
        let mut chains = chains.borrow_mut();
        let known = chains.iter().position(|(_, known)| *known == text);
        let at = known.unwrap_or_else(|| {
            let name = format!("{}_chain{}", self.prefix, chains.len() + 1);
            chains.push((name, text));
            chains.len() - 1
        });
        let _ = write!(body, "{}({row}{n}, {}, {out});", chains[at].0, operands.join(", "));
    }

    /// The tensors that a pointwise step reads, each once.
    fn names_read(&self, step: &Step) -> Vec<String> {
        let graph = &self.function.graph;
        let mut operands: Vec<String> = Vec::new();
        for id in step.reads(graph) {
            let name = self.name(id);
            if !matches!(graph[id].kind, Kind::Constant(_)) && !operands.contains(&name) {
                operands.push(name);
            }
        }
        operands
    }

    /// The call of a chain's kernel.
    fn chain(
        &self,
        step: &Step,
        shared: bool,
        n: &str,
        out: &str,
        name: &dyn Fn(NodeId) -> String,
    ) -> String {
        let graph = &self.function.graph;
        let is_one = self.count(step.result) == 1;
        let mut sources: Vec<(String, String)> = Vec::new();
        for id in step.reads(graph) {
            if matches!(graph[id].kind, Kind::Constant(_)) {
                continue;
            }
            let name = name(id);
            let source = match (self.count(id), graph[id].varies) {
                (1, false) if !is_one || !shared => format!("scalar({name}[0])"),
                (1, true) if !is_one => format!("per_row({name})"),
                (_, true) => format!("full({name})"),
                (_, false) => format!("shared({name})"),
            };
            if !sources.iter().any(|(known, _)| *known == name) {
                sources.push((name, source));
            }
        }
        let formula = formula::of_step(self.function, step, self.model.dtype, Style::Rust, &name).text;
        let (names, values): (Vec<String>, Vec<String>) = sources.into_iter().unzip();
        let (comma, kernel) = (
            if names.len() == 1 { "," } else { "" },
            if shared {
                format!("{}pointwise_shared(s, {n}", self.kernels())
            } else {
                let layout = if self.is_interleaved(step.result) { "interleaved::" } else { "" };
                format!("{layout}pointwise(s, rows, {n}")
            },
        );
        format!(
            "{kernel}, ({}{comma}), {out}, #[inline(always)] |({}{comma})| {formula});",
            values.join(", "),
            names.join(", ")
        )
    }

    fn movement(&self, id: NodeId, shared: bool, out: &str, body: &mut String) {
        let graph = &self.function.graph;
        let Some((op, attrs)) = graph[id].op() else { return };
        let Kernel::Move(movement) = op.kernel else { return };
        let operands = graph.operands(id);
        let shapes: Vec<Shape> = operands.iter().map(|&id| graph[id].shape.clone()).collect();
        let movement = movement(attrs, &shapes);
        let rows = if shared { "1" } else { "rows" };
        let n = self.count(id);
        let kernels = self.layout(id);
        if let Some(fill) = movement.fill {
            let _ = write!(body, "{kernels}fill({rows}, {n}, {out}, {:?});", fill.0);
        }
        for copy in &movement.copies {
            let from = operands[copy.operand];
            if let Kind::Constant(number) = graph[from].kind {
                // A constant among what is joined: its rows are filled through a stretched single element.
                let _ = write!(
                    body,
                    "{kernels}copy({rows}, {:?}, from(&[{:?}], 0, 0, {:?}), {});",
                    copy.sizes,
                    number.0,
                    vec![0; copy.sizes.len()],
                    self.view_mut(out, id, shared, copy.to, &copy.to_strides),
                );
                continue;
            }
            let _ = write!(
                body,
                "{kernels}copy({rows}, {:?}, from({}, {}, {}, {:?}), {});",
                copy.sizes,
                self.name(from),
                self.example_stride(from),
                copy.from,
                copy.from_strides,
                self.view_mut(out, id, shared, copy.to, &copy.to_strides),
            );
        }
    }

    fn view_mut(&self, out: &str, id: NodeId, shared: bool, offset: usize, strides: &[usize]) -> String {
        let example = if shared { "0".to_owned() } else { self.stride(id) };
        format!("to({out}, {example}, {offset}, {strides:?})")
    }

    /// The distance between two examples' rows; what is shared has one row for all.
    fn example_stride(&self, id: NodeId) -> String {
        if self.function.graph[id].varies { self.stride(id) } else { "0".to_owned() }
    }

    /// The distance between two examples' rows, or between two blocks.
    fn stride(&self, id: NodeId) -> String {
        let stride = if self.is_interleaved(id) { "interleaved::block_stride" } else { "stride" };
        format!("{stride}::<{}>({})", self.real(), self.count(id))
    }

    fn is_interleaved(&self, id: NodeId) -> bool {
        self.function.interleaved[id.index()]
    }

    /// Where the kernels are found that make a value as it lies.
    fn layout(&self, id: NodeId) -> &'static str {
        if self.is_interleaved(id) { "interleaved::" } else { self.kernels() }
    }

    /// The faster kernel that the model asks for, if there is one. Interleaved examples have none.
    fn quick(&self, id: NodeId) -> Option<&'static str> {
        let (op, _) = self.function.graph[id].op()?;
        op.quick.filter(|_| self.model.winograd && !self.is_interleaved(id))
    }

    /// The value that had its memory before.
    fn before(&self, id: NodeId) -> Option<NodeId> {
        let slot = self.function.slots.iter().find(|slot| slot.values.contains(&id))?;
        let at = slot.values.iter().position(|value| *value == id)?;
        Some(slot.values[at.checked_sub(1)?])
    }

    fn contract(&self, product: NodeId, shared: bool, epilogue: &Epilogue, out: &str, body: &mut String) {
        let graph = &self.function.graph;
        let operands = graph.operands(product);
        let (a, b) = (operands[0], operands[1]);
        let Some((_, attrs)) = graph[product].op() else { return };
        let dims = Dims::new(attrs, self.shape(a), self.shape(b));
        let row_by_matrix = !shared && dims.m == 1 && graph[a].varies && !graph[b].varies;
        let names = (self.name(a), self.name(b));
        if row_by_matrix && dims.n > 1 {
            let activation = epilogue.activation.unwrap_or("Linear");
            let is_adjoint = graph[product].label.as_ref().is_some_and(|label| label.starts_with("d_"));
            if epilogue.gate.is_some() || is_adjoint {
                let gate = epilogue.gate.as_ref().map_or("None".to_owned(), |gate| format!("Some({gate})"));
                let _ = write!(
                    body,
                    "dense_input(rows, [{}, {}], {}, {}, {gate}, {out});",
                    dims.n, dims.k, names.0, names.1
                );
            } else {
                let bias = epilogue.bias.as_ref().map_or("None".to_owned(), |bias| format!("Some({bias})"));
                let _ = write!(
                    body,
                    "dense(rows, [{}, {}], {}, {}, {bias}, Activation::{activation}, {out});",
                    dims.k, dims.n, names.0, names.1
                );
            }
            return;
        }
        if epilogue.bias.is_some() || epilogue.activation.is_some() {
            let bias = epilogue.bias.as_ref().map_or("None".to_owned(), |bias| format!("Some({bias})"));
            let activation = epilogue.activation.unwrap_or("Linear");
            let _ = write!(
                body,
                "dense_rows(rows, {}, {}, {}, {bias}, Activation::{activation}, {out});",
                dims.sizes(),
                names.0,
                names.1
            );
            return;
        }
        let rows = if shared { "1" } else { "rows" };
        let (kernels, operands) = (self.kernels(), self.operands(a, b, &dims));
        let _ = write!(body, "{kernels}contract({rows}, {}, {operands}, {out});", dims.sizes());
    }

    fn operands(&self, a: NodeId, b: NodeId, dims: &Dims) -> String {
        let operand = |id: NodeId, [row, col]: [usize; 2]| {
            let example = self.example_stride(id);
            format!("matrix({}, {example}, [{row}, {col}])", self.name(id))
        };
        format!("{}, {}", operand(a, dims.a), operand(b, dims.b))
    }

    fn sum(&self, mean: NodeId, addend: Addend, body: &mut String) {
        let graph = &self.function.graph;
        let out = sum_name(self.model, self.function, &self.names, mean);
        let product = match addend {
            Addend::Product(product) => product,
            Addend::Value(value) => {
                let _ = match graph[value].kind {
                    Kind::Constant(number) => write!(
                        body,
                        "for sum in {out}.iter_mut() {{ *sum += {:?} * rows as {}; }}",
                        number.0,
                        self.real()
                    ),
                    _ => write!(
                        body,
                        "{}batch_sum(rows, {}, {}, {out});",
                        if self.is_interleaved(value) { "interleaved::" } else { "" },
                        self.count(value),
                        self.name(value)
                    ),
                };
                return;
            }
        };
        let operands = graph.operands(product);
        let Some((op, attrs)) = graph[product].op() else { return };
        if let (Kernel::Call { sizes, .. }, Some(function)) = (op.kernel, op.summed) {
            let shapes: Vec<Shape> = operands.iter().map(|&id| graph[id].shape.clone()).collect();
            let args: Vec<String> = operands.iter().map(|&id| self.name(id)).collect();
            let sizes = sizes(attrs, &shapes);
            let kernels = if self.is_interleaved(product) { "interleaved::" } else { "" };
            let _ = write!(body, "{kernels}{function}(rows, {sizes:?}, {}, {out});", args.join(", "));
            return;
        }
        let (a, b) = (operands[0], operands[1]);
        let dims = Dims::new(attrs, self.shape(a), self.shape(b));
        if dims.k == 1 {
            let _ = write!(
                body,
                "dense_weight(rows, [{}, {}], {}, {}, {out});",
                dims.m,
                dims.n,
                self.name(a),
                self.name(b)
            );
        } else {
            let _ =
                write!(body, "contract_sum(rows, {}, {}, {out});", dims.sizes(), self.operands(a, b, &dims));
        }
    }

    /// Writes a root's rows where the caller wants them.
    fn store(&self, id: NodeId, target: &str, [offset, n, total]: [usize; 3], body: &mut String) {
        let graph = &self.function.graph;
        let id = behind_views(graph, id);
        let from = match graph[id].kind {
            Kind::Constant(number) => format!("from(&[{:?}], 0, 0, [0])", number.0),
            _ => format!("from({}, {}, 0, [1])", self.name(id), self.example_stride(id)),
        };
        let _ = write!(body, "copy(rows, [{n}], {from}, to({target}, {total}, {offset}, [1]));");
    }
}

/// What a product's kernel does with its result.
struct Epilogue {
    bias: Option<String>,
    activation: Option<&'static str>,
    gate: Option<String>,
}

/// A contraction as a product of two matrices with strides.
pub(super) struct Dims {
    pub(super) m: usize,
    pub(super) k: usize,
    pub(super) n: usize,
    /// Strides of the left matrix, [m][k].
    pub(super) a: [usize; 2],
    /// Strides of the right matrix, [k][n].
    pub(super) b: [usize; 2],
}

impl Dims {
    pub(super) fn new(attrs: &Attrs, a: &Shape, b: &Shape) -> Self {
        let k: usize = attrs.axes.iter().map(|&axis| a[axis]).product();
        let (m, n) = (a.count() / k, b.count() / k);
        // After the split pass, contracted axes come first or last on the left and first on the right.
        let last = attrs.axes.last().is_some_and(|&axis| axis + 1 == a.len());
        let strides = if last || attrs.axes.is_empty() { [k, 1] } else { [1, m] };
        Self { m, k, n, a: strides, b: [n, 1] }
    }

    pub(super) fn sizes(&self) -> String {
        format!("[{}, {}, {}]", self.m, self.k, self.n)
    }
}

/// The operations that a function performs for one example, by the usual count: two for each product that is
/// summed, one for each element of anything else.
pub fn flops(function: &Function) -> u64 {
    let graph = &function.graph;
    graph.ids().map(|id| flops_of(graph, id)).sum()
}

/// The operations of one node for one example; what does not vary costs nothing there.
pub fn flops_of(graph: &Graph, id: NodeId) -> u64 {
    let Some((op, attrs)) = graph[id].op().filter(|_| graph[id].varies) else { return 0 };
    let operands = graph.operand_ids(id);
    if let Some(products) = op.products {
        let shapes: Vec<Shape> = operands.iter().map(|&id| graph[id].shape.clone()).collect();
        return op.flops * products(attrs, &shapes);
    }
    match op.kernel {
        Kernel::Contract => {
            let dims = Dims::new(attrs, &graph[operands[0]].shape, &graph[operands[1]].shape);
            2 * (dims.m * dims.k * dims.n) as u64
        }
        Kernel::Pointwise => op.flops * graph[id].shape.count() as u64,
        Kernel::Call { .. } => op.flops * graph[operands[0]].shape.count() as u64,
        _ => 0,
    }
}

/// How many of the operations of a node are products that are summed, by twos: those of matrices and convolutions. The
/// elements that a pooling looks at are none.
pub fn products_of(graph: &Graph, id: NodeId) -> u64 {
    const MULTIPLY_AND_ADD: u64 = 2;
    let sums_products = |op: &Op| {
        op.flops == MULTIPLY_AND_ADD && (op.products.is_some() || matches!(op.kernel, Kernel::Contract))
    };
    match graph[id].op() {
        Some((op, _)) if sums_products(op) => flops_of(graph, id) / MULTIPLY_AND_ADD,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    fn forward(steps: usize) -> String {
        let source = format!(
            "#[layout(tiles)] model M(x: [64]) -> h: [64] {{
                h = x; for i in 0..{steps} {{ h = sin(h / sum(h)); }}
            }}"
        );
        let tokens = source.parse().expect("the source is tokens");
        let plans = crate::parse::source(tokens).and_then(crate::compile);
        super::super::text(&plans.unwrap_or_else(|errors| panic!("{errors:?}"))[0])
    }

    #[test]
    fn equal_chains_of_long_functions_are_one_function() {
        let short = forward(super::MOST_LOOPS - 1);
        assert!(!short.contains("forward_chain"), "{short}");
        let long = forward(super::MOST_LOOPS);
        assert_eq!(long.matches("fn forward_chain").count(), 1, "{long}");
        assert_eq!(long.matches("forward_chain1(rows, 64,").count(), super::MOST_LOOPS);
        assert_eq!(long.matches("sin(x0 / x1)").count(), 1);
    }
}
