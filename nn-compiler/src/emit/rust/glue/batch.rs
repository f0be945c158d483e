//! The loop over the tiles of a batch.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::{count, lens, own_name, prepared_len, real};
use crate::emit::rust::names::extras;
use crate::emit::rust::{lanes, tiles};
use crate::graph::{Kind, NodeId};
use crate::model::{Extra, Model};
use crate::schedule::{Function, Lowering};

/// The loop over the tiles of a batch, and the workspace that it takes.
pub(super) fn batch_function(model: &Model, function: &Function, name: &str) -> TokenStream {
    let (own, runtime, real) = (own_name(), &model.runtime, real(model.dtype));
    let tile_function = format_ident!("{name}");
    let batch = format_ident!("{name}_batch");
    let workspace = format_ident!("{name}_workspace");
    let prepare = format_ident!("prepare_{name}");

    let input_lens: Vec<usize> = model.inputs.iter().map(|input| input.shape.count()).collect();
    let target_lens: Vec<usize> = match name {
        "train" | "validate" => model.target.iter().map(|target| target.shape().count()).collect(),
        "pullback" => model.outputs.iter().map(|output| output.shape.count()).collect(),
        _ => Vec::new(),
    };
    let has_extras = extras(model, function).iter().any(Option::is_some);
    let brought: &[Extra] = if has_extras { &model.extras } else { &[] };
    let extra_lens: Vec<usize> = brought.iter().map(|extra| extra.shape().count()).collect();
    let extras_of_model = has_extras.then(|| quote!(<#own as #runtime::model::Train>::EXTRAS));
    let extras_of_model = extras_of_model.unwrap_or_else(|| quote!(&[]));
    let gives_rows = !matches!(name, "train" | "validate");
    // What does not vary is prepared here, or given.
    let prepares = matches!(name, "forward" | "validate");
    let rows_len: usize = if name == "forward" { count(&model.outputs) } else { input_lens.iter().sum() };
    let has_sums = !gives_rows || !function.means().is_empty();

    let shared_arg = (!prepares).then(|| quote!(shared: &[#real],));
    let rows_arg = gives_rows.then(|| quote!(outputs: &mut [#real],));
    let sums_arg = (name != "forward").then(|| quote!(sums: &mut [#real],));
    let signature = quote! {
        fn #batch(
            params: &[#real],
            tile: usize,
            #shared_arg
            batch: &#runtime::model::Batch<'_, #real>,
            #rows_arg
            #sums_arg
            workspace: &mut [#real],
        )
    };
    let rows = if gives_rows { quote!(outputs) } else { quote!(&mut []) };
    let sums = if name == "forward" { quote!(&mut []) } else { quote!(sums) };
    let uses_target =
        function.graph.ids().any(|id| matches!(function.graph[id].kind, Kind::Target | Kind::Cotangent(_)));
    match function.lowering {
        Lowering::Lanes => {
            let token = lanes::needs_token(function).then(|| quote!(s,));
            let prepared = (lanes::prepared_count(function) > 0).then(|| quote!(prepared,));
            let let_prepared = prepared.as_ref().map(|_| quote!(let prepared = #prepare(params);));
            let targets = match (uses_target, name) {
                (false, _) => None,
                (true, "train" | "validate") => Some(quote!(targets[0],)),
                (true, _) => Some(quote!(targets,)),
            };
            let (inputs_len, targets_len, means_len) =
                (input_lens.len(), target_lens.len(), function.means().len());
            let extras_len = extra_lens.len();
            let extras = has_extras.then(|| quote!(extras,));
            let values = if gives_rows { rows_len } else { 0 };
            let sums_of_tile = has_sums.then(|| quote!(sums,));
            let tail = (!gives_rows).then(|| quote!([]));
            let semicolon = (!gives_rows).then(|| quote!(;));
            quote! {
                const fn #workspace(_: usize) -> usize {
                    0
                }

                #signature {
                    dispatch!(s => {
                        let params = #runtime::drive::spread(s, params);
                        #let_prepared
                        #runtime::drive::lanes::<_, _, #inputs_len, #targets_len, #extras_len, #values, #means_len>(
                            s, batch, #extras_of_model, #rows, #sums,
                            #[inline(always)]
                            |inputs, targets, extras, sums| {
                                #tile_function(#token params, #prepared inputs, #targets #extras #sums_of_tile) #semicolon
                                #tail
                            },
                        );
                    });
                }
            }
        }
        Lowering::Arrays => {
            let own_shared = if prepares { prepared_len(function) } else { 0 };
            let prepared = tiles::prepared(function);
            let prepared_lens = lens(function, &prepared);
            let own = (own_shared > 0).then(|| {
                quote! {
                    #prepare(s, param_slices(params), split(&mut workspace[..#own_shared], [#(#prepared_lens),*]));
                    let shared = &workspace[..#own_shared];
                }
            });
            let shared = (!prepared.is_empty()).then(|| quote!(slices(shared, [#(#prepared_lens),*]),));
            let inputs = given(&input_lens, &quote!(inputs));
            let targets = uses_target.then(|| {
                let targets = given(&target_lens, &quote!(targets));
                quote!(#targets,)
            });
            let mean_lens = lens(function, &function.means());
            let sums_len: usize = mean_lens.iter().sum();
            let sums_of_tile = has_sums.then(|| quote!(split(sums, [#(#mean_lens),*]),));
            let extras = has_extras.then(|| {
                let extras = given(&extra_lens, &quote!(extras));
                quote!(#extras,)
            });
            let [inputs_len, targets_len, extras_len] =
                [&input_lens, &target_lens, &extra_lens].map(|lens| lens.iter().sum::<usize>());
            let values = if gives_rows { rows_len } else { 0 };
            let tail = (!gives_rows).then(|| quote!([]));
            let semicolon = (!gives_rows).then(|| quote!(;));
            quote! {
                const fn #workspace(_: usize) -> usize {
                    #own_shared
                }

                #signature {
                    dispatch!(s => {
                        #own
                        #runtime::drive::arrays::<_, _, #inputs_len, #targets_len, #extras_len, #values, #sums_len>(
                            s, batch, #extras_of_model, #rows, #sums,
                            #[inline(always)]
                            |rows, inputs, targets, extras, sums| {
                                #tile_function(s, rows, param_slices(params), #shared #inputs, #targets #extras #sums_of_tile) #semicolon
                                #tail
                            },
                        );
                    });
                }
            }
        }
        Lowering::Tiles => {
            let buffers = tiles::buffers(function);
            let room = |(&id, len): (&NodeId, usize)| {
                let rows = if tiles::has_rows(function, id) { quote!(tile) } else { quote!(1) };
                quote!(tile_len::<#real>(#rows, #len))
            };
            let rooms: Vec<TokenStream> = buffers.iter().zip(lens(function, &buffers)).map(room).collect();
            let mean_lens = lens(function, &function.means());
            let prepared = tiles::prepared(function);
            let prepared_lens = lens(function, &prepared);
            // The forward pass keeps what does not vary at the end of its workspace.
            let own_shared = if prepares { prepared_len(function) } else { 0 };
            let own = (own_shared > 0).then(|| {
                quote! {
                    let at = workspace.len() - tile_len::<#real>(1, #own_shared);
                    let (workspace, shared) = workspace.split_at_mut(at);
                    #prepare(s, param_slices(params), split(&mut shared[..#own_shared], [#(#prepared_lens),*]));
                    let shared = &*shared;
                }
            });
            let own_len = if own_shared > 0 { quote!(+ tile_len::<#real>(1, #own_shared)) } else { quote!() };
            let shared = (!prepared.is_empty()).then(|| quote!(slices(shared, [#(#prepared_lens),*]),));
            let targets = match (uses_target, name) {
                (false, _) => None,
                (true, "train" | "validate") => Some(quote!(targets[0],)),
                (true, _) => Some(quote!(targets,)),
            };
            let extras = has_extras.then(|| quote!(extras,));
            let extras_len = extra_lens.len();
            let sums = has_sums.then(|| quote!(split(&mut *sums, [#(#mean_lens),*]),));
            let rows =
                gives_rows.then(|| quote!(&mut outputs[range.start * #rows_len..range.end * #rows_len],));
            let rest = (!buffers.is_empty()).then(|| quote!(workspace));
            quote! {
                const fn #workspace(tile: usize) -> usize {
                    0 #(+ tile_len::<#real>(tile, #input_lens))* #(+ tile_len::<#real>(tile, #target_lens))*
                        #(+ tile_len::<#real>(tile, #extra_lens))*
                        #(+ #rooms)* #own_len
                }

                #signature {
                    dispatch!(s => {
                        #own
                        #runtime::drive::tiles::<_, _, _, #extras_len>(
                            batch, tile, [#(#input_lens),*], [#(#target_lens),*], #extras_of_model, workspace,
                            #[inline(always)]
                            |range, inputs, targets, extras, workspace| {
                                #tile_function(
                                    s, [range.len(), tile], param_slices(params), #shared inputs, #targets #extras #sums #rows #rest
                                );
                            },
                        );
                    });
                }
            }
        }
    }
}

/// The tensors of these lengths as arguments of a function on arrays, cut from all of them.
pub(super) fn given(lens: &[usize], all: &TokenStream) -> TokenStream {
    let mut at = 0;
    let values: Vec<TokenStream> = lens
        .iter()
        .map(|&len| {
            let start = at;
            at += len;
            if len == 1 { quote!(#all[#start]) } else { quote!(part::<_, #len>(#all, #start)) }
        })
        .collect();
    if let [only] = &values[..] { only.clone() } else { quote!((#(#values),*)) }
}
