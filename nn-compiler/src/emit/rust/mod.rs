//! Plan to Rust: the struct, its implementations of the runtime's traits, and the code that computes.

mod arrays;
mod formula;
mod glue;
mod lanes;
mod names;
mod source;
mod tiles;

use proc_macro2::TokenStream;
use quote::quote;

use crate::graph::{NodeId, Root};
use crate::schedule::{Function, Lowering, Plan};
use source::Source;
pub use source::Traced;

pub use glue::Texts;
pub(in crate::emit) use tiles::{buffers, finished, has_rows, prepared};
pub use tiles::{flops, flops_of};

/// The code that computes, formatted, with comments: what [`RUST`](Texts::rust) shows and what is compiled.
pub fn text(plan: &Plan) -> String {
    let mut out = Source::default();
    write(plan, &mut out);
    out.format()
}

/// The same text, and which of its statements computes what.
pub fn traced(plan: &Plan) -> (String, Vec<Traced>) {
    let mut out = Source::traced();
    write(plan, &mut out);
    out.format_traced()
}

fn write(plan: &Plan, out: &mut Source) {
    let model = &plan.program.model;
    match plan.forward.lowering {
        Lowering::Lanes => {
            let doc = "The forward pass: each value holds one example in each lane.";
            let roots = outputs(&plan.forward);
            lanes::write(model, &plan.forward, "forward", doc, &lanes::Result::Values(roots), out);
        }
        Lowering::Arrays => {
            let doc =
                "The forward pass: each value holds one example in each lane, tensors are arrays of values.";
            arrays::write(model, &plan.forward, "forward", doc, &outputs(&plan.forward), out);
        }
        Lowering::Tiles => {
            let doc = "The forward pass of one tile of examples.";
            let stores: Vec<_> = outputs(&plan.forward).into_iter().map(|id| (id, "outputs")).collect();
            tiles::write(model, &plan.forward, "forward", doc, &stores, out);
        }
    }
    if let Some(training) = &plan.training {
        match training.lowering {
            Lowering::Lanes => {
                let doc = "Forward and backward pass: each value holds one example in each lane.";
                lanes::write(model, training, "train", doc, &lanes::Result::Sums, out);
            }
            Lowering::Arrays => {
                let doc = "Forward and backward pass: each value holds one example in each lane, tensors are arrays \
                           of values.";
                arrays::write(model, training, "train", doc, &[], out);
            }
            Lowering::Tiles => {
                let doc = "Forward and backward pass of one tile of examples.";
                tiles::write(model, training, "train", doc, &[], out);
            }
        }
    }
}

/// The forward pass on tiles once more, to be compiled with the kernels for a single row.
fn forward_of_one(plan: &Plan) -> TokenStream {
    let mut out = Source::default();
    let stores: Vec<_> = outputs(&plan.forward).into_iter().map(|id| (id, "outputs")).collect();
    tiles::write(&plan.program.model, &plan.forward, "forward", "", &stores, &mut out);
    out.tokens()
}

/// The code of the outputs' gradients, which follows the same rules and is not shown.
fn pullback_code(plan: &Plan) -> TokenStream {
    let mut out = Source::default();
    let Ok(pullback) = &plan.pullback else { return TokenStream::new() };
    let model = &plan.program.model;
    let doc = "Gradients of the outputs, weighted by cotangents.";
    let gradients = input_gradients(pullback);
    match pullback.lowering {
        Lowering::Lanes => {
            lanes::write(model, pullback, "pullback", doc, &lanes::Result::Values(gradients), &mut out);
        }
        Lowering::Arrays => arrays::write(model, pullback, "pullback", doc, &gradients, &mut out),
        Lowering::Tiles => {
            let stores: Vec<_> = gradients.into_iter().map(|id| (id, "input_gradient")).collect();
            tiles::write(model, pullback, "pullback", doc, &stores, &mut out);
        }
    }
    out.tokens()
}

/// The code of the loss outside of training, where it is another one, which is not shown either.
fn validation_code(plan: &Plan) -> TokenStream {
    let mut out = Source::default();
    let Some(validation) = &plan.validation else { return TokenStream::new() };
    let (model, doc) = (&plan.program.model, "The loss outside of training.");
    match validation.lowering {
        Lowering::Lanes => lanes::write(model, validation, "validate", doc, &lanes::Result::Sums, &mut out),
        Lowering::Arrays => arrays::write(model, validation, "validate", doc, &[], &mut out),
        Lowering::Tiles => tiles::write(model, validation, "validate", doc, &[], &mut out),
    }
    out.tokens()
}

/// Everything that the macro puts in place of a model.
pub fn items(plan: &Plan, texts: &Texts) -> TokenStream {
    let declarations = glue::declarations(plan, texts);
    let computation = source::tokens(&texts.rust);
    let (pullback, validation) = (pullback_code(plan), validation_code(plan));
    let implementations = glue::implementations(plan, texts);
    let imports = glue::imports(plan);
    let functions = [Some(&plan.forward), plan.training.as_ref(), plan.pullback.as_ref().ok()];
    let in_slices = functions.into_iter().flatten().any(|function| function.lowering != Lowering::Lanes);
    let param_slices = in_slices.then(|| glue::param_slices(&plan.program.model));
    let (name, own) = (&plan.program.model.name, glue::own_name());
    quote! {
        #declarations

        // The outer block knows the model by a name that nothing imported into the inner one can hide.
        #[allow(
            clippy::all,
            clippy::pedantic,
            missing_docs,
            unreachable_pub,
            unused_variables,
            unused_imports,
            dead_code,
            non_snake_case
        )]
        const _: () = {
            use #name as #own;
            const _: () = {
                #imports
                #param_slices
                #computation
                #pullback
                #validation
                #implementations
            };
        };
    }
}

fn outputs(function: &Function) -> Vec<NodeId> {
    roots(function, |root| matches!(root, Root::Output(_)))
}

fn input_gradients(function: &Function) -> Vec<NodeId> {
    roots(function, |root| matches!(root, Root::InputGradient(_)))
}

fn roots(function: &Function, which: impl Fn(Root) -> bool) -> Vec<NodeId> {
    function.graph.roots.iter().filter(|(root, _)| which(*root)).map(|&(_, id)| id).collect()
}
