//! The short form: a formula whose names say their roles.

use std::collections::BTreeSet;

use proc_macro2::Ident;

use crate::ast::{Argument, Body, Expr, ExprKind, Index, Model, Statement, Variable};
use crate::diag::{Diagnostic, Diagnostics, Region};
use crate::ops;

/// Where a statement starts.
fn place(statement: &Statement) -> Region {
    match statement {
        Statement::Param { variable, .. } => variable.name.span().into(),
        Statement::Bind { name, .. } | Statement::Part { name, .. } => name.span().into(),
        Statement::For { index, .. } => index.span().into(),
        Statement::Loss { keyword, .. } => *keyword,
        Statement::Broken { names } => names.first().map_or_else(Region::none, |name| name.span().into()),
    }
}

/// The model that a formula stands for: `x…` are inputs, `w…` and `b…` parameters, the last name bound is
/// the output, and the loss is the mean squared error unless one is given.
pub(super) fn model(mut body: Body, errors: &mut Diagnostics) -> Option<Model> {
    let output = body.statements.iter().rev().find_map(|statement| match statement {
        Statement::Bind { name, .. } | Statement::Part { name, .. } => Some(name.clone()),
        Statement::Broken { names } => names.last().cloned(),
        _ => None,
    });
    let Some(output) = output else {
        // Where a statement is broken, the name may be missing because of that.
        if !body.statements.iter().any(|statement| matches!(statement, Statement::Broken { .. })) {
            let last = body.statements.last().map(place);
            let region = body.tail.as_ref().map(|tail| tail.region).or(last).unwrap_or_else(Region::none);
            errors.push(
                Diagnostic::new(region, "a formula gives its value a name")
                    .help("write `y = …`, as in `y = sigmoid(x*w + b)`"),
            );
        }
        return None;
    };

    let mut free = Free::default();
    for statement in &body.statements {
        match statement {
            Statement::Bind { name, value, .. } => {
                free.visit(value);
                free.bound.insert(name.to_string());
            }
            Statement::Part { name, index, value, .. } => {
                free.visit(index);
                free.visit(value);
                free.bound.insert(name.to_string());
            }
            Statement::Loss { value, .. } => free.visit(value),
            Statement::For { index, .. } => {
                errors.push(
                    Diagnostic::new(index.span(), "a loop needs the full form")
                        .help("write `model Name(x) -> y { … }`"),
                );
                return None;
            }
            Statement::Param { variable, .. } => drop(free.bound.insert(variable.name.to_string())),
            Statement::Broken { names } => free.bound.extend(names.iter().map(ToString::to_string)),
        }
    }

    let (mut inputs, mut params) = (Vec::new(), Vec::new());
    for name in free.names {
        let text = name.to_string();
        match text.chars().next() {
            Some('x') => inputs.push(Variable { name, shape: None }),
            Some('w' | 'b') => {
                params.push(Statement::Param { variable: Variable { name, shape: None }, init: None });
            }
            _ => {
                let help = match ops::known_as(&text) {
                    Some(op) => format!("an operation has brackets: `{}(…)`", op.name),
                    None => format!(
                        "in a formula `x…` are inputs and `w…`, `b…` parameters; otherwise declare it: \
                         `model Name(x) -> {output} {{ param {text}; … }}`"
                    ),
                };
                errors.push(Diagnostic::new(name.span(), format!("`{text}` has no role")).help(help));
                params.push(Statement::Broken { names: vec![name] });
            }
        }
    }
    if inputs.is_empty() {
        if errors.is_empty() {
            errors.push(
                Diagnostic::new(output.span(), format!("the formula of `{output}` has no input"))
                    .help("in a formula, names that start with `x` are inputs: `y = x*w + b`"),
            );
        }
        return None;
    }
    if !body.statements.iter().any(|statement| matches!(statement, Statement::Loss { .. })) {
        body.statements.push(mean_squared_error(&output));
    }
    body.statements.splice(0..0, params);
    Some(Model {
        attributes: Vec::new(),
        runtime: None,
        visibility: syn::Visibility::Inherited,
        name: Ident::new("Formula", output.span()),
        dtype: super::SHORT_DTYPE,
        inputs,
        outputs: vec![Variable { name: output, shape: None }],
        body,
    })
}

fn mean_squared_error(output: &Ident) -> Statement {
    let region = Region::from(output.span());
    let name = |ident: Ident| Argument { name: None, value: Expr { kind: ExprKind::Name(ident), region } };
    let arguments = vec![name(output.clone()), name(Ident::new("target", output.span()))];
    Statement::Loss {
        keyword: region,
        value: Expr { kind: ExprKind::Call(Ident::new("mse", output.span()), arguments), region },
        text: format!("loss mse({output}, target)"),
    }
}

/// The names that a formula uses and does not bind, in the order of their first use.
#[derive(Default)]
struct Free {
    names: Vec<Ident>,
    bound: BTreeSet<String>,
}

impl Free {
    fn visit(&mut self, mut expr: &Expr) {
        // Down the left sides of a long sum without a call for each, then its right sides in the order of the text.
        let mut rights = Vec::new();
        while let ExprKind::Binary(_, left, right) = &expr.kind {
            rights.push(&**right);
            expr = left;
        }
        match &expr.kind {
            ExprKind::Name(name) => {
                let text = name.to_string();
                let known = ["target", "true", "false"].contains(&text.as_str());
                if !known && !self.bound.contains(&text) && !self.names.contains(name) {
                    self.names.push(name.clone());
                }
            }
            // The left end of a chain of operators is none itself.
            ExprKind::Number(_) | ExprKind::Field(_) | ExprKind::Text(_) | ExprKind::Binary(..) => {}
            ExprKind::Negate(inner) => self.visit(inner),
            ExprKind::Call(_, arguments) => arguments.iter().for_each(|argument| self.visit(&argument.value)),
            ExprKind::List(values) => values.iter().for_each(|value| self.visit(value)),
            ExprKind::Index(base, indices) => {
                self.visit(base);
                for index in indices {
                    match index {
                        Index::At(at) => self.visit(at),
                        Index::Range(from, to) => from.iter().chain(to).for_each(|end| self.visit(end)),
                    }
                }
            }
        }
        rights.into_iter().rev().for_each(|right| self.visit(right));
    }
}

#[cfg(test)]
mod tests {
    use proc_macro2::TokenStream;

    /// What gives nothing a name is underlined, whatever it is instead of a formula.
    #[test]
    fn a_formula_without_a_name_has_a_place() {
        for text in ["for i in 0..3 { h = x; }", "param w;", "loss x;", "x * w"] {
            let tokens: TokenStream = text.parse().expect("tokens");
            let compiled = crate::parse::source(tokens).and_then(crate::compile);
            let errors = compiled.err().expect("there is no name");
            assert!(errors.iter().any(|error| error.message == "a formula gives its value a name"), "{text}");
            for error in errors.iter() {
                assert_ne!(error.region.start.start(), error.region.end.end(), "`{}`: {text}", error.message);
            }
        }
    }
}
