//! Each pass alone, and all of them in every order that their preconditions allow.

use std::collections::BTreeSet;

use nn_compiler::emit::rust::flops_of;
use nn_compiler::grad;
use nn_compiler::graph::{Graph, NodeId, Root};
use nn_compiler::interpret::Bindings;
use nn_compiler::ops::Kernel;
use nn_compiler::ops::neg::NEG;
use nn_compiler::optimize::{
    ARRANGE, BEFORE, DEAD, EXPAND, EXPAND_UNDERIVED, FOLD, Pass, SIMPLIFY, SPLIT, STABILISE, run,
};
use nn_compiler::schedule::Plan;

use crate::check::is_saturated;
use crate::values::{EXAMPLES, How, Noise, Values, bindings, compute};

/// What runs after differentiation, in the order in which it runs there.
const AFTER: [&Pass; 6] = [&EXPAND, &SPLIT, &ARRANGE, &SIMPLIFY, &FOLD, &DEAD];

/// The pass that opens composites, and those that need them open.
const OPENED: usize = 0;
const NEEDS_OPEN: [usize; 2] = [1, 4];

/// Every order in which composites are open before what needs that.
pub(crate) fn orders() -> Vec<[usize; 6]> {
    let mut all = Vec::new();
    let mut order = [0, 1, 2, 3, 4, 5];
    permute(&mut order, 0, &mut all);
    all.retain(|order: &[usize; 6]| {
        let place = |pass: usize| order.iter().position(|&other| other == pass);
        NEEDS_OPEN.iter().all(|&pass| place(OPENED) < place(pass))
    });
    all
}

fn permute(order: &mut [usize; 6], from: usize, all: &mut Vec<[usize; 6]>) {
    if from == order.len() {
        all.push(*order);
    }
    for at in from..order.len() {
        order.swap(from, at);
        permute(order, from + 1, all);
        order.swap(from, at);
    }
}

/// The floating-point operations for one example, with composites as what they stand for. Signs count only in what there
/// was before: one that is taken out of a product stays for the other users of what was negative, and kernels have them
/// for nothing. Outer products don't count, one of which may take the place of a transposed one.
fn work(graph: &Graph, with_signs: bool) -> u64 {
    let open = run(&[EXPAND, SPLIT], graph.clone());
    let live = open.live();
    let counts = |id: &NodeId| {
        open[*id].op().is_some_and(|(op, attrs)| {
            let is_outer = matches!(op.kernel, Kernel::Contract) && attrs.axes.is_empty();
            live[id.index()] && (with_signs || *op != NEG) && !is_outer
        })
    };
    open.ids().filter(counts).map(|id| flops_of(&open, id)).sum()
}

/// What sums may cost more for an example when they go into the mean over the batch, where they make its result smaller:
/// at most an operation for each element that was averaged.
fn averaged(graph: &Graph) -> u64 {
    let is_mean = |id: &NodeId| graph[*id].op().is_some_and(|(op, _)| matches!(op.kernel, Kernel::Mean));
    graph.ids().filter(is_mean).map(|id| graph[id].shape.count() as u64).sum()
}

/// The gradient of a model with a loss, and the outputs of one without, before it is optimised.
fn derived(plan: &Plan) -> Result<Graph, String> {
    let stable = nn_compiler::stable(&plan.program);
    let mut graph = grad::of_loss(&stable).map_err(|errors| format!("{errors:?}"))?;
    if plan.training.is_some() {
        graph.roots.retain(|(root, _)| !matches!(root, Root::Output(_)));
    }
    Ok(graph)
}

/// A pass applied to a graph: the same values within rounding, no more work, and no larger error in rounded arithmetic.
fn apply(pass: &Pass, before: &Graph, bindings: &Bindings) -> Result<Graph, String> {
    let after = pass.apply(before.clone());
    let (old, new) = (compute(before, bindings, How::default()), compute(&after, bindings, How::default()));
    let magnitude = old.magnitude();
    if magnitude > 1e6 {
        return Ok(after);
    }
    let worst = distance(before, &old, &after, &new);
    if worst > 1e-11 * magnitude * magnitude {
        return Err(format!("`{}` changes a value by {worst:e}", pass.name));
    }
    if pass.name == ARRANGE.name && !is_arranged(&after) {
        return Err("a contraction is not as kernels take it".to_owned());
    }
    let (is, was) = (work(&after, false), work(before, true));
    // What is stable may cost more. And a rewrite sees one node, not its other users, who may keep the old form beside the
    // new one: that is rare, and small beside the whole.
    if is > was + was / 20 + averaged(before) && pass.name != STABILISE.name {
        return Err(format!("`{}` makes {is} operations of {was}", pass.name));
    }
    let rounded = How { rounded: true, held: None };
    let error = |graph: &Graph| distance(before, &old, graph, &compute(graph, bindings, rounded));
    let (was, is) = (error(before), error(&after));
    // Rounding falls one way or the other: some units in the last place of the largest number in there.
    if is > 2.0 * was + 16.0 * f64::from(f32::EPSILON) * magnitude {
        return Err(format!("`{}` makes an error of {is:e} out of {was:e}", pass.name));
    }
    Ok(after)
}

/// Whether every contraction has its contracted axes together, and first on the right operand.
fn is_arranged(graph: &Graph) -> bool {
    graph.ids().filter_map(|id| Some((id, graph[id].op()?))).all(|(id, (op, attrs))| {
        let (rank, count) = (graph[graph.operand_ids(id)[0]].shape.len(), attrs.axes.len());
        let is_run = |from: usize| attrs.axes.iter().copied().eq(from..from + count);
        !matches!(op.kernel, Kernel::Contract)
            || ((is_run(0) || is_run(rank - count)) && attrs.sizes.iter().copied().eq(0..count))
    })
}

/// The largest difference of what two graphs compute for the same roots.
fn distance(before: &Graph, old: &Values, after: &Graph, new: &Values) -> f64 {
    let (old, new) = (old.roots(before, |_| true), new.roots(after, |_| true));
    let pairs = old.iter().zip(&new).flat_map(|((_, a), (_, b))| a.iter().zip(b));
    pairs.fold(0.0, |worst, (a, b)| {
        let d = if a == b { 0.0 } else { (a - b).abs() };
        if d.is_nan() { f64::INFINITY } else { worst.max(d) }
    })
}

/// Each pass on a graph that meets its precondition and that no other pass has seen.
pub(crate) fn alone(plan: &Plan, seed: u64) -> Result<(), String> {
    let bindings = bindings(&plan.program.model, seed, EXAMPLES);
    if is_saturated(&plan.program.graph, &compute(&plan.program.graph, &bindings, How::default())) {
        return Ok(());
    }
    let stable = apply(&STABILISE, &plan.program.graph, &bindings)?;
    let open = apply(&EXPAND_UNDERIVED, &stable, &bindings)?;
    apply(&SPLIT, &open, &bindings)?;
    for pass in [&SIMPLIFY, &DEAD, &EXPAND, &ARRANGE] {
        apply(pass, &plan.program.graph, &bindings)?;
    }
    let derived = derived(plan)?;
    for pass in [&EXPAND, &ARRANGE, &SIMPLIFY, &DEAD] {
        apply(pass, &derived, &bindings)?;
    }
    let open = EXPAND.apply(derived);
    for pass in [&SPLIT, &FOLD] {
        apply(pass, &open, &bindings)?;
    }
    Ok(())
}

/// The passes after differentiation in two orders.
pub(crate) fn in_orders(
    plan: &Plan,
    seed: u64,
    number: usize,
    tried: &mut BTreeSet<usize>,
) -> Result<(), String> {
    let bindings = bindings(&plan.program.model, seed, EXAMPLES);
    let derived = derived(plan)?;
    let orders = orders();
    for number in [number % orders.len(), (number / 7 + 1) % orders.len()] {
        tried.insert(number);
        let mut graph = derived.clone();
        for &pass in &orders[number] {
            graph = apply(AFTER[pass], &graph, &bindings)?;
        }
    }
    Ok(())
}

/// Zeros of both signs, subnormal, large and infinite numbers, and NaN.
const SPECIAL: [f64; 12] =
    [0.0, -0.0, 1e-310, -1e-310, 100.0, -100.0, 1e30, -1e30, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 0.5];

/// What a value is.
fn class(value: f64) -> &'static str {
    match value {
        value if value.is_nan() => "NaN",
        f64::INFINITY => "∞",
        f64::NEG_INFINITY => "-∞",
        _ => "finite",
    }
}

/// Every pass on special values: what was finite stays so and stays the same; what was not either stays what it was, or
/// is stabilised.
pub(crate) fn special(plan: &Plan, seed: u64) -> Result<(), String> {
    let mut bindings = bindings(&plan.program.model, seed, EXAMPLES);
    let mut noise = Noise(seed | 1);
    let mut odd = |x: &mut f64| {
        let at = (noise.next().abs() * 36.0) as usize;
        *x = SPECIAL.get(at).copied().unwrap_or(*x);
    };
    for param in &mut bindings.params {
        param.iter_mut().for_each(&mut odd);
    }
    for example in &mut bindings.examples {
        example.inputs.iter_mut().for_each(|input| input.iter_mut().for_each(&mut odd));
    }
    let mut graph = plan.program.graph.clone();
    graph.roots.retain(|(root, _)| matches!(root, Root::Output(_)));
    for pass in BEFORE.iter().chain(AFTER) {
        let after = pass.apply(graph.clone());
        let (old, new) =
            (compute(&graph, &bindings, How::default()), compute(&after, &bindings, How::default()));
        let (a, b) = (old.roots(&graph, |_| true), new.roots(&after, |_| true));
        for ((root, a), (_, b)) in a.iter().zip(&b) {
            for (&a, &b) in a.iter().zip(b) {
                let is_stabilised = pass.name == STABILISE.name && !a.is_finite();
                if class(a) != class(b) && !is_stabilised {
                    return Err(format!("`{}` makes {b} of {a} in {root:?}", pass.name));
                }
            }
        }
        graph = after;
    }
    Ok(())
}
