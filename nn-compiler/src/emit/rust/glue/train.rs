//! `Train` and `Pullback`: from sums over a batch to loss and gradients.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::batch::batch_function;
use super::{lens, own_name, prepare_call, prepared_len, real, shared_len, sums_len};
use crate::emit::rust::{lanes, tiles};
use crate::graph::{Kind, NodeId, Root};
use crate::model::{Extra, Model, Target};
use crate::schedule::{Function, Lowering};

pub(super) fn train(model: &Model, function: &Function, validation: Option<&Function>) -> TokenStream {
    let (own, runtime, real) = (own_name(), &model.runtime, real(model.dtype));
    let target = match &model.target {
        None => quote!(None),
        Some(Target::Values(shape)) => {
            let len = shape.count();
            quote!(Values { len: #len })
        }
        Some(Target::Binary(shape)) => {
            let len = shape.count();
            quote!(Binary { len: #len, logits: false })
        }
        Some(Target::Class(classes)) => quote!(Class { classes: #classes }),
    };
    let extras = model.extras.iter().zip(0_u32..).map(|(extra, site)| match extra {
        Extra::Weight => quote!(Weight),
        Extra::Mask { shape, drop, .. } => {
            let len = shape.count();
            quote!(Mask { site: #site, len: #len, drop: #drop })
        }
    });
    let extras = (!model.extras.is_empty()).then(
        || quote!(const EXTRAS: &'static [#runtime::model::Extra] = &[#(#runtime::model::Extra::#extras),*];),
    );
    let batch = batch_function(model, function, "train");
    let shared = shared_len(function);
    let prepared = prepared_len(function);
    let sums = sums_len(function);
    let (tile, flops) = (function.tile, tiles::flops(function));
    let prepare = prepare_call(function, "train");
    let is_wide = function.is_wide.then(|| {
        quote!(
            const IS_WIDE: bool = true;
        )
    });
    let plain_sums = has_plain_sums(model, function).then(|| {
        quote!(
            const HAS_PLAIN_SUMS: bool = true;
        )
    });
    let finish = finish(model, function, "train");
    let validate = validation.map(|validation| validate(model, validation));
    let validation = validation.map(|validation| batch_function(model, validation, "validate"));
    let rows = if function.sees_batch { quote!(batch.len()) } else { quote!(#tile) };
    quote! {
        #batch
        #validation

        impl #runtime::model::Train for #own {
            const TARGET: #runtime::model::TargetKind = #runtime::model::TargetKind::#target;
            #extras
            const SHARED_LEN: usize = #shared;
            const SUMS_LEN: usize = #sums;
            const WORKSPACE: usize = train_workspace(#tile);
            const FLOPS_TRAIN: u64 = #flops;
            const TILE: usize = #tile;
            #is_wide
            #plain_sums
            #validate

            fn prepare(&self, shared: &mut [#real]) {
                let params = #runtime::model::Model::stored_flat(self);
                #prepare
            }

            fn accumulate(
                &self,
                shared: &[#real],
                batch: &#runtime::model::Batch<'_, #real>,
                sums: &mut [#real],
                workspace: &mut [#real],
            ) {
                let params = #runtime::model::Model::stored_flat(self);
                train_batch(params, #rows, &shared[..#prepared], batch, sums, workspace);
            }

            fn finish(
                &self,
                shared: &mut [#real],
                sums: &mut [#real],
                examples: usize,
                gradient: &mut [#real],
            ) -> #real {
                let params = #runtime::model::Model::stored_flat(self);
                #runtime::drive::means(sums, examples);
                #finish
            }
        }
    }
}

/// The loss outside of training, and the workspaces of a model whose training step sees its batch as a whole.
fn validate(model: &Model, validation: &Function) -> TokenStream {
    let (runtime, real, tile) = (&model.runtime, real(model.dtype), validation.tile);
    let sums = sums_len(validation);
    quote! {
        const SEES_BATCH: bool = true;

        fn workspace(examples: usize) -> usize {
            Ord::max(train_workspace(examples), validate_workspace(#tile))
        }

        fn accumulate_loss(
            &self,
            _: &[#real],
            batch: &#runtime::model::Batch<'_, #real>,
            sums: &mut [#real],
            workspace: &mut [#real],
        ) {
            let params = #runtime::model::Model::stored_flat(self);
            let at = workspace.len() - validate_workspace(#tile);
            validate_batch(params, #tile, batch, &mut sums[..#sums], &mut workspace[at..]);
        }
    }
}

pub(super) fn pullback(model: &Model, function: &Function) -> TokenStream {
    let (own, runtime, real) = (own_name(), &model.runtime, real(model.dtype));
    let batch = batch_function(model, function, "pullback");
    let tile = function.tile;
    let (shared, prepared, sums) = (shared_len(function), prepared_len(function), sums_len(function));
    let prepare = prepare_call(function, "pullback");
    let with_params = !model.has_loss;
    let finish = with_params.then(|| finish(model, function, "pullback"));
    let marker = with_params.then(|| quote!(impl #runtime::model::PullbackParams for #own {}));
    quote! {
        #batch

        impl #runtime::model::Pullback for #own {
            const PULLBACK_WORKSPACE: usize = pullback_workspace(#tile)
                + #runtime::kernels::tile_len::<#real>(1, #shared)
                + #runtime::kernels::tile_len::<#real>(1, #sums);

            fn pullback(
                &self,
                batch: &#runtime::model::Batch<'_, #real>,
                input_gradient: &mut [#real],
                gradient: &mut [#real],
                workspace: &mut [#real],
            ) {
                let params = #runtime::model::Model::stored_flat(self);
                let [shared, sums, workspace] = #runtime::kernels::split(
                    workspace,
                    [
                        #runtime::kernels::tile_len::<#real>(1, #shared),
                        #runtime::kernels::tile_len::<#real>(1, #sums),
                        pullback_workspace(#tile),
                    ],
                );
                let (shared, sums) = (&mut shared[..#shared], &mut sums[..#sums]);
                sums.fill(0.0);
                #prepare
                pullback_batch(params, #tile, &shared[..#prepared], batch, input_gradient, sums, workspace);
                #finish
            }
        }

        #marker
    }
}

/// Whether the sums are the loss and the gradients of the parameters in their order, and nothing else.
fn has_plain_sums(model: &Model, function: &Function) -> bool {
    if !model.states().is_empty() {
        return false;
    }
    let roots = std::iter::once(Root::Loss).chain((0..model.params.len()).map(Root::ParamGradient));
    let roots: Vec<_> = roots.map(|root| function.root(root)).collect();
    !lanes::needs_finish(function) && function.means().into_iter().map(Some).eq(roots)
}

/// Sums over a batch to loss and gradient.
fn finish(model: &Model, function: &Function, name: &str) -> TokenStream {
    let runtime = &model.runtime;
    let means = function.means();
    let mean_lens = lens(function, &means);
    let lens_of_params: Vec<usize> = model.params.iter().map(|param| param.shape.count()).collect();
    let finish_name = format_ident!("finish_{name}");
    let roots: Vec<_> = function
        .graph
        .roots
        .iter()
        .filter(|(root, _)| matches!(root, Root::Loss | Root::ParamGradient(_) | Root::State(_)))
        .copied()
        .collect();
    let has_loss = roots.iter().any(|(root, _)| *root == Root::Loss);

    if function.lowering == Lowering::Lanes && lanes::needs_finish(function) {
        let token = lanes::needs_token(function).then(|| quote!(s,));
        let prepared = (lanes::prepared_count(function) > 0).then(|| {
            let prepare = format_ident!("prepare_{name}");
            quote!(#prepare(#runtime::drive::spread(s, params)),)
        });
        let skip = usize::from(has_loss);
        let loss = has_loss.then(|| quote!(values[0].as_slice()[0]));
        return quote! {
            dispatch!(s => {
                let values = #finish_name(#token #runtime::drive::spread(s, params), #prepared #runtime::drive::spread(s, sums));
                for (value, gradient) in values[#skip..].iter().zip(gradient.iter_mut()) {
                    *gradient = value.as_slice()[0];
                }
                #loss
            })
        };
    }

    let position = |id| means.iter().position(|&mean| mean == id);
    let finished = tiles::finished(function);
    let prepared = tiles::prepared(function);
    let mut before = TokenStream::new();
    if lanes::needs_finish(function) {
        let (prepared_len, prepared_lens) = (prepared_len(function), lens(function, &prepared));
        let finished_lens = lens(function, &finished);
        let shared = (!prepared.is_empty()).then(|| quote!(slices(early, [#(#prepared_lens),*]),));
        before = quote! {
            let (early, late) = shared.split_at_mut(#prepared_len);
            dispatch!(s => #finish_name(
                s, param_slices(params), #shared slices(sums, [#(#mean_lens),*]), split(late, [#(#finished_lens),*])
            ));
        };
    }
    // Each root is a mean, a value of the epilogue or the prologue, a parameter or a constant.
    let value_of = |id: NodeId| -> TokenStream {
        let id = crate::schedule::behind_views(&function.graph, id);
        let n = function.graph[id].shape.count();
        let at = |ids: &[NodeId], base: usize| {
            ids.iter().position(|&other| other == id).map(|position| {
                let start = base + lens(function, &ids[..position]).iter().sum::<usize>();
                let end = start + n;
                quote!(#start..#end)
            })
        };
        if let Some(range) = at(&means, 0) {
            return quote!(&sums[#range]);
        }
        if let Some(range) = at(&finished, prepared_len(function)).or_else(|| at(&prepared, 0)) {
            return quote!(&shared[#range]);
        }
        match function.graph[id].kind {
            Kind::Constant(number) => {
                let value = number.0;
                quote!(&[#value as _; #n])
            }
            Kind::Param(position) => {
                let start: usize = lens_of_params[..position].iter().sum();
                let end = start + n;
                quote!(&params[#start..#end])
            }
            _ => quote!(&[]),
        }
    };
    // The usual case, gradients that are means in the order of the parameters, is one copy.
    let first = roots.iter().find(|(root, _)| *root != Root::Loss).and_then(|&(_, id)| position(id));
    let in_order = first.is_some_and(|first| {
        roots
            .iter()
            .filter(|(root, _)| *root != Root::Loss)
            .enumerate()
            .all(|(i, &(_, id))| position(id) == Some(first + i))
    });
    let copies = if in_order {
        let start: usize = mean_lens[..first.unwrap_or(0)].iter().sum();
        let gradients = roots.iter().filter(|(root, _)| *root != Root::Loss);
        let end = start + gradients.map(|&(_, id)| function.graph[id].shape.count()).sum::<usize>();
        quote!(gradient.copy_from_slice(&sums[#start..#end]);)
    } else {
        let mut offset = 0;
        roots
            .iter()
            .filter(|(root, _)| *root != Root::Loss)
            .map(|&(_, id)| {
                let (start, value) = (offset, value_of(id));
                offset += function.graph[id].shape.count();
                let end = offset;
                quote!(gradient[#start..#end].copy_from_slice(#value);)
            })
            .collect()
    };
    let loss = roots.iter().find(|(root, _)| *root == Root::Loss).map(|&(_, id)| {
        let value = value_of(id);
        quote!((#value)[0])
    });
    quote!(#before #copies #loss)
}
