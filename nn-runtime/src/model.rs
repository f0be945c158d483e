//! What a generated model is to the runtime: the traits that `nn_model!` implements.
//!
//! Everything here works on slices that the caller owns, needs no heap and no standard library. Programs that
//! have both use the methods of [`ModelExt`](crate::ModelExt), [`TrainExt`](crate::TrainExt) and
//! [`PullbackExt`](crate::PullbackExt) instead.

use crate::kernels::Real;

pub use crate::batch::Batch;
pub use crate::kernels::noise::Noise;

/// What the loss of a model compares its outputs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TargetKind {
    /// Nothing: the loss does not mention the target.
    None,
    /// Real numbers.
    Values {
        /// Numbers per example.
        len: usize,
    },
    /// Probabilities, numbers from 0 to 1.
    Binary {
        /// Numbers per example.
        len: usize,
        /// Whether the model's first output holds log-odds, not probabilities.
        logits: bool,
    },
    /// The index of the right class.
    Class {
        /// Number of classes.
        classes: usize,
    },
    /// The index of the right class for each of several places, such as the next character after each one of a text.
    Classes {
        /// Indices per example.
        len: usize,
        /// Number of classes.
        classes: usize,
    },
}

impl TargetKind {
    /// Scalars per example.
    pub const fn scalars(self) -> usize {
        match self {
            Self::None => 0,
            Self::Values { len } | Self::Binary { len, .. } | Self::Classes { len, .. } => len,
            Self::Class { .. } => 1,
        }
    }
}

/// What an example brings along in training beside its inputs and target.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Extra {
    /// How much the example counts, one number: `weight` in the model's loss. 1 unless the data say otherwise.
    Weight,
    /// What a layer multiplies with that drops elements at random. 1 outside of training.
    Mask {
        /// Which layer of the model it is.
        site: u32,
        /// Scalars per example.
        len: usize,
        /// The probability of being dropped, at least 0 and below 1.
        drop: f64,
    },
}

impl Extra {
    /// Scalars per example.
    #[allow(clippy::len_without_is_empty)] // the compiler refuses empty tensors
    pub const fn len(self) -> usize {
        match self {
            Self::Weight => 1,
            Self::Mask { len, .. } => len,
        }
    }
}

/// Name and shape of an input or output of one example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// The name in the model's source.
    pub name: &'static str,
    /// The shape of one example; empty for a scalar.
    pub shape: &'static [usize],
}

/// Name, place and initial distribution of a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParamInfo {
    /// The name in the model's source, `h1.weight` for a weight that the layer `h1` made.
    pub name: &'static str,
    /// The shape; empty for a scalar.
    pub shape: &'static [usize],
    /// Where it starts in the model's flat slice, in scalars.
    pub offset: usize,
    /// How it is initialised.
    pub init: Init,
}

/// What a value costs that has a name in the model's source, with all that leads to it from the named values before;
/// the loss is called `J`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerInfo {
    /// The name in the model's source, `i3a.one` for `one` in a function whose value is `i3a`.
    pub name: &'static str,
    /// The shape of one example; empty for a scalar.
    pub shape: &'static [usize],
    /// Trainable scalars that it uses first.
    pub parameters: usize,
    /// Multiply-adds of the forward pass for one example: the products that matrices and convolutions sum.
    pub products: u64,
    /// Operations of the forward pass for one example, two for each multiply-add.
    pub flops_forward: u64,
    /// Operations of the backward pass for one example.
    pub flops_backward: u64,
}

/// Something that a model keeps beside its parameters, and that each training step moves towards what its batch has:
/// `state + momentum · (new - state)`. No optimiser touches it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StateInfo {
    /// Name, shape, initial value, and the place in [`stored_flat`](Model::stored_flat).
    pub tensor: ParamInfo,
    /// The share of a new batch, from 0 to 1.
    pub momentum: f64,
    /// If the new value is a variance, the elements of each example that it is taken of: with `n` of them in the batch,
    /// it is multiplied with `n / (n - 1)`, unless there is but one.
    pub corrected: Option<usize>,
}

/// How a parameter is initialised. Fan-in and fan-out come from its shape: `[in, out]` for a matrix, the length
/// and 1 for a vector, 1 and 1 for a scalar.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Init {
    /// The same value everywhere.
    Constant(f64),
    /// Uniform between two bounds.
    Uniform {
        /// Lower bound.
        low: f64,
        /// Upper bound.
        high: f64,
    },
    /// A normal distribution.
    Normal {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        std: f64,
    },
    /// Uniform with the variance 2 / (fan-in + fan-out).
    GlorotUniform,
    /// Normal with the variance 2 / (fan-in + fan-out).
    GlorotNormal,
    /// Uniform with the variance 2 / fan-in.
    HeUniform,
    /// Normal with the variance 2 / fan-in.
    HeNormal,
}

/// Scalars of a tensor of this shape.
const fn elements(shape: &[usize]) -> usize {
    let (mut product, mut axis) = (1, 0);
    while axis < shape.len() {
        product *= shape[axis];
        axis += 1;
    }
    product
}

impl TensorInfo {
    /// Scalars of one example.
    #[allow(clippy::len_without_is_empty)] // the compiler refuses empty tensors
    pub const fn len(&self) -> usize {
        elements(self.shape)
    }

    /// Scalars of one example of all `tensors`.
    const fn total(tensors: &[Self]) -> usize {
        let (mut sum, mut i) = (0, 0);
        while i < tensors.len() {
            sum += tensors[i].len();
            i += 1;
        }
        sum
    }
}

impl ParamInfo {
    /// Scalars of the parameter.
    #[allow(clippy::len_without_is_empty)] // the compiler refuses empty tensors
    pub const fn len(&self) -> usize {
        elements(self.shape)
    }

    /// Scalars of all `params`.
    const fn total(params: &[Self]) -> usize {
        let (mut sum, mut i) = (0, 0);
        while i < params.len() {
            sum += params[i].len();
            i += 1;
        }
        sum
    }
}

impl StateInfo {
    /// Scalars of all `states`.
    const fn total(states: &[Self]) -> usize {
        let (mut sum, mut i) = (0, 0);
        while i < states.len() {
            sum += states[i].tensor.len();
            i += 1;
        }
        sum
    }
}

/// A model with its parameters.
pub trait Model: Clone + Send + Sync + 'static {
    /// The type of parameters, inputs and outputs.
    type Scalar: Real;
    /// The name in the source.
    const NAME: &'static str;
    /// The parameters, in the order of the flat slice, without gaps.
    const PARAMS: &'static [ParamInfo];
    /// Scalars of all parameters, states not among them: those that are trained.
    const PARAM_COUNT: usize = ParamInfo::total(Self::PARAMS);
    /// What is kept beside the parameters, in the order in which it follows them, without gaps.
    const STATES: &'static [StateInfo] = &[];
    /// Scalars of parameters and states.
    const STORED_COUNT: usize = Self::PARAM_COUNT + StateInfo::total(Self::STATES);
    /// The inputs of one example, which are concatenated in this order.
    const INPUTS: &'static [TensorInfo];
    /// Scalars of all inputs of one example.
    const INPUT_LEN: usize = TensorInfo::total(Self::INPUTS);
    /// The outputs of one example, which are concatenated in this order.
    const OUTPUTS: &'static [TensorInfo];
    /// Scalars of all outputs of one example.
    const OUTPUT_LEN: usize = TensorInfo::total(Self::OUTPUTS);
    /// Scalars of workspace that [`forward`](Self::forward) needs.
    const FORWARD_WORKSPACE: usize;
    /// Bytes of workspace that the forward pass needs on each thread, whatever the number of examples: all the memory
    /// that it takes beside parameters, inputs and outputs.
    const WORKSPACE_BYTES: usize = Self::FORWARD_WORKSPACE * size_of::<Self::Scalar>();
    /// Floating-point operations of the forward pass of one example. Decides whether threads pay.
    const FLOPS_FORWARD: u64 = 2 * Self::PARAM_COUNT as u64;

    /// A model with parameters initialised from the seed.
    fn new(seed: u64) -> Self;

    /// All parameters.
    fn params_flat(&self) -> &[Self::Scalar];

    /// All parameters, to change.
    fn params_flat_mut(&mut self) -> &mut [Self::Scalar];

    /// All parameters, then all states: what a file of the model holds.
    fn stored_flat(&self) -> &[Self::Scalar] {
        self.params_flat()
    }

    /// All parameters, then all states, to change.
    fn stored_flat_mut(&mut self) -> &mut [Self::Scalar] {
        self.params_flat_mut()
    }

    /// Computes the outputs, row-major `[batch.len(), OUTPUT_LEN]`.
    ///
    /// The workspace has [`FORWARD_WORKSPACE`](Self::FORWARD_WORKSPACE) scalars of any content.
    fn forward(
        &self,
        batch: &Batch<'_, Self::Scalar>,
        outputs: &mut [Self::Scalar],
        workspace: &mut [Self::Scalar],
    );
}

/// A model with a loss: the mean loss over a batch and its gradient.
///
/// A step is [`prepare`](Self::prepare), [`accumulate`](Self::accumulate) for each part of the batch, and
/// [`finish`](Self::finish) on the sum of what the parts accumulated.
pub trait Train: Model {
    /// What the loss compares with.
    const TARGET: TargetKind;
    /// Scalars of the target of one example.
    const TARGET_LEN: usize = Self::TARGET.scalars();
    /// What examples bring along beside inputs and target, in the order in which the emitted code takes it.
    const EXTRAS: &'static [Extra] = &[];
    /// Scalars of what [`prepare`](Self::prepare) computes.
    const SHARED_LEN: usize;
    /// Scalars of what [`accumulate`](Self::accumulate) sums over examples.
    const SUMS_LEN: usize;
    /// Scalars of workspace that [`accumulate`](Self::accumulate) needs; for a tile, if the step
    /// [sees its batch](Self::SEES_BATCH).
    const WORKSPACE: usize;
    /// Whether examples are computed from what is known of their batch. A batch is then one part and one tile, and has no
    /// mean of losses that each example has for itself.
    const SEES_BATCH: bool = false;
    /// Bytes that a training step needs on each thread, whatever the number of examples: the workspace, what is prepared
    /// once per step, and what is summed over the examples. If it [sees its batch](Self::SEES_BATCH), the workspace is
    /// that of [`TILE`](Self::TILE) examples, and grows with them.
    const TRAIN_WORKSPACE_BYTES: usize =
        (Self::WORKSPACE + Self::SHARED_LEN + Self::SUMS_LEN) * size_of::<Self::Scalar>();
    /// Floating-point operations of both passes of one example. Decides whether threads pay.
    const FLOPS_TRAIN: u64 = 3 * Self::FLOPS_FORWARD;
    /// Examples that are worked on together. Parts of a batch are whole multiples of it.
    const TILE: usize = 1;
    /// Whether the weights outweigh the rows of a tile. A batch is then one part, because each part has sums as large
    /// as the weights; the kernels share their work among threads instead.
    const IS_WIDE: bool = false;
    /// Whether the sums are the loss and then the gradient, and all that [`finish`](Self::finish) does is to divide
    /// them by the number of examples. The gradient can then be used where it was summed, part by part.
    const HAS_PLAIN_SUMS: bool = false;

    /// Scalars of workspace for batches of up to so many examples.
    fn workspace(_examples: usize) -> usize {
        Self::WORKSPACE
    }

    /// Computes what does not vary with the example, such as transposed weights, once per step.
    fn prepare(&self, shared: &mut [Self::Scalar]);

    /// Adds the sums over the batch's examples (of the loss, of gradients) to `sums`.
    ///
    /// The workspace has as many scalars, of any content, as [`workspace`](Self::workspace) says.
    fn accumulate(
        &self,
        shared: &[Self::Scalar],
        batch: &Batch<'_, Self::Scalar>,
        sums: &mut [Self::Scalar],
        workspace: &mut [Self::Scalar],
    );

    /// Like [`accumulate`](Self::accumulate), but of `sums` only what the loss needs has to be right, and the loss is that
    /// outside of training: states stand in the place of what is known of a batch.
    fn accumulate_loss(
        &self,
        shared: &[Self::Scalar],
        batch: &Batch<'_, Self::Scalar>,
        sums: &mut [Self::Scalar],
        workspace: &mut [Self::Scalar],
    ) {
        self.accumulate(shared, batch, sums, workspace);
    }

    /// Turns the sums over `examples` examples into the mean loss, which it returns, and its gradient, which
    /// overwrites all [`PARAM_COUNT`](Model::PARAM_COUNT) scalars of `gradient`. If there are states, what they are in
    /// this batch follows: `gradient` has [`STORED_COUNT`](Model::STORED_COUNT) scalars.
    fn finish(
        &self,
        shared: &mut [Self::Scalar],
        sums: &mut [Self::Scalar],
        examples: usize,
        gradient: &mut [Self::Scalar],
    ) -> Self::Scalar;
}

/// Gradients of the outputs.
///
/// Every model has them, unless something without a derivative, such as a comparison, stands between its outputs and
/// what they are derived by; [`SUMMARY`](Inspect::SUMMARY) then says what.
#[diagnostic::on_unimplemented(
    message = "the outputs of `{Self}` have no derivative",
    note = "something without a derivative, such as a comparison, stands on the way; the model's `SUMMARY` says what"
)]
pub trait Pullback: Model {
    /// Scalars of workspace that [`pullback`](Self::pullback) needs.
    const PULLBACK_WORKSPACE: usize;

    /// Pulls cotangents of the outputs, which take the place of the batch's targets, back to the inputs.
    ///
    /// `input_gradient`, row-major `[batch.len(), INPUT_LEN]`, is overwritten by Jᵀ·cotangent of each example. In the
    /// columns of an input that is nothing but an index (of a class, of a row of a table) it is 0: an index can't change a
    /// little, so there is no derivative by it. [`SUMMARY`](Inspect::SUMMARY) names such inputs.
    /// Models that are [`PullbackParams`] overwrite `gradient`, `[PARAM_COUNT]`, by the sum over the batch of what
    /// is pulled back to the parameters; others leave it alone.
    fn pullback(
        &self,
        batch: &Batch<'_, Self::Scalar>,
        input_gradient: &mut [Self::Scalar],
        gradient: &mut [Self::Scalar],
        workspace: &mut [Self::Scalar],
    );
}

/// Models whose [`pullback`](Pullback::pullback) also reaches the parameters: those without a loss of their own.
#[diagnostic::on_unimplemented(
    message = "the outputs of `{Self}` are not pulled back to its parameters",
    note = "only models without a `loss` are; a model with one has the gradient of its loss"
)]
pub trait PullbackParams: Pullback {}

/// What a person can read of a model, made at compile time.
pub trait Inspect: Model {
    /// What stood between the brackets of `nn_model!`, other models and functions included.
    const SOURCE: &'static str;
    /// A table of the layers: shapes, parameters, operations.
    const SUMMARY: &'static str;
    /// The same to compute with: the cost of every named value, in the order of computation.
    const LAYERS: &'static [LayerInfo];
    /// The formulas, each local derivative, and the chain rule for each parameter.
    const EXPLANATION: &'static str;
    /// The emitted code that computes, formatted.
    const RUST: &'static str;
    /// The graph in the DOT language of Graphviz.
    const DOT: &'static str;
    /// The graph in the language of Mermaid, which Markdown pages draw.
    const MERMAID: &'static str;
    /// The formulas in LaTeX.
    const LATEX: &'static str;
}

#[cfg(test)]
mod tests {
    use super::{Init, ParamInfo, TargetKind, TensorInfo};

    #[test]
    fn lengths_are_products_of_shapes() {
        let tensors = [TensorInfo { name: "x", shape: &[3, 4] }, TensorInfo { name: "s", shape: &[] }];
        assert_eq!(TensorInfo::total(&tensors), 13);
        let param = ParamInfo { name: "w", shape: &[2, 3, 5], offset: 0, init: Init::HeNormal };
        assert_eq!(ParamInfo::total(&[param, param]), 60);
    }

    #[test]
    fn a_class_index_is_one_scalar() {
        assert_eq!(TargetKind::Class { classes: 10 }.scalars(), 1);
        assert_eq!(TargetKind::Classes { len: 4, classes: 10 }.scalars(), 4);
        assert_eq!(TargetKind::Binary { len: 3, logits: false }.scalars(), 3);
        assert_eq!(TargetKind::None.scalars(), 0);
    }
}
