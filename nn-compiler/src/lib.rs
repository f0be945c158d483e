#![doc = include_str!("../ARCHITECTURE.md")]

pub mod ast;
pub mod build;
pub mod check;
pub mod diag;
mod dump;
pub mod emit;
mod file;
pub mod grad;
pub mod graph;
pub mod interpret;
pub mod local;
pub mod model;
pub mod notation;
pub mod ops;
pub mod optimize;
pub mod parse;
pub mod schedule;
pub mod shape;
pub mod stages;
pub mod term;
pub mod window;

use proc_macro2::TokenStream;

pub use file::{FileError, compile_file};

use build::Program;
use build::blocks::Blocks;
use diag::Diagnostics;
use emit::rust::Texts;
use graph::{Graph, Root};
use schedule::Plan;

/// What `nn_model!` becomes: items for the full form, an expression for the short one.
///
/// Mistakes become `compile_error!` calls at the user's tokens, beside a stub of each model so that rustc
/// reports nothing on top.
#[allow(clippy::needless_pass_by_value, reason = "tokens in, tokens out, as a macro has it")]
pub fn expand(tokens: TokenStream) -> TokenStream {
    let source = match parse::source(tokens.clone()) {
        Ok(source) => source,
        Err(errors) => return with_stubs(&errors, &tokens),
    };
    let is_short = matches!(source.form, ast::Form::Short(_));
    match compile(source) {
        Ok(plans) => {
            if let Err(error) = dump::all(&plans) {
                return quote::quote!(::core::compile_error! { #error });
            }
            let source = tokens.to_string();
            let items: TokenStream =
                plans.iter().map(|plan| emit::rust::items(plan, &texts(plan, &source))).collect();
            match (&plans[..], is_short) {
                ([plan], true) => {
                    let name = &plan.program.model.name;
                    quote::quote!({ #items #name::new(0) })
                }
                _ => items,
            }
        }
        Err(errors) => with_stubs(&errors, &tokens),
    }
}

/// The pipeline: what each model of a source is compiled to.
///
/// # Errors
/// Every mistake in the models.
pub fn compile(source: ast::Source) -> Result<Vec<Plan>, Diagnostics> {
    let mut errors = source.errors;
    let mut plans = Vec::new();
    for program in build::programs(source.form, &mut errors) {
        match plan(program) {
            Ok(plan) => plans.push(plan),
            Err(more) => errors.append(more),
        }
    }
    errors.finish(plans)
}

/// From the graph as the user wrote it to the order of computation of its three functions.
///
/// # Errors
/// What can't be differentiated.
pub fn plan(program: Program) -> Result<Plan, Diagnostics> {
    let stable = stable(&program);
    let optimise = |graph: Graph| optimize::run(optimize::AFTER, graph);
    let forward = keep(&stable.graph.settled(), |root| matches!(root, Root::Output(_)));
    let forward = optimise(forward);
    let training = if program.model.has_loss { Some(optimise(gradient(&stable)?)) } else { None };
    // What a training step knows of its batch is given elsewhere, so that the derivative is another one.
    let settled = Program { graph: stable.graph.settled(), ..stable };
    let pullback = pullback(&settled).map(optimise);
    let is_loss = |root: Root| root == Root::Loss;
    let has_states = !program.model.states().is_empty() && program.model.has_loss;
    let validation = has_states.then(|| optimise(keep(&settled.graph, is_loss)));
    Ok(Plan::new(program, [Some(forward), training, validation], pullback))
}

/// The program as it is differentiated: stable, and open where a composite has no derivative of its own.
pub fn stable(program: &Program) -> Program {
    let mut graph = optimize::run(optimize::BEFORE, program.graph.clone());
    graph.name_intermediates();
    Program { model: program.model.clone(), graph, blocks: Blocks::default() }
}

/// The mean loss and its gradient with respect to the parameters.
fn gradient(stable: &Program) -> Result<Graph, Diagnostics> {
    let graph = grad::of_loss(stable)?;
    Ok(keep(&graph, |root| matches!(root, Root::Loss | Root::ParamGradient(_) | Root::State(_)))
        .in_training())
}

/// The gradients of the outputs: of the inputs, and without a loss also of the parameters.
///
/// # Errors
/// Something without a derivative, such as a comparison or a class number, on the way. The model is good without
/// its pullback: it predicts, and with a loss it may still be trained.
fn pullback(stable: &Program) -> Result<Graph, Diagnostics> {
    let graph = grad::of_outputs(stable, !stable.model.has_loss)?;
    Ok(keep(&graph, |root| matches!(root, Root::ParamGradient(_) | Root::InputGradient(_))))
}

fn keep(graph: &Graph, which: impl Fn(Root) -> bool) -> Graph {
    let mut graph = graph.clone();
    graph.roots.retain(|(root, _)| which(*root));
    graph
}

/// The texts that a generated struct carries; `source` is what stood between the brackets of the macro.
pub fn texts(plan: &Plan, source: &str) -> Texts {
    Texts {
        source: source.to_owned(),
        rust: emit::rust::text(plan),
        summary: emit::summary::text(plan),
        explanation: emit::explain::text(plan),
        dot: emit::dot::text(&plan.program),
        mermaid: emit::mermaid::text(&plan.program),
        latex: emit::latex::text(plan),
    }
}

/// The errors, placed so that rustc has nothing to add to them.
///
/// A type that contains an error is itself one, on which rustc accepts any use: fields, methods, traits, constants.
/// So each model becomes an alias of an array whose length is the first error, `type Jet = [(); compile_error!{…}];`,
/// and a formula without a model a block that ends with one, whose value is of such a type.
fn with_stubs(errors: &Diagnostics, tokens: &TokenStream) -> TokenStream {
    let mut calls = errors.iter().map(diag::Diagnostic::render);
    let Some(headings) = parse::headings(tokens.clone()) else { return quote::quote!({ #(#calls)* }) };
    let Some(((visibility, name), others)) = headings.split_first() else { return calls.collect() };
    let first = calls.next();
    let (visibilities, names): (Vec<_>, Vec<_>) = others.iter().map(|(v, n)| (v, n)).unzip();
    quote::quote! {
        #visibility type #name = [(); #first];
        #(#visibilities type #names = #name;)*
        #(#calls)*
    }
}
