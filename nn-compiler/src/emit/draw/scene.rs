//! What a drawing shows: boxes, edges between them and frames around them, before anything has a place.

use std::collections::BTreeMap;

use super::super::derivatives::{Derivative, derivatives, flows, loss};
use super::super::summary::grouped;
use super::super::write::{Names, formula, partial};
use super::collapse::View;
use crate::build::Program;
use crate::graph::{Graph, Kind, LOSS, NodeId, Root};
use crate::notation::Style;

/// Letters of a formula in a box, and at an edge; longer ones are in the tooltip alone.
const FORMULA: usize = 26;
const FACTOR: usize = 16;

/// A tooltip shows so many formulas.
const TIP: usize = 12;

/// What is shown.
#[derive(Clone, PartialEq, Debug)]
pub struct Scene {
    /// The model's name.
    pub name: String,
    /// In an order in which operands come first.
    pub boxes: Vec<Item>,
    /// In the order of their ends.
    pub edges: Vec<Edge>,
    /// Outer ones first.
    pub frames: Vec<Frame>,
}

/// What a box stands for, which its shape and colour say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Comes in.
    Input,
    /// Is trained.
    Param,
    /// Is known in training alone.
    Target,
    /// Is computed.
    Value,
    /// Goes out.
    Output,
    /// What is minimised.
    Loss,
    /// Several values.
    Group,
}

impl Role {
    /// Whether it is computed from other boxes.
    pub fn is_computed(self) -> bool {
        !matches!(self, Self::Input | Self::Param | Self::Target)
    }

    /// The class of its element in a drawing.
    pub fn class(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Param => "param",
            Self::Target => "target",
            Self::Value => "value",
            Self::Output => "output",
            Self::Loss => "loss",
            Self::Group => "group",
        }
    }
}

/// A box.
#[derive(Clone, PartialEq, Debug)]
pub struct Item {
    /// What it stands for.
    pub role: Role,
    /// The value that others read.
    pub node: NodeId,
    /// What the value is called.
    pub name: String,
    /// All values in it.
    pub nodes: Vec<NodeId>,
    /// What stands in it: the name, then how it is computed or of which shape it is.
    pub lines: Vec<String>,
    /// The formulas.
    pub tip: String,
    /// The innermost frame around it.
    pub frame: Option<usize>,
    /// The derivative of the loss with respect to it, if a gradient comes through here.
    pub adjoint: Option<Adjoint>,
}

/// The derivative of the loss with respect to a box.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Adjoint {
    /// `∂J/∂h`.
    pub line: String,
    /// The chain rule.
    pub tip: String,
}

/// A value on its way from where it is computed to where it is read.
#[derive(Clone, PartialEq, Debug)]
pub struct Edge {
    /// The position of the box that it comes from.
    pub from: usize,
    /// The position of the box that reads it.
    pub to: usize,
    /// The value.
    pub value: NodeId,
    /// What it is called.
    pub name: String,
    /// Its shape; empty for a scalar.
    pub label: String,
    /// Its name, its shape, who reads it.
    pub tip: String,
    /// What the adjoint is multiplied with on the way back, if it takes this way.
    pub back: Option<Factor>,
}

/// A local derivative.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Factor {
    /// `y * (1 - y)`; empty if it is long, or if it is more than one operation.
    pub label: String,
    /// `∂y/∂q = y * (1 - y)`.
    pub tip: String,
}

/// A call of a function or a round of a loop, around the boxes in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    /// `r: residual`, `for i = 2`.
    pub title: String,
    /// The frame around it, which comes before it.
    pub parent: Option<usize>,
}

impl Scene {
    /// A program's scene, of not many more than `most` boxes.
    pub fn new(program: &Program, most: usize) -> Self {
        let names = Names::new(&program.graph);
        let view = View::new(program, &names, most);
        let boxes = view.boxes();
        let at: BTreeMap<NodeId, usize> =
            boxes.keys().enumerate().map(|(position, &id)| (id, position)).collect();
        let (frames, frame_of) = frames(program, &view, &at);
        let writer = Writer { graph: &program.graph, names: &names, view: &view };
        let flows = flows(&program.graph);
        let mut items: Vec<Item> = boxes
            .into_iter()
            .zip(frame_of)
            .map(|((id, nodes), frame)| writer.item(id, nodes, frame, &flows))
            .collect();
        let mut derivatives: Vec<Vec<Derivative>> =
            items.iter().map(|item| writer.derivatives(item, &flows)).collect();
        let edges: Vec<Edge> = view
            .edges()
            .into_iter()
            .map(|(value, to)| writer.edge(value, [at[&view.box_of(value)], at[&to]], &items, &derivatives))
            .collect();
        derivatives.clear();
        for (position, item) in items.iter_mut().enumerate() {
            let name = writer.name(item.node);
            if let Some(adjoint) = item.adjoint.as_mut().filter(|adjoint| adjoint.tip.is_empty()) {
                adjoint.tip = chain_rule(&adjoint.line, &name, position, &edges);
            }
        }
        Self { name: program.model.name.to_string(), boxes: items, edges, frames }
    }

    /// Whether there is a backward pass to show.
    pub fn has_adjoints(&self) -> bool {
        self.boxes.iter().any(|item| item.adjoint.is_some())
    }
}

/// The frames around more than one box, and the innermost one of each box.
fn frames(
    program: &Program,
    view: &View<'_>,
    at: &BTreeMap<NodeId, usize>,
) -> (Vec<Frame>, Vec<Option<usize>>) {
    let blocks = &program.blocks;
    let mut inside = vec![0; blocks.all().len()];
    for &id in at.keys() {
        blocks.around(view.block(id)).for_each(|block| inside[block] += 1);
    }
    let mut frames = Vec::new();
    let mut frame_of: Vec<Option<usize>> = vec![None; inside.len()];
    for (block, count) in inside.into_iter().enumerate() {
        let parent = blocks.all()[block].parent.and_then(|parent| frame_of[parent]);
        frame_of[block] = parent;
        if count > 1 {
            frame_of[block] = Some(frames.len());
            frames.push(Frame { title: blocks.all()[block].title.clone(), parent });
        }
    }
    let innermost = at.keys().map(|&id| view.block(id).and_then(|block| frame_of[block])).collect();
    (frames, innermost)
}

/// `∂J/∂q = ∂J/∂y · ∂y/∂q`, and what the factors are.
fn chain_rule(left: &str, name: &str, position: usize, edges: &[Edge]) -> String {
    let mut factors = String::new();
    let mut terms = 0;
    for factor in edges.iter().filter(|edge| edge.from == position).filter_map(|edge| edge.back.as_ref()) {
        terms += 1;
        if terms <= TIP && !factor.tip.is_empty() {
            factors.push_str(&format!("\n{}", factor.tip));
        }
    }
    let sum = if terms > 1 { format!(", the sum over {terms} ways from {name} to J") } else { String::new() };
    format!("{left}{sum}{factors}")
}

struct Writer<'a> {
    graph: &'a Graph,
    names: &'a Names,
    view: &'a View<'a>,
}

impl Writer<'_> {
    fn name(&self, id: NodeId) -> String {
        self.names.get(id).unwrap_or(LOSS).to_owned()
    }

    fn is_root(&self, nodes: &[NodeId], which: fn(Root) -> bool) -> bool {
        self.graph.roots.iter().any(|&(root, id)| which(root) && nodes.contains(&id))
    }

    fn item(&self, id: NodeId, nodes: Vec<NodeId>, frame: Option<usize>, flows: &[bool]) -> Item {
        let node = &self.graph[id];
        let is_loss = loss(self.graph) == Some(id);
        let role = match node.kind {
            Kind::Input(_) => Role::Input,
            Kind::Param(_) => Role::Param,
            Kind::Target | Kind::Extra(_) | Kind::Cotangent(_) | Kind::Constant(_) => Role::Target,
            Kind::Op(..) if is_loss => Role::Loss,
            Kind::Op(..) if self.is_root(&nodes, |root| matches!(root, Root::Output(_))) => Role::Output,
            Kind::Op(..) if self.view.title(id).is_some() => Role::Group,
            Kind::Op(..) => Role::Value,
        };
        let name = self.name(id);
        let line = if is_loss { "∂J/∂J = 1".to_owned() } else { partial(Style::Text, &name).text };
        let tip = if is_loss { line.clone() } else { String::new() };
        let adjoint = flows[id.index()].then_some(Adjoint { line, tip });
        Item {
            role,
            node: id,
            lines: self.lines(id, &nodes, &name),
            name,
            tip: self.tip(id, &nodes),
            nodes,
            frame,
            adjoint,
        }
    }

    fn lines(&self, id: NodeId, nodes: &[NodeId], name: &str) -> Vec<String> {
        let shape = &self.graph[id].shape;
        let formula = |id| formula(self.graph, self.names, Style::Text, id, true).text;
        let operations =
            || nodes.iter().filter_map(|&id| self.graph[id].op()).map(|(op, _)| op).collect::<Vec<_>>();
        let mut lines = match self.view.title(id) {
            Some(title) => vec![title.to_owned(), counted(operations().len(), "formula")],
            None => vec![name.to_owned()],
        };
        match nodes {
            _ if self.view.title(id).is_some() && !shape.is_scalar() => {
                lines[1].push_str(&format!(" → {shape}"));
            }
            _ if self.view.title(id).is_some() => {}
            [_] if self.graph[id].op().is_none() => {
                lines.extend((!shape.is_scalar()).then(|| shape.to_string()));
            }
            [_] => {
                let formula = formula(id);
                let written = operations().first().map_or("", |op| op.written()).to_owned();
                lines.push(if formula.chars().count() <= FORMULA { formula } else { written });
            }
            _ => {
                let mut written: Vec<&str> = operations().iter().map(|op| op.written()).collect();
                written.dedup();
                let more = written.len().saturating_sub(3);
                if more > 0 {
                    written.splice(1..=more, ["…"]);
                }
                lines.push(written.join(", "));
            }
        }
        let params: usize = nodes
            .iter()
            .filter(|&&inner| inner != id && matches!(self.graph[inner].kind, Kind::Param(_)))
            .map(|&inner| self.graph[inner].shape.count())
            .sum();
        if params > 0 {
            lines.push(format!("{} parameters", grouped(params as u64)));
        }
        lines
    }

    fn tip(&self, id: NodeId, nodes: &[NodeId]) -> String {
        let shape = &self.graph[id].shape;
        let shape = if shape.is_scalar() { "a scalar".to_owned() } else { shape.to_string() };
        let computed: Vec<NodeId> =
            nodes.iter().copied().filter(|&id| self.graph[id].op().is_some()).collect();
        let lines: Vec<String> = computed
            .iter()
            .take(TIP)
            .map(|&id| {
                let formula = formula(self.graph, self.names, Style::Text, id, true).text;
                format!("{} = {formula}", self.name(id))
            })
            .collect();
        let more = if computed.len() > TIP { "\n…" } else { "" };
        let text = if lines.is_empty() { self.name(id) } else { lines.join("\n") };
        format!("{text}{more}\n{shape}")
    }

    /// The local derivatives of a box of one operation that a gradient comes through.
    fn derivatives(&self, item: &Item, flows: &[bool]) -> Vec<Derivative> {
        if item.nodes.len() > 1 || !flows[item.node.index()] {
            return Vec::new();
        }
        derivatives(self.graph, self.names, item.node, flows)
    }

    fn edge(&self, value: NodeId, ends: [usize; 2], items: &[Item], derivatives: &[Vec<Derivative>]) -> Edge {
        let [from, to] = ends;
        let shape = &self.graph[value].shape;
        let name = self.name(value);
        let back = (items[from].adjoint.is_some() && items[to].adjoint.is_some()).then(|| {
            let leads = |local: &&Derivative| self.view.behind(local.operand).contains(&value);
            let local = derivatives[to].iter().find(leads).map(|local| {
                let is_short = local.formula.chars().count() <= FACTOR;
                let label = if is_short { local.formula.clone() } else { String::new() };
                Factor { label, tip: format!("{} = {}", local.left, local.formula) }
            });
            local.unwrap_or(Factor { label: String::new(), tip: String::new() })
        });
        let reader = self.name(items[to].node);
        let tip = if shape.is_scalar() {
            format!("{name} in {reader}")
        } else {
            format!("{name} {shape} in {reader}")
        };
        Edge {
            from,
            to,
            value,
            name,
            label: if shape.is_scalar() { String::new() } else { shape.to_string() },
            tip,
            back,
        }
    }
}

/// `1 formula`, `12 formulas`.
fn counted(count: usize, what: &str) -> String {
    format!("{} {what}{}", grouped(count as u64), if count == 1 { "" } else { "s" })
}
