//! What is computed together: a chain of pointwise operations is one loop, a product takes bias, activation
//! and gate with it, and a mean of products never makes them one by one.

use std::collections::BTreeSet;

use super::{Lowering, When};
use crate::graph::{Graph, Kind, NodeId};
use crate::ops::{Epilogue, Finish, Kernel, Op};

/// The values that one loop over rows can read: the runtime's kernel takes so many.
const SOURCES: usize = 8;

/// The operations that one formula takes in. Without a bound, a sum of thousands of terms is one line, which takes
/// quadratic time here, and more stack in rustc than there is.
const PARTS: usize = 40;

/// One line of emitted code.
#[derive(Clone, Debug)]
pub struct Step {
    /// The node whose value it computes.
    pub result: NodeId,
    /// When.
    pub when: When,
    /// How.
    pub work: Work,
    /// The nodes on the way to the result that have no value of their own.
    pub fused: Vec<NodeId>,
}

/// What a step does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Work {
    /// Evaluates the formula that ends at the result.
    Pointwise,
    /// Calls a kernel.
    Call {
        /// A node that the same call computes, by a kernel for both.
        also: Option<NodeId>,
    },
    /// Calls a kernel that finishes what it computes.
    Finished {
        /// What the kernel computes.
        call: NodeId,
        /// A shared number added to each channel.
        bias: Option<NodeId>,
        /// The activation applied last.
        activation: Option<&'static str>,
        /// Where the result counts: elsewhere it is zero.
        gate: Option<NodeId>,
    },
    /// Moves elements.
    Move,
    /// Multiplies matrices, adding and applying what follows.
    Contract {
        /// The product itself.
        product: NodeId,
        /// A shared vector added to each row.
        bias: Option<NodeId>,
        /// The activation applied last.
        activation: Option<&'static str>,
        /// Rows where the product counts: elsewhere it is zero.
        gate: Option<NodeId>,
    },
    /// Averages over the tile's examples, which are all of the batch.
    Statistic,
    /// Adds the tile's examples to a sum over the batch: one value after the other, where it is that of several.
    Sum {
        /// What is added.
        addends: Vec<Addend>,
    },
}

/// What is added to a sum over the batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Addend {
    /// A value.
    Value(NodeId),
    /// A product, whose examples are added without making them one by one.
    Product(NodeId),
}

impl Step {
    /// The values that it computes.
    pub fn results(&self) -> impl Iterator<Item = NodeId> {
        let also = if let Work::Call { also } = self.work { also } else { None };
        std::iter::once(self.result).chain(also)
    }

    /// The values that it reads.
    pub fn reads(&self, graph: &Graph) -> Vec<NodeId> {
        let inside = |id: &NodeId| self.results().any(|result| result == *id) || self.fused.contains(id);
        let mut reads: Vec<NodeId> = std::iter::once(self.result)
            .chain(self.fused.iter().copied())
            .flat_map(|id| graph.operands(id))
            .filter(|id| !inside(id))
            .collect();
        reads.sort_unstable();
        reads.dedup();
        reads
    }
}

/// The steps of a graph in an order that computes operands first.
pub(super) fn steps(graph: &Graph, when: &[When], interleaved: &[bool], lowering: Lowering) -> Vec<Step> {
    let fuser = Fuser { graph, when, interleaved, lowering, wanted: wanted(graph) };
    // From users to operands, so that a step takes in what only it needs.
    let mut taken = vec![false; graph.len()];
    // What one formula takes in, another one may have no room for.
    let mut read = vec![false; graph.len()];
    let mut steps: Vec<Step> = Vec::new();
    for id in graph.ids().rev() {
        let Some((op, _)) = graph[id].op() else { continue };
        if taken[id.index()] && !read[id.index()] {
            continue;
        }
        let mut fused = Vec::new();
        let work = match op.kernel {
            Kernel::Mean => {
                let addends = fuser.addends(id, &mut fused);
                if lowering == Lowering::Lanes {
                    fuser.formula(id, id, &mut fused);
                }
                Work::Sum { addends }
            }
            Kernel::Contract => fuser.contract(id, &mut fused).unwrap_or(Work::Contract {
                product: id,
                bias: None,
                activation: None,
                gate: None,
            }),
            // The node comes later than the one that its kernel also computes, which has the step.
            Kernel::Call { .. } if fuser.joined_to(id).is_some() => continue,
            Kernel::Call { .. } => {
                fuser.finished(id, &mut fused).unwrap_or_else(|| Work::Call { also: fuser.joined(id) })
            }
            Kernel::Statistic => Work::Statistic,
            Kernel::Move(_) if fuser.is_read_through(id) => continue,
            Kernel::Move(_) => Work::Move,
            Kernel::View => continue,
            Kernel::Pointwise => {
                let kernel = fuser.contract(id, &mut fused).or_else(|| fuser.finished(id, &mut fused));
                kernel.unwrap_or_else(|| {
                    fuser.formula(id, id, &mut fused);
                    Work::Pointwise
                })
            }
            Kernel::Composite(_) => unreachable!("`{}` was not expanded", op.name),
        };
        for part in &fused {
            taken[part.index()] = true;
        }
        if let Work::Contract { product, .. } = work {
            fused.extend(
                graph.operands(product).into_iter().filter(|&operand| fuser.is_read_through(operand)),
            );
        }
        let step = Step { result: id, when: fuser.at(id), work, fused };
        for id in step.reads(graph) {
            read[behind_views(graph, id).index()] = true;
        }
        steps.push(step);
    }
    steps.reverse();
    // Sums that follow each other are added up in the order of the parameters.
    let order = super::mean_order(graph);
    for run in steps.chunk_by_mut(|a, b| is_sum(a) && is_sum(b)) {
        run.sort_by_key(|step| order(step.result));
    }
    steps
}

fn is_sum(step: &Step) -> bool {
    matches!(step.work, Work::Sum { .. })
}

fn wanted(graph: &Graph) -> Vec<bool> {
    let mut wanted = vec![false; graph.len()];
    for &(_, id) in &graph.roots {
        wanted[id.index()] = true;
    }
    wanted
}

struct Fuser<'a> {
    graph: &'a Graph,
    when: &'a [When],
    interleaved: &'a [bool],
    lowering: Lowering,
    wanted: Vec<bool>,
}

impl Fuser<'_> {
    /// Whether a node is used once, by `user`, in the same stage, and by nobody outside. What `user` needs twice, as in
    /// `q + q`, would be written and computed twice, and twice again at each level of such sums.
    fn only_for(&self, id: NodeId, user: NodeId) -> bool {
        let is_mean = matches!(self.kernel(user), Some(Kernel::Mean));
        // What is shared within a tile is computed once, and not for each example.
        let alike = is_mean || self.graph[id].varies == self.graph[user].varies;
        alike && !self.wanted[id.index()] && self.graph.users(id) == [user] && self.at(id) == self.at(user)
    }

    /// When a node is worked on. A mean is complete after the last tile, but each tile adds to it.
    fn at(&self, id: NodeId) -> When {
        if matches!(self.kernel(id), Some(Kernel::Mean)) { When::Tile } else { self.when[id.index()] }
    }

    /// The later node that one kernel computes together with this one.
    fn joined(&self, id: NodeId) -> Option<NodeId> {
        let joint = self.graph[id].op()?.0.joint.as_ref()?;
        self.siblings(id)
            .find(|&other| other > id && self.graph[other].op().is_some_and(|(op, _)| op == joint.with))
    }

    /// The earlier node whose kernel also computes this one.
    fn joined_to(&self, id: NodeId) -> Option<NodeId> {
        self.siblings(id).find(|&other| other < id && self.joined(other) == Some(id))
    }

    /// The nodes with the same operands, computed in the same stage.
    fn siblings(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        let operands = self.graph.operands(id);
        let users = operands.first().map(|&first| self.graph.users(first)).unwrap_or_default();
        let same = move |other: &NodeId| {
            *other != id && self.graph.operands(*other) == operands && self.at(*other) == self.at(id)
        };
        users.into_iter().filter(same)
    }

    fn kernel(&self, id: NodeId) -> Option<Kernel> {
        self.graph[id].op().map(|(op, _)| op.kernel)
    }

    /// Takes in the pointwise operations, and the stretching of scalars, that only this formula needs. What
    /// the user gave a name keeps its line when lanes are emitted, where lines cost nothing.
    fn formula(&self, top: NodeId, id: NodeId, fused: &mut Vec<NodeId>) {
        for operand in self.graph.operands(id) {
            let named = self.lowering != Lowering::Tiles && self.graph.is_named(operand);
            // A line on lanes reads as many values as it likes.
            let in_lanes = match self.lowering {
                Lowering::Lanes => true,
                Lowering::Arrays => self.at(top) == When::Tile,
                Lowering::Tiles => false,
            };
            if fused.len() >= PARTS || (!in_lanes && self.sources(top, operand, fused) > SOURCES) {
                continue;
            }
            let inline = match self.kernel(operand) {
                // What a kernel finishes is not a part of a formula.
                Some(Kernel::Pointwise) => {
                    let is_kernel = || {
                        self.contract(operand, &mut Vec::new()).is_some()
                            || self.finished(operand, &mut Vec::new()).is_some()
                    };
                    let is_own = self.only_for(operand, id) || self.is_cheap(operand, id);
                    is_own && !named && !is_kernel()
                }
                Some(Kernel::Move(_)) => self.stretched_scalar(operand).is_some(),
                _ => false,
            };
            if inline && !fused.contains(&operand) {
                fused.push(operand);
                if matches!(self.kernel(operand), Some(Kernel::Pointwise)) {
                    self.formula(top, operand, fused);
                }
            }
        }
    }

    /// Whether a node is one operator away from another value, so that each of its users rather computes it again than
    /// reads a whole tile of it: `0.5 * q`.
    fn is_cheap(&self, id: NodeId, user: NodeId) -> bool {
        let Some((op, _)) = self.graph[id].op() else { return false };
        let is_constant = |id: &NodeId| matches!(self.graph[*id].kind, Kind::Constant(_));
        let values = self.graph.operands(id).into_iter().filter(|id| !is_constant(id)).count();
        self.lowering == Lowering::Tiles
            && op.symbol.is_some()
            && values == 1
            && !self.wanted[id.index()]
            && self.at(id) == self.at(user)
    }

    /// How many values a formula reads when it takes in one more operand, counting each part's own.
    fn sources(&self, top: NodeId, operand: NodeId, fused: &[NodeId]) -> usize {
        let parts: BTreeSet<NodeId> = fused.iter().copied().chain([top, operand]).collect();
        let reads: BTreeSet<NodeId> = parts
            .iter()
            .flat_map(|&part| self.graph.operands(part))
            .filter(|read| !parts.contains(read) && !matches!(self.graph[*read].kind, Kind::Constant(_)))
            .collect();
        reads.len()
    }

    /// The scalar that a node stretches, if that is all it does, and nothing else needs the stretched one.
    fn stretched_scalar(&self, id: NodeId) -> Option<NodeId> {
        let operand = *self.graph.operands(id).first()?;
        let (op, attrs) = self.graph[id].op()?;
        let Kernel::Move(movement) = op.kernel else { return None };
        let movement = movement(attrs, &[self.graph[operand].shape.clone()]);
        let repeats = movement.fill.is_none()
            && movement.copies.iter().all(|copy| copy.from_strides.iter().all(|&stride| stride == 0));
        if !repeats {
            return None;
        }
        let pointwise_users =
            self.graph.users(id).iter().all(|&user| matches!(self.kernel(user), Some(Kernel::Pointwise)));
        let scalar = self.graph[operand].shape.count() == 1 && self.graph[id].shape.count() > 1;
        (scalar && pointwise_users && !self.wanted[id.index()]).then_some(operand)
    }

    /// Whether a node is the transpose of a shared matrix that only products of lanes need: they read a weight element by
    /// element, in any order.
    fn is_read_through(&self, id: NodeId) -> bool {
        self.lowering == Lowering::Arrays
            && !self.wanted[id.index()]
            && transposed(self.graph, id).is_some()
            && self
                .graph
                .users(id)
                .iter()
                .all(|&user| self.is_row_product(user) && self.graph.operands(user)[1] == id)
    }

    /// A product with what its kernel can do before it stores the result: `activation(product + bias)`, or
    /// the gate of a backward pass.
    fn contract(&self, id: NodeId, fused: &mut Vec<NodeId>) -> Option<Work> {
        if self.when[id.index()] != When::Tile {
            return None;
        }
        let mut top = id;
        let mut activation = None;
        if let Some(Epilogue::Activation(name)) = self.epilogue(top) {
            activation = Some(name);
            top = self.graph.operands(top)[0];
            if !self.only_for(top, id) {
                return None;
            }
        }
        let operands = self.graph.operands(top);
        let (product, bias, gate) = match self.epilogue(top) {
            Some(Epilogue::Bias) => {
                let is_product =
                    |at: usize| self.is_row_product(operands[at]) && self.only_for(operands[at], top);
                let of_row = (0..2).find(|&at| is_product(at) && !self.graph[operands[1 - at]].varies);
                if let Some(at) = of_row {
                    (operands[at], Some(operands[1 - at]), None)
                } else {
                    let is_product =
                        |at: usize| self.is_rows_product(operands[at]) && self.only_for(operands[at], top);
                    let rows = |at: usize| Some((at, self.repeated_row(operands[1 - at])?));
                    let (at, bias) = (0..2).filter(|&at| is_product(at)).find_map(rows)?;
                    fused.push(operands[1 - at]);
                    (operands[at], Some(bias), None)
                }
            }
            Some(Epilogue::Gate) if activation.is_none() => {
                let fits = self.is_row_product(operands[1]) && self.only_for(operands[1], top);
                fits.then_some((operands[1], None, Some(operands[0])))?
            }
            _ if self.is_row_product(top) => (top, None, None),
            _ if activation.is_some() && self.is_rows_product(top) => (top, None, None),
            _ => return None,
        };
        fused.extend([top, product].into_iter().filter(|&part| part != id));
        fused.dedup();
        Some(Work::Contract { product, bias, activation, gate })
    }

    /// A kernel with what it can do before it stores the result: `activation(call + bias)` with a bias for each channel,
    /// or the gate of a backward pass.
    fn finished(&self, id: NodeId, fused: &mut Vec<NodeId>) -> Option<Work> {
        // Lanes and arrays of them have kernels of their own, which finish nothing.
        if self.lowering != Lowering::Tiles && self.at(id) == When::Tile {
            return None;
        }
        let finishes = |id: NodeId, finish: Finish| {
            let (op, _) = self.graph[id].op()?;
            let can = if self.interleaved[id.index()] { op.interleaved.as_ref()?.finish } else { op.finish };
            (can == finish).then_some(id)
        };
        let (mut top, mut activation) = (id, None);
        if let Some(Epilogue::Activation(name)) = self.epilogue(top) {
            let operand = self.graph.operand_ids(top)[0];
            if self.only_for(operand, top) {
                (top, activation) = (operand, Some(name));
            }
        }
        let operands = self.graph.operands(top);
        let (call, bias, gate) = match self.epilogue(top) {
            Some(Epilogue::Bias) => {
                let of_channels = |at: usize| self.repeated_channels(operands[1 - at], top);
                let at = (0..2).find(|&at| {
                    finishes(operands[at], Finish::Activate).is_some()
                        && self.only_for(operands[at], top)
                        && of_channels(at).is_some()
                })?;
                fused.push(operands[1 - at]);
                (operands[at], of_channels(at), None)
            }
            Some(Epilogue::Gate) if activation.is_none() => {
                let call = finishes(operands[1], Finish::Gate)?;
                self.only_for(call, top).then_some((call, None, Some(operands[0])))?
            }
            _ => match finishes(top, Finish::Activate) {
                Some(call) => (call, None, None),
                None if activation.is_none() => (finishes(top, Finish::Gate)?, None, None),
                None => return None,
            },
        };
        fused.extend([top, call].into_iter().filter(|&part| part != id));
        fused.dedup();
        Some(Work::Finished { call, bias, activation, gate })
    }

    /// The shared vector whose elements a node repeats over the places of each channel, if only `user` needs it.
    fn repeated_channels(&self, id: NodeId, user: NodeId) -> Option<NodeId> {
        let (op, attrs) = self.graph[id].op().filter(|_| !self.graph[id].varies)?;
        let Kernel::Move(movement) = op.kernel else { return None };
        let vector = *self.graph.operand_ids(id).first()?;
        let ([channels], [first, ..]) = (&self.graph[vector].shape[..], &self.graph[id].shape[..]) else {
            return None;
        };
        let movement = movement(attrs, &[self.graph[vector].shape.clone()]);
        let [copy] = &movement.copies[..] else { return None };
        let repeats = channels == first
            && movement.fill.is_none()
            && copy.from_strides.iter().enumerate().all(|(axis, &stride)| stride == usize::from(axis == 0));
        let only = !self.wanted[id.index()] && self.graph.users(id) == [user];
        (repeats && only).then_some(vector)
    }

    fn epilogue(&self, id: NodeId) -> Option<Epilogue> {
        self.graph[id].op().and_then(|(op, _)| op.epilogue)
    }

    /// Whether a node multiplies one varying row with a shared matrix.
    fn is_row_product(&self, id: NodeId) -> bool {
        let Some((op, attrs)) = self.graph[id].op() else { return false };
        let operands = self.graph.operands(id);
        matches!(op.kernel, Kernel::Contract)
            && self.graph[operands[0]].varies
            && !self.graph[operands[1]].varies
            && attrs.axes.len() == self.graph[operands[0]].shape.len()
            && self.graph[id].shape.count() > 1
    }

    /// Whether a node multiplies the rows of a varying matrix with a shared one.
    fn is_rows_product(&self, id: NodeId) -> bool {
        let Some((op, attrs)) = self.graph[id].op() else { return false };
        if self.lowering != Lowering::Tiles || !matches!(op.kernel, Kernel::Contract) {
            return false;
        }
        let operands = self.graph.operands(id);
        let rank = self.graph[operands[0]].shape.len();
        let is_last = attrs.axes.last().is_some_and(|axis| axis + 1 == rank) && attrs.axes.len() < rank;
        is_last && self.graph[operands[0]].varies && !self.graph[operands[1]].varies
    }

    /// The shared vector that a node repeats in every row, if that is all it does.
    fn repeated_row(&self, id: NodeId) -> Option<NodeId> {
        let operand = *self.graph.operands(id).first()?;
        let (op, attrs) = self.graph[id].op()?;
        let Kernel::Move(movement) = op.kernel else { return None };
        let movement = movement(attrs, &[self.graph[operand].shape.clone()]);
        let ([copy], None) = (&movement.copies[..], movement.fill) else { return None };
        let (&step, above) = copy.from_strides.split_last()?;
        let is_row = step == 1
            && above.iter().all(|&stride| stride == 0)
            && copy.sizes.last() == Some(&self.graph[operand].shape.count())
            && copy.sizes.iter().product::<usize>() == self.graph[id].shape.count();
        let is_shared = !self.graph[operand].varies && !matches!(self.graph[operand].kind, Kind::Constant(_));
        (is_row && is_shared && !self.wanted[id.index()]).then_some(operand)
    }

    /// The kernel that sums the results of an operation over the rows of a tile.
    fn summed_kernel(&self, op: &Op) -> Option<&'static str> {
        op.summed.filter(|_| self.lowering == Lowering::Tiles)
    }

    /// What a mean adds up. A sum of products, such as the gradient of a weight that every round of a loop uses, is added
    /// product by product.
    fn addends(&self, mean: NodeId, fused: &mut Vec<NodeId>) -> Vec<Addend> {
        let mut addends = Vec::new();
        let mut stack = vec![(self.graph.operands(mean)[0], mean)];
        while let Some((id, user)) = stack.pop() {
            if self.is_summed_product(id, user) {
                fused.push(id);
                addends.push(Addend::Product(id));
            } else if self.is_sum_of_products(id, user) {
                fused.push(id);
                stack.extend(self.graph.operands(id).into_iter().rev().map(|operand| (operand, id)));
            } else {
                addends.push(Addend::Value(id));
            }
        }
        addends
    }

    /// Whether a node is a product of varying rows that only one user needs, its mean or a sum below it.
    fn is_summed_product(&self, id: NodeId, user: NodeId) -> bool {
        let varying = self.graph.operands(id).iter().all(|&operand| self.graph[operand].varies);
        let has_kernel = match self.graph[id].op() {
            Some((op, _)) => matches!(op.kernel, Kernel::Contract) || self.summed_kernel(op).is_some(),
            None => false,
        };
        has_kernel && varying && self.graph.users(id) == [user] && !self.wanted[id.index()]
    }

    /// Whether a node adds up a product that need not be made.
    fn is_sum_of_products(&self, id: NodeId, user: NodeId) -> bool {
        let (mut id, mut user) = (id, user);
        // Down the left sides of a long sum: what was contributed last stands on the right.
        loop {
            let is_sum = self.epilogue(id) == Some(Epilogue::Bias) && self.only_for(id, user);
            if !is_sum || self.lowering == Lowering::Lanes {
                return false;
            }
            let operands = self.graph.operands(id);
            if operands.iter().any(|&operand| self.is_summed_product(operand, id)) {
                return true;
            }
            (id, user) = (operands[0], id);
        }
    }
}

/// The shared matrix of which a node is the transpose.
pub(crate) fn transposed(graph: &Graph, id: NodeId) -> Option<NodeId> {
    let (op, attrs) = graph[id].op()?;
    let Kernel::Move(movement) = op.kernel else { return None };
    let operand = *graph.operands(id).first()?;
    let ([rows, cols], [_, _]) = (&graph[id].shape[..], &graph[operand].shape[..]) else { return None };
    let movement = movement(attrs, &[graph[operand].shape.clone()]);
    let [copy] = &movement.copies[..] else { return None };
    let turns = movement.fill.is_none()
        && copy.sizes == [*rows, *cols]
        && copy.from_strides == [1, *rows]
        && copy.to_strides == [*cols, 1];
    (turns && !graph[operand].varies).then_some(operand)
}

/// A node behind the views that only give it another shape.
pub(crate) fn behind_views(graph: &Graph, mut id: NodeId) -> NodeId {
    while let Kind::Op(op, _) = &graph[id].kind {
        if !matches!(op.kernel, Kernel::View) {
            break;
        }
        id = graph.operands(id)[0];
    }
    id
}
