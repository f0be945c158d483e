//! Syntax tree to graph. Names and roles are resolved here and nowhere else: functions are inlined, loops
//! unrolled, layers given their parameters, and broadcasting made explicit.

pub mod blocks;
mod call;
mod expr;
mod init;
mod parts;
mod short;
mod window;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use proc_macro2::Ident;
use quote::format_ident;

use crate::ast;
use crate::diag::{Diagnostic, Diagnostics, Region, nearest};
use crate::graph::{Graph, Kind, LOSS, NodeId, Root};
use crate::model::{Extra, Init, Layout, Model, Param, StateRule, Target, Variable};
use crate::ops;
use crate::shape::{Dtype, Shape};
use blocks::Blocks;

/// A model's declarations and its computation.
#[derive(Clone)]
pub struct Program {
    /// What it declares.
    pub model: Model,
    /// What it computes: its outputs and, if it has one, its loss.
    pub graph: Graph,
    /// Which call or round each node of it comes from. A graph that is derived from this one has none.
    pub blocks: Blocks,
}

/// The graphs of all models without a mistake. Every name that is not known and every shape that does not fit is
/// noted in `errors`.
pub fn programs(source: ast::Form, errors: &mut Diagnostics) -> Vec<Program> {
    let (models, functions) = match source {
        ast::Form::Short(body) => (short::model(body, errors).into_iter().collect(), Vec::new()),
        ast::Form::Full { models, functions } => (models, functions),
    };
    let table = table(&functions, errors);
    let mut called = BTreeSet::new();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut programs = Vec::new();
    for model in models {
        let name = model.name.to_string();
        if seen.contains(&name) {
            let fact = format!("there are two models with the name `{name}`");
            errors.push(Diagnostic::new(model.name.span(), fact).help("give one of them another name"));
        } else if let Some(other) = seen.iter().find(|other| share_parameters(other, &name)) {
            let fact = format!("the models `{other}` and `{name}` would share a type");
            let help = "the parameters of a model `Name` are the struct `NameParams`; give one another name";
            errors.push(Diagnostic::new(model.name.span(), fact).help(help));
        } else if PRIMITIVES.contains(&name.as_str()) {
            let fact = format!("`{name}` is a type of Rust's own");
            errors.push(Diagnostic::new(model.name.span(), fact).help("give the model another name"));
        }
        seen.insert(name);
        let mut builder = Builder::new(&table, errors, model.dtype);
        programs.extend(builder.program(&model));
        called.append(&mut builder.called);
    }
    let unused = |function: &&ast::Function| {
        let name = function.name.to_string();
        !called.contains(&name) && !name.starts_with('_')
    };
    // After another mistake, the call may only be missing because of it.
    if errors.is_empty() {
        for function in functions.iter().filter(unused) {
            let name = &function.name;
            errors.push(
                Diagnostic::new(name.span(), format!("the function `{name}` is never called"))
                    .help(format!("remove it, or call it `_{name}` if that is meant")),
            );
        }
    }
    programs
}

/// Types that emitted code names and that a model of their name would hide.
const PRIMITIVES: &[&str] = &[
    "bool", "char", "str", "f16", "f32", "f64", "f128", "i8", "i16", "i32", "i64", "i128", "isize", "u8",
    "u16", "u32", "u64", "u128", "usize",
];

/// Names of Rust's own that stand for constructors wherever a variable could be bound.
const CONSTRUCTORS: &[&str] = &["Some", "None", "Ok", "Err"];

/// Whether one of two models has the name of the other's parameters.
fn share_parameters(a: &str, b: &str) -> bool {
    format!("{a}Params") == b || format!("{b}Params") == a
}

/// Moves the states behind all others, and says where each parameter has gone.
fn states_last(params: &mut [Param]) -> Vec<usize> {
    let is_state: Vec<bool> = params.iter().map(|param| param.state.is_some()).collect();
    let trained = is_state.iter().filter(|is_state| !**is_state).count();
    params.sort_by_key(|param| param.state.is_some());
    let mut next = [0, trained];
    is_state
        .into_iter()
        .map(|is_state| {
            let position = &mut next[usize::from(is_state)];
            *position += 1;
            *position - 1
        })
        .collect()
}

fn table<'a>(
    functions: &'a [ast::Function],
    errors: &mut Diagnostics,
) -> BTreeMap<String, &'a ast::Function> {
    let mut table = BTreeMap::new();
    for function in functions {
        let name = function.name.to_string();
        if function.broken {
            table.entry(name).or_insert(function);
            continue;
        }
        if ops::ALL.iter().any(|op| op.name == name) {
            let fact = format!("`{name}` is an operation already");
            errors.push(Diagnostic::new(function.name.span(), fact).help("give the function another name"));
        } else if table.insert(name.clone(), function).is_some() {
            let fact = format!("there are two functions with the name `{name}`");
            errors.push(Diagnostic::new(function.name.span(), fact).help("give one of them another name"));
        }
        let mut arguments = HashSet::new();
        for argument in &function.parameters {
            if !arguments.insert(argument.to_string()) {
                let fact = format!("there are two arguments with the name `{argument}`");
                errors.push(Diagnostic::new(argument.span(), fact).help("give one of them another name"));
            }
        }
        let is_broken = matches!(function.body.statements.last(), Some(ast::Statement::Broken { .. }));
        if function.body.tail.is_none() && !is_broken {
            let fact = format!("the function `{name}` has no value");
            errors.push(
                Diagnostic::new(function.name.span(), fact)
                    .help("end it with an expression without a semicolon"),
            );
        }
    }
    table
}

/// What a name stands for.
#[derive(Clone, Copy)]
enum Value {
    Node(NodeId),
    /// A plain number: a loop's index, a function's width, a constant. It takes the shape of what it meets.
    Number(f64),
    /// A tensor that is put together element by element, by its position among all of them.
    Parts(usize),
    /// The name of something that is wrong; the mistake has been reported.
    Poison,
}

struct Binding {
    value: Value,
    region: Region,
    used: bool,
}

/// The names of a body. A function sees its own alone.
#[derive(Default)]
struct Scope {
    names: BTreeMap<String, Binding>,
    /// The variables that the calls around it feed: `["r"]` inside of `r = residual(x)`.
    path: Vec<String>,
}

struct Builder<'a> {
    functions: &'a BTreeMap<String, &'a ast::Function>,
    errors: &'a mut Diagnostics,
    graph: Graph,
    blocks: Blocks,
    /// The elements so far of each tensor that is put together.
    parts: Vec<Vec<Option<NodeId>>>,
    scopes: Vec<Scope>,
    inputs: Vec<Variable>,
    params: Vec<Draft>,
    /// The parameters' names, and their fields' names.
    taken: HashSet<String>,
    fields: HashSet<String>,
    /// For a variable that several layers feed, the number that the next one tries first.
    next: BTreeMap<String, usize>,
    /// The variable that the current statement feeds, which names the parameters that layers make.
    feeds: String,
    in_loss: bool,
    outputs: Vec<NodeId>,
    target: Option<(Target, NodeId)>,
    extras: Vec<Extra>,
    source: Vec<String>,
    calls: Vec<String>,
    /// The functions that some statement calls.
    called: BTreeSet<String>,
    dtype: Dtype,
    /// Numbers that are computed from constants alone.
    known: BTreeMap<NodeId, f64>,
    /// What the bodies of functions bind and don't use.
    unused: Vec<(String, Region)>,
    /// Names that the model's body binds or declares, some of them only further down.
    declared: BTreeSet<String>,
    /// How many statements may still be unrolled.
    budget: usize,
    /// Whether the parser stepped over a part of the model, and whether that could have bound any name.
    broken: bool,
    aimless: bool,
}

/// A model may unroll to so many statements.
const LONGEST: usize = 100_000;

/// A tensor may have so many elements.
const LARGEST: usize = 1 << 31;

/// A parameter whose initialiser may still be open.
struct Draft {
    name: String,
    field: Ident,
    shape: Shape,
    init: Option<Init>,
    region: Region,
    node: NodeId,
    used: bool,
    /// Whether the user declared it, in contrast to a layer.
    declared: bool,
    /// How training moves it, if it is a state.
    state: Option<StateRule>,
}

impl<'a> Builder<'a> {
    fn new(
        functions: &'a BTreeMap<String, &'a ast::Function>,
        errors: &'a mut Diagnostics,
        dtype: Dtype,
    ) -> Self {
        Self {
            functions,
            errors,
            graph: Graph::default(),
            blocks: Blocks::default(),
            parts: Vec::new(),
            scopes: vec![Scope::default()],
            inputs: Vec::new(),
            params: Vec::new(),
            taken: HashSet::new(),
            fields: HashSet::new(),
            next: BTreeMap::new(),
            feeds: String::new(),
            in_loss: false,
            outputs: Vec::new(),
            target: None,
            extras: Vec::new(),
            source: Vec::new(),
            calls: Vec::new(),
            called: BTreeSet::new(),
            dtype,
            known: BTreeMap::new(),
            unused: Vec::new(),
            declared: BTreeSet::new(),
            budget: LONGEST,
            broken: false,
            aimless: false,
        }
    }

    fn program(&mut self, model: &ast::Model) -> Option<Program> {
        let before = self.errors.iter().count();
        self.inputs(&model.name, &model.inputs);
        self.declared = declared(&model.body);
        let (losses, rest): (Vec<_>, Vec<_>) =
            model.body.statements.iter().partition(|s| matches!(s, ast::Statement::Loss { .. }));
        for statement in rest {
            self.statement(statement, true);
        }
        if let Some(tail) = &model.body.tail {
            let output =
                model.outputs.first().map_or_else(|| "y".to_owned(), |output| output.name.to_string());
            self.errors.push(
                Diagnostic::new(tail.region, "this value goes nowhere")
                    .help(format!("give it a name: `{output} = …;`")),
            );
            self.aimless = true;
        }
        let outputs = self.outputs(&model.outputs);
        let mut loss = None;
        for statement in losses {
            let ast::Statement::Loss { keyword, value, text } = statement else { continue };
            if loss.is_some() {
                self.errors.push(
                    Diagnostic::new(*keyword, "a model has one loss")
                        .help("write all terms in one: `loss mse(y, target) + 1e-4 * sum(w^2);`"),
                );
            }
            self.source.push(text.clone());
            loss = self.loss(value);
        }
        // After another mistake, what is unused may only be unused because of it.
        if self.errors.iter().count() == before && !self.broken {
            self.report_unused();
        }
        if self.errors.iter().count() > before || self.broken {
            return None;
        }

        for (position, id) in self.outputs.iter().enumerate() {
            self.graph.roots.push((Root::Output(position), *id));
        }
        if let Some(loss) = loss {
            self.graph.label(loss, LOSS);
            let mean = self.apply(&ops::batch_mean::BATCH_MEAN, &[loss], Region::none())?;
            self.graph.roots.push((Root::Loss, mean));
        }
        self.graph.name_intermediates();
        let mut params = init::choose(&self.graph, std::mem::take(&mut self.params));
        if params.iter().any(|param| param.state.is_some()) {
            self.graph = self.graph.with_params_at(&states_last(&mut params));
        }
        let (attributes, layout) = layout(&model.attributes, self.errors)?;
        let (attributes, winograd) = winograd(attributes, self.errors)?;
        let model = Model {
            attributes,
            layout,
            winograd,
            visibility: model.visibility.clone(),
            name: model.name.clone(),
            runtime: model.runtime.clone().unwrap_or_else(|| quote::quote!(::nn_runtime)),
            dtype: model.dtype,
            inputs: std::mem::take(&mut self.inputs),
            outputs,
            params,
            target: self.target.take().map(|(target, _)| target),
            extras: std::mem::take(&mut self.extras),
            has_loss: loss.is_some(),
            source: std::mem::take(&mut self.source),
        };
        let (graph, blocks) = (std::mem::take(&mut self.graph), std::mem::take(&mut self.blocks));
        Some(Program { model, graph, blocks })
    }

    fn inputs(&mut self, model: &Ident, inputs: &[ast::Variable]) {
        for (position, input) in inputs.iter().enumerate() {
            let shape = shape_of(input);
            let region = Region::from(input.name.span());
            let name = input.name.to_string();
            let is_constructor = CONSTRUCTORS.contains(&name.as_str());
            if name == "target" || is_constructor || self.scope().names.contains_key(&name) {
                let fact = if name == "target" {
                    "`target` is what the loss compares with".to_owned()
                } else if is_constructor {
                    format!("`{name}` is a name of Rust's own")
                } else {
                    format!("there are two inputs with the name `{name}`")
                };
                self.errors.push(Diagnostic::new(region, fact).help("give this input another name"));
                self.bind(&name, Value::Poison, region);
                continue;
            }
            self.fits(&shape, region);
            let id = self.graph.leaf(Kind::Input(position), shape.clone(), region);
            self.graph.label(id, &name);
            self.bind(&name, Value::Node(id), region);
            self.inputs.push(Variable { name: input.name.clone(), shape });
        }
        if inputs.is_empty() {
            self.errors.push(
                Diagnostic::new(model.span(), "a model needs an input")
                    .help("name what goes in: `model Name(x) -> y`"),
            );
        }
    }

    fn outputs(&mut self, outputs: &[ast::Variable]) -> Vec<Variable> {
        let mut variables = Vec::new();
        let mut seen = HashSet::new();
        for output in outputs {
            let name = output.name.to_string();
            let region = Region::from(output.name.span());
            if !seen.insert(name.clone()) {
                let fact = format!("there are two outputs with the name `{name}`");
                self.errors.push(Diagnostic::new(region, fact).help("give one of them another name"));
                continue;
            }
            let Some(binding) = self.scope_mut().names.get_mut(&name) else {
                if self.aimless {
                    continue;
                }
                let known: Vec<_> = self.scope().names.keys().map(String::as_str).collect();
                let help = match nearest(&name, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("bind it in the body: `{name} = …;`"),
                };
                let fact = format!("the output `{name}` is never computed");
                self.errors.push(Diagnostic::new(region, fact).help(help));
                continue;
            };
            binding.used = true;
            let value = self.whole_value(&name, binding_value(&self.scopes, &name), region);
            let Some(id) = value.and_then(|value| self.node(value, region)) else { continue };
            if !self.graph[id].varies {
                if self.inputs.is_empty() {
                    continue;
                }
                let fact = format!("the output `{name}` does not depend on any input");
                self.errors.push(Diagnostic::new(region, fact).help("a model maps inputs to outputs"));
                continue;
            }
            let shape = self.graph[id].shape.clone();
            if output.shape.is_some() && shape_of(output) != shape {
                let own =
                    if shape.is_scalar() { "is a scalar".into() } else { format!("has the shape {shape}") };
                let fact = format!("the output `{name}` {own}, not {}", shape_of(output));
                self.errors.push(
                    Diagnostic::new(region, fact)
                        .help(format!("write `{}`, or change the last layer", declaration(&name, &shape))),
                );
            }
            self.outputs.push(id);
            variables.push(Variable { name: output.name.clone(), shape });
        }
        variables
    }

    fn loss(&mut self, value: &ast::Expr) -> Option<NodeId> {
        self.in_loss = true;
        "loss".clone_into(&mut self.feeds);
        let id = self.value(value).and_then(|id| self.node(id, value.region));
        self.in_loss = false;
        let id = id?;
        let shape = &self.graph[id].shape;
        if !shape.is_scalar() {
            let fact = format!("the loss of one example is one number, this has the shape {shape}");
            self.errors.push(Diagnostic::new(value.region, fact).help("take `mean(…)` or `sum(…)` of it"));
            return None;
        }
        Some(id)
    }

    /// Counts what is unrolled; `false` when it is too much.
    fn spend(&mut self, region: Region) -> bool {
        if self.budget == 0 {
            return false;
        }
        self.budget -= 1;
        if self.budget == 0 {
            let fact = format!("this model unrolls to more than {LONGEST} statements");
            self.errors.push(Diagnostic::new(region, fact).help("fewer rounds of its loops would do"));
        }
        self.budget > 0
    }

    fn statement(&mut self, statement: &ast::Statement, top: bool) {
        match statement {
            ast::Statement::Broken { names } => {
                self.broken = true;
                self.aimless |= names.is_empty();
                for name in names {
                    self.bind(&name.to_string(), Value::Poison, name.span().into());
                }
            }
            ast::Statement::Param { variable, init } => self.param(variable, init.as_ref()),
            ast::Statement::Bind { name, value, text } => {
                if top {
                    self.source.push(text.clone());
                }
                if self.reserved(name) {
                    return;
                }
                self.feeds = self.path_of(&name.to_string());
                let value = match self.value(value) {
                    Some(Value::Node(id)) => {
                        let label = self.feeds.clone();
                        if !matches!(self.graph[id].kind, Kind::Input(_) | Kind::Param(_)) {
                            self.graph.label(id, label);
                        }
                        Value::Node(id)
                    }
                    Some(value) => value,
                    None => Value::Poison,
                };
                self.bind(&name.to_string(), value, name.span().into());
            }
            ast::Statement::Part { name, index, value, text } => {
                if top {
                    self.source.push(text.clone());
                }
                if !self.reserved(name) {
                    self.part(name, index, value);
                }
            }
            ast::Statement::For { index, from, to, body } => {
                let bounds = (self.whole(from, "the first index"), self.whole(to, "the end of the loop"));
                let (Some(from), Some(to)) = bounds else { return };
                if to <= from {
                    self.errors.push(
                        Diagnostic::new(index.span(), format!("the loop {from}..{to} never runs"))
                            .help("a loop runs from its first number to just below its second"),
                    );
                }
                if let Some(tail) = &body.tail {
                    self.errors.push(
                        Diagnostic::new(tail.region, "this value goes nowhere")
                            .help("bind it: `h = …;` is what the next round sees"),
                    );
                }
                for round in from..to {
                    if !self.spend(index.span().into()) {
                        break;
                    }
                    self.blocks.enter(self.graph.len(), format!("for {index} = {round}"));
                    let outer = self.scope_mut().names.remove(&index.to_string());
                    self.bind(&index.to_string(), Value::Number(round as f64), index.span().into());
                    for statement in &body.statements {
                        self.statement(statement, top && round == from);
                    }
                    self.scope_mut().names.remove(&index.to_string());
                    if let Some(outer) = outer {
                        self.scope_mut().names.insert(index.to_string(), outer);
                    }
                    self.blocks.leave(self.graph.len());
                }
            }
            ast::Statement::Loss { keyword, .. } => self.errors.push(
                Diagnostic::new(*keyword, "a loss belongs to a model, not into a function or loop")
                    .help("move it to the end of the model's body"),
            ),
        }
    }

    /// Names that can't be bound, because an expression could no longer reach what they mean.
    fn reserved(&mut self, name: &Ident) -> bool {
        let text = name.to_string();
        let fact = if text == "target" {
            "`target` is what the loss compares with and can't be bound".to_owned()
        } else if CONSTRUCTORS.contains(&text.as_str()) {
            format!("`{text}` is a name of Rust's own and can't be bound")
        } else {
            return false;
        };
        self.errors.push(Diagnostic::new(name.span(), fact).help("give this value another name"));
        self.bind(&text, Value::Poison, name.span().into());
        true
    }

    fn param(&mut self, variable: &ast::Variable, init: Option<&ast::Expr>) {
        if self.reserved(&variable.name) {
            return;
        }
        let name = variable.name.to_string();
        let region = Region::from(variable.name.span());
        let init = match init {
            Some(value) => {
                let init = init::parse(value, |value| self.number_of(value));
                self.errors.take(init).flatten()
            }
            None => None,
        };
        if let Some(known) = self.scope().names.get(&name) {
            if known.region.start.start() == region.start.start() {
                // The same declaration in another round of a loop makes another parameter.
            } else {
                let fact = format!("`{name}` has a meaning already");
                self.errors.push(Diagnostic::new(region, fact).help("give the parameter another name"));
                return;
            }
        }
        let path = self.path_of(&name);
        if !self.fits(&shape_of(variable), region) {
            return;
        }
        let id = self.new_param(&path, None, shape_of(variable), init, region, Some(&variable.name));
        self.bind(&name, Value::Node(id), region);
    }

    /// A parameter of its own. `suffix` is what a layer calls it; names are made unique by a number.
    fn new_param(
        &mut self,
        owner: &str,
        suffix: Option<&str>,
        shape: Shape,
        init: Option<Init>,
        region: Region,
        declared: Option<&Ident>,
    ) -> NodeId {
        let full =
            |owner: &str| suffix.map_or_else(|| owner.to_owned(), |suffix| format!("{owner}.{suffix}"));
        let field = |name: &str| name.replace('.', "_");
        let name = std::iter::once(full(owner))
            .chain((2..usize::MAX).map(|count| full(&format!("{owner}_{count}"))))
            .find(|name| !self.fields.contains(&field(name)))
            .unwrap_or_default();
        self.taken.insert(name.clone());
        self.fields.insert(field(&name));
        let span = declared.map_or(region.start, Ident::span);
        let node = self.graph.leaf(Kind::Param(self.params.len()), shape.clone(), region);
        self.graph.label(node, &name);
        let field = syn::parse_str::<Ident>(&field(&name)).map_or_else(
            |_| format_ident!("r#{}", field(&name), span = span),
            |_| format_ident!("{}", field(&name), span = span),
        );
        let declared = declared.is_some();
        self.params.push(Draft {
            name,
            field,
            shape,
            init,
            region,
            node,
            used: !declared,
            declared,
            state: None,
        });
        node
    }

    /// Whether a shape can be counted; the mistake is reported otherwise.
    fn fits(&mut self, shape: &[usize], region: Region) -> bool {
        let count = shape.iter().try_fold(1_usize, |count, &size| count.checked_mul(size));
        if count.is_some_and(|count| count <= LARGEST) {
            return true;
        }
        let fact = format!("a tensor of the shape {shape:?} is too large");
        self.errors.push(Diagnostic::new(region, fact).help(format!("{LARGEST} elements are the most")));
        false
    }

    /// Whether a number is one in the model's precision; the mistake is reported otherwise.
    fn is_number(&mut self, number: f64, what: &str, region: Region) -> bool {
        if !number.is_finite() {
            let fact = format!("{what} of these constants is {number}");
            self.errors.push(Diagnostic::new(region, fact).help("constants of a model are finite numbers"));
            return false;
        }
        if self.dtype == Dtype::F32 && number != 0.0 && number as f32 == 0.0 {
            let fact = format!("{number:e} is 0 in single precision");
            self.errors.push(
                Diagnostic::new(region, fact)
                    .help("`model Name<f64>` computes in double precision, down to about 4.9e-324"),
            );
            return false;
        }
        if self.dtype == Dtype::F32 && number.abs() > f64::from(f32::MAX) {
            let fact = format!("{number:e} is too large for single precision");
            self.errors.push(
                Diagnostic::new(region, fact)
                    .help("`model Name<f64>` computes in double precision, up to about 1.8e308"),
            );
            return false;
        }
        true
    }

    fn report_unused(&mut self) {
        let mut unused = Vec::new();
        for (name, binding) in &self.scopes[0].names {
            let is_param = self.params.iter().any(|param| param.declared && param.name == *name);
            if !binding.used && !name.starts_with('_') && !is_param {
                unused.push((name.clone(), binding.region));
            }
        }
        unused.append(&mut self.unused);
        unused.extend(
            self.params
                .iter()
                .filter(|param| !param.used && !param.name.starts_with('_'))
                .map(|param| (param.name.clone(), param.region)),
        );
        for (name, region) in unused {
            self.errors.push(
                Diagnostic::new(region, format!("`{name}` is never used"))
                    .help(format!("remove it, or call it `_{name}` if that is meant")),
            );
        }
    }

    fn scope(&self) -> &Scope {
        &self.scopes[self.scopes.len() - 1]
    }

    fn scope_mut(&mut self) -> &mut Scope {
        let last = self.scopes.len() - 1;
        &mut self.scopes[last]
    }

    fn bind(&mut self, name: &str, value: Value, region: Region) {
        self.scope_mut().names.insert(name.to_owned(), Binding { value, region, used: false });
    }

    /// A variable's name for the reader, with the calls that it is inside of.
    fn path_of(&self, name: &str) -> String {
        let mut path = self.scope().path.clone();
        path.push(name.to_owned());
        path.join(".")
    }
}

/// Every name that a body binds or declares.
fn declared(body: &ast::Body) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for statement in &body.statements {
        match statement {
            ast::Statement::Param { variable, .. } => drop(names.insert(variable.name.to_string())),
            ast::Statement::Bind { name, .. } | ast::Statement::Part { name, .. } => {
                names.insert(name.to_string());
            }
            ast::Statement::For { body, .. } => names.append(&mut declared(body)),
            ast::Statement::Loss { .. } | ast::Statement::Broken { .. } => {}
        }
    }
    names
}

fn binding_value(scopes: &[Scope], name: &str) -> Value {
    scopes.last().and_then(|scope| scope.names.get(name)).map_or(Value::Poison, |binding| binding.value)
}

/// The declared shape; a bare name is a scalar.
fn shape_of(variable: &ast::Variable) -> Shape {
    variable.shape.iter().flatten().map(|size| size.value).collect()
}

/// `w: [16, 64]`, or the name alone for a scalar.
fn declaration(name: &str, shape: &Shape) -> String {
    if shape.is_scalar() { name.to_owned() } else { format!("{name}: {shape}") }
}

/// The precision of a short form, which can't say it.
const SHORT_DTYPE: Dtype = Dtype::F32;

/// Takes `#[layout(lanes)]`, `#[layout(tiles)]` and `#[layout(rows)]` out of a model's attributes.
fn layout(
    attributes: &[syn::Attribute],
    errors: &mut Diagnostics,
) -> Option<(Vec<syn::Attribute>, Option<Layout>)> {
    let (ours, others): (Vec<_>, Vec<_>) =
        attributes.iter().cloned().partition(|attribute| attribute.path().is_ident("layout"));
    let Some(attribute) = ours.last() else { return Some((others, None)) };
    match attribute.parse_args::<Ident>() {
        Ok(name) if name == "tiles" => Some((others, Some(Layout::Tiles))),
        Ok(name) if name == "lanes" => Some((others, Some(Layout::Lanes))),
        Ok(name) if name == "rows" => Some((others, Some(Layout::Rows))),
        _ => {
            errors.push(
                Diagnostic::new(Region::of(attribute), "a layout is `lanes`, `tiles` or `rows`")
                    .help("write `#[layout(tiles)]`, or leave it to the compiler"),
            );
            None
        }
    }
}

/// Takes `#[winograd]` out of a model's attributes, and whether it was there.
fn winograd(
    attributes: Vec<syn::Attribute>,
    errors: &mut Diagnostics,
) -> Option<(Vec<syn::Attribute>, bool)> {
    let (ours, others): (Vec<_>, Vec<_>) =
        attributes.into_iter().partition(|attribute| attribute.path().is_ident("winograd"));
    if let Some(attribute) = ours.iter().find(|attribute| attribute.meta.require_path_only().is_err()) {
        errors.push(
            Diagnostic::new(Region::of(attribute), "`winograd` takes no arguments")
                .help("write `#[winograd]`"),
        );
        return None;
    }
    Some((others, !ours.is_empty()))
}
