//! The graph: nodes that are leaves or operations on earlier nodes, each distinct one once.
//!
//! Two invariants make every pass simple. A node's operands have smaller ids than the node, so that ids
//! are a topological order. And equal expressions are the same node (hash-consing), so that common
//! subexpressions never exist.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hash, Hasher};

use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;

use crate::diag::Region;
use crate::ops::{Kernel, Mismatch, Op};
use crate::shape::Shape;

/// What the loss of one example is called, unless the user gave it a name.
pub const LOSS: &str = "J";

/// The number of an intermediate's label, which its adjoint's label has too.
pub fn number(label: &str) -> Option<usize> {
    label.split_once('#').and_then(|(_, number)| number.parse().ok())
}

/// A node's place in its graph. Operands come before the nodes that use them.
pub type NodeId = NodeIndex<u32>;

/// A constant or attribute. Compared by its bits, so that it can be hashed.
#[derive(Clone, Copy)]
pub struct Number(pub f64);

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Number {}

impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What an operation needs beside its operands. Which entry means what is said in the operation's file.
#[derive(Clone, Default, PartialEq, Eq, Hash, Debug)]
pub struct Attrs {
    /// Axes of the operand, counted from the outermost.
    pub axes: Vec<usize>,
    /// Sizes, counts and offsets.
    pub sizes: Vec<usize>,
    /// Real numbers: a slope, a bound, an exponent.
    pub numbers: Vec<Number>,
}

impl Attrs {
    /// Attributes that are axes alone.
    pub fn axes(axes: impl Into<Vec<usize>>) -> Self {
        Self { axes: axes.into(), ..Self::default() }
    }

    /// Attributes that are sizes alone.
    pub fn sizes(sizes: impl Into<Vec<usize>>) -> Self {
        Self { sizes: sizes.into(), ..Self::default() }
    }

    /// Attributes that are numbers alone.
    pub fn numbers(numbers: &[f64]) -> Self {
        Self { numbers: numbers.iter().copied().map(Number).collect(), ..Self::default() }
    }

    /// The real number at a position.
    pub fn number(&self, position: usize) -> f64 {
        self.numbers[position].0
    }
}

/// What a node is.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// The input with this position in the model's header.
    Input(usize),
    /// What the loss compares with.
    Target,
    /// What else an example brings along in training, by its position in the model's list: its weight, a mask.
    Extra(usize),
    /// The adjoint that the caller gives for the output with this position.
    Cotangent(usize),
    /// The parameter with this position in the model's table.
    Param(usize),
    /// A tensor filled with one number.
    Constant(Number),
    /// An operation on the node's operands.
    Op(&'static Op, Attrs),
}

/// A value of the model, or of its derivative.
#[derive(Clone, Debug)]
pub struct Node {
    /// What computes it.
    pub kind: Kind,
    /// The shape of one example.
    pub shape: Shape,
    /// Whether it differs from example to example. Parameters, constants and means over the batch don't.
    pub varies: bool,
    /// The name that a reader knows it by: the user's variable, or `d_` and the variable for an adjoint.
    pub label: Option<String>,
    /// The user's code that it comes from.
    pub region: Region,
}

impl Node {
    /// The operation and its attributes, unless it is a leaf.
    pub fn op(&self) -> Option<(&'static Op, &Attrs)> {
        match &self.kind {
            Kind::Op(op, attrs) => Some((op, attrs)),
            _ => None,
        }
    }
}

/// Something that the graph is computed for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub enum Root {
    /// The output with this position.
    Output(usize),
    /// The mean loss over the examples.
    Loss,
    /// The gradient with respect to the parameter with this position.
    ParamGradient(usize),
    /// The gradient with respect to the input with this position, one for each example.
    InputGradient(usize),
    /// What the state with this position among the parameters is in a batch.
    State(usize),
}

/// A model's computation.
#[derive(Clone, Default)]
pub struct Graph {
    /// Edges point from an operand to its user and carry the operand's position.
    nodes: DiGraph<Node, usize>,
    /// Each node's operands in order, which its edges say too, but not at once.
    operands: Vec<Vec<NodeId>>,
    /// A node by its fingerprint, or by the next free number above.
    interned: HashMap<u64, NodeId, BuildHasherDefault<Mix>>,
    /// What is wanted, in the order of [`Root`].
    pub roots: Vec<(Root, NodeId)>,
}

impl Graph {
    /// A leaf. Equal leaves are one node.
    pub fn leaf(&mut self, kind: Kind, shape: Shape, region: Region) -> NodeId {
        let varies = matches!(kind, Kind::Input(_) | Kind::Target | Kind::Extra(_) | Kind::Cotangent(_));
        self.intern(Node { kind, shape, varies, label: None, region }, &[])
    }

    /// A tensor filled with a number.
    pub fn constant(&mut self, value: f64, shape: Shape) -> NodeId {
        self.leaf(Kind::Constant(Number(value)), shape, Region::none())
    }

    /// An operation on nodes, or why its shapes don't fit.
    ///
    /// # Errors
    /// What the operation's shape rule says.
    pub fn apply(
        &mut self,
        op: &'static Op,
        attrs: Attrs,
        operands: &[NodeId],
        region: Region,
    ) -> Result<NodeId, Mismatch> {
        let shapes: Vec<Shape> = operands.iter().map(|&id| self[id].shape.clone()).collect();
        let shape = (op.shape)(&attrs, &shapes)?;
        let varies = !is_mean(op) && operands.iter().any(|&id| self[id].varies);
        let node = Node { kind: Kind::Op(op, attrs), shape, varies, label: None, region };
        Ok(self.intern(node, operands))
    }

    fn intern(&mut self, node: Node, operands: &[NodeId]) -> NodeId {
        let mut key = fingerprint(&node, operands);
        while let Some(&known) = self.interned.get(&key) {
            let (other, others) = (&self.nodes[known], &self.operands[known.index()]);
            if other.kind == node.kind && other.shape == node.shape && *others == operands {
                return known;
            }
            key = key.wrapping_add(1);
        }
        let id = self.nodes.add_node(node);
        for (position, &operand) in operands.iter().enumerate() {
            self.nodes.add_edge(operand, id, position);
        }
        self.operands.push(operands.to_vec());
        self.interned.insert(key, id);
        id
    }

    /// The graph as it is outside of training: all ones in place of what examples only bring along there, states in
    /// place of what is known of a batch there. Layers that see the batch have to be open.
    #[must_use]
    pub fn settled(&self) -> Self {
        self.copied(|copy, node, operands| match (&node.kind, &operands[..]) {
            (Kind::Extra(_), _) => Some(copy.constant(1.0, node.shape.clone())),
            (Kind::Op(op, _), &[_, state]) if matches!(op.kernel, Kernel::Statistic) => Some(state),
            _ => None,
        })
    }

    /// The graph as it is in training, where nothing is computed from states that are known from the batch.
    #[must_use]
    pub fn in_training(&self) -> Self {
        self.copied(|_, node, operands| {
            if node.op().is_some_and(|(op, _)| matches!(op.kernel, Kernel::Statistic)) {
                operands.truncate(1);
            }
            None
        })
    }

    /// The graph with the parameters at other positions: that of each by its old one.
    #[must_use]
    pub fn with_params_at(&self, positions: &[usize]) -> Self {
        self.copied(|copy, node, _| match node.kind {
            Kind::Param(at) => {
                Some(copy.intern(Node { kind: Kind::Param(positions[at]), ..node.clone() }, &[]))
            }
            _ => None,
        })
    }

    /// The same graph, but for nodes that `change` gives another operation's result, or other operands.
    fn copied(&self, change: impl Fn(&mut Self, &Node, &mut Vec<NodeId>) -> Option<NodeId>) -> Self {
        let mut copy = Self::default();
        let mut renamed: Vec<NodeId> = Vec::with_capacity(self.len());
        for id in self.ids() {
            let node = &self[id];
            let mut operands: Vec<NodeId> =
                self.operand_ids(id).iter().map(|operand| renamed[operand.index()]).collect();
            let other = change(&mut copy, node, &mut operands);
            let varies = node.varies && (operands.is_empty() || operands.iter().any(|&id| copy[id].varies));
            let same = Node { varies, ..node.clone() };
            renamed.push(other.unwrap_or_else(|| copy.intern(same, &operands)));
        }
        copy.roots = self.roots.iter().map(|&(root, id)| (root, renamed[id.index()])).collect();
        copy
    }

    /// Gives a node a name, unless it has one.
    pub fn label(&mut self, id: NodeId, label: impl Into<String>) {
        self.nodes[id].label.get_or_insert_with(|| label.into());
    }

    /// Whether the user gave the node its name, or its adjoint's node.
    pub fn is_named(&self, id: NodeId) -> bool {
        self[id].label.as_ref().is_some_and(|label| !label.contains('#') && label != LOSS)
    }

    /// Names every operation that has no name, so that its adjoint can be named after it. The number behind `#`
    /// only tells them apart and keeps them in order; a reader sees `q`, or `q1`, `q2`, …. Names that were given
    /// before keep their numbers.
    pub fn name_intermediates(&mut self) {
        let given = self.nodes.node_weights().filter_map(|node| node.label.as_deref().and_then(number)).max();
        let first = given.map_or(0, |last| last + 1);
        for id in self.ids() {
            if self[id].op().is_some_and(|(op, _)| !is_mean(op)) {
                self.label(id, format!("q#{}", first + id.index()));
            }
        }
    }

    /// The operands of a node, in order.
    pub fn operands(&self, id: NodeId) -> Vec<NodeId> {
        self.operand_ids(id).to_vec()
    }

    /// The operands of a node, in order, to look at.
    pub fn operand_ids(&self, id: NodeId) -> &[NodeId] {
        &self.operands[id.index()]
    }

    /// The nodes that use a node, in order; one that uses it twice is there twice.
    pub fn users(&self, id: NodeId) -> Vec<NodeId> {
        let mut users: Vec<_> = self.nodes.edges(id).map(|edge| edge.target()).collect();
        users.sort_unstable();
        users
    }

    /// All nodes, operands first.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        (0..self.nodes.node_count() as u32).map(NodeId::from)
    }

    /// The number of nodes.
    pub fn len(&self) -> usize {
        self.nodes.node_count()
    }

    /// Whether there are no nodes.
    pub fn is_empty(&self) -> bool {
        self.nodes.node_count() == 0
    }

    /// The node of a root.
    pub fn root(&self, root: Root) -> Option<NodeId> {
        self.roots.iter().find(|(known, _)| *known == root).map(|&(_, id)| id)
    }

    /// For each node, whether some root needs it.
    pub fn live(&self) -> Vec<bool> {
        let mut live = vec![false; self.len()];
        for &(_, root) in &self.roots {
            live[root.index()] = true;
        }
        for id in self.ids().rev() {
            if live[id.index()] {
                for operand in self.operand_ids(id) {
                    live[operand.index()] = true;
                }
            }
        }
        live
    }

    /// The underlying petgraph, for drawing and for algorithms.
    pub fn petgraph(&self) -> &DiGraph<Node, usize> {
        &self.nodes
    }
}

/// Whether an operation makes one value of those of all examples.
fn is_mean(op: &Op) -> bool {
    matches!(op.kernel, Kernel::Mean | Kernel::Statistic)
}

/// A number that equal nodes share, and different ones hardly ever.
fn fingerprint(node: &Node, operands: &[NodeId]) -> u64 {
    let mut mix = Mix::default();
    node.kind.hash(&mut mix);
    node.shape.hash(&mut mix);
    for operand in operands {
        mix.write_usize(operand.index());
    }
    mix.finish()
}

/// A hash for small keys that nobody chooses to collide. Every node of every pass is hashed, in a macro that nobody
/// optimises, where the standard one takes a tenth of the whole expansion.
#[derive(Clone, Copy, Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_ne_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    fn write_u32(&mut self, word: u32) {
        self.write_u64(word.into());
    }

    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl std::ops::Index<NodeId> for Graph {
    type Output = Node;

    fn index(&self, id: NodeId) -> &Node {
        &self.nodes[id]
    }
}
