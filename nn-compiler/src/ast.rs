//! The syntax tree of `nn_model!`, close to the user's text: no names are resolved and no shapes known.

use proc_macro2::{Ident, TokenStream};

use crate::diag::{Diagnostics, Region};
use crate::shape::Dtype;

/// What stands between the brackets of `nn_model!`, and what in it could not be read.
pub struct Source {
    /// All that could be read.
    pub form: Form,
    /// The mistakes that the parser has stepped over, so that later stages can add theirs.
    pub errors: Diagnostics,
}

/// The two forms of a source.
pub enum Form {
    /// One or more bindings, an expression's worth of model: `y = sigmoid(x1*w1 + b)`.
    Short(Body),
    /// Models and functions.
    Full {
        /// In the order of the text.
        models: Vec<Model>,
        /// Blocks that models call.
        functions: Vec<Function>,
    },
}

/// `pub model Name(inputs) -> outputs { … }`.
pub struct Model {
    /// Doc comments and attributes but `crate = …`.
    pub attributes: Vec<syn::Attribute>,
    /// The path in `#[crate = path]`, if the runtime is not `::nn_runtime`.
    pub runtime: Option<TokenStream>,
    /// `pub` and the like.
    pub visibility: syn::Visibility,
    /// The struct to be.
    pub name: Ident,
    /// `<f64>`.
    pub dtype: Dtype,
    /// What goes in.
    pub inputs: Vec<Variable>,
    /// What comes out.
    pub outputs: Vec<Variable>,
    /// The maths.
    pub body: Body,
}

/// A name with an optional shape.
pub struct Variable {
    /// As written.
    pub name: Ident,
    /// `: [16, 64]`, if written.
    pub shape: Option<Vec<Size>>,
}

/// A size in a shape.
pub struct Size {
    /// The number of elements.
    pub value: usize,
    /// Where it is written.
    pub region: Region,
}

/// `fn residual(x, width) { … }`.
pub struct Function {
    /// What calls name.
    pub name: Ident,
    /// What a call gives, by position.
    pub parameters: Vec<Ident>,
    /// The maths, with the value as its tail.
    pub body: Body,
    /// Whether the header could not be read: a call gives anything.
    pub broken: bool,
}

/// Statements in order.
#[derive(Default)]
pub struct Body {
    /// Everything but the tail.
    pub statements: Vec<Statement>,
    /// The value of a function: a last expression without a semicolon.
    pub tail: Option<Expr>,
}

/// One statement.
pub enum Statement {
    /// `param w: [16, 64] = he_normal;`
    Param {
        /// Name and shape.
        variable: Variable,
        /// `= he_normal`, if written.
        init: Option<Expr>,
    },
    /// `name = expr;`
    Bind {
        /// The left side.
        name: Ident,
        /// The right side.
        value: Expr,
        /// The user's text, for explanations.
        text: String,
    },
    /// `ys[t] = expr;`: an element of a tensor that is put together.
    Part {
        /// The tensor.
        name: Ident,
        /// Which element.
        index: Expr,
        /// The right side.
        value: Expr,
        /// The user's text, for explanations.
        text: String,
    },
    /// `for i in 0..4 { … }`
    For {
        /// The index.
        index: Ident,
        /// The first value.
        from: Expr,
        /// One past the last value.
        to: Expr,
        /// What is repeated.
        body: Body,
    },
    /// `loss expr;`
    Loss {
        /// The keyword.
        keyword: Region,
        /// One example's loss.
        value: Expr,
        /// The user's text, for explanations.
        text: String,
    },
    /// A statement that could not be read. Its names stand for anything.
    Broken {
        /// What it would have bound or declared.
        names: Vec<Ident>,
    },
}

/// An expression and where it stands.
#[derive(Clone)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// From its first to its last token.
    pub region: Region,
}

/// The kinds of expressions.
#[derive(Clone)]
pub enum ExprKind {
    /// `0.5`; whole numbers may also be sizes.
    Number(f64),
    /// `h1`.
    Name(Ident),
    /// `h1.weight`: a layer's own parameter, by its whole path.
    Field(Vec<Ident>),
    /// `-x`.
    Negate(Box<Expr>),
    /// `a + b` and the like, by the operator.
    Binary(&'static str, Box<Expr>, Box<Expr>),
    /// `f(a, b, axis = 1)`; a method call has its receiver as the first argument.
    Call(Ident, Vec<Argument>),
    /// `x[3, 0..4]`.
    Index(Box<Expr>, Vec<Index>),
    /// `[2, 3]`.
    List(Vec<Expr>),
    /// `"relu"`: never a value, but what it should have been depends on where it stands.
    Text(String),
}

/// An argument of a call.
#[derive(Clone)]
pub struct Argument {
    /// `axis` in `axis = 1`.
    pub name: Option<Ident>,
    /// The value.
    pub value: Expr,
}

/// An index of one axis.
#[derive(Clone)]
pub enum Index {
    /// `3`: the axis goes away.
    At(Expr),
    /// `1..4`, with both ends optional.
    Range(Option<Expr>, Option<Expr>),
}
