//! What a model declares: its name, what goes in and out, what it owns. The computation is in the graph.

use proc_macro2::{Ident, TokenStream};

use crate::diag::Region;
use crate::shape::{Dtype, Shape};

/// A model's declarations.
#[derive(Clone)]
pub struct Model {
    /// Doc comments and attributes, which land on the generated struct.
    pub attributes: Vec<syn::Attribute>,
    /// `pub` and the like.
    pub visibility: syn::Visibility,
    /// The struct's name.
    pub name: Ident,
    /// The path of the runtime crate in emitted code.
    pub runtime: TokenStream,
    /// The precision.
    pub dtype: Dtype,
    /// How examples are to lie in memory, if the user says so.
    pub layout: Option<Layout>,
    /// In the order of the header.
    pub inputs: Vec<Variable>,
    /// In the order of the header.
    pub outputs: Vec<Variable>,
    /// In the order of declaration, layers' own among them; states after all others.
    pub params: Vec<Param>,
    /// What the loss compares with, if there is a loss that does.
    pub target: Option<Target>,
    /// What an example brings along in training beside inputs and target.
    pub extras: Vec<Extra>,
    /// Whether the user wrote a loss or, in the short form, left it to be the mean squared error.
    pub has_loss: bool,
    /// The user's code of the model's body, for explanations: one statement an entry.
    pub source: Vec<String>,
}

/// How the examples of a batch lie while they are computed, where the compiler's own choice is overruled: to measure it,
/// and to test both.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Layout {
    /// `#[layout(lanes)]`: one example in each lane.
    Lanes,
    /// `#[layout(tiles)]`: an example's elements side by side.
    Tiles,
}

/// An input or output.
#[derive(Clone, Debug)]
pub struct Variable {
    /// As the user wrote it.
    pub name: Ident,
    /// Of one example.
    pub shape: Shape,
}

/// What an example brings along in training, and is all ones elsewhere.
#[derive(Clone, PartialEq, Debug)]
pub enum Extra {
    /// How much it counts: `weight` in the loss.
    Weight,
    /// What a layer multiplies with that drops elements at random: 0 with the probability `drop`, and elsewhere
    /// `1 / (1 - drop)`, so that the mean stays.
    Mask {
        /// `h1.mask`, after the variable that the layer feeds.
        name: String,
        /// The shape of one example.
        shape: Shape,
        /// At least 0 and below 1.
        drop: f64,
    },
}

impl Extra {
    /// The shape for one example.
    pub fn shape(&self) -> Shape {
        match self {
            Self::Weight => Shape::scalar(),
            Self::Mask { shape, .. } => shape.clone(),
        }
    }
}

/// A tensor that the model owns: trained, or a state.
#[derive(Clone, Debug)]
pub struct Param {
    /// `w1`, or `h1.weight` for a layer's.
    pub name: String,
    /// The Rust field: the name with underscores for dots.
    pub field: Ident,
    /// Its shape.
    pub shape: Shape,
    /// What it starts from.
    pub init: Init,
    /// How training steps change it, if it is a state: nothing is derived by it, and no optimiser touches it.
    pub state: Option<StateRule>,
    /// The declaration, or the call of the layer.
    pub region: Region,
}

/// How a training step moves a state: `state + momentum · (new - state)`, with the mean over the batch as what is new.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct StateRule {
    /// From 0 to 1.
    pub momentum: f64,
    /// If the new value is a variance, the elements of each example that it is taken of: with `n` of them in the batch,
    /// it is multiplied with `n / (n - 1)`.
    pub corrected: Option<usize>,
}

/// Where a parameter starts.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Init {
    /// One number everywhere.
    Constant(f64),
    /// Uniform between two bounds.
    Uniform(f64, f64),
    /// Normal, by mean and standard deviation.
    Normal(f64, f64),
    /// Uniform in ±√(6 / (`fan_in` + `fan_out`)): Glorot and Bengio, 2010, equation 16.
    GlorotUniform,
    /// Normal with variance 2 / (`fan_in` + `fan_out`): Glorot and Bengio, 2010, equation 12.
    GlorotNormal,
    /// Uniform in ±√(6 / `fan_in`): He et al., 2015, equation 10, as a uniform distribution.
    HeUniform,
    /// Normal with variance 2 / `fan_in`: He et al., 2015, equation 10.
    HeNormal,
}

/// What the loss compares with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// Numbers in the shape of a prediction.
    Values(Shape),
    /// Probabilities, most often 0 or 1, in the shape of a prediction.
    Binary(Shape),
    /// A class, as a whole number below the count.
    Class(usize),
}

impl Target {
    /// The shape of one example's target.
    pub fn shape(&self) -> Shape {
        match self {
            Self::Values(shape) | Self::Binary(shape) => shape.clone(),
            Self::Class(_) => Shape::scalar(),
        }
    }
}

impl Model {
    /// The parameters that are trained; their positions are those among all of them.
    pub fn trained(&self) -> &[Param] {
        &self.params[..self.params.len() - self.states().len()]
    }

    /// The states, which come after all others.
    pub fn states(&self) -> &[Param] {
        let first = self.params.iter().position(|param| param.state.is_some());
        &self.params[first.unwrap_or(self.params.len())..]
    }

    /// The number of trainable scalars.
    pub fn param_count(&self) -> usize {
        self.trained().iter().map(|param| param.shape.count()).sum()
    }

    /// The number of scalars of states.
    pub fn state_count(&self) -> usize {
        self.states().iter().map(|param| param.shape.count()).sum()
    }
}
