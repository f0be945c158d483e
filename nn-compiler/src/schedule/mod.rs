//! Which part of a graph is computed when, and what is computed together: the plan that emission prints.
//!
//! A batch passes through in *tiles* of a few examples. What does not vary with the example is computed once
//! before (`Prologue`), what varies once for each tile, and what needs means over the whole batch once after
//! (`Epilogue`).

mod arrays;
mod fuse;
mod tile;

use crate::build::Program;
use crate::diag::Diagnostics;
use crate::graph::{Graph, Kind, NodeId, Root};
use crate::model::Layout;
use crate::ops::Kernel;
use crate::shape::Dtype;

pub use fuse::{Step, Work};
pub(crate) use fuse::{behind_views, transposed};
pub use tile::tile_len;

/// Everything that is emitted for one model.
#[derive(Clone)]
pub struct Plan {
    /// The declarations, and the graph as the user wrote it.
    pub program: Program,
    /// From inputs to outputs.
    pub forward: Function,
    /// From inputs and target to the mean loss and the parameters' gradients.
    pub training: Option<Function>,
    /// From inputs and target to the mean loss outside of training, where that is another one: a model with states uses
    /// them there.
    pub validation: Option<Function>,
    /// From inputs and cotangents of the outputs to the gradients of the inputs, and without a loss also of
    /// the parameters. What stands in the way where there is none.
    pub pullback: Result<Function, Diagnostics>,
}

/// When a node is computed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    /// Once for a batch, before its examples.
    Prologue,
    /// For each tile of examples.
    Tile,
    /// Once for a batch, after its examples.
    Epilogue,
}

/// How the examples of a tile lie in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lowering {
    /// Every value is a scalar: a tile's examples lie across the SIMD lanes and stay in registers.
    Lanes,
    /// Tensors of a few elements: arrays of values that hold one example in each lane.
    Arrays,
    /// Values are rows of a workspace that stays in cache; kernels of the runtime work on them.
    Tiles,
}

/// A graph with its order of computation.
#[derive(Clone)]
pub struct Function {
    /// What is computed; all of it is needed.
    pub graph: Graph,
    /// How.
    pub lowering: Lowering,
    /// When, by node.
    pub when: Vec<When>,
    /// What is computed together, in order.
    pub steps: Vec<Step>,
    /// Examples in a tile.
    pub tile: usize,
    /// Whether the weights outweigh a tile's rows, so that the kernels share their work among threads and not the
    /// batch.
    pub is_wide: bool,
    /// Whether examples are computed from what is known of their batch, which is one tile then, whatever its length.
    pub sees_batch: bool,
}

/// Straight-line code of more operations than this spills registers and strains rustc; see the design's
/// measurements.
const LANES_LIMIT: usize = 150;
impl Plan {
    /// The order of computation of a model's optimised graphs.
    ///
    /// Functions on tensors are all lowered alike: the kernels of arrays and those of tiles have the same names.
    pub fn new(
        program: Program,
        [forward, training, validation]: [Option<Graph>; 3],
        pullback: Result<Graph, Diagnostics>,
    ) -> Self {
        let forward = forward.unwrap_or_default();
        let graphs = [Some(&forward), training.as_ref(), validation.as_ref(), pullback.as_ref().ok()];
        let sees_batch = training.as_ref().is_some_and(sees_batch);
        let fit = graphs.into_iter().flatten().all(|graph| is_scalar(graph) || arrays::fit(graph));
        let tensors = match program.model.layout {
            _ if sees_batch => Lowering::Tiles,
            Some(Layout::Lanes) => Lowering::Arrays,
            None if fit => Lowering::Arrays,
            Some(Layout::Tiles) | None => Lowering::Tiles,
        };
        let order = |graph: Graph| {
            let lowering = if is_scalar(&graph) { Lowering::Lanes } else { tensors };
            order(graph, lowering, program.model.dtype)
        };
        let (forward, training, pullback) = (order(forward), training.map(order), pullback.map(order));
        let validation = validation.map(order);
        Self { program, forward, training, validation, pullback }
    }
}

/// Whether a graph has scalars alone, and few enough to be one line of code each.
fn is_scalar(graph: &Graph) -> bool {
    let fits = |id: NodeId| {
        let kernel = graph[id].op().map(|(op, _)| op.kernel);
        let inline = matches!(kernel, None | Some(Kernel::Pointwise | Kernel::Mean | Kernel::View));
        graph[id].shape.is_scalar() && inline
    };
    is_short(graph) && graph.ids().all(fits)
}

/// Whether examples are computed from what is known of their batch. All of it is one tile then.
fn sees_batch(graph: &Graph) -> bool {
    graph.ids().any(|id| graph[id].op().is_some_and(|(op, _)| matches!(op.kernel, Kernel::Statistic)))
}

/// Whether a graph is short enough for straight-line code.
fn is_short(graph: &Graph) -> bool {
    graph.ids().filter(|&id| graph[id].op().is_some()).count() <= LANES_LIMIT
}

/// The order of computation of an optimised graph.
fn order(graph: Graph, lowering: Lowering, dtype: Dtype) -> Function {
    let when = when(&graph);
    let steps = fuse::steps(&graph, &when, lowering);
    let sees_batch = sees_batch(&graph);
    let mut function = Function { graph, lowering, when, steps, tile: 0, is_wide: false, sees_batch };
    tile::choose(&mut function, dtype);
    function
}

fn when(graph: &Graph) -> Vec<When> {
    let mut when = Vec::with_capacity(graph.len());
    for id in graph.ids() {
        let node = &graph[id];
        let is_after =
            |stage: When| graph.operand_ids(id).iter().any(|operand| when[operand.index()] == stage);
        let after = is_after(When::Epilogue);
        let is = |kernel: fn(Kernel) -> bool| node.op().is_some_and(|(op, _)| kernel(op.kernel));
        let mean = is(|kernel| matches!(kernel, Kernel::Mean));
        // What is made of a batch's statistics is shared, and computed among its examples.
        let within = is(|kernel| matches!(kernel, Kernel::Statistic)) || (!mean && is_after(When::Tile));
        when.push(if node.varies || (within && !after) {
            When::Tile
        } else if mean || after {
            When::Epilogue
        } else {
            When::Prologue
        });
    }
    when
}

/// The order of means, as gradients are laid out: the loss, the parameters in their order, then what else is
/// averaged.
fn mean_order(graph: &Graph) -> impl Fn(NodeId) -> (bool, Option<Root>) {
    let root = |id: NodeId| graph.roots.iter().find(|(_, root)| *root == id).map(|&(root, _)| root);
    move |id| (root(id).is_none(), root(id))
}

impl Function {
    /// The means over the batch; each is accumulated tile by tile.
    pub fn means(&self) -> Vec<NodeId> {
        let mean =
            |id: &NodeId| self.graph[*id].op().is_some_and(|(op, _)| matches!(op.kernel, Kernel::Mean));
        let mut means: Vec<NodeId> = self.graph.ids().filter(mean).collect();
        let order = mean_order(&self.graph);
        means.sort_by_key(|&id| order(id));
        means
    }

    /// The steps of a stage.
    pub fn steps_of(&self, when: When) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(move |step| step.when == when)
    }

    /// The nodes that steps of a stage read and that are computed earlier, or are leaves.
    pub fn reads(&self, when: When) -> Vec<NodeId> {
        let mut reads: Vec<NodeId> = self
            .steps_of(when)
            .flat_map(|step| step.reads(&self.graph))
            .map(|id| behind_views(&self.graph, id))
            .collect();
        reads.sort_unstable();
        reads.dedup();
        reads.retain(|id| {
            !matches!(self.graph[*id].kind, Kind::Constant(_))
                && (!matches!(self.graph[*id].kind, Kind::Op(..)) || self.when[id.index()] != when)
        });
        reads
    }

    /// The root's node.
    pub fn root(&self, root: Root) -> Option<NodeId> {
        self.graph.root(root)
    }
}
