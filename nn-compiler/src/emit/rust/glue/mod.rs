//! What surrounds the code that computes: the struct, its parameters, the runtime's traits.

mod batch;
mod infer;
mod model;
mod train;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};

use super::tiles;
use crate::graph::NodeId;
use crate::model::{Model, Variable};
use crate::schedule::{Function, Lowering, Plan};
use crate::shape::{Dtype, Shape};

pub(super) use model::declarations;

/// The texts that a generated struct carries.
pub struct Texts {
    /// What stood between the brackets of the macro.
    pub source: String,
    /// The emitted code.
    pub rust: String,
    /// Layer table.
    pub summary: String,
    /// The chain rule, step by step.
    pub explanation: String,
    /// The graph in the DOT language.
    pub dot: String,
    /// The graph in the language of Mermaid.
    pub mermaid: String,
    /// The formulas in LaTeX.
    pub latex: String,
}

/// What the model is called beside names that are imported from the runtime.
pub(super) fn own_name() -> Ident {
    Ident::new("__ThisModel", Span::mixed_site())
}

/// What the code that computes refers to by short names.
pub(super) fn imports(plan: &Plan) -> TokenStream {
    let runtime = &plan.program.model.runtime;
    let real = real(plan.program.model.dtype);
    let functions = [Some(&plan.forward), plan.training.as_ref(), plan.pullback.as_ref().ok()];
    let in_arrays = functions.into_iter().flatten().any(|function| function.lowering == Lowering::Arrays);
    // The kernels of arrays have the names of those of tiles, which the steps before and after the examples call.
    let kernels = if in_arrays {
        quote! {
            use #runtime::kernels::lane_math::*;
            use #runtime::kernels::{self, Activation, Aligned, LaneExpr, Simd, scalar, shared, split, tile_len};
            use #runtime::kernels::arrays::*;
            type Sum<S> = #runtime::kernels::arrays::Sum<S, #real>;
        }
    } else {
        quote!(use #runtime::kernels::*;)
    };
    quote! {
        #kernels
        use #runtime::dispatch;
        use #runtime::drive::{from, matrix, slices, to};
        use #runtime::kernels::Lanes as AnyLanes;
        type Lanes<S> = AnyLanes<S, #real>;
    }
}

/// The runtime's traits.
pub(super) fn implementations(plan: &Plan, texts: &Texts) -> TokenStream {
    let model = &plan.program.model;
    let inherent = infer::inherent(plan);
    let base = model::base(plan);
    let inspect = model::inspect(model, texts);
    let train =
        plan.training.as_ref().map(|function| train::train(model, function, plan.validation.as_ref()));
    let pullback = plan.pullback.as_ref().ok().map(|function| train::pullback(model, function));
    quote!(#inherent #base #inspect #train #pullback)
}

/// `param_slices`: the flat parameters cut into tensors.
pub(super) fn param_slices(model: &Model) -> TokenStream {
    let real = real(model.dtype);
    let lens: Vec<usize> = model.params.iter().map(|param| param.shape.count()).collect();
    let count = lens.len();
    quote! {
        #[inline(always)]
        fn param_slices(params: &[#real]) -> [&[#real]; #count] {
            slices(params, [#(#lens),*])
        }
    }
}

fn real(dtype: Dtype) -> Ident {
    Ident::new(dtype.name(), Span::call_site())
}

/// `[[f32; 64]; 16]` for the shape `[16, 64]`.
fn array(real: &Ident, shape: &Shape) -> TokenStream {
    shape.iter().rev().fold(quote!(#real), |inner, &size| quote!([#inner; #size]))
}

fn count(variables: &[Variable]) -> usize {
    variables.iter().map(|variable| variable.shape.count()).sum()
}

/// The number of scalars that are kept for what the prologue computes.
fn prepared_len(function: &Function) -> usize {
    match function.lowering {
        Lowering::Lanes => 0,
        Lowering::Arrays | Lowering::Tiles => lens(function, &tiles::prepared(function)).iter().sum(),
    }
}

/// The same with what the epilogue computes.
fn shared_len(function: &Function) -> usize {
    match function.lowering {
        Lowering::Lanes => 0,
        Lowering::Arrays | Lowering::Tiles => {
            prepared_len(function) + lens(function, &tiles::finished(function)).iter().sum::<usize>()
        }
    }
}

fn sums_len(function: &Function) -> usize {
    lens(function, &function.means()).iter().sum()
}

fn lens(function: &Function, ids: &[NodeId]) -> Vec<usize> {
    ids.iter().map(|&id| function.graph[id].shape.count()).collect()
}

fn prepare_call(function: &Function, name: &str) -> TokenStream {
    let prepared = tiles::prepared(function);
    if function.lowering == Lowering::Lanes || prepared.is_empty() {
        return TokenStream::new();
    }
    let prepare = format_ident!("prepare_{name}");
    let (lens, len) = (lens(function, &prepared), prepared_len(function));
    quote!(dispatch!(s => #prepare(s, param_slices(params), split(&mut shared[..#len], [#(#lens),*])));)
}
