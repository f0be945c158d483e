//! Where parameters start: as declared, or as the activation that consumes them suggests.

use crate::ast::{Expr, ExprKind};
use crate::diag::{Diagnostic, nearest};
use crate::graph::{Graph, NodeId};
use crate::model::{Init, Param};
use crate::ops::{Epilogue, Kernel};

const NAMES: [&str; 8] =
    ["zeros", "ones", "uniform", "normal", "glorot_uniform", "glorot_normal", "he_uniform", "he_normal"];

/// A declared initialiser: a number, a name, or `uniform(lo, hi)` and `normal(mean, std)`.
pub(super) fn parse(expr: &Expr, mut number: impl FnMut(&Expr) -> Option<f64>) -> Result<Init, Diagnostic> {
    let unknown = |name: &str| {
        let help = match nearest(name, NAMES) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("a number, or one of {}", NAMES.join(", ")),
        };
        Diagnostic::new(expr.region, format!("`{name}` is no initialiser")).help(help)
    };
    match &expr.kind {
        ExprKind::Name(name) => match name.to_string().as_str() {
            "zeros" => Ok(Init::Constant(0.0)),
            "ones" => Ok(Init::Constant(1.0)),
            "glorot_uniform" => Ok(Init::GlorotUniform),
            "glorot_normal" => Ok(Init::GlorotNormal),
            "he_uniform" => Ok(Init::HeUniform),
            "he_normal" => Ok(Init::HeNormal),
            name @ ("uniform" | "normal") => {
                Err(Diagnostic::new(expr.region, format!("`{name}` needs its two numbers")).help(
                    "write `uniform(-0.1, 0.1)` for the bounds, `normal(0, 0.1)` for mean and deviation",
                ))
            }
            name => Err(unknown(name)),
        },
        ExprKind::Call(name, arguments) => {
            let name = name.to_string();
            let numbers: Option<Vec<f64>> =
                arguments.iter().map(|argument| number(&argument.value)).collect();
            match (name.as_str(), numbers.as_deref()) {
                ("uniform", Some(&[low, high])) if low <= high => Ok(Init::Uniform(low, high)),
                ("uniform", Some([low, high])) => {
                    Err(Diagnostic::new(expr.region, format!("the bounds {low} and {high} are out of order"))
                        .help(format!("write `uniform({high}, {low})`")))
                }
                ("normal", Some(&[mean, std])) if std >= 0.0 => Ok(Init::Normal(mean, std)),
                ("uniform" | "normal", _) => {
                    Err(Diagnostic::new(expr.region, format!("`{name}` takes two numbers")).help(
                        "`uniform(lo, hi)` the bounds, `normal(mean, std)` mean and deviation, not negative",
                    ))
                }
                _ => Err(unknown(&name)),
            }
        }
        _ => number(expr).map(Init::Constant).ok_or_else(|| {
            Diagnostic::new(expr.region, "an initialiser is a number or a name")
                .help(format!("a number, or one of {}", NAMES.join(", ")))
        }),
    }
}

/// Fills in the initialisers that were left open.
pub(super) fn choose(graph: &Graph, drafts: Vec<super::Draft>) -> Vec<Param> {
    drafts
        .into_iter()
        .map(|draft| Param {
            init: draft.init.unwrap_or_else(|| suggested(graph, draft.node)),
            name: draft.name,
            field: draft.field,
            shape: draft.shape,
            region: draft.region,
        })
        .collect()
}

/// Zero for what is only added; He for weights whose sum a relu-like activation receives; Glorot otherwise.
fn suggested(graph: &Graph, param: NodeId) -> Init {
    let is_added = |id: NodeId| graph[id].op().is_some_and(|(op, _)| op.epilogue == Some(Epilogue::Bias));
    let passes = |id: NodeId| {
        graph[id].op().is_some_and(|(op, _)| matches!(op.kernel, Kernel::View | Kernel::Move(_)))
    };

    let mut users = graph.users(param);
    while users.iter().any(|&user| passes(user)) {
        users = users
            .iter()
            .flat_map(|&user| if passes(user) { graph.users(user) } else { vec![user] })
            .collect();
    }
    if !users.is_empty() && users.iter().all(|&user| is_added(user)) {
        return Init::Constant(0.0);
    }
    // From the product with the weight along sums to the activation.
    let mut frontier = users;
    let mut first = true;
    while let Some(id) = frontier.pop() {
        if let Some(init) = graph[id].op().and_then(|(op, _)| op.init) {
            return init;
        }
        if first || is_added(id) || passes(id) {
            frontier.extend(graph.users(id));
        }
        first = frontier.is_empty() && first;
    }
    Init::GlorotUniform
}
