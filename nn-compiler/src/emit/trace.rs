//! The numbers of one example: every value of the forward pass, every local derivative and every adjoint of the backward
//! pass, and the gradients beside finite differences.
//!
//! Computed from the graph as the user wrote it, operation by operation, by the reference semantics in double precision.
//! Nothing here shares code with what is emitted, or with the derivation of the whole gradient: a trace that agrees with
//! the emitted gradient has got there by another way.

use std::fmt;

use super::write::{Names, derived, formula, partial, ratio};
use crate::build::Program;
use crate::graph::{Graph, Kind, LOSS, NodeId, Root};
use crate::interpret::{Bindings, Example, evaluate};
use crate::local::{self, Edge, Operation};
use crate::notation::Style;
use crate::ops::Tensor;
use crate::shape::Shape;

/// The step of the central differences, relative to the parameter's magnitude if that is above 1.
const STEP: f64 = 1e-5;

/// So many elements of a parameter are compared with finite differences: those with the largest gradients.
const CHECKED: usize = 8;

/// The forward and the backward pass of one example.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The name of the model.
    pub model: String,
    /// Inputs, parameters and every value with a name, in the order of computation.
    pub values: Vec<TracedValue>,
    /// From the loss backwards. Empty for a model without a loss.
    pub edges: Vec<TracedEdge>,
    /// In the order of the model's table.
    pub gradients: Vec<TracedGradient>,
}

/// A value of the forward pass.
#[derive(Clone, Debug)]
pub struct TracedValue {
    /// Its name: the user's, `q1`, `q2`, … for the others.
    pub name: String,
    /// What computes it; `None` for inputs, parameters and the target.
    pub formula: Option<String>,
    /// The number or numbers.
    pub value: Tensor,
    /// The derivative of the loss by it, if something that is trained acts on it.
    pub adjoint: Option<Tensor>,
}

/// A step of the chain rule.
#[derive(Clone, Debug)]
pub struct TracedEdge {
    /// What is derived: `∂y/∂q`, or `∂J/∂q` where the local derivative is no tensor of the operand's shape.
    pub name: String,
    /// The formula.
    pub formula: String,
    /// The number or numbers.
    pub value: Tensor,
}

/// A parameter's gradient.
#[derive(Clone, Debug)]
pub struct TracedGradient {
    /// `∂J/∂w1`.
    pub name: String,
    /// The gradient by the chain rule.
    pub value: Tensor,
    /// Some of its elements, by their index in row-major order, and what central differences give for them.
    pub differences: Vec<(usize, f64)>,
}

impl TracedGradient {
    /// The largest deviation of a finite difference, relative to the largest element of the gradient but at least to 1.
    pub fn deviation(&self) -> f64 {
        let scale = self.value.iter().fold(1.0, |scale: f64, g| scale.max(g.abs()));
        let of = |&(at, difference): &(usize, f64)| {
            self.value.iter().nth(at).map_or(f64::NAN, |gradient| (gradient - difference).abs() / scale)
        };
        // A NaN is the worst deviation there is.
        let worst = |worst: f64, d: f64| if d.is_nan() { d } else { worst.max(d) };
        self.differences.iter().map(of).fold(0.0, worst)
    }
}

/// What a trace can't be made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongCount {
    /// "parameters", "inputs", "targets".
    pub what: &'static str,
    /// Scalars that the model has.
    pub expected: usize,
    /// Scalars that were given.
    pub found: usize,
}

impl fmt::Display for WrongCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} scalars of {} were given, but the model has {}", self.found, self.what, self.expected)
    }
}

impl std::error::Error for WrongCount {}

/// Traces one example through a model: parameters, inputs and target flat and row-major, each tensor after the other,
/// as the model declares them. The target of a model without a loss is empty.
///
/// # Errors
/// If there are more or fewer scalars than the model has.
pub fn trace(program: &Program, params: &[f64], inputs: &[f64], target: &[f64]) -> Result<Trace, WrongCount> {
    let (model, graph) = (&program.model, &program.graph);
    let input_shapes: Vec<Shape> = model.inputs.iter().map(|input| input.shape.clone()).collect();
    let param_shapes: Vec<Shape> = model.params.iter().map(|param| param.shape.clone()).collect();
    let target_shapes: Vec<Shape> = model.target.iter().map(crate::model::Target::shape).collect();
    let example = Example {
        inputs: cut("inputs", &input_shapes, inputs)?,
        target: cut("targets", &target_shapes, target)?.pop(),
        ..Example::default()
    };
    let bindings = Bindings { params: cut("parameters", &param_shapes, params)?, examples: vec![example] };

    let loss = graph.root(Root::Loss).map(|mean| graph.operand_ids(mean)[0]);
    let values = evaluate(graph, &bindings);
    let value = |id: NodeId| values.example(id, 0).clone();
    let names = Names::new(graph);
    let mut adjoints = vec![None; graph.len()];
    let edges = loss.map(|loss| backward(graph, &names, loss, &value, &mut adjoints)).unwrap_or_default();

    let shown = |id: &NodeId| {
        let is_leaf = graph[*id].op().is_none() && !matches!(graph[*id].kind, Kind::Constant(_));
        is_leaf || (graph[*id].op().is_some() && names.get(*id).is_some())
    };
    let traced = |id: NodeId| TracedValue {
        name: names.get(id).unwrap_or(LOSS).to_owned(),
        formula: graph[id].op().map(|_| formula(graph, &names, Style::Text, id, true).text),
        value: value(id),
        adjoint: adjoints[id.index()].clone(),
    };
    let live = graph.live();
    let values = graph.ids().filter(|id| live[id.index()]).filter(shown).map(traced).collect();
    let gradients = loss.map(|loss| gradients(program, &bindings, loss, &adjoints)).unwrap_or_default();
    Ok(Trace { model: model.name.to_string(), values, edges, gradients })
}

/// Walks from the loss to the leaves, one operation at a time, and leaves the adjoint of every value that something
/// trained acts on.
fn backward(
    graph: &Graph,
    names: &Names,
    loss: NodeId,
    value: &impl Fn(NodeId) -> Tensor,
    adjoints: &mut [Option<Tensor>],
) -> Vec<TracedEdge> {
    let trained = local::trained(graph);
    let name = |id: NodeId| names.get(id).unwrap_or(LOSS).to_owned();
    let label = |id: NodeId| formula(graph, names, Style::Text, id, false).text;
    adjoints[loss.index()] = Some(Tensor::ones(value(loss).shape()));
    let mut steps = Vec::new();
    for id in graph.ids().rev() {
        let Some(adjoint) = adjoints[id.index()].clone() else { continue };
        let adjoint_name = partial(Style::Text, &name(id)).text;
        let operation = Operation { id, name: name(id), adjoint: adjoint_name };
        let is_elementwise = local::is_elementwise(graph, id);
        let inputs: Vec<Tensor> = local::sources(graph, id).into_iter().map(value).collect();
        for Edge { operand, graph: alone, derivative } in local::edges(graph, &operation, &trained, label) {
            let example =
                Example { inputs: inputs.clone(), cotangents: vec![adjoint.clone()], ..Example::default() };
            let local = evaluate(&alone, &Bindings { params: Vec::new(), examples: vec![example] });
            let local = local.example(derivative, 0).clone();
            let contribution = if is_elementwise { &local * &adjoint } else { local.clone() };
            let sum = &mut adjoints[operand.index()];
            *sum = Some(sum.take().map_or(contribution.clone(), |sum| sum + contribution));
            // What only moves elements, and has no name, is no step for a reader.
            if names.get(id).is_none() && id != loss {
                continue;
            }
            let left = if is_elementwise {
                ratio(Style::Text, &name(id), &label(operand))
            } else {
                partial(Style::Text, &label(operand))
            };
            steps.push(TracedEdge {
                name: left.text,
                formula: derived(&alone, derivative).text,
                value: local,
            });
        }
    }
    steps
}

/// The adjoints of the parameters, beside differences of the loss.
fn gradients(
    program: &Program,
    bindings: &Bindings,
    loss: NodeId,
    adjoints: &[Option<Tensor>],
) -> Vec<TracedGradient> {
    let graph = &program.graph;
    let loss_at = |position: usize, element: usize, shift: f64| {
        let mut bindings = bindings.clone();
        if let Some(value) = bindings.params[position].iter_mut().nth(element) {
            *value += shift;
        }
        evaluate(graph, &bindings).example(loss, 0).sum()
    };
    let gradient = |(position, param): (usize, &crate::model::Param)| {
        let leaf = graph.ids().find(|&id| graph[id].kind == Kind::Param(position));
        let value = leaf.and_then(|leaf| adjoints[leaf.index()].clone());
        let value = value.unwrap_or_else(|| Tensor::zeros(&param.shape[..]));
        let mut largest: Vec<(usize, f64)> = value.iter().map(|g| g.abs()).enumerate().collect();
        largest.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let mut elements: Vec<usize> = largest.into_iter().take(CHECKED).map(|(at, _)| at).collect();
        elements.sort_unstable();
        let difference = |at: usize| {
            let magnitude = bindings.params[position].iter().nth(at).map_or(1.0, |p: &f64| p.abs().max(1.0));
            let step = STEP * magnitude;
            (at, (loss_at(position, at, step) - loss_at(position, at, -step)) / (2.0 * step))
        };
        let differences = elements.into_iter().map(difference).collect();
        TracedGradient { name: partial(Style::Text, &param.name).text, value, differences }
    };
    program.model.trained().iter().enumerate().map(gradient).collect()
}

/// Tensors of these shapes, one after the other.
fn cut(what: &'static str, shapes: &[Shape], mut values: &[f64]) -> Result<Vec<Tensor>, WrongCount> {
    let (expected, found) = (shapes.iter().map(Shape::count).sum(), values.len());
    if found != expected {
        return Err(WrongCount { what, expected, found });
    }
    let next = |shape: &Shape| {
        let (first, rest) = values.split_at(shape.count());
        values = rest;
        crate::ops::tensor(shape, first.to_vec())
    };
    Ok(shapes.iter().map(next).collect())
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = self.values.iter().map(|value| {
            let formula = value.formula.clone().unwrap_or_default();
            [value.name.clone(), formula, numbers(&value.value)]
        });
        table(f, "Forward pass", ["value", "computed by", "number"], &values.collect::<Vec<_>>())?;
        if self.edges.is_empty() {
            return Ok(());
        }
        let edges =
            self.edges.iter().map(|edge| [edge.name.clone(), edge.formula.clone(), numbers(&edge.value)]);
        table(f, "\nLocal derivatives", ["derivative", "formula", "number"], &edges.collect::<Vec<_>>())?;
        let adjoints = self.values.iter().filter_map(|value| {
            let adjoint = value.adjoint.as_ref()?;
            Some([partial(Style::Text, &value.name).text, String::new(), numbers(adjoint)])
        });
        table(f, "\nAdjoints", ["adjoint", "", "number"], &adjoints.collect::<Vec<_>>())?;
        let gradients = self.gradients.iter().map(|gradient| {
            let (all, checked) = (gradient.value.len(), gradient.differences.len());
            let differences = match &gradient.differences[..] {
                [(_, only)] if all == 1 => format!("{} by finite differences", number(*only)),
                _ => format!(
                    "{checked} of {all} elements within {:.0e} of finite differences",
                    gradient.deviation()
                ),
            };
            [gradient.name.clone(), numbers(&gradient.value), differences]
        });
        table(f, "\nGradients", ["gradient", "by the chain rule", "checked"], &gradients.collect::<Vec<_>>())
    }
}

/// Rows below each other; columns without content take no room.
fn table(f: &mut fmt::Formatter<'_>, title: &str, head: [&str; 3], rows: &[[String; 3]]) -> fmt::Result {
    writeln!(f, "{title}")?;
    let head = head.map(str::to_owned);
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        let widest = cells.max().unwrap_or(0);
        if widest == 0 { 0 } else { widest.max(head[column].chars().count()) }
    };
    let widths = [0, 1, 2].map(width);
    for row in std::iter::once(&head).chain(rows) {
        let mut line = String::from(" ");
        for (cell, width) in row.iter().zip(widths).filter(|(_, width)| *width > 0) {
            line.push_str(&format!(" {cell}{} ", " ".repeat(width.saturating_sub(cell.chars().count()))));
        }
        writeln!(f, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Some elements of a tensor, and how many there are.
fn numbers(tensor: &Tensor) -> String {
    const SHOWN: usize = 4;
    let shown: Vec<String> = tensor.iter().take(SHOWN).map(|&x| number(x)).collect();
    match (tensor.ndim(), tensor.len()) {
        (0, _) => shown.concat(),
        (_, len) if len <= SHOWN => format!("[{}]", shown.join(", ")),
        (_, len) => format!("[{}, … {} more]", shown.join(", "), len - SHOWN),
    }
}

/// Six significant digits.
fn number(x: f64) -> String {
    let magnitude = x.abs();
    if x == 0.0 || !x.is_finite() {
        return format!("{x}");
    }
    if !(1e-4..1e6).contains(&magnitude) {
        return format!("{x:.5e}");
    }
    let digits = 5 - magnitude.log10().floor() as i32;
    format!("{x:.*}", digits.max(0) as usize)
}

#[cfg(test)]
mod tests {
    use super::{WrongCount, trace};
    use crate::build::Program;

    fn program(source: &str) -> Program {
        let tokens = source.parse().expect("the source is tokens");
        let plans = crate::parse::source(tokens).and_then(crate::compile);
        plans.unwrap_or_else(|errors| panic!("{errors:?}")).remove(0).program
    }

    /// The lecture's weighted sum: ŷ = x1 w1 + x2 w2, J = (ŷ - y)².
    #[test]
    fn the_chain_rule_of_a_weighted_sum() {
        let program = program("y = x1*w1 + x2*w2");
        let trace = trace(&program, &[1.0, -1.5], &[2.0, 3.0], &[1.0]).expect("the numbers fit");
        let value =
            |name: &str| trace.values.iter().find(|v| v.name == name).expect("it is traced").value.sum();
        assert_eq!((value("q1"), value("q2"), value("y"), value("J")), (2.0, -4.5, -2.5, 12.25));
        let gradients: Vec<f64> = trace.gradients.iter().map(|gradient| gradient.value.sum()).collect();
        assert_eq!(gradients, [2.0 * -3.5 * 2.0, 2.0 * -3.5 * 3.0]);
        assert!(trace.gradients.iter().all(|gradient| gradient.deviation() < 1e-9));
        let text = trace.to_string();
        assert!(text.contains("∂y/∂q1"), "{text}");
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let program = program("y = x1*w1 + x2*w2");
        let error = trace(&program, &[1.0], &[2.0, 3.0], &[1.0]).expect_err("a parameter is missing");
        assert_eq!(error, WrongCount { what: "parameters", expected: 2, found: 1 });
        assert_eq!(error.to_string(), "1 scalars of parameters were given, but the model has 2");
    }

    /// Of layers, losses over several elements, and values that only move.
    #[test]
    fn tensors_are_traced_through_layers_and_moves() {
        let program = program(
            "model Net(x: [3]) -> y: [2] { \
                 h = tanh(dense(x, 4)); g = concat(h[0..2], h[1..3]) * h; y = softmax(dense(g, 2)); \
                 loss cross_entropy(y, target) + 0.1 * sum(h.weight^2); }",
        );
        let params: Vec<f64> = (0..program.model.param_count()).map(|i| (i as f64 * 0.7).sin()).collect();
        let trace = trace(&program, &params, &[0.3, -0.8, 1.2], &[1.0]).expect("the numbers fit");
        for gradient in &trace.gradients {
            assert!(gradient.deviation() < 1e-8, "{}: {}", gradient.name, gradient.deviation());
            assert!(gradient.value.iter().any(|&g| g != 0.0), "{}", gradient.name);
        }
    }
}
