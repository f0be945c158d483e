//! `new` and `infer`: one example, without a batch around it.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};

use super::batch::{batch_function, given};
use super::{array, count, lens, own_name, prepared_len, real};
use crate::emit::rust::{forward_of_one, lanes, tiles};
use crate::schedule::{Lowering, Plan};
use crate::shape::Shape;

/// `new` and `infer`, which need no trait in scope, and the forward pass of a batch.
pub(super) fn inherent(plan: &Plan) -> TokenStream {
    let model = &plan.program.model;
    let (this, runtime, real) = (own_name(), &model.runtime, real(model.dtype));
    let batch = batch_function(model, &plan.forward, "forward");
    let output_len = count(&model.outputs);

    // The arguments of `infer` have the user's names, which nothing else in its body may have: it only lays them out.
    let (inputs, outputs) =
        (Ident::new("__inputs", Span::call_site()), Ident::new("__outputs", Span::call_site()));
    // Rows of a tile end in pads; lanes have none.
    let in_tiles = plan.forward.lowering == Lowering::Tiles;
    let room = |n: usize| {
        if in_tiles { quote!(#runtime::kernels::tile_len::<#real>(1, #n)) } else { quote!(#n) }
    };
    let mut at = quote!(0);
    let (mut args, mut fills) = (Vec::new(), Vec::new());
    for input in &model.inputs {
        let (name, n) = (&input.name, input.shape.count());
        if input.shape.is_scalar() {
            args.push(quote!(#name: #real));
            fills.push(quote!(#inputs[#at] = #name;));
        } else {
            let array = array(&real, &input.shape);
            let flattened =
                (1..input.shape.len()).fold(quote!(#name), |inner, _| quote!(#inner.as_flattened()));
            args.push(quote!(#name: &#array));
            fills.push(quote!(#inputs[#at..][..#n].copy_from_slice(#flattened);));
        }
        let room = room(n);
        at = quote!(#at + #room);
    }
    let mut offset = 0;
    let (mut types, mut values) = (Vec::new(), Vec::new());
    for output in &model.outputs {
        types.push(array(&real, &output.shape));
        values.push(nested(&outputs, &output.shape, offset));
        offset += output.shape.count();
    }
    let (returns, value) = if let ([only], [value]) = (&types[..], &values[..]) {
        (only.clone(), value.clone())
    } else {
        (quote!((#(#types),*)), quote!((#(#values),*)))
    };
    let forward = one_example(plan);
    quote! {
        #batch

        impl #this {
            /// A model with the initial parameters of a seed.
            #[must_use]
            pub fn new(seed: u64) -> Self {
                #runtime::model::Model::new(seed)
            }

            /// The outputs for one example. Takes nothing from the heap.
            #[must_use]
            pub fn infer(&self, #(#args),*) -> #returns {
                let mut #inputs = #runtime::kernels::Aligned([0.0; #at]);
                #(#fills)*
                let #outputs = Self::__infer(self, &#inputs[..]);
                #value
            }

            #[inline(always)]
            fn __infer(&self, inputs: &[#real]) -> [#real; #output_len] {
                let mut outputs = [0.0; #output_len];
                #forward
                outputs
            }
        }
    }
}

/// The forward pass of one example, from all inputs to all outputs: no batch, and with tiles the kernels for a single
/// row.
fn one_example(plan: &Plan) -> TokenStream {
    let (model, function) = (&plan.program.model, &plan.forward);
    let (runtime, real) = (&model.runtime, real(model.dtype));
    let input_lens: Vec<usize> = model.inputs.iter().map(|input| input.shape.count()).collect();
    let params = quote!(#runtime::model::Model::stored_flat(self));
    let prepared_ids = tiles::prepared(function);
    let (prepared_lens, prepared_len) = (lens(function, &prepared_ids), prepared_len(function));
    let has_prepared = function.lowering != Lowering::Lanes && prepared_len > 0;
    let prepare = has_prepared.then(|| {
        quote! {
            let mut shared = Aligned([0.0; #prepared_len]);
            prepare_forward(s, param_slices(params), split(&mut shared[..], [#(#prepared_lens),*]));
        }
    });
    let shared = has_prepared.then(|| quote!(slices(&shared[..], [#(#prepared_lens),*]),));
    match function.lowering {
        Lowering::Lanes => {
            let token = lanes::needs_token(function).then(|| quote!(s,));
            let prepared = (lanes::prepared_count(function) > 0).then(|| quote!(prepare_forward(params),));
            quote! {
                dispatch!(s => {
                    let params = #runtime::drive::spread(s, #params);
                    let values = forward(#token params, #prepared #runtime::drive::spread(s, inputs));
                    #runtime::drive::first(&values, &mut outputs);
                });
            }
        }
        Lowering::Arrays => {
            let len: usize = input_lens.iter().sum();
            let given = given(&input_lens, &quote!(inputs));
            quote! {
                dispatch!(s => {
                    let params = #params;
                    #prepare
                    let inputs = &#runtime::drive::spread::<_, _, #len>(s, inputs);
                    let values = forward(s, 1, param_slices(params), #shared #given);
                    #runtime::drive::first(&values, &mut outputs);
                });
            }
        }
        Lowering::Tiles => {
            let buffer_lens = lens(function, &tiles::buffers(function));
            let rest = (!buffer_lens.is_empty()).then(|| quote!(&mut workspace[..]));
            let code = forward_of_one(plan);
            quote! {
                use #runtime::kernels::single::*;
                #code
                dispatch!(s => {
                    let params = #params;
                    #prepare
                    let mut workspace = Aligned([0.0; 0 #(+ tile_len::<#real>(1, #buffer_lens))*]);
                    let inputs = slices(inputs, [#(tile_len::<#real>(1, #input_lens)),*]);
                    forward(s, [1, 1], param_slices(params), #shared inputs, &mut outputs, #rest);
                });
            }
        }
    }
}

/// An output of a given shape from the flat outputs.
fn nested(outputs: &Ident, shape: &Shape, offset: usize) -> TokenStream {
    let index = shape
        .strides()
        .iter()
        .enumerate()
        .map(|(axis, stride)| {
            let i = format_ident!("i{axis}");
            quote!(+ #i * #stride)
        })
        .collect::<TokenStream>();
    (0..shape.len()).rev().fold(quote!(#outputs[#offset #index]), |inner, axis| {
        let i = format_ident!("i{axis}");
        quote!(::core::array::from_fn(|#i| #inner))
    })
}
