//! Rust identifiers for the values of a function: the user's own names, `q1`, `q2`, … for the others.

use std::collections::{BTreeSet, HashSet};

use crate::graph::{Kind, NodeId, Root, number};
use crate::model::Model;
use crate::ops::{self, Kernel};
use crate::schedule::{Function, Step, When};

/// Names that emitted code calls or binds for itself.
const RESERVED: &[&str] = &[
    "s",
    "rows",
    "outputs",
    "workspace",
    "shared",
    "full",
    "per_row",
    "scalar",
    "pointwise",
    "pointwise_shared",
    "dense",
    "dense_input",
    "dense_weight",
    "contract",
    "contract_sum",
    "batch_sum",
    "reduce_sum",
    "reduce_max",
    "reduce_min",
    "logsumexp",
    "softmax",
    "softmax_cross_entropy",
    "softmax_cross_entropy_loss",
    "softmax_error",
    "log_softmax",
    "copy",
    "fill",
    "one_hot",
    "scatter",
    "split",
    "tile_len",
    "stride",
    "forward",
    "train",
    "pullback",
    "prepare",
    "finish",
    "lanes",
    "erf",
    "powi",
    "as",
    "break",
    "const",
    "continue",
    "crate",
    "else",
    "enum",
    "extern",
    "false",
    "fn",
    "for",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "match",
    "mod",
    "move",
    "mut",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "struct",
    "super",
    "trait",
    "true",
    "type",
    "unsafe",
    "use",
    "where",
    "while",
    "async",
    "await",
    "dyn",
    "abstract",
    "become",
    "box",
    "do",
    "final",
    "macro",
    "override",
    "priv",
    "typeof",
    "unsized",
    "virtual",
    "yield",
    "try",
    "gen",
    "loss",
    "params",
    "inputs",
    "cotangents",
    "extras",
    "sums",
    "means",
    "results",
    "size",
    "from",
    "to",
    "matrix",
    "slices",
    "tile",
    "i",
    "each",
    "gated",
    "kernels",
];

/// An identifier for every node that has a value of its own.
#[derive(Clone)]
pub(super) struct Names(Vec<String>);

impl Names {
    /// Names for a function's leaves and steps, each once.
    pub(super) fn new(function: &Function) -> Self {
        let graph = &function.graph;
        let means = root_means(function);
        let valued: Vec<NodeId> = graph
            .ids()
            .filter(|id| !matches!(graph[*id].kind, Kind::Op(..) | Kind::Constant(_)))
            .chain(function.steps.iter().flat_map(Step::results))
            .filter(|id| !means.contains(id))
            .collect();
        let label = |id: NodeId| match &graph[id].label {
            Some(label) => label.clone(),
            None => transposed(function, id).unwrap_or_else(|| format!("q#{}", id.index())),
        };
        // Intermediates are counted in the order of their numbers; a single one needs no number.
        let keys: BTreeSet<usize> = valued.iter().filter_map(|&id| number(&label(id))).collect();
        let keys: Vec<usize> = keys.into_iter().collect();
        let rank = |key: usize| keys.partition_point(|&known| known < key) + 1;

        let mut taken: HashSet<String> = RESERVED.iter().map(|&name| name.to_owned()).collect();
        taken.extend(ops::ALL.iter().flat_map(|op| [Some(op.name), op.summed]).flatten().map(str::to_owned));
        let mut names = vec![String::new(); graph.len()];
        for id in valued {
            let label = label(id);
            let base = match (label.split_once('#'), number(&label)) {
                (Some((stem, _)), Some(_)) if keys.len() == 1 => stem.to_owned(),
                (Some((stem, _)), Some(key)) => format!("{stem}{}", rank(key)),
                _ => label.replace('.', "_"),
            };
            // A leaf keeps its name; what is computed later makes way.
            let free = |name: &String| !taken.contains(name);
            let name = if free(&base) {
                base
            } else {
                (2..usize::MAX).map(|count| format!("{base}_{count}")).find(free).unwrap_or(base)
            };
            taken.insert(name.clone());
            names[id.index()] = name;
        }
        Self(names)
    }

    /// The identifier of a node.
    pub(super) fn get(&self, id: NodeId) -> &str {
        &self.0[id.index()]
    }

    /// `[a, _, c]` for nodes of which only some are read.
    pub(super) fn pattern(&self, ids: impl IntoIterator<Item = Option<NodeId>>) -> String {
        let names: Vec<&str> = ids.into_iter().map(|id| id.map_or("_", |id| self.get(id))).collect();
        format!("[{}]", names.join(", "))
    }
}

/// `w_t` for the transpose of `w`.
fn transposed(function: &Function, id: NodeId) -> Option<String> {
    let (op, _) = function.graph[id].op()?;
    let operand = *function.graph.operands(id).first()?;
    let same = function.graph[operand].shape.count() == function.graph[id].shape.count();
    let label = function.graph[operand].label.as_ref().filter(|label| !label.contains('#'))?;
    (matches!(op.kernel, Kernel::Move(_)) && same).then(|| format!("{label}_t"))
}

/// The means that are roots, which have names of their own.
fn root_means(function: &Function) -> BTreeSet<NodeId> {
    let mean = |id: NodeId| function.graph[id].op().is_some_and(|(op, _)| matches!(op.kernel, Kernel::Mean));
    let roots = function.graph.roots.iter();
    roots
        .filter(|&&(root, id)| {
            matches!(root, Root::Loss | Root::ParamGradient(_) | Root::State(_)) && mean(id)
        })
        .map(|&(_, id)| id)
        .collect()
}

/// What a function's examples bring along, by position; all of it, in the order in which the runtime gives it.
pub(super) fn extras(model: &Model, function: &Function) -> Vec<Option<NodeId>> {
    leaves(function, &[When::Tile], model.extras.len(), |kind| match kind {
        Kind::Extra(at) => Some(*at),
        _ => None,
    })
}

/// The leaves of one kind that a stage reads, by position.
pub(super) fn leaves(
    function: &Function,
    when: &[When],
    count: usize,
    position: impl Fn(&Kind) -> Option<usize>,
) -> Vec<Option<NodeId>> {
    let mut leaves = vec![None; count];
    for &stage in when {
        for id in function.reads(stage) {
            if let Some(at) = position(&function.graph[id].kind) {
                leaves[at] = Some(id);
            }
        }
    }
    leaves
}
