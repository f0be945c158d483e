//! What people read of a model: formulas that a typesetter takes, and numbers that agree with what is emitted.

use nn_compiler::emit::{cost, latex, trace};
use nn_compiler::graph::Root;
use nn_compiler::{grad, stages};
use nn_runtime::kernels::Real;
use nn_runtime::model::{Inspect, Pullback, PullbackParams, Train};
use nn_runtime::{TraceExt, TrainExt};
use nn_tests::case::{Case, cast, worst};
use nn_tests::{Visitor, f32s, f64s, files, plan};

const FOLDERS: [&str; 4] = ["models", "operations", "unusual", "random"];

/// Every formula of every model is LaTeX: it becomes `MathML` without an error.
#[test]
fn formulas_are_latex() {
    let mut count = 0;
    for file in FOLDERS.into_iter().flat_map(files) {
        let text = latex::text(&plan(&file.tokens)).replace("{align*}", "{aligned}");
        let storage = pulldown_latex::Storage::new();
        for event in pulldown_latex::Parser::new(&text, &storage) {
            if let Err(error) = event {
                panic!("{}: {error}\n{text}", file.name);
            }
        }
        count += 1;
    }
    println!("{count} models");
}

/// A trace walks the user's graph, operation by operation. The gradient is derived as a whole: both have to agree.
#[test]
fn traces_agree_with_the_derived_gradient_and_with_finite_differences() {
    let mut largest: f64 = 0.0;
    for file in FOLDERS.into_iter().flat_map(files) {
        let case = Case::new(&plan(&file.tokens).program, 1);
        let program = &case.program;
        let traced = trace::trace(program, &case.params, &case.inputs, &case.targets);
        let traced = traced.unwrap_or_else(|error| panic!("{}: {error}", file.name));
        assert_eq!(traced.gradients.is_empty(), !program.model.has_loss, "{}", file.name);
        if !program.model.has_loss {
            continue;
        }
        let graph = grad::of_loss(&nn_compiler::stable(program)).expect("the model has a derivative");
        let expected = case.roots(&graph, &case.params, |root| matches!(root, Root::ParamGradient(_)));
        let ours: Vec<f64> =
            traced.gradients.iter().flat_map(|gradient| gradient.value.iter().copied()).collect();
        let difference = worst(&ours, &expected);
        assert!(difference <= 1e-10, "{}: {difference:e}", file.name);
        for gradient in &traced.gradients {
            let deviation = gradient.deviation();
            assert!(deviation <= 1e-5, "{}: {} deviates by {deviation:e}", file.name, gradient.name);
            largest = largest.max(deviation);
        }
        let text = traced.to_string();
        assert!(text.contains("Local derivatives") && !text.contains('?'), "{}: {text}", file.name);
    }
    println!("largest deviation from finite differences: {largest:.1e}");
}

/// What `stages` shows is what is scheduled.
#[test]
fn stages_end_with_what_is_emitted() {
    for file in FOLDERS.into_iter().flat_map(files) {
        let plan = plan(&file.tokens);
        let stages =
            stages::stages(&plan.program).unwrap_or_else(|errors| panic!("{}: {errors:?}", file.name));
        let last = stages.last().expect("there are stages");
        let function = plan.training.as_ref().unwrap_or(&plan.forward);
        if plan.training.is_some() {
            assert_eq!(last.graph.len(), function.graph.len(), "{}", file.name);
        }
    }
}

/// The method of a compiled model, which finds its own text again.
struct Traces(usize);

impl Visitor<f64> for Traces {
    fn with_loss<M: Train<Scalar = f64> + Pullback + Inspect>(&mut self, name: &str) {
        let file = files("models").into_iter().find(|file| file.name == name).expect("the file is there");
        let case = Case::new(&plan(&file.tokens).program, 1);
        let mut model = M::new(1);
        model.stored_flat_mut().copy_from_slice(&case.params);
        let trace = model.trace(&case.inputs, &case.targets).expect("the numbers fit");
        let matrix = |values: &[f64]| {
            ndarray::Array2::from_shape_vec((1, values.len()), cast::<f64>(values)).expect("one row")
        };
        let (loss, gradient) = model
            .loss_and_gradient(matrix(&case.inputs).view(), matrix(&case.targets).view())
            .expect("the batch fits the model");
        let traced: Vec<f64> =
            trace.gradients.iter().flat_map(|gradient| gradient.value.iter().copied()).collect();
        assert!(worst(&gradient, &traced) <= 1e-10, "{name}");
        let traced_loss = trace.values.iter().rev().find(|value| value.name == "J").expect("there is a loss");
        assert!((loss.to_f64() - traced_loss.value.sum()).abs() <= 1e-10, "{name}");
        assert!(model.trace(&[], &case.targets).is_err());
        self.0 += 1;
    }

    fn without_loss<M: PullbackParams<Scalar = f64> + Inspect>(&mut self, name: &str) {
        let model = M::new(1);
        let trace = model.trace(&vec![0.5; M::INPUT_LEN], &[]).expect("the numbers fit");
        assert!(trace.gradients.is_empty() && !trace.values.is_empty(), "{name}");
        self.0 += 1;
    }
}

/// What the command line says of memory is what the generated struct has.
struct Workspaces(usize);

impl Workspaces {
    fn check(&mut self, name: &str, forward: usize, training: usize) {
        let file = files("models").into_iter().find(|file| file.name == name).expect("the file is there");
        // The files' own precision is single, but for some.
        let plan = plan(&in_single_precision(&file.tokens));
        let [ours, ours_in_training] = cost::workspace_bytes(&plan);
        assert_eq!([ours, ours_in_training], [forward as u64, training as u64], "{name}");
        self.0 += 1;
    }
}

fn in_single_precision(tokens: &proc_macro2::TokenStream) -> proc_macro2::TokenStream {
    let text = tokens.to_string().replace("< f64 >", "").replace("<f64>", "");
    text.parse().expect("the text is tokens")
}

impl Visitor<f32> for Workspaces {
    fn with_loss<M: Train<Scalar = f32> + Pullback + Inspect>(&mut self, name: &str) {
        self.check(name, M::WORKSPACE_BYTES, M::TRAIN_WORKSPACE_BYTES);
    }

    fn without_loss<M: PullbackParams<Scalar = f32> + Inspect>(&mut self, name: &str) {
        self.check(name, M::WORKSPACE_BYTES, 0);
    }
}

#[test]
fn workspaces_are_what_the_structs_say() {
    let mut workspaces = Workspaces(0);
    f32s::visit(&mut workspaces);
    assert_eq!(workspaces.0, files("models").len());
}

/// Names keep their places, so that an editor finds a parameter's declaration from `model.params.w1`.
#[test]
fn fields_point_at_declarations() {
    let source = "model M(x: [3]) -> y {\n    param w1: [3], b;\n    h = dense(x, 2);\n    y = sum(h) + dot(x, w1) + b;\n}";
    let plan = plan(&source.parse().expect("the source is tokens"));
    let place = |name: &str| {
        let param = plan.program.model.params.iter().find(|param| param.name == name).expect("it is there");
        (param.field.span().start().line, param.field.span().start().column)
    };
    assert_eq!([place("w1"), place("b"), place("h.weight")], [(2, 10), (2, 19), (3, 8)]);
}

#[test]
fn models_trace_themselves() {
    let mut traces = Traces(0);
    f64s::visit(&mut traces);
    assert_eq!(traces.0, files("models").len());
}
