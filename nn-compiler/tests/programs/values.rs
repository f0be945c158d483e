//! Numbers for a model's leaves, and graphs computed from them, beside the interpreter: in rounded arithmetic, or with
//! what `stop_gradient` holds still.

use nn_compiler::graph::{Graph, Kind, NodeId, Root};
use nn_compiler::interpret::{Bindings, Example};
use nn_compiler::model::{Extra, Model, Target};
use nn_compiler::ops::stop_gradient::STOP_GRADIENT;
use nn_compiler::ops::{Kernel, Tensor};
use nn_compiler::shape::Shape;

/// Examples of a batch, where it is free.
pub(crate) const EXAMPLES: usize = 3;

/// Numbers below 1 and above -1, the same for the same seed.
pub(crate) struct Noise(pub(crate) u64);

impl Noise {
    pub(crate) fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // Rounded, so that both precisions start from the same numbers.
        f64::from((self.0 >> 40) as f32 / 8_388_608.0) - 1.0
    }

    pub(crate) fn tensor(&mut self, shape: &Shape) -> Tensor {
        Tensor::from_shape_fn(&shape[..], |_| self.next())
    }
}

/// Parameters and a batch of so many examples for a model.
pub(crate) fn bindings(model: &Model, seed: u64, examples: usize) -> Bindings {
    let mut noise = Noise(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    noise.next();
    let params = model.params.iter().map(|param| noise.tensor(&param.shape)).collect();
    let mut example = |number: usize| Example {
        inputs: model.inputs.iter().map(|input| noise.tensor(&input.shape) * 1.2).collect(),
        target: model.target.as_ref().map(|target| match target {
            Target::Values(shape) => noise.tensor(shape),
            Target::Binary(shape) => noise.tensor(shape).mapv(|x| f64::from(x > 0.0)),
            Target::Class(classes, shape) => {
                let class = |place: usize| ((number + place) % classes) as f64;
                let all = (0..shape.count()).map(class).collect();
                Tensor::from_shape_vec(&shape[..], all).expect("as many classes as places")
            }
        }),
        extras: model
            .extras
            .iter()
            .map(|extra| match extra {
                Extra::Weight => ndarray::arr0(0.5 + number as f64).into_dyn(),
                Extra::Mask { shape, drop, .. } => {
                    noise.tensor(shape).mapv(|x| if x > 0.0 { 1.0 / (1.0 - drop) } else { 0.0 })
                }
            })
            .collect(),
        cotangents: model.outputs.iter().map(|output| noise.tensor(&output.shape)).collect(),
    };
    let examples = (0..examples).map(&mut example).collect();
    Bindings { params, examples }
}

/// The values of all live nodes: one for each example, or one that all share.
#[derive(Clone)]
pub(crate) struct Values {
    nodes: Vec<Vec<Tensor>>,
    examples: usize,
}

/// How a graph is computed.
#[derive(Clone, Copy, Default)]
pub(crate) struct How<'a> {
    /// The values of an earlier computation, of which those behind `stop_gradient` stay.
    pub(crate) held: Option<&'a Values>,
    /// Whether every result is rounded to single precision.
    pub(crate) rounded: bool,
}

/// Computes what the roots need.
pub(crate) fn compute(graph: &Graph, bindings: &Bindings, how: How<'_>) -> Values {
    let live = graph.live();
    let mut values: Vec<Vec<Tensor>> = vec![Vec::new(); graph.len()];
    let count = bindings.examples.len();
    for id in graph.ids().filter(|id| live[id.index()]) {
        let node = &graph[id];
        let each = |of: &dyn Fn(&Example) -> Tensor| bindings.examples.iter().map(of).collect::<Vec<_>>();
        let mut value = match &node.kind {
            Kind::Input(position) => each(&|example| example.inputs[*position].clone()),
            Kind::Cotangent(position) => each(&|example| example.cotangents[*position].clone()),
            Kind::Target => each(&|example| example.target.clone().expect("the model has a target")),
            Kind::Extra(position) => each(&|example| example.extras[*position].clone()),
            Kind::Param(position) => vec![bindings.params[*position].clone()],
            Kind::Constant(number) => vec![Tensor::from_elem(&node.shape[..], number.0)],
            Kind::Op(op, _) if **op == STOP_GRADIENT && how.held.is_some() => {
                how.held.map(|held| held.nodes[id.index()].clone()).unwrap_or_default()
            }
            Kind::Op(op, attrs) => {
                let operands: Vec<&Vec<Tensor>> =
                    graph.operand_ids(id).iter().map(|operand| &values[operand.index()]).collect();
                let of = |example: usize| {
                    let operands: Vec<Tensor> =
                        operands.iter().map(|value| value[example.min(value.len() - 1)].clone()).collect();
                    (op.eval)(attrs, &operands)
                };
                match op.kernel {
                    Kernel::Mean => {
                        let sum = (1..count).fold(of(0), |sum, example| sum + of(example));
                        vec![sum / count as f64]
                    }
                    _ => (0..if node.varies { count } else { 1 }).map(of).collect(),
                }
            }
        };
        if how.rounded {
            for tensor in &mut value {
                tensor.mapv_inplace(|x| f64::from(x as f32));
            }
        }
        values[id.index()] = value;
    }
    Values { nodes: values, examples: count }
}

impl Values {
    /// A value for an example.
    pub(crate) fn of(&self, id: NodeId, example: usize) -> &Tensor {
        let value = &self.nodes[id.index()];
        &value[example.min(value.len() - 1)]
    }

    /// The largest magnitude anywhere: how much rounding may be amplified. Infinite if anything is not finite.
    pub(crate) fn magnitude(&self) -> f64 {
        let all = self.nodes.iter().flatten().flat_map(|tensor| tensor.iter());
        all.fold(1.0, |most: f64, x| if x.is_finite() { most.max(x.abs()) } else { f64::INFINITY })
    }

    /// The elements of some roots, in order, example by example.
    pub(crate) fn roots(&self, graph: &Graph, which: impl Fn(Root) -> bool) -> Vec<(Root, Vec<f64>)> {
        let roots = graph.roots.iter().filter(|(root, _)| which(*root));
        roots
            .map(|&(root, id)| {
                let is_shared = matches!(root, Root::Loss | Root::ParamGradient(_));
                let examples = if is_shared { 1 } else { self.examples };
                (root, (0..examples).flat_map(|example| self.of(id, example).iter().copied()).collect())
            })
            .collect()
    }
}
