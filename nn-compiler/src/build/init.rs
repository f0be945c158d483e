//! Where parameters start: as declared, or as the activation that consumes them suggests.

use crate::ast::{Expr, ExprKind};
use crate::diag::{Diagnostic, nearest};
use crate::graph::{Graph, NodeId};
use crate::model::{Init, Param};
use crate::ops::{Epilogue, Kernel};

const NAMES: [&str; 8] =
    ["zeros", "ones", "uniform", "normal", "glorot_uniform", "glorot_normal", "he_uniform", "he_normal"];

/// What they are called elsewhere.
const ALSO: [(&str, &str); 10] = [
    ("kaiming_normal", "he_normal"),
    ("kaiming_uniform", "he_uniform"),
    ("xavier_normal", "glorot_normal"),
    ("xavier_uniform", "glorot_uniform"),
    ("he", "he_normal"),
    ("kaiming", "he_normal"),
    ("xavier", "glorot_uniform"),
    ("glorot", "glorot_uniform"),
    ("randn", "normal(0, 1)"),
    ("rand", "uniform(0, 1)"),
];

/// A declared initialiser: a number, a name, or `uniform(lo, hi)` and `normal(mean, std)`. `None` if `number` has
/// reported a mistake in it.
pub(super) fn parse(
    expr: &Expr,
    mut number: impl FnMut(&Expr) -> Option<f64>,
) -> Result<Option<Init>, Diagnostic> {
    let mistake = |fact: String, help: String| Err(Diagnostic::new(expr.region, fact).help(help));
    let unknown = |name: &str| {
        let also = ALSO.iter().find(|(other, _)| *other == name.trim_end_matches('_')).map(|(_, own)| *own);
        let help = match also.or_else(|| nearest(name, NAMES)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("a number, or one of {}", NAMES.join(", ")),
        };
        mistake(format!("`{name}` is no initialiser"), help)
    };
    let init = match &expr.kind {
        ExprKind::Text(name) if NAMES.contains(&name.as_str()) => {
            return mistake(format!("`{name}` stands without quotes"), format!("write `= {name}`"));
        }
        ExprKind::Name(name) => match name.to_string().as_str() {
            "zeros" => Init::Constant(0.0),
            "ones" => Init::Constant(1.0),
            "glorot_uniform" => Init::GlorotUniform,
            "glorot_normal" => Init::GlorotNormal,
            "he_uniform" => Init::HeUniform,
            "he_normal" => Init::HeNormal,
            name @ ("uniform" | "normal") => {
                let help =
                    "write `uniform(-0.1, 0.1)` for the bounds, `normal(0, 0.1)` for mean and deviation";
                return mistake(format!("`{name}` needs its two numbers"), help.to_owned());
            }
            name => return unknown(name),
        },
        ExprKind::Call(name, arguments) => {
            let name = name.to_string();
            if !["uniform", "normal"].contains(&name.as_str()) {
                return unknown(&name);
            }
            let numbers: Option<Vec<f64>> =
                arguments.iter().map(|argument| number(&argument.value)).collect();
            let Some(numbers) = numbers else { return Ok(None) };
            match (name.as_str(), &numbers[..]) {
                ("uniform", &[low, high]) if low <= high => Init::Uniform(low, high),
                ("uniform", [low, high]) => {
                    let fact = format!("the bounds {low} and {high} are out of order");
                    return mistake(fact, format!("write `uniform({high}, {low})`"));
                }
                ("normal", &[mean, std]) if std >= 0.0 => Init::Normal(mean, std),
                ("normal", [_, std]) => {
                    let fact = format!("the deviation {std} is negative");
                    return mistake(
                        fact,
                        "`normal(mean, std)` takes the mean and the standard deviation".into(),
                    );
                }
                _ => {
                    let help = "`uniform(lo, hi)` takes the bounds, `normal(mean, std)` mean and deviation";
                    return mistake(format!("`{name}` takes two numbers"), help.to_owned());
                }
            }
        }
        ExprKind::List(_) => {
            let help = "one number fills the whole parameter; set others in Rust, through `model.params`";
            return mistake("a list is no initialiser".to_owned(), help.to_owned());
        }
        _ => return Ok(number(expr).map(Init::Constant)),
    };
    Ok(Some(init))
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
            state: draft.state,
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

    // What takes the parameter, behind reshapes and the like.
    let (mut takers, mut seen) = (Vec::new(), vec![false; graph.len()]);
    let mut ahead = graph.users(param);
    while let Some(id) = ahead.pop() {
        if std::mem::replace(&mut seen[id.index()], true) {
            continue;
        }
        if passes(id) {
            ahead.extend(graph.users(id));
        } else {
            takers.push(id);
        }
    }
    if !takers.is_empty() && takers.iter().all(|&id| is_added(id)) {
        return Init::Constant(0.0);
    }
    // From each product with the weight along sums to the activation; a penalty on the weight leads to none.
    let activation = |id: NodeId| graph[id].op().and_then(|(op, _)| op.init);
    let mut ahead: Vec<NodeId> = takers.iter().flat_map(|&id| graph.users(id)).collect();
    if let Some(init) = takers.iter().find_map(|&id| activation(id)) {
        return init;
    }
    while let Some(id) = ahead.pop() {
        if std::mem::replace(&mut seen[id.index()], true) {
            continue;
        }
        if let Some(init) = activation(id) {
            return init;
        }
        if is_added(id) || passes(id) {
            ahead.extend(graph.users(id));
        }
    }
    Init::GlorotUniform
}
