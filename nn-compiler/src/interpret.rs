//! The reference: a graph's values for given parameters and examples, in double precision. Slow, obvious,
//! trusted: every other way of computing is tested against it.

use std::cell::RefCell;

use crate::diag::Region;
use crate::graph::{Attrs, Graph, Kind, NodeId};
use crate::ops::{Kernel, Tensor};
use crate::shape::Shape;
use crate::term::Term;

/// What the leaves of a graph stand for.
#[derive(Clone, Debug, Default)]
pub struct Bindings {
    /// By position in the model's table.
    pub params: Vec<Tensor>,
    /// The batch, one example or more.
    pub examples: Vec<Example>,
}

/// The leaves that vary, for one example.
#[derive(Clone, Debug, Default)]
pub struct Example {
    /// By position in the model's header.
    pub inputs: Vec<Tensor>,
    /// What the loss compares with.
    pub target: Option<Tensor>,
    /// What it brings along beside them, by position in the model's list; ones where nothing is said.
    pub extras: Vec<Tensor>,
    /// The adjoints of the outputs, by position in the model's header.
    pub cotangents: Vec<Tensor>,
}

/// The values of all nodes that the bindings reach.
pub struct Values(Vec<Option<Value>>);

enum Value {
    Shared(Tensor),
    Varying(Vec<Tensor>),
}

impl Value {
    fn of(&self, example: usize) -> &Tensor {
        match self {
            Self::Shared(value) => value,
            Self::Varying(values) => &values[example],
        }
    }
}

impl Values {
    /// The value of a node that is the same for all examples.
    ///
    /// # Panics
    /// If the node varies, or needs a leaf that was not bound.
    pub fn shared(&self, id: NodeId) -> &Tensor {
        match self.value(id) {
            Value::Shared(value) => value,
            Value::Varying(_) => panic!("node {} varies with the example", id.index()),
        }
    }

    /// The value of a node for one example. A shared node has the same for all.
    ///
    /// # Panics
    /// If there is no such example, or the node needs a leaf that was not bound.
    pub fn example(&self, id: NodeId, example: usize) -> &Tensor {
        self.value(id).of(example)
    }

    fn value(&self, id: NodeId) -> &Value {
        self.0[id.index()]
            .as_ref()
            .unwrap_or_else(|| panic!("node {} needs a leaf without a value", id.index()))
    }
}

/// Evaluates all nodes whose leaves are bound.
///
/// # Panics
/// If a bound tensor doesn't have its leaf's shape.
pub fn evaluate(graph: &Graph, bindings: &Bindings) -> Values {
    let mut values = Values(Vec::with_capacity(graph.len()));
    for id in graph.ids() {
        let value = value(graph, id, &values, bindings);
        values.0.push(value);
    }
    values
}

fn value(graph: &Graph, id: NodeId, known: &Values, bindings: &Bindings) -> Option<Value> {
    let node = &graph[id];
    let each = |of: &dyn Fn(&Example) -> Option<Tensor>| {
        let values = bindings.examples.iter().map(of).collect::<Option<Vec<_>>>()?;
        Some(Value::Varying(values))
    };
    let value = match &node.kind {
        Kind::Input(position) => each(&|example| example.inputs.get(*position).cloned()),
        Kind::Cotangent(position) => each(&|example| example.cotangents.get(*position).cloned()),
        Kind::Target => each(&|example| example.target.clone()),
        Kind::Extra(position) => {
            let ones = || Tensor::ones(&node.shape[..]);
            each(&|example| Some(example.extras.get(*position).cloned().unwrap_or_else(ones)))
        }
        Kind::Param(position) => bindings.params.get(*position).cloned().map(Value::Shared),
        Kind::Constant(number) => Some(Value::Shared(Tensor::from_elem(&node.shape[..], number.0))),
        Kind::Op(op, attrs) => {
            let operands = graph.operands(id);
            let operands =
                operands.iter().map(|id| known.0[id.index()].as_ref()).collect::<Option<Vec<_>>>()?;
            let of = |example: usize| {
                let operands: Vec<Tensor> = operands.iter().map(|value| value.of(example).clone()).collect();
                (op.eval)(attrs, &operands)
            };
            let count = bindings.examples.len();
            Some(match op.kernel {
                Kernel::Mean | Kernel::Statistic => {
                    let sum = (1..count).fold(of(0), |sum, example| sum + of(example));
                    Value::Shared(sum / count as f64)
                }
                // A layer that sees the batch is what it stands for.
                Kernel::Composite(expand) if op.states.is_some() => {
                    return open(expand, attrs, &operands, bindings.examples.len());
                }
                _ if node.varies => Value::Varying((0..count).map(of).collect()),
                _ => Value::Shared(of(0)),
            })
        }
    }?;
    for example in 0..if node.varies { bindings.examples.len() } else { 1 } {
        assert_eq!(
            value.of(example).shape(),
            &node.shape[..],
            "the value of {:?} has another shape",
            node.kind
        );
    }
    Some(value)
}

/// A composite's value by way of the primitives that it stands for.
fn open(
    expand: for<'g> fn(&Attrs, &[Term<'g>]) -> Term<'g>,
    attrs: &Attrs,
    operands: &[&Value],
    count: usize,
) -> Option<Value> {
    let mut graph = Graph::default();
    let mut leaf = |(at, value): (usize, &&Value)| {
        let shape = Shape::from(value.of(0).shape().to_vec());
        let kind = if matches!(value, Value::Shared(_)) { Kind::Param(at) } else { Kind::Input(at) };
        graph.leaf(kind, shape, Region::none())
    };
    let leaves: Vec<NodeId> = operands.iter().enumerate().map(&mut leaf).collect();
    let of = |example: usize| operands.iter().map(|value| value.of(example).clone()).collect();
    let examples = (0..count).map(|example| Example { inputs: of(example), ..Example::default() }).collect();
    let bindings = Bindings { params: of(0), examples };
    let graph = RefCell::new(graph);
    let terms: Vec<Term<'_>> = leaves.iter().map(|&id| Term::new(&graph, id)).collect();
    let result = expand(attrs, &terms).id;
    evaluate(&graph.borrow(), &bindings).0.swap_remove(result.index())
}

#[cfg(test)]
mod tests {
    use ndarray::arr1;

    use super::*;
    use crate::ops::batch_mean::BATCH_MEAN;

    /// `w * x`, its mean over the examples, and the difference of the two.
    #[test]
    fn shared_and_varying_nodes_meet() {
        let mut graph = Graph::default();
        let mut leaf = |kind| graph.leaf(kind, Shape::from([2]), Region::none());
        let (x, w, cotangent) = (leaf(Kind::Input(0)), leaf(Kind::Param(0)), leaf(Kind::Cotangent(0)));
        let graph = RefCell::new(graph);
        let product = Term::new(&graph, w) * Term::new(&graph, x);
        let mean = product.map(&BATCH_MEAN);
        let centred = product - mean;
        let unbound = centred * Term::new(&graph, cotangent);

        let example = |x: [f64; 2]| Example { inputs: vec![arr1(&x).into_dyn()], ..Example::default() };
        let bindings = Bindings {
            params: vec![arr1(&[10.0, 100.0]).into_dyn()],
            examples: vec![example([1.0, 2.0]), example([3.0, 6.0])],
        };
        let values = evaluate(&graph.borrow(), &bindings);
        assert_eq!(values.example(product.id, 1), &arr1(&[30.0, 600.0]).into_dyn());
        assert_eq!(values.shared(mean.id), &arr1(&[20.0, 400.0]).into_dyn());
        assert_eq!(values.example(centred.id, 0), &arr1(&[-10.0, -200.0]).into_dyn());
        let needs_cotangent = std::panic::catch_unwind(|| values.example(unbound.id, 0).clone());
        assert!(needs_cotangent.is_err());
    }
}
