//! What the page computes: the user's graph with the adjoint of every value, in primitives, as data.
//!
//! The graph is not made stable first, and nothing in it is fused, so that every value and every factor of the chain
//! rule that a reader sees is there.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::derivatives::{flows, loss};
use crate::build::Program;
use crate::grad;
use crate::graph::{Attrs, Graph, Kind, NodeId, Root};
use crate::notation::{Formula, Style};
use crate::ops::{Kernel, Op};
use crate::optimize::{self, DEAD, EXPAND, EXPAND_UNDERIVED, FOLD, SIMPLIFY, SPLIT};
use crate::shape::Shape;

/// A graph that computes all values and adjoints of another one.
pub(super) struct Engine {
    pub(super) graph: Graph,
    /// By node of the user's graph.
    values: BTreeMap<usize, NodeId>,
    /// By node of the user's graph.
    adjoints: BTreeMap<usize, NodeId>,
}

impl Engine {
    /// Adjoints are left out where there is no loss, or something in it has no derivative until it is made stable.
    pub(super) fn new(program: &Program) -> Self {
        let mut graph = program.graph.clone();
        let (flows, loss, live) = (flows(&graph), loss(&graph), graph.live());
        // Roots find their nodes again after every pass.
        graph.roots =
            graph.ids().filter(|id| live[id.index()]).map(|id| (Root::Output(id.index()), id)).collect();
        let graph = optimize::run(&[EXPAND_UNDERIVED, SPLIT], graph.settled());
        let wanted: Vec<grad::Wanted> = graph
            .roots
            .iter()
            .filter_map(|&(root, id)| match root {
                Root::Output(at) if flows[at] => Some((id, Root::InputGradient(at))),
                _ => None,
            })
            .collect();
        let seeded = loss.and_then(|loss| {
            let mut graph = graph.clone();
            let seed = graph.constant(1.0, Shape::scalar());
            let loss = graph.root(Root::Output(loss.index()))?;
            grad::differentiate(graph, &[(loss, seed)], &wanted).ok()
        });
        let graph = optimize::run(&[EXPAND, SPLIT, SIMPLIFY, FOLD, SIMPLIFY, DEAD], seeded.unwrap_or(graph));
        let (mut values, mut adjoints) = (BTreeMap::new(), BTreeMap::new());
        for &(root, id) in &graph.roots {
            match root {
                Root::Output(at) => values.insert(at, id),
                Root::InputGradient(at) => adjoints.insert(at, id),
                Root::Loss | Root::ParamGradient(_) | Root::State(_) => None,
            };
        }
        Self { graph, values, adjoints }
    }

    /// The node that computes a value of the user's graph.
    pub(super) fn value(&self, id: NodeId) -> Option<usize> {
        self.values.get(&id.index()).map(|id| id.index())
    }

    /// The node that computes its adjoint.
    pub(super) fn adjoint(&self, id: NodeId) -> Option<usize> {
        self.adjoints.get(&id.index()).map(|id| id.index())
    }
}

/// A small graph, such as a local derivative, in primitives: its nodes, and its root.
pub(super) fn alone(graph: &Graph, root: NodeId, functions: &mut Functions) -> Value {
    let mut graph = graph.clone();
    graph.roots = vec![(Root::Output(0), root)];
    let graph = optimize::run(&[EXPAND, SPLIT, FOLD, DEAD], graph);
    let root = graph.root(Root::Output(0)).map(NodeId::index);
    json!({ "nodes": nodes(&graph, functions), "root": root })
}

/// The functions of pointwise operations, each once.
#[derive(Default)]
pub(super) struct Functions(Vec<String>);

impl Functions {
    fn position(&mut self, op: &Op, attrs: &Attrs, shapes: &[Shape]) -> usize {
        let names = ["a", "b", "c", "d"].into_iter().take(shapes.len());
        let formulas: Vec<Formula> = names.clone().map(Formula::atom).collect();
        let value = (op.notation)(Style::Js, attrs, &formulas, shapes).text;
        let function = format!("({}) => {value}", names.collect::<Vec<_>>().join(", "));
        self.0.iter().position(|known| *known == function).unwrap_or_else(|| {
            self.0.push(function);
            self.0.len() - 1
        })
    }

    /// As a table in JavaScript.
    pub(super) fn script(&self) -> String {
        format!("const POINTWISE = [\n  {},\n];\n", self.0.join(",\n  "))
    }
}

/// The nodes of a graph in primitives, operands first.
pub(super) fn nodes(graph: &Graph, functions: &mut Functions) -> Value {
    graph.ids().map(|id| node(graph, id, functions)).collect()
}

fn node(graph: &Graph, id: NodeId, functions: &mut Functions) -> Value {
    let mut data = match &graph[id].kind {
        Kind::Input(at) => json!({ "kind": "input", "at": at }),
        Kind::Param(at) => json!({ "kind": "param", "at": at }),
        Kind::Target => json!({ "kind": "target" }),
        Kind::Cotangent(_) => json!({ "kind": "cotangent" }),
        // Outside of training all that examples bring along is ones.
        Kind::Extra(_) => json!({ "kind": "number", "value": 1.0 }),
        Kind::Constant(number) => json!({ "kind": "number", "value": number.0 }),
        Kind::Op(op, attrs) => {
            let operands = graph.operand_ids(id);
            let shapes: Vec<Shape> = operands.iter().map(|&operand| graph[operand].shape.clone()).collect();
            let mut data = kernel(op, attrs, &shapes, functions);
            data["from"] = operands.iter().map(|operand| operand.index()).collect();
            data
        }
    };
    data["shape"] = graph[id].shape.iter().copied().collect();
    data
}

fn kernel(op: &Op, attrs: &Attrs, shapes: &[Shape], functions: &mut Functions) -> Value {
    match op.kernel {
        Kernel::Pointwise => json!({ "kind": "pointwise", "f": functions.position(op, attrs, shapes) }),
        Kernel::Call { function, sizes } => {
            json!({ "kind": "call", "function": function, "sizes": sizes(attrs, shapes) })
        }
        Kernel::Contract => json!({ "kind": "product", "axes": attrs.axes, "others": attrs.sizes }),
        Kernel::Move(movement) => {
            let movement = movement(attrs, shapes);
            let copies: Value = movement
                .copies
                .iter()
                .map(|copy| {
                    json!({
                        "operand": copy.operand, "sizes": copy.sizes,
                        "from": copy.from, "from_strides": copy.from_strides,
                        "to": copy.to, "to_strides": copy.to_strides,
                    })
                })
                .collect();
            json!({ "kind": "move", "fill": movement.fill.map(|number| number.0), "copies": copies })
        }
        // The mean over one example is its own value, and composites have been expanded.
        Kernel::View | Kernel::Mean | Kernel::Statistic | Kernel::Composite(_) => json!({ "kind": "view" }),
    }
}
