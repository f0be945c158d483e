//! What is put together into one box where a graph has too many values.

use std::collections::{BTreeMap, BTreeSet};

use super::super::write::Names;
use crate::build::Program;
use crate::build::blocks::Block;
use crate::graph::{Graph, Kind, LOSS, NodeId, Root};

/// A chain of fewer boxes than this stays as it is: where there are too many boxes, and where there are not.
const LONG: usize = 4;
const VERY_LONG: usize = 9;

/// Values in boxes. A box is known by its last value, which is what others read.
pub(super) struct View<'a> {
    program: &'a Program,
    /// The values that are shown, in order. What only moves elements, and constants, stands in formulas.
    shown: Vec<NodeId>,
    /// For each node, the values that it is computed from, each once.
    sources: Vec<Vec<NodeId>>,
    /// For each node, the values that are computed from it.
    users: Vec<Vec<NodeId>>,
    /// For each node, the box that it is in.
    home: Vec<NodeId>,
    /// What boxes are called that are more than a statement.
    titles: BTreeMap<NodeId, String>,
    /// The blocks that such boxes stand in.
    around: BTreeMap<NodeId, Option<usize>>,
}

impl<'a> View<'a> {
    /// Every value in a box of its own or, where there are more than `most`, as many of them together as it takes.
    pub(super) fn new(program: &'a Program, names: &Names, most: usize) -> Self {
        let mut view = Self::of_all(program, names);
        // Parameters reach from their frame into the one before, which then can't stand beside each other.
        if view.len() > most || !program.blocks.all().is_empty() {
            view.join_layers();
        }
        if view.len() > most {
            view.join_statements();
        }
        let blocks = &program.blocks;
        let depth = |block: usize| blocks.around(Some(block)).count();
        let deepest = (0..blocks.all().len()).map(depth).max().unwrap_or(0);
        for depth in (1..=deepest).rev() {
            if view.len() > most {
                view.close(depth);
            }
        }
        if view.len() > most {
            view.join_chains(LONG);
        } else if !view.titles.is_empty() {
            view.join_chains(VERY_LONG);
        }
        view
    }

    fn of_all(program: &'a Program, names: &Names) -> Self {
        let graph = &program.graph;
        let live = graph.live();
        let is_shown = |id: NodeId| {
            live[id.index()] && names.get(id).is_some() && !matches!(graph[id].kind, Kind::Constant(_))
        };
        let mut sources: Vec<Vec<NodeId>> = Vec::with_capacity(graph.len());
        let mut users = vec![Vec::new(); graph.len()];
        for id in graph.ids() {
            let mut from: Vec<NodeId> = Vec::new();
            for &operand in graph.operand_ids(id) {
                if is_shown(operand) {
                    from.push(operand);
                } else {
                    from.extend(&sources[operand.index()]);
                }
            }
            from.sort_unstable();
            from.dedup();
            if is_shown(id) {
                for source in &from {
                    users[source.index()].push(id);
                }
            }
            sources.push(from);
        }
        Self {
            program,
            shown: graph.ids().filter(|&id| is_shown(id)).collect(),
            sources,
            users,
            home: graph.ids().collect(),
            titles: BTreeMap::new(),
            around: BTreeMap::new(),
        }
    }

    fn graph(&self) -> &'a Graph {
        &self.program.graph
    }

    /// The number of boxes.
    fn len(&self) -> usize {
        self.shown.iter().filter(|&&id| self.home(id) == id).count()
    }

    fn home(&self, id: NodeId) -> NodeId {
        self.home[id.index()]
    }

    /// The boxes in order, each with all its values.
    pub(super) fn boxes(&self) -> BTreeMap<NodeId, Vec<NodeId>> {
        let mut boxes: BTreeMap<NodeId, Vec<NodeId>> = BTreeMap::new();
        for &id in &self.shown {
            boxes.entry(self.home(id)).or_default().push(id);
        }
        boxes
    }

    /// The edges between boxes, each once, by the value that goes along and the box that reads it.
    pub(super) fn edges(&self) -> BTreeSet<(NodeId, NodeId)> {
        let mut edges = BTreeSet::new();
        for &id in &self.shown {
            for &source in &self.sources[id.index()] {
                if self.home(source) != self.home(id) {
                    edges.insert((source, self.home(id)));
                }
            }
        }
        edges
    }

    /// The box of a value.
    pub(super) fn box_of(&self, id: NodeId) -> NodeId {
        self.home(id)
    }

    /// The values that an operand stands for: itself or, where it is not shown, what it is computed from.
    pub(super) fn behind(&self, operand: NodeId) -> Vec<NodeId> {
        if self.shown.binary_search(&operand).is_ok() {
            vec![operand]
        } else {
            self.sources[operand.index()].clone()
        }
    }

    /// What a box is called that is more than a statement.
    pub(super) fn title(&self, of: NodeId) -> Option<&str> {
        self.titles.get(&of).map(String::as_str)
    }

    /// The innermost block around a box.
    pub(super) fn block(&self, of: NodeId) -> Option<usize> {
        self.around.get(&of).copied().unwrap_or_else(|| self.program.blocks.of(of))
    }

    /// Whether something is computed in a box.
    fn is_leaf(&self, of: NodeId) -> bool {
        self.graph()[of].op().is_none()
    }

    /// Puts the parameters that layers make for themselves into the layers' boxes.
    fn join_layers(&mut self) {
        let graph = self.graph();
        let makes = |id: NodeId| graph[id].op().is_some_and(|(op, _)| op.weights.is_some());
        self.join_readers(|id, users| {
            matches!(graph[id].kind, Kind::Param(_)) && users.iter().all(|&user| makes(user))
        });
    }

    /// Puts intermediates without a name into the box of what reads them.
    fn join_statements(&mut self) {
        let graph = self.graph();
        self.join_readers(|id, _| {
            graph[id].op().is_some() && !graph.is_named(id) && graph[id].label.as_deref() != Some(LOSS)
        });
    }

    /// Puts the values that `is_part` says so of into the box that reads them, if there is only one.
    fn join_readers(&mut self, is_part: impl Fn(NodeId, &[NodeId]) -> bool) {
        let blocks = &self.program.blocks;
        for &id in self.shown.iter().rev() {
            let is_part = is_part(id, &self.users[id.index()]);
            let mut homes: Vec<NodeId> = self.users[id.index()].iter().map(|&user| self.home(user)).collect();
            homes.dedup();
            if let (true, &[only]) = (is_part, &homes[..])
                && blocks.of(id) == blocks.of(only)
            {
                self.home[id.index()] = only;
            }
        }
        // What was in the box of a value goes along with it.
        for &id in &self.shown {
            self.home[id.index()] = self.home(self.home(id));
        }
    }

    /// Puts each block of a depth, the outermost ones having 1, into one box.
    fn close(&mut self, depth: usize) {
        let blocks = &self.program.blocks;
        let mut inside: BTreeMap<usize, Vec<NodeId>> = BTreeMap::new();
        for &id in &self.shown {
            let around: Vec<usize> = blocks.around(blocks.of(id)).collect();
            if let Some(at) = around.len().checked_sub(depth) {
                inside.entry(around[at]).or_default().push(id);
            }
        }
        for (block, nodes) in inside {
            if let Some(&last) = nodes.iter().rev().find(|&&id| !self.is_leaf(id)) {
                let Block { title, parent } = blocks.all()[block].clone();
                self.join(&nodes, last, title, parent);
            }
        }
    }

    fn join(&mut self, nodes: &[NodeId], last: NodeId, title: String, around: Option<usize>) {
        for id in nodes {
            self.home[id.index()] = last;
        }
        self.titles.insert(last, title);
        self.around.insert(last, around);
    }

    /// Puts the inner boxes of chains of at least `long` boxes together, in which each box reads the one before and no other.
    fn join_chains(&mut self, long: usize) {
        let boxes = self.boxes();
        let mut before: BTreeMap<NodeId, BTreeSet<NodeId>> = BTreeMap::new();
        let mut behind = before.clone();
        let mut readers = before.clone();
        for (source, to) in self.edges() {
            let from = self.home(source);
            if self.is_leaf(from) {
                readers.entry(from).or_default().insert(to);
            } else {
                before.entry(to).or_default().insert(from);
                behind.entry(from).or_default().insert(to);
            }
        }
        let only = |of: &BTreeMap<NodeId, BTreeSet<NodeId>>, id: NodeId| match of.get(&id).map(BTreeSet::len)
        {
            Some(1) => of[&id].first().copied(),
            _ => None,
        };
        let is_root = |id: NodeId| {
            let roots = &self.graph().roots;
            roots.iter().any(|&(root, node)| matches!(root, Root::Output(_)) && self.home(node) == id)
        };
        let mut chains: Vec<Vec<NodeId>> = Vec::new();
        for &id in boxes.keys().filter(|&&id| !self.is_leaf(id) && !is_root(id)) {
            let follows =
                |last: &NodeId| only(&before, id) == Some(*last) && only(&behind, *last) == Some(id);
            match chains.iter_mut().find(|chain| chain.last().is_some_and(follows)) {
                Some(chain) => chain.push(id),
                None => chains.push(vec![id]),
            }
        }
        for chain in chains.iter().filter(|chain| chain.len() >= long) {
            // The ends stay, unless they are like what is between them.
            let last = chain.len() - 1;
            let like = |a: usize, b: usize| {
                self.titles.contains_key(&chain[a]) && self.called(chain[a]) == self.called(chain[b])
            };
            let inner = &chain[usize::from(!like(0, 1))..=last - usize::from(!like(last, last - 1))];
            let title = self.chain_title(inner);
            let around = self.block(inner[0]);
            let mut nodes: Vec<NodeId> = inner.iter().flat_map(|id| boxes[id].clone()).collect();
            // What only these boxes read goes with them.
            for (leaf, readers) in &readers {
                if matches!(self.graph()[*leaf].kind, Kind::Param(_))
                    && readers.iter().all(|reader| inner.contains(reader))
                {
                    nodes.push(*leaf);
                }
            }
            self.join(&nodes, inner[inner.len() - 1], title, around);
        }
    }

    fn called(&self, of: NodeId) -> String {
        self.title(of).or(self.graph()[of].label.as_deref()).unwrap_or_default().to_owned()
    }

    /// `h: residual, 48 times`, `for i = 1 … 48`, `h2 … h49`.
    fn chain_title(&self, chain: &[NodeId]) -> String {
        let (first, last) = (self.called(chain[0]), self.called(chain[chain.len() - 1]));
        if first == last {
            return format!("{first}, {} times", chain.len());
        }
        match (first.rsplit_once(" = "), last.rsplit_once(" = ")) {
            (Some((name, _)), Some((other, round))) if name == other => format!("{first} … {round}"),
            _ => format!("{first} … {last}"),
        }
    }
}
