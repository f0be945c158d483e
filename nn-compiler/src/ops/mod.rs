//! Operations: one static record each, in a file of its own. The compiler's stages read records and never
//! name an operation.

use std::cell::RefCell;
use std::fmt;
use std::hash::{Hash, Hasher};

use ndarray::ArrayD;

use crate::graph::{Attrs, Graph, NodeId};
use crate::model::{Init, StateRule};
use crate::notation::{Formula, Style};
use crate::shape::Shape;
use crate::term::Term;

pub mod abs;
pub mod add;
pub mod attention;
pub mod avg_pool2d;
pub mod batch_mean;
pub mod batch_norm;
pub mod batch_statistic;
pub mod binary_cross_entropy;
pub mod broadcast;
pub mod clamp;
pub mod compare;
pub mod concat;
pub mod contract;
pub mod contract_each;
pub mod conv1d;
pub mod conv2d;
pub mod conv_transpose2d;
pub mod convolve;
pub mod cos;
pub mod cross_entropy;
pub mod dense;
pub mod div;
pub mod dot;
pub mod dropout;
pub mod elu;
pub mod embedding;
pub mod erf;
pub mod exp;
pub mod flatten;
pub mod full;
pub mod gate;
pub mod gelu;
pub mod global_avg_pool;
pub mod group_norm;
pub mod huber;
pub mod interleave;
pub mod layer_norm;
pub mod leaky_relu;
pub mod local_response_norm;
pub mod log;
pub mod log_softmax;
pub mod logsumexp;
pub mod lookup;
pub mod mae;
pub mod matmul;
pub mod max;
pub mod max_pool2d;
pub mod mean;
pub mod min;
pub mod mse;
pub mod mul;
pub mod neg;
pub mod normalise;
pub mod one_hot;
pub mod outer;
pub mod pad;
pub mod pow;
pub mod reduce_max;
pub mod reduce_min;
pub mod relu;
pub mod reshape;
pub mod select;
pub mod sigmoid;
pub mod sign;
pub mod silu;
pub mod sin;
pub mod slice;
pub mod softmax;
pub mod softmax_cross_entropy;
pub mod softplus;
pub mod sqrt;
pub mod stop_gradient;
pub mod sub;
pub mod sum;
pub mod tanh;
pub mod transpose;
pub mod upsample;

#[cfg(test)]
mod tests;

/// Every operation. Of two with one name, the one that takes more tensors comes first.
pub static ALL: &[&Op] = &[
    &abs::ABS,
    &add::ADD,
    &attention::ATTENTION,
    &attention::ATTENTION_WEIGHTS,
    &attention::ATTENTION_WEIGHTS_INPUT,
    &avg_pool2d::AVG_POOL2D,
    &avg_pool2d::AVG_POOL_INPUT,
    &batch_mean::BATCH_MEAN,
    &batch_norm::BATCH_NORM,
    &batch_statistic::BATCH_STATISTIC,
    &binary_cross_entropy::BINARY_CROSS_ENTROPY,
    &broadcast::BROADCAST,
    &clamp::CLAMP,
    &compare::GT,
    &compare::LT,
    &compare::GE,
    &compare::LE,
    &compare::EQ,
    &compare::NE,
    &concat::CONCAT,
    &contract::CONTRACT,
    &contract_each::CONTRACT_EACH,
    &conv_transpose2d::CONV_TRANSPOSE2D,
    &conv1d::CONV1D,
    &conv2d::CONV2D,
    &convolve::CONVOLVE,
    &convolve::CONVOLVE_INPUT,
    &convolve::CONVOLVE_WEIGHT,
    &cos::COS,
    &cross_entropy::CROSS_ENTROPY,
    &dense::DENSE,
    &div::DIV,
    &dot::DOT,
    &dropout::DROPOUT,
    &elu::ELU,
    &embedding::EMBEDDING,
    &erf::ERF,
    &exp::EXP,
    &flatten::FLATTEN,
    &full::FULL,
    &gate::GATE,
    &gelu::GELU,
    &global_avg_pool::GLOBAL_AVG_POOL,
    &group_norm::GROUP_NORM,
    &huber::HUBER,
    &interleave::INTERLEAVE,
    &interleave::DEINTERLEAVE,
    &layer_norm::LAYER_NORM,
    &leaky_relu::LEAKY_RELU,
    &local_response_norm::LOCAL_RESPONSE_NORM,
    &log::LOG,
    &log_softmax::LOG_SOFTMAX,
    &logsumexp::LOGSUMEXP,
    &lookup::INDEX,
    &lookup::LOOKUP,
    &lookup::LOOKUP_WEIGHT,
    &mae::MAE,
    &matmul::MATMUL,
    &max::MAX,
    &max_pool2d::MAX_POOL2D,
    &max_pool2d::MAX_POOL_AT,
    &max_pool2d::MAX_POOL_INPUT,
    &mean::MEAN,
    &min::MIN,
    &mse::MSE,
    &mul::MUL,
    &neg::NEG,
    &normalise::NORMALISE,
    &normalise::NORMALISE_INPUT,
    &one_hot::ONE_HOT,
    &outer::OUTER,
    &pad::PAD_AROUND,
    &pad::PAD,
    &pow::POW,
    &pow::POWI,
    &reduce_max::REDUCE_MAX,
    &reduce_min::REDUCE_MIN,
    &relu::RELU,
    &reshape::RESHAPE,
    &select::SELECT,
    &sigmoid::SIGMOID,
    &sign::SIGN,
    &silu::SILU,
    &sin::SIN,
    &slice::SLICE,
    &softmax::SOFTMAX,
    &softmax_cross_entropy::SOFTMAX_CROSS_ENTROPY,
    &softmax_cross_entropy::SOFTMAX_ERROR,
    &softplus::SOFTPLUS,
    &sqrt::SQRT,
    &stop_gradient::STOP_GRADIENT,
    &sub::SUB,
    &sum::SUM,
    &tanh::TANH,
    &transpose::TRANSPOSE,
    &upsample::UPSAMPLE,
];

/// Everything that the compiler knows about one operation.
pub struct Op {
    /// Call syntax, and the label in drawings.
    pub name: &'static str,
    /// The operator that stands for it between two operands.
    pub symbol: Option<&'static str>,
    /// What it is called elsewhere: a user who writes such a name, whatever its case, is told this one.
    pub also: &'static [&'static str],
    /// The arguments of a call. Operations that only the compiler makes have none.
    pub args: &'static [Arg],
    /// The parameters that a layer makes for itself, given the other operands' shapes.
    pub weights: Option<Weights>,
    /// The states that such a layer makes besides, its last operands. What it gives for an example depends on the others.
    pub states: Option<States>,
    /// For a layer that drops elements of its operand at random: the probability. Its last operand is the mask.
    pub drop: Option<fn(&Attrs) -> f64>,
    /// The result's shape, or why the operands don't fit.
    pub shape: fn(&Attrs, &[Shape]) -> Result<Shape, Mismatch>,
    /// Why the result has no value for some operands that are known constants, whatever the others are: a divisor
    /// of 0.
    pub undefined: fn(&[Option<f64>]) -> Option<&'static str>,
    /// The derivative, as graph.
    pub vjp: Vjp,
    /// Whether its first operand is an index: no quantity that could change a little. An input that is nothing else has
    /// no gradient, and none is missed.
    pub indexes: bool,
    /// What it means, for one example.
    pub eval: fn(&Attrs, &[Tensor]) -> Tensor,
    /// How it is computed.
    pub kernel: Kernel,
    /// Another operation that one kernel computes together with it, from the same operands.
    pub joint: Option<Joint>,
    /// The kernel that adds the results of a tile's examples to a sum, without making them one by one.
    pub summed: Option<&'static str>,
    /// What the kernel, if it is a call, does with its result before it is stored.
    pub finish: Finish,
    /// The kernel of the same name for interleaved examples.
    pub interleaved: Option<Interleaved>,
    /// A kernel that is faster and less precise, for models that ask for it (`#[winograd]`).
    pub quick: Option<&'static str>,
    /// How it is written on paper, and for pointwise operations in emitted Rust, given the operands' formulas
    /// and shapes.
    pub notation: fn(Style, &Attrs, &[Formula], &[Shape]) -> Formula,
    /// Identities and stabilising rewrites with this operation at the root.
    pub rewrites: &'static [Rewrite],
    /// What a kernel can do with it while it writes its result.
    pub epilogue: Option<Epilogue>,
    /// The initialiser that suits weights whose sum this activation receives.
    pub init: Option<Init>,
    /// Floating-point operations: for one element of the result if it is pointwise, for one product if it is
    /// a contraction, otherwise for one element of the first operand. An elementary function counts as one.
    /// 0 for composites, which cost what they expand into.
    pub flops: u64,
    /// How often `flops` are performed for an example, where a kernel's first operand does not tell.
    pub products: Option<fn(&Attrs, &[Shape]) -> u64>,
}

impl Op {
    /// The fields that most operations share; a record fills in the others.
    pub const POINTWISE: Op = Op {
        name: "",
        symbol: None,
        also: &[],
        args: &[],
        weights: None,
        states: None,
        drop: None,
        shape: same_shape,
        undefined: |_| None,
        vjp: Vjp::None { help: "" },
        indexes: false,
        eval: |_, x| x[0].clone(),
        kernel: Kernel::Pointwise,
        joint: None,
        summed: None,
        finish: Finish::Keep,
        interleaved: None,
        quick: None,
        notation: |_, _, x, _| x[0].clone(),
        rewrites: &[],
        epilogue: None,
        init: None,
        flops: 1,
        products: None,
    };

    /// How a user writes it: `+`, or its name.
    pub fn written(&self) -> &'static str {
        self.symbol.unwrap_or(self.name)
    }

    /// Whether a call may give it so many tensors.
    pub fn takes(&self, operands: usize) -> bool {
        let least = self.args.iter().filter(|arg| arg.is_operand()).count();
        let any = self.args.iter().any(|arg| matches!(arg, Arg::Tensors(_)));
        operands == least || (any && operands > least)
    }
}

/// Records are compared by identity: there is one of each.
impl PartialEq for Op {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Op {}

impl Hash for Op {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::ptr::hash(self, state);
    }
}

impl fmt::Debug for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A value of the reference semantics: one example's tensor in double precision.
pub type Tensor = ArrayD<f64>;

/// An argument of a call, by its name. Attribute arguments may be given by position or by name, and are
/// stored in the order in which they stand here: numbers, sizes and axes each in their own list.
#[derive(Clone, Copy, Debug)]
pub enum Arg {
    /// A tensor.
    Tensor(&'static str),
    /// What a loss compares with: `target`, of the shape that the first operand implies.
    Target(&'static str, TargetShape),
    /// One tensor or more.
    Tensors(&'static str),
    /// A real number, with the value that it has when left out.
    Number(&'static str, Option<f64>),
    /// A whole number.
    Size(&'static str, Option<usize>),
    /// A list of whole numbers, such as a shape.
    Sizes(&'static str),
    /// A whole number for each of so many axes: a list, or one for all of them; with the value that each has when left
    /// out. Only where that is 0 may they be 0.
    Window(&'static str, usize, Option<usize>),
    /// The steps of a window along so many axes, stored as 0 when left out: the size of the window.
    Steps(&'static str, usize),
    /// What is assumed around so many axes: `valid` is nothing, the default, `same` is stored as
    /// [`SAME`](crate::window::SAME). Otherwise one number for all sides, one for each axis, or two for each axis: before
    /// it and after it, as which they are stored.
    Padding(&'static str, usize),
    /// `true` or `false`, stored as a size of 1 or 0.
    Flag(&'static str, bool),
    /// An axis of the first operand; negative ones count from the end.
    Axis(&'static str, isize),
    /// One axis or a list, stored in ascending order; all of them when left out.
    Axes(&'static str),
    /// An order of the first operand's axes, each of them once; reversed when left out.
    Order(&'static str),
}

impl Arg {
    /// The name that a call may use.
    pub fn name(&self) -> &'static str {
        match *self {
            Self::Tensor(name)
            | Self::Target(name, _)
            | Self::Tensors(name)
            | Self::Number(name, _)
            | Self::Size(name, _)
            | Self::Sizes(name)
            | Self::Window(name, ..)
            | Self::Steps(name, _)
            | Self::Padding(name, _)
            | Self::Flag(name, _)
            | Self::Axis(name, _)
            | Self::Axes(name)
            | Self::Order(name) => name,
        }
    }

    /// Whether it is an operand and not an attribute.
    pub fn is_operand(&self) -> bool {
        matches!(self, Self::Tensor(_) | Self::Target(..) | Self::Tensors(_))
    }
}

/// The shape of the target that a loss expects.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TargetShape {
    /// The prediction's.
    LikePrediction,
    /// The prediction's, with numbers between 0 and 1.
    Probability,
    /// A whole number below the size of the prediction's last axis, for each place on the other ones: the class.
    ClassIndex,
}

/// A parameter that a layer makes for itself.
#[derive(Clone, Debug)]
pub struct Weight {
    /// The name after the dot: `weight`, `bias`.
    pub name: &'static str,
    /// Its shape.
    pub shape: Shape,
    /// Its initialiser, if the layer knows better than the activation that follows.
    pub init: Option<Init>,
}

/// A layer's parameters, given its attributes and its other operands' shapes.
pub type Weights = fn(&Attrs, &[Shape]) -> Vec<Weight>;

/// A state that a layer makes for itself.
#[derive(Clone, Debug)]
pub struct State {
    /// The name after the dot: `running_mean`.
    pub name: &'static str,
    /// Its shape.
    pub shape: Shape,
    /// Where it starts.
    pub init: Init,
    /// How training moves it.
    pub rule: StateRule,
}

/// A layer's states, given its attributes and its other operands' shapes.
pub type States = fn(&Attrs, &[Shape]) -> Vec<State>;

/// Why operands don't fit, and what may help. The place is added by whoever knows it.
#[derive(Clone, Debug)]
pub struct Mismatch {
    /// The fact, with the shapes. `{op}` stands for the operation, where several share a rule.
    pub fact: String,
    /// The way out. `{0}` and `{1}` stand for the first two operands as the user names them.
    pub help: Option<String>,
    /// The operand that would fit if it were a parameter of this shape.
    pub expected: Option<(usize, Shape)>,
}

impl Mismatch {
    /// A fact without advice.
    pub fn new(fact: impl Into<String>) -> Self {
        Self { fact: fact.into(), help: None, expected: None }
    }

    /// The same with advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same with the shape that an operand should have.
    #[must_use]
    pub fn expected(mut self, operand: usize, shape: Shape) -> Self {
        self.expected = Some((operand, shape));
        self
    }
}

/// How an operation is differentiated.
pub enum Vjp {
    /// The vector-Jacobian product: from the adjoint of the result, the adjoint of each operand, or `None`
    /// for an operand on which the result does not depend smoothly (a condition, an index).
    Rule(for<'g> fn(&Site<'g>, Term<'g>) -> Vec<Option<Term<'g>>>),
    /// By way of the primitives that it expands into.
    Expansion,
    /// The result is a constant for derivatives: nothing is derived by what it is made of.
    Zero,
    /// It has none; a parameter that only acts through it can't be trained.
    None {
        /// What to use in its place.
        help: &'static str,
    },
}

/// An operation in a graph, as its derivative rule sees it.
pub struct Site<'g> {
    /// Its attributes.
    pub attrs: Attrs,
    /// Its operands.
    pub x: Vec<Term<'g>>,
    /// Its result.
    pub y: Term<'g>,
}

impl<'g> Site<'g> {
    /// The operation that computes `id`.
    pub fn new(graph: &'g RefCell<Graph>, id: NodeId) -> Self {
        let y = Term::new(graph, id);
        Self { attrs: y.op().map(|(_, attrs)| attrs).unwrap_or_default(), x: y.operands(), y }
    }
}

/// The classes of computation that back ends know. They never look at single operations.
#[derive(Clone, Copy)]
pub enum Kernel {
    /// Each element of the result from the same element of each operand.
    Pointwise,
    /// A function of the runtime's kernels, called for the rows of a tile with literal sizes.
    Call {
        /// Its name there.
        function: &'static str,
        /// The sizes that it is called with.
        sizes: fn(&Attrs, &[Shape]) -> Vec<usize>,
    },
    /// A sum of products over contracted axes.
    Contract,
    /// Elements that only change place.
    Move(fn(&Attrs, &[Shape]) -> Movement),
    /// The same elements in the same order under another shape.
    View,
    /// The mean over the examples of the batch: what varies becomes shared.
    Mean,
    /// The same, for use within the batch: examples are computed from it.
    Statistic,
    /// Primitives that it stands for.
    Composite(for<'g> fn(&Attrs, &[Term<'g>]) -> Term<'g>),
}

/// Two operations on the same operands whose kernels share most of their work.
pub struct Joint {
    /// The other one.
    pub with: &'static Op,
    /// The runtime's kernel for both; the results stand last, this one's first.
    pub function: &'static str,
}

/// A kernel for examples that are interleaved: the same element of several of them side by side.
pub struct Interleaved {
    /// Whether operands are turned for it. Otherwise it is used where they lie so anyway.
    pub is_sought: bool,
    /// For each operand, whether the kernel takes one of each example; the others are shared.
    pub varying: &'static [bool],
    /// What it does with its result before it is stored.
    pub finish: Finish,
}

/// What a kernel can do with its result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Finish {
    /// Nothing.
    Keep,
    /// Adds a shared number to each channel, and applies an activation.
    Activate,
    /// Makes it zero where another tensor is not positive.
    Gate,
}

/// Strided copies from operands into the result.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Movement {
    /// What elements that no copy reaches are filled with.
    pub fill: Option<Number>,
    /// The copies, in order.
    pub copies: Vec<Copy>,
}

impl Movement {
    /// A single copy that reaches every element.
    pub fn one(copy: Copy) -> Self {
        Self { fill: None, copies: vec![copy] }
    }
}

pub use crate::graph::Number;

/// One strided copy: `result[to + Σ i·to_strides] = operand[from + Σ i·from_strides]` for all `i` below
/// `sizes`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Copy {
    /// The operand's position.
    pub operand: usize,
    /// How far each index runs.
    pub sizes: Vec<usize>,
    /// The first element read.
    pub from: usize,
    /// The steps of reading; 0 repeats.
    pub from_strides: Vec<usize>,
    /// The first element written.
    pub to: usize,
    /// The steps of writing.
    pub to_strides: Vec<usize>,
}

/// A rewrite of one operation's application.
pub struct Rewrite {
    /// What it does, as a formula: `log(sigmoid z) = -softplus(-z)`.
    pub name: &'static str,
    /// When it is tried.
    pub stage: Stage,
    /// The replacement, if the operands match.
    pub apply: for<'g> fn(&Attrs, &[Term<'g>]) -> Option<Term<'g>>,
}

/// The pass that tries a rewrite.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// Before differentiation, so that the derivative inherits it.
    Stabilise,
    /// After differentiation.
    Simplify,
}

/// What a contraction can do with its result before it is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Epilogue {
    /// Add a shared vector.
    Bias,
    /// Apply an activation, by its name among the runtime's.
    Activation(&'static str),
    /// Zero where the first operand is not positive; the result is the second.
    Gate,
}

/// The rule of operations whose operands and result have one shape.
///
/// # Errors
/// Two shapes that differ.
pub fn same_shape(_: &Attrs, shapes: &[Shape]) -> Result<Shape, Mismatch> {
    match shapes.iter().position(|shape| *shape != shapes[0]) {
        Some(other) => {
            let fact = format!("`{{op}}` needs equal shapes, not {} and {}", shapes[0], shapes[other]);
            Err(Mismatch::new(fact).expected(other, shapes[0].clone()))
        }
        None => Ok(shapes[0].clone()),
    }
}

/// The function applied to each element.
pub fn map(x: &Tensor, f: impl Fn(f64) -> f64) -> Tensor {
    x.mapv(f)
}

/// The function applied to each pair of elements.
pub fn zip(x: &[Tensor], f: impl Fn(f64, f64) -> f64) -> Tensor {
    ndarray::Zip::from(&x[0]).and(&x[1]).map_collect(|&a, &b| f(a, b))
}

/// The tensor of some elements in row-major order.
pub(crate) fn tensor(shape: &[usize], elements: Vec<f64>) -> Tensor {
    Tensor::from_shape_vec(shape, elements).expect("a shape has as many elements as its sizes say")
}

/// The operation that a call with so many arguments names: `max(a, b)` is not `max(x)`. If none takes that
/// many tensors, the first of the name, so that the caller can say what it takes.
pub fn find(name: &str, operands: usize) -> Option<&'static Op> {
    let named = || ALL.iter().copied().filter(|op| op.name == name && !op.args.is_empty());
    named().find(|op| op.takes(operands)).or_else(|| named().next())
}

/// The operation that an operator stands for.
pub fn by_symbol(symbol: &str) -> Option<&'static Op> {
    ALL.iter().copied().find(|op| op.symbol == Some(symbol))
}

/// The operation that is known elsewhere by a name: `dense` for `Linear`.
pub fn known_as(name: &str) -> Option<&'static Op> {
    let plain = |name: &str| name.to_lowercase().replace('_', "");
    let is_it = |op: &&Op| {
        !op.args.is_empty() && op.also.iter().chain([&op.name]).any(|other| plain(other) == plain(name))
    };
    ALL.iter().copied().find(is_it)
}

/// The result of an operation that only moves elements, if they are all one number.
pub(crate) fn moved_constant<'g>(op: &Op, attrs: &Attrs, x: Term<'g>) -> Option<Term<'g>> {
    let shape = (op.shape)(attrs, &[x.shape()]).ok()?;
    Some(x.filled(x.as_constant()?, shape))
}
