//! One program through the whole compiler: everything that it computes agrees with the graph as the user wrote it, and
//! every derivative with finite differences.

use nn_compiler::diag::Diagnostic;
use nn_compiler::graph::{Graph, NodeId, Root};
use nn_compiler::interpret::{Bindings, evaluate};
use nn_compiler::ops::Tensor;
use nn_compiler::ops::binary_cross_entropy::BINARY_CROSS_ENTROPY;
use nn_compiler::ops::cross_entropy::CROSS_ENTROPY;
use nn_compiler::schedule::Plan;

use crate::values::{EXAMPLES, How, Noise, Values, bindings, compute};

/// What became of some programs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    /// Programs.
    pub(crate) programs: usize,
    /// Programs that the compiler refused, for a reason that it may have.
    pub(crate) refused: usize,
    /// Programs with values that are not finite, or too large for a comparison.
    pub(crate) wild: usize,
    /// Derivatives along a direction that were compared.
    pub(crate) derivatives: usize,
    /// Derivatives where two steps disagree: a kink, or ill-conditioned.
    pub(crate) kinks: usize,
}

/// What a random model may be refused for: that something it computes is constant is not seen by the generator.
const REFUSALS: &[&str] = &["the loss does not depend on"];

/// A compiled program, or nothing if it was refused for a good reason.
pub(crate) fn compiled(source: &str) -> Result<Option<Plan>, String> {
    let tokens = source.parse().map_err(|error| format!("{error}"))?;
    match nn_compiler::parse::source(tokens).and_then(nn_compiler::compile) {
        Ok(mut plans) => Ok(plans.pop()),
        Err(errors) => {
            let is_known = |error: &Diagnostic| REFUSALS.iter().any(|known| error.message.starts_with(known));
            if errors.iter().all(is_known) {
                return Ok(None);
            }
            let texts: Vec<String> = errors.iter().map(Diagnostic::text).collect();
            Err(format!("a well-typed program is refused: {}", texts.join("\n")))
        }
    }
}

/// All comparisons for a program.
pub(crate) fn agrees(source: &str, seed: u64, counts: &mut Counts) -> Result<(), String> {
    counts.programs += 1;
    let Some(plan) = compiled(source)? else {
        counts.refused += 1;
        return Ok(());
    };
    let bindings = bindings(&plan.program.model, seed, EXAMPLES);
    let user = &plan.program.graph;
    let values = compute(user, &bindings, How::default());
    let is_settled = plan.program.model.extras.is_empty();
    let magnitude = values.magnitude();
    if magnitude > 1e6 || is_saturated(user, &values) {
        counts.wild += 1;
        return Ok(());
    }
    interpreted(user, &bindings, &values)?;

    // The optimised graphs against the user's, and against the derivative before it is optimised.
    let tolerance = 1e-11 * magnitude * magnitude;
    let is_output = |root: Root| matches!(root, Root::Output(_));
    if is_settled {
        same("forward", user, &values, &plan.forward.graph, &bindings, is_output, tolerance)?;
    }
    let stable = nn_compiler::stable(&plan.program);
    if let Some(training) = &plan.training {
        let graph = nn_compiler::grad::of_loss(&stable).map_err(|errors| format!("{errors:?}"))?;
        let plain = compute(&graph, &bindings, How::default());
        same("loss", user, &values, &training.graph, &bindings, |root| root == Root::Loss, tolerance)?;
        let most = plain.magnitude();
        if most < 1e6 {
            let is_gradient = |root: Root| matches!(root, Root::ParamGradient(_));
            same("gradient", &graph, &plain, &training.graph, &bindings, is_gradient, 1e-11 * most * most)?;
            let found = compute(&training.graph, &bindings, How::default());
            let found = found.roots(&training.graph, is_gradient);
            differences(&plan, &bindings, &values, &found, Of::Loss, seed, counts)?;
        }
    }
    if let (Ok(pullback), true) = (&plan.pullback, is_settled) {
        let with_params = plan.training.is_none();
        let graph =
            nn_compiler::grad::of_outputs(&stable, with_params).map_err(|errors| format!("{errors:?}"))?;
        let plain = compute(&graph, &bindings, How::default());
        let most = plain.magnitude();
        if most < 1e6 {
            let is_gradient = |root: Root| matches!(root, Root::ParamGradient(_) | Root::InputGradient(_));
            same("pullback", &graph, &plain, &pullback.graph, &bindings, is_gradient, 1e-11 * most * most)?;
            let found = compute(&pullback.graph, &bindings, How::default());
            let found = found.roots(&pullback.graph, is_gradient);
            differences(&plan, &bindings, &values, &found, Of::Outputs, seed, counts)?;
        }
    }
    Ok(())
}

/// Whether a loss of probabilities sees a 0 or a 1: there it is cut off as written, and is not once it is stable.
pub(crate) fn is_saturated(graph: &Graph, values: &Values) -> bool {
    let losses = [&BINARY_CROSS_ENTROPY, &CROSS_ENTROPY];
    let is_loss = |id: &NodeId| graph[*id].op().is_some_and(|(op, _)| losses.contains(&op));
    graph.ids().filter(is_loss).any(|id| {
        let p = graph.operand_ids(id)[0];
        (0..EXAMPLES).any(|example| values.of(p, example).iter().any(|p| p.min(1.0 - p) < 1e-9))
    })
}

/// The interpreter says the same as the computation that is used here.
fn interpreted(graph: &Graph, bindings: &Bindings, values: &Values) -> Result<(), String> {
    let reference = evaluate(graph, bindings);
    for &(root, id) in &graph.roots {
        for example in 0..EXAMPLES {
            if reference.example(id, example) != values.of(id, example) {
                return Err(format!("{root:?} of the interpreter is another"));
            }
        }
    }
    Ok(())
}

/// The roots of two graphs are the same numbers.
fn same(
    what: &str,
    before: &Graph,
    values: &Values,
    after: &Graph,
    bindings: &Bindings,
    which: impl Fn(Root) -> bool,
    tolerance: f64,
) -> Result<(), String> {
    let expected = values.roots(before, &which);
    let found = compute(after, bindings, How::default()).roots(after, &which);
    if expected.len() != found.len() {
        return Err(format!("{what}: {} roots are {}", expected.len(), found.len()));
    }
    for ((root, expected), (other, found)) in expected.iter().zip(&found) {
        if root != other || expected.len() != found.len() {
            return Err(format!("{what}: {root:?} is {other:?}"));
        }
        for (a, b) in found.iter().zip(expected) {
            if (a - b).abs() > tolerance * (1.0 + b.abs()) || a.is_nan() {
                return Err(format!("{what}: {root:?} is {found:?}, and was {expected:?}"));
            }
        }
    }
    Ok(())
}

/// What is differentiated.
#[derive(Clone, Copy, PartialEq)]
enum Of {
    /// The mean loss.
    Loss,
    /// The outputs' products with their cotangents, summed over the examples, as a pullback is.
    Outputs,
}

/// Compares gradients with central differences of fourth order along one random direction for each leaf.
fn differences(
    plan: &Plan,
    bindings: &Bindings,
    values: &Values,
    found: &[(Root, Vec<f64>)],
    of: Of,
    seed: u64,
    counts: &mut Counts,
) -> Result<(), String> {
    let graph = &plan.program.graph;
    let mut noise = Noise(seed ^ 0x5555);
    let objective = |moved: &Bindings| -> f64 {
        let values = compute(graph, moved, How { held: Some(values), rounded: false });
        if of == Of::Loss {
            return values.roots(graph, |root| root == Root::Loss)[0].1[0];
        }
        let outputs = graph.roots.iter().filter_map(|&(root, id)| match root {
            Root::Output(position) => Some((position, id)),
            _ => None,
        });
        outputs
            .flat_map(|(position, id)| {
                let product = |(example, own): (usize, &nn_compiler::interpret::Example)| {
                    (values.of(id, example) * &own.cotangents[position]).sum()
                };
                moved.examples.iter().enumerate().map(product).collect::<Vec<f64>>()
            })
            .sum()
    };
    for (root, gradient) in found {
        let direction: Vec<f64> = gradient.iter().map(|_| noise.next()).collect();
        let at = |step: f64| {
            let mut moved = bindings.clone();
            move_along(&mut moved, *root, &direction, step);
            objective(&moved)
        };
        let slope =
            |step: f64| (8.0 * (at(step) - at(-step)) - (at(2.0 * step) - at(-2.0 * step))) / (12.0 * step);
        let (wide, narrow) = (slope(2e-3), slope(1e-3));
        let mut along: f64 = gradient.iter().zip(&direction).map(|(g, d)| g * d).sum();
        if of == Of::Outputs && matches!(root, Root::ParamGradient(_)) {
            // In the graph it is a mean, which the emitted code multiplies by the number of examples.
            along *= EXAMPLES as f64;
        }
        if (wide - narrow).abs() > 1e-6 * (1.0 + narrow.abs()) || !narrow.is_finite() {
            counts.kinks += 1;
            continue;
        }
        counts.derivatives += 1;
        if (along - narrow).abs() > 1e-5 * (1.0 + narrow.abs()) || along.is_nan() {
            return Err(format!("{root:?} along {direction:?} is {along}, finite differences say {narrow}"));
        }
    }
    Ok(())
}

/// Adds to a leaf's elements a step along a direction.
fn move_along(bindings: &mut Bindings, root: Root, direction: &[f64], step: f64) {
    let add = |tensor: &mut Tensor, direction: &[f64]| {
        for (x, d) in tensor.iter_mut().zip(direction) {
            *x += step * d;
        }
    };
    match root {
        Root::ParamGradient(position) => add(&mut bindings.params[position], direction),
        Root::InputGradient(position) => {
            let width = direction.len() / EXAMPLES;
            for (example, direction) in bindings.examples.iter_mut().zip(direction.chunks(width.max(1))) {
                add(&mut example.inputs[position], direction);
            }
        }
        Root::Output(_) | Root::Loss | Root::State(_) => {}
    }
}
