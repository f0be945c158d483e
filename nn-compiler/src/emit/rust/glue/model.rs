//! The struct and its parameters, and what they are to the runtime: `Model` and `Inspect`.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

use super::{Texts, array, own_name, real};
use crate::emit::docs;
use crate::emit::rust::tiles;
use crate::model::{Init, Model, Param, Variable};
use crate::schedule::Plan;

/// Parameters above this size live on the heap, so that a model can be moved and made on any stack.
const INLINE_BYTES: usize = 16 * 1024;

fn params_name(model: &Model) -> Ident {
    format_ident!("{}Params", model.name)
}

fn is_boxed(model: &Model) -> bool {
    (model.param_count() + model.state_count()) * model.dtype.size() > INLINE_BYTES
}

/// The struct and its parameters.
pub(in crate::emit::rust) fn declarations(plan: &Plan, texts: &Texts) -> TokenStream {
    let model = &plan.program.model;
    let (name, visibility, runtime) = (&model.name, &model.visibility, &model.runtime);
    let attributes = &model.attributes;
    let real = real(model.dtype);
    let params = params_name(model);
    let stored = if is_boxed(model) { quote!(#runtime::drive::Boxed<#params>) } else { quote!(#params) };
    let fields = model.params.iter().map(|param| {
        let (field, shape) = (&param.field, array(&real, &param.shape));
        let role = if param.state.is_some() { ", a state" } else { "" };
        let doc = format!(" `{}`, of shape {}{role}.", param.name, param.shape);
        quote!(#[doc = #doc] pub #field: #shape)
    });
    let docs = docs::text(plan, texts);
    let params_doc = format!(" The parameters of [`{name}`].");
    quote! {
        #(#attributes)*
        #[doc = #docs]
        #[derive(Clone, Debug)]
        #visibility struct #name {
            /// The trainable parameters, and what is kept beside them.
            pub params: #stored,
        }

        #runtime::flat! {
            #[doc = #params_doc]
            #[allow(non_snake_case, clippy::struct_field_names, reason = "the names are the user's: `W`")]
            #[derive(Clone, Debug)]
            #visibility struct #params: #real { #(#fields),* }
        }
    }
}

pub(super) fn base(plan: &Plan) -> TokenStream {
    let model = &plan.program.model;
    let (own, runtime, real) = (own_name(), &model.runtime, real(model.dtype));
    let text = model.name.to_string();
    let param_count = model.param_count();
    let flat = if is_boxed(model) { quote!(&*self.params) } else { quote!(&self.params) };
    let flat_mut = if is_boxed(model) { quote!(&mut *self.params) } else { quote!(&mut self.params) };
    let mut offset = 0;
    let mut info = |param: &Param| {
        let (name, shape, init) = (&param.name, &*param.shape, init(runtime, param.init));
        let at = offset;
        offset += param.shape.count();
        quote!(#runtime::model::ParamInfo {
            name: #name, shape: &[#(#shape),*], offset: #at, init: #init
        })
    };
    let params: Vec<_> = model.trained().iter().map(&mut info).collect();
    let params = quote!(&[#(#params),*]);
    let states = model.states().iter().map(|state| {
        let tensor = info(state);
        let (momentum, corrected) = state.state.map_or((0.0, None), |rule| (rule.momentum, rule.corrected));
        let corrected = corrected.map_or_else(|| quote!(None), |places| quote!(Some(#places)));
        quote!(#runtime::model::StateInfo { tensor: #tensor, momentum: #momentum, corrected: #corrected })
    });
    let states: Vec<_> = states.collect();
    let has_states = !states.is_empty();
    let trained = if has_states { quote!([..#param_count]) } else { quote!([..]) };
    let stored = has_states.then(|| {
        quote! {
            const STATES: &'static [#runtime::model::StateInfo] = &[#(#states),*];

            fn stored_flat(&self) -> &[#real] {
                #runtime::kernels::params::as_slice(#flat)
            }

            fn stored_flat_mut(&mut self) -> &mut [#real] {
                #runtime::kernels::params::as_mut_slice(#flat_mut)
            }
        }
    });
    let start_states = has_states.then(|| {
        quote! {
            for state in Self::STATES {
                let all = #runtime::model::Model::stored_flat_mut(&mut model);
                #runtime::init::fill(&[state.tensor], seed, all);
            }
        }
    });
    let tensors = |variables: &[Variable]| {
        let tensors = variables.iter().map(|variable| {
            let (name, shape) = (variable.name.to_string(), &*variable.shape);
            quote!(#runtime::model::TensorInfo { name: #name, shape: &[#(#shape),*] })
        });
        quote!(&[#(#tensors),*])
    };
    let (inputs, outputs) = (tensors(&model.inputs), tensors(&model.outputs));
    let flops = tiles::flops(&plan.forward);
    let zeroed = if is_boxed(model) {
        quote!(#runtime::kernels::params::boxed_zeroed())
    } else {
        let params = params_name(model);
        let fields = model.params.iter().map(|param| {
            let zero = param.shape.iter().rev().fold(quote!(0.0), |inner, &size| quote!([#inner; #size]));
            let field = &param.field;
            quote!(#field: #zero)
        });
        quote!(#params { #(#fields),* })
    };
    let tile = plan.forward.tile;
    quote! {
        impl #runtime::model::Model for #own {
            type Scalar = #real;
            const NAME: &'static str = #text;
            const PARAMS: &'static [#runtime::model::ParamInfo] = #params;
            const PARAM_COUNT: usize = #param_count;
            const INPUTS: &'static [#runtime::model::TensorInfo] = #inputs;
            const OUTPUTS: &'static [#runtime::model::TensorInfo] = #outputs;
            const FORWARD_WORKSPACE: usize = forward_workspace(#tile);
            const FLOPS_FORWARD: u64 = #flops;

            fn new(seed: u64) -> Self {
                let mut model = Self { params: #zeroed };
                #runtime::init::fill(Self::PARAMS, seed, #runtime::model::Model::params_flat_mut(&mut model));
                #start_states
                model
            }

            fn params_flat(&self) -> &[#real] {
                &#runtime::kernels::params::as_slice(#flat) #trained
            }

            fn params_flat_mut(&mut self) -> &mut [#real] {
                &mut #runtime::kernels::params::as_mut_slice(#flat_mut) #trained
            }

            #stored

            fn forward(&self, batch: &#runtime::model::Batch<'_, #real>, outputs: &mut [#real], workspace: &mut [#real]) {
                forward_batch(#runtime::model::Model::stored_flat(self), #tile, batch, outputs, workspace);
            }
        }
    }
}

fn init(runtime: &TokenStream, init: Init) -> TokenStream {
    let number = Literal::f64_suffixed;
    let init = match init {
        Init::Constant(value) => {
            let value = number(value);
            quote!(Constant(#value))
        }
        Init::Uniform(low, high) => {
            let (low, high) = (number(low), number(high));
            quote!(Uniform { low: #low, high: #high })
        }
        Init::Normal(mean, std) => {
            let (mean, std) = (number(mean), number(std));
            quote!(Normal { mean: #mean, std: #std })
        }
        Init::GlorotUniform => quote!(GlorotUniform),
        Init::GlorotNormal => quote!(GlorotNormal),
        Init::HeUniform => quote!(HeUniform),
        Init::HeNormal => quote!(HeNormal),
    };
    quote!(#runtime::model::Init::#init)
}

pub(super) fn inspect(model: &Model, texts: &Texts) -> TokenStream {
    let (own, runtime) = (own_name(), &model.runtime);
    let Texts { source, rust, summary, explanation, dot, mermaid, latex } = texts;
    quote! {
        impl #runtime::model::Inspect for #own {
            const SOURCE: &'static str = #source;
            const SUMMARY: &'static str = #summary;
            const EXPLANATION: &'static str = #explanation;
            const RUST: &'static str = #rust;
            const DOT: &'static str = #dot;
            const MERMAID: &'static str = #mermaid;
            const LATEX: &'static str = #latex;
        }
    }
}
