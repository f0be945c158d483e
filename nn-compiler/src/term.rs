//! Formulas in Rust's own operators, so that derivative rules and rewrites read like a table of maths:
//! `d * y * (1.0 - y)`.

use std::cell::RefCell;

use crate::diag::Region;
use crate::graph::{Attrs, Graph, Kind, NodeId};
use crate::ops::{self, Op};
use crate::shape::Shape;

/// A node of a graph under construction. Operators and methods add nodes to the graph.
///
/// Operands of a pointwise operator must have one shape; a plain number takes the shape of the other side.
#[derive(Clone, Copy)]
pub struct Term<'g> {
    graph: &'g RefCell<Graph>,
    /// The node that it stands for.
    pub id: NodeId,
}

impl<'g> Term<'g> {
    /// The node of a graph as a term.
    pub fn new(graph: &'g RefCell<Graph>, id: NodeId) -> Self {
        Self { graph, id }
    }

    /// The shape of one example.
    pub fn shape(self) -> Shape {
        self.graph.borrow()[self.id].shape.clone()
    }

    /// The operation and attributes that compute it, unless it is a leaf.
    pub fn op(self) -> Option<(&'static Op, Attrs)> {
        self.graph.borrow()[self.id].op().map(|(op, attrs)| (op, attrs.clone()))
    }

    /// Its operands, if this operation computes it.
    pub fn operands_of(self, op: &Op) -> Option<Vec<Term<'g>>> {
        let (mine, _) = self.op()?;
        (mine == op).then(|| self.operands())
    }

    /// The operands of its operation.
    pub fn operands(self) -> Vec<Term<'g>> {
        self.graph.borrow().operands(self.id).into_iter().map(|id| Term { id, ..self }).collect()
    }

    /// The number that fills it, if it is a constant.
    pub fn as_constant(self) -> Option<f64> {
        match self.graph.borrow()[self.id].kind {
            Kind::Constant(number) => Some(number.0),
            _ => None,
        }
    }

    /// Whether it differs from example to example.
    pub fn varies(self) -> bool {
        self.graph.borrow()[self.id].varies
    }

    /// A tensor of a given shape, filled with a number.
    #[must_use]
    pub fn filled(self, value: f64, shape: Shape) -> Self {
        let id = self.graph.borrow_mut().constant(value, shape);
        Self { id, ..self }
    }

    /// An operation with this term as the first operand.
    ///
    /// # Panics
    /// If the shapes don't fit. Rules are written for shapes that the user's own check has passed, so this
    /// is a defect of the compiler.
    #[must_use]
    pub fn apply(self, op: &'static Op, attrs: Attrs, others: &[Term<'g>]) -> Self {
        let operands: Vec<NodeId> =
            std::iter::once(self.id).chain(others.iter().map(|other| other.id)).collect();
        let region = self.graph.borrow()[self.id].region;
        let id = self.graph.borrow_mut().apply(op, attrs, &operands, region).unwrap_or_else(|mismatch| {
            panic!(
                "a rule of the compiler applies `{}` to shapes that do not fit: {}",
                op.name, mismatch.fact
            )
        });
        Self { id, ..self }
    }

    /// A pointwise or otherwise attribute-free function of this term.
    #[must_use]
    pub fn map(self, op: &'static Op) -> Self {
        self.apply(op, Attrs::default(), &[])
    }

    /// A binary operation.
    #[must_use]
    pub fn zip(self, op: &'static Op, other: impl Operand<'g>) -> Self {
        self.apply(op, Attrs::default(), &[other.term(self)])
    }

    /// This value where `condition` is not zero, `otherwise` elsewhere.
    #[must_use]
    pub fn select(self, condition: Term<'g>, otherwise: impl Operand<'g>) -> Self {
        condition.apply(&ops::select::SELECT, Attrs::default(), &[self, otherwise.term(self)])
    }

    /// This value stretched to `shape`; `axes` says which axis of the result each of its axes becomes.
    #[must_use]
    pub fn broadcast(self, shape: &Shape, axes: &[usize]) -> Self {
        if self.shape() == *shape {
            return self;
        }
        let attrs = Attrs { axes: axes.to_vec(), sizes: shape.to_vec(), ..Attrs::default() };
        self.apply(&ops::broadcast::BROADCAST, attrs, &[])
    }

    /// The sum over some axes, which the result doesn't have.
    #[must_use]
    pub fn sum(self, axes: &[usize]) -> Self {
        if axes.is_empty() { self } else { self.apply(&ops::sum::SUM, Attrs::axes(axes), &[]) }
    }

    /// The mean over all elements.
    #[must_use]
    pub fn mean(self) -> Self {
        let axes: Vec<usize> = (0..self.shape().len()).collect();
        if axes.is_empty() { self } else { self.apply(&ops::mean::MEAN, Attrs::axes(axes), &[]) }
    }

    /// This value repeated along `axes` of `shape`, which it doesn't have: the way back from a reduction.
    #[must_use]
    pub fn repeat(self, shape: &Shape, axes: &[usize]) -> Self {
        let kept: Vec<usize> = (0..shape.len()).filter(|axis| !axes.contains(axis)).collect();
        self.broadcast(shape, &kept)
    }

    /// A whole power, by repeated multiplication.
    #[must_use]
    pub fn powi(self, exponent: i32) -> Self {
        self.apply(&ops::pow::POWI, Attrs::numbers(&[f64::from(exponent)]), &[])
    }

    /// The sums of products over pairs of axes, `axes[i]` of this and `other_axes[i]` of the other. The
    /// result has the free axes of this, then those of the other.
    #[must_use]
    pub fn contract(self, other: Term<'g>, axes: &[usize], other_axes: &[usize]) -> Self {
        let (shape, other_shape) = (self.shape(), other.shape());
        if shape.is_scalar() {
            return self.broadcast(&other_shape, &[]) * other;
        }
        if other_shape.is_scalar() {
            return self * other.broadcast(&shape, &[]);
        }
        // One order of the pairs, so that equal contractions are one node.
        let mut pairs: Vec<_> = axes.iter().copied().zip(other_axes.iter().copied()).collect();
        pairs.sort_unstable();
        let (axes, sizes) = pairs.into_iter().unzip();
        self.apply(&ops::contract::CONTRACT, Attrs { axes, sizes, ..Attrs::default() }, &[other])
    }

    /// The block that begins at `starts` and has the sizes `lengths`, all axes kept.
    #[must_use]
    pub fn block(self, starts: &[usize], lengths: &[usize]) -> Self {
        self.apply(&ops::slice::SLICE, Attrs::sizes([starts, lengths].concat()), &[])
    }

    /// The same value, as a constant for derivatives.
    #[must_use]
    pub fn stop_gradient(self) -> Self {
        self.map(&ops::stop_gradient::STOP_GRADIENT)
    }

    /// The same elements in another shape of the same count.
    #[must_use]
    pub fn reshape(self, shape: &Shape) -> Self {
        if self.shape() == *shape {
            return self;
        }
        self.apply(&ops::reshape::RESHAPE, Attrs::sizes(shape.to_vec()), &[])
    }

    /// The axes in another order: axis `i` of the result is axis `order[i]` of this.
    #[must_use]
    pub fn permute(self, order: &[usize]) -> Self {
        if order.iter().copied().eq(0..order.len()) {
            return self;
        }
        self.apply(&ops::transpose::TRANSPOSE, Attrs::axes(order), &[])
    }

    /// The place in the user's code.
    pub fn region(self) -> Region {
        self.graph.borrow()[self.id].region
    }
}

/// What may stand on the right of an operator: a term, or a number that takes the left side's shape.
pub trait Operand<'g> {
    /// As a term that fits `beside`.
    fn term(self, beside: Term<'g>) -> Term<'g>;
}

impl<'g> Operand<'g> for Term<'g> {
    fn term(self, _: Term<'g>) -> Term<'g> {
        self
    }
}

impl<'g> Operand<'g> for f64 {
    fn term(self, beside: Term<'g>) -> Term<'g> {
        beside.filled(self, beside.shape())
    }
}

macro_rules! operator {
    ($trait:ident, $method:ident, $op:path) => {
        impl<'g, R: Operand<'g>> std::ops::$trait<R> for Term<'g> {
            type Output = Term<'g>;

            fn $method(self, right: R) -> Term<'g> {
                self.zip(&$op, right)
            }
        }

        impl<'g> std::ops::$trait<Term<'g>> for f64 {
            type Output = Term<'g>;

            fn $method(self, right: Term<'g>) -> Term<'g> {
                self.term(right).zip(&$op, right)
            }
        }
    };
}

operator!(Add, add, ops::add::ADD);
operator!(Sub, sub, ops::sub::SUB);
operator!(Mul, mul, ops::mul::MUL);
operator!(Div, div, ops::div::DIV);

impl<'g> std::ops::Neg for Term<'g> {
    type Output = Term<'g>;

    fn neg(self) -> Term<'g> {
        self.map(&ops::neg::NEG)
    }
}
