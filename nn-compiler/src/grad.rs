//! Reverse-mode differentiation, as graph rewriting.
//!
//! The graph is walked from the loss back to its leaves. Each node's adjoint is the sum of what its users
//! contribute, and each operation's own rule says what it contributes to its operands. Rules are made of
//! operations, so the result can be differentiated again.
//!
//! The batch needs one convention. The loss `J` is the mean over the examples of each one's own loss `l`. The
//! adjoint of a node that *varies* is `∂l/∂node` for its own example; the adjoint of a *shared* node is
//! `∂J/∂node`. A contribution from a varying user to a shared operand is therefore its mean over the
//! examples, and the mean itself passes its adjoint on unchanged.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::build::Program;
use crate::diag::{Diagnostic, Diagnostics};
use crate::graph::{Attrs, Graph, Kind, NodeId, Root};
use crate::model::{Model, Param, Variable};
use crate::ops::{self, Kernel, Site, Vjp};
use crate::shape::Shape;
use crate::term::Term;

/// A leaf whose adjoint is wanted, and the root that the adjoint becomes.
pub type Wanted = (NodeId, Root);

/// Adds to the graph the gradient of the mean loss with respect to every parameter.
///
/// # Errors
/// A parameter that reaches the loss only through an operation without a derivative, or not at all.
pub fn of_loss(program: &Program) -> Result<Graph, Diagnostics> {
    let Some(loss) = program.graph.root(Root::Loss) else { return Ok(program.graph.clone()) };
    let mut graph = program.graph.clone();
    let wanted = params(&program.model, &mut graph);
    let seed = graph.constant(1.0, Shape::scalar());
    let mut graph = differentiate(graph, &[(loss, seed)], &wanted)?;
    states(&program.graph, &mut graph);
    reaches_every_param(&program.model, &graph)?;
    Ok(graph)
}

/// Adds to the graph the outputs' gradients, weighted by cotangents that the caller gives: with respect to
/// the inputs, and `with_params` also to the parameters. The loss is left out. The gradient by an input that
/// [is only an index](is_index) is 0, because there is no such thing.
///
/// # Errors
/// An input or parameter that acts only through an operation without a derivative.
pub fn of_outputs(program: &Program, with_params: bool) -> Result<Graph, Diagnostics> {
    let mut graph = program.graph.clone();
    graph.roots.retain(|(root, _)| *root != Root::Loss);
    let (indices, mut wanted): (Vec<Wanted>, Vec<Wanted>) =
        inputs(&program.model, &mut graph).into_iter().partition(|&(id, _)| is_index(&graph, id));
    if with_params {
        wanted.extend(params(&program.model, &mut graph));
    }
    let outputs: Vec<NodeId> = graph.roots.iter().map(|&(_, id)| id).collect();
    let mut seeds = Vec::new();
    for (position, output) in outputs.into_iter().enumerate() {
        let (shape, region) = (graph[output].shape.clone(), graph[output].region);
        let seed = graph.leaf(Kind::Cotangent(position), shape, region);
        graph.label(seed, format!("d_{}", program.model.outputs[position].name));
        seeds.push((output, seed));
    }
    let mut graph = differentiate(graph, &seeds, &wanted)?;
    for (id, root) in indices {
        let zero = graph.constant(0.0, graph[id].shape.clone());
        graph.roots.push((root, zero));
    }
    graph.roots.sort_by_key(|&(root, _)| root);
    Ok(graph)
}

/// Whether all that becomes of a leaf is an index, such as the number of a word: it names something, and nothing is
/// derived by it.
pub fn is_index(graph: &Graph, id: NodeId) -> bool {
    let users = graph.users(id);
    !users.is_empty()
        && users.iter().all(|&user| match graph[user].op() {
            Some((op, _)) if op.indexes => graph.operand_ids(user).iter().skip(1).all(|&other| other != id),
            // Elements that are taken out of it.
            Some((op, _)) => matches!(op.kernel, Kernel::Move(_) | Kernel::View) && is_index(graph, user),
            None => false,
        })
}

fn params(model: &Model, graph: &mut Graph) -> Vec<Wanted> {
    let leaf = |(position, param): (usize, &Param)| {
        let id = graph.leaf(Kind::Param(position), param.shape.clone(), param.region);
        (id, Root::ParamGradient(position))
    };
    model.trained().iter().enumerate().map(leaf).collect()
}

/// Adds as roots what is known of the batch that is to become part of a state.
fn states(program: &Graph, graph: &mut Graph) {
    for id in program.ids() {
        let Some((op, _)) = program[id].op() else { continue };
        if let (Kernel::Statistic, &[of_example, state]) = (op.kernel, program.operand_ids(id))
            && let Kind::Param(position) = program[state].kind
            && let Ok(mean) =
                graph.apply(&ops::batch_mean::BATCH_MEAN, Attrs::default(), &[of_example], program[id].region)
        {
            graph.roots.push((Root::State(position), mean));
        }
    }
    graph.roots.sort_by_key(|&(root, _)| root);
}

fn inputs(model: &Model, graph: &mut Graph) -> Vec<Wanted> {
    let leaf = |(position, input): (usize, &Variable)| {
        let id = graph.leaf(Kind::Input(position), input.shape.clone(), input.name.span().into());
        (id, Root::InputGradient(position))
    };
    model.inputs.iter().enumerate().map(leaf).collect()
}

/// Adds the adjoints of leaves as roots, given those of some nodes.
///
/// # Errors
/// An operation without a derivative between a seed and a leaf that is wanted.
pub fn differentiate(
    graph: Graph,
    seeds: &[(NodeId, NodeId)],
    wanted: &[Wanted],
) -> Result<Graph, Diagnostics> {
    let mut errors = Diagnostics::default();
    let (active, in_batch) = (active(&graph, wanted), in_batch(&graph));
    let nodes: Vec<NodeId> = graph.ids().filter(|id| active[id.index()]).collect();
    let graph = RefCell::new(graph);
    let mut adjoints: BTreeMap<NodeId, Term<'_>> = BTreeMap::new();
    for &(node, seed) in seeds {
        accumulate(&mut adjoints, Term::new(&graph, node), Term::new(&graph, seed), &in_batch);
    }
    for &id in nodes.iter().rev() {
        let Some(&adjoint) = adjoints.get(&id) else { continue };
        name(&graph, id, adjoint.id);
        let site = Site::new(&graph, id);
        let Some((op, _)) = site.y.op() else { continue };
        let contributions = match op.vjp {
            Vjp::Rule(rule) => rule(&site, adjoint),
            Vjp::Zero => continue,
            Vjp::None { help } => {
                let fact =
                    format!("`{}` has no derivative, and a gradient has to pass through it", op.written());
                errors.push(Diagnostic::new(site.y.region(), fact).help(help));
                continue;
            }
            // Expansions have been made before; see `optimize::expand`.
            Vjp::Expansion => unreachable!("`{}` was not expanded before differentiation", op.name),
        };
        for (operand, contribution) in site.x.iter().zip(contributions) {
            if let Some(contribution) = contribution.filter(|_| active[operand.id.index()]) {
                accumulate(&mut adjoints, *operand, contribution, &in_batch);
            }
        }
    }

    let mut roots = Vec::new();
    for &(id, root) in wanted {
        let adjoint = if let Some(adjoint) = adjoints.get(&id) {
            adjoint.id
        } else {
            // Nothing depends on it, which is different from a dependence that can't be differentiated.
            let shape = graph.borrow()[id].shape.clone();
            graph.borrow_mut().constant(0.0, shape)
        };
        name(&graph, id, adjoint);
        roots.push((root, adjoint));
    }
    let mut graph = graph.into_inner();
    graph.roots.extend(roots);
    graph.roots.sort_by_key(|&(root, _)| root);
    errors.finish(graph)
}

/// For each node, whether a wanted leaf acts on it, as far as derivatives see.
fn active(graph: &Graph, wanted: &[Wanted]) -> Vec<bool> {
    let mut active = vec![false; graph.len()];
    for &(id, _) in wanted {
        active[id.index()] = true;
    }
    for id in graph.ids() {
        let is_constant = graph[id].op().is_some_and(|(op, _)| matches!(op.vjp, Vjp::Zero));
        if !is_constant && graph.operand_ids(id).iter().any(|operand| active[operand.index()]) {
            active[id.index()] = true;
        }
    }
    active
}

/// For each node, whether it is shared and made of what is known of the batch.
fn in_batch(graph: &Graph) -> Vec<bool> {
    let mut in_batch = vec![false; graph.len()];
    for id in graph.ids().filter(|&id| !graph[id].varies) {
        let operands = graph.operand_ids(id);
        in_batch[id.index()] = match graph[id].op() {
            // What does not vary is its own mean.
            Some((op, _)) if matches!(op.kernel, Kernel::Statistic) => graph[operands[0]].varies,
            _ => operands.iter().any(|operand| in_batch[operand.index()]),
        };
    }
    in_batch
}

/// Adds a contribution to a node's adjoint; from a varying user to a shared node, its mean over the examples.
fn accumulate<'g>(
    adjoints: &mut BTreeMap<NodeId, Term<'g>>,
    node: Term<'g>,
    contribution: Term<'g>,
    in_batch: &[bool],
) {
    let contribution = if !node.varies() && contribution.varies() {
        // What examples are computed from, their adjoints are computed from too.
        let mean = if in_batch.get(node.id.index()) == Some(&true) {
            &ops::batch_statistic::BATCH_STATISTIC
        } else {
            &ops::batch_mean::BATCH_MEAN
        };
        contribution.apply(mean, Attrs::default(), &[])
    } else {
        contribution
    };
    adjoints.entry(node.id).and_modify(|sum| *sum = *sum + contribution).or_insert(contribution);
}

/// Calls an adjoint `d_` and its node's name.
fn name(graph: &RefCell<Graph>, node: NodeId, adjoint: NodeId) {
    let label = graph.borrow()[node].label.clone();
    let is_computed = matches!(graph.borrow()[adjoint].kind, Kind::Op(..));
    if let (Some(label), true) = (label, is_computed) {
        graph.borrow_mut().label(adjoint, format!("d_{label}"));
    }
}

fn reaches_every_param(model: &Model, graph: &Graph) -> Result<(), Diagnostics> {
    let mut errors = Diagnostics::default();
    for (position, param) in model.trained().iter().enumerate() {
        let gradient = graph.root(Root::ParamGradient(position)).map(|id| &graph[id].kind);
        if let Some(Kind::Constant(zero)) = gradient
            && zero.0 == 0.0
        {
            let fact = format!("the loss does not depend on `{}`, which can't be trained then", param.name);
            errors.push(
                Diagnostic::new(param.region, fact)
                    .help("let it act on the loss, or remove it; a constant needs no `param`"),
            );
        }
    }
    errors.finish(())
}

#[cfg(test)]
mod tests {
    use crate::graph::{Kind, Root};

    fn plan(source: &str) -> crate::schedule::Plan {
        let plans = crate::parse::source(source.parse().expect("tokens")).and_then(crate::compile);
        plans.unwrap_or_else(|errors| panic!("{errors:?}")).remove(0)
    }

    /// The pullback of a model of words: by its table, and 0 by the words.
    #[test]
    fn what_is_only_an_index_hinders_no_gradient() {
        let texts = [
            "model M(x: [3]) -> y: [4] { y = sum(embedding(x, 5, 4), axis = 0); }",
            "model M(x: [3], z: [5]) -> y { param w: [5]; y = dot(one_hot(reshape(x, [3, 1])[1, 0], 5) * z, w); }",
        ];
        for text in texts {
            let plan = plan(text);
            let pullback = plan.pullback.as_ref().unwrap_or_else(|errors| panic!("{errors:?}"));
            let root = |root| pullback.root(root).map(|id| &pullback.graph[id].kind).expect("a root");
            assert!(matches!(root(Root::InputGradient(0)), Kind::Constant(zero) if zero.0 == 0.0));
            assert!(matches!(root(Root::ParamGradient(0)), Kind::Op(..)));
            assert!(crate::emit::summary::text(&plan).contains("no gradient by `x`"));
        }
    }

    /// An input that is a quantity as well is no mere index.
    #[test]
    fn a_quantity_does_not_pass_as_an_index() {
        for text in [
            "model M(x) -> y: [5] { param w: [5]; y = one_hot(x, 5) * x * w; }",
            "model M(x) -> y: [5] { param w: [5]; y = one_hot(x + 1, 5) * w; }",
        ] {
            let errors = plan(text).pullback.err().expect("a derivative by an index");
            assert!(errors.iter().any(|error| error.message.contains("`one_hot` has no derivative")));
        }
    }

    #[test]
    fn nothing_is_derived_behind_stop_gradient() {
        let plan =
            plan("model M(x) -> y: [3] { param w: [3]; y = one_hot(stop_gradient(x + 1), 3) * w * x; }");
        assert!(plan.pullback.is_ok(), "{:?}", plan.pullback.err());
    }
}
