//! Emitted code against the reference interpreter, the interpreter's derivative against finite differences, and
//! every pass against the graph as the user wrote it: for the models and for every operation.

use std::collections::BTreeSet;

use nn_compiler::build::Program;
use nn_compiler::graph::{Graph, Kind, Root};
use nn_compiler::interpret::{Bindings, Example, evaluate};
use nn_compiler::ops::{self, Tensor};
use nn_compiler::shape::Shape;
use nn_compiler::{grad, optimize};
use nn_runtime::TrainExt;
use nn_runtime::kernels::Real;
use nn_runtime::model::{Batch, Inspect, Model, Pullback, PullbackParams, Train};
use nn_tests::{ModelFile, Visitor, f32s, f64s, files, operations_f32, operations_f64, plan};

/// Numbers between -1 and 1, off the grid of kinks, the same in both precisions.
fn noise(seed: u64, count: usize) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(((state >> 40) as f32 / 8_388_608.0) - 1.0)
    };
    (0..count).map(|_| next()).collect()
}

fn tensor(shape: &Shape, values: &[f64]) -> Tensor {
    Tensor::from_shape_vec(&shape[..], values.to_vec()).expect("as many values as the shape says")
}

/// Parameters and a batch for a model, flat and as the interpreter takes them.
struct Case {
    program: Program,
    params: Vec<f64>,
    inputs: Vec<f64>,
    targets: Vec<f64>,
    cotangents: Vec<f64>,
    examples: usize,
}

impl Case {
    fn new(file: &ModelFile, examples: usize) -> Self {
        let program = plan(&file.tokens).program;
        let model = &program.model;
        let width = |variables: &[nn_compiler::model::Variable]| -> usize {
            variables.iter().map(|variable| variable.shape.count()).sum()
        };
        use nn_compiler::model::Target;
        let raw = |count: usize| noise(5, examples * count);
        let targets: Vec<f64> = match &model.target {
            None => Vec::new(),
            Some(Target::Values(shape)) => raw(shape.count()),
            Some(Target::Binary(shape)) => raw(shape.count()).iter().map(|x| f64::from(*x > 0.0)).collect(),
            Some(Target::Class(classes)) => (0..examples).map(|i| (i * 7 % classes) as f64).collect(),
        };
        let (inputs, outputs) = (width(&model.inputs), width(&model.outputs));
        Self {
            params: noise(3, model.param_count())
                .iter()
                .map(|x| 0.6 * x)
                .map(|x| f64::from(x as f32))
                .collect(),
            inputs: noise(4, examples * inputs),
            targets,
            cotangents: noise(6, examples * outputs),
            examples,
            program,
        }
    }

    fn bindings(&self, params: &[f64]) -> Bindings {
        let model = &self.program.model;
        let cut = |shapes: Vec<Shape>, values: &[f64]| -> Vec<Tensor> {
            let mut at = 0;
            let next = |shape: &Shape| {
                let from = at;
                at += shape.count();
                tensor(shape, &values[from..at])
            };
            shapes.iter().map(next).collect()
        };
        let row = |values: &[f64], i: usize| {
            let width = values.len() / self.examples;
            values[i * width..(i + 1) * width].to_vec()
        };
        let shapes = |variables: &[nn_compiler::model::Variable]| -> Vec<Shape> {
            variables.iter().map(|variable| variable.shape.clone()).collect()
        };
        Bindings {
            params: cut(model.params.iter().map(|param| param.shape.clone()).collect(), params),
            examples: (0..self.examples)
                .map(|i| Example {
                    inputs: cut(shapes(&model.inputs), &row(&self.inputs, i)),
                    target: model.target.as_ref().map(|t| tensor(&t.shape(), &row(&self.targets, i))),
                    cotangents: cut(shapes(&model.outputs), &row(&self.cotangents, i)),
                })
                .collect(),
        }
    }

    /// The values of the roots that `which` selects: shared ones once, varying ones example by example.
    fn roots(&self, graph: &Graph, params: &[f64], which: impl Fn(Root) -> bool) -> Vec<f64> {
        let values = evaluate(graph, &self.bindings(params));
        let roots: Vec<_> = graph.roots.iter().filter(|(root, _)| which(*root)).collect();
        if roots.iter().all(|(_, id)| !graph[*id].varies) && !roots.iter().any(|(root, _)| per_example(*root))
        {
            return roots.iter().flat_map(|(_, id)| values.shared(*id).iter().copied()).collect();
        }
        (0..self.examples)
            .flat_map(|i| roots.iter().map(move |(_, id)| (i, *id)).collect::<Vec<_>>())
            .flat_map(|(i, id)| values.example(id, i).iter().copied().collect::<Vec<_>>())
            .collect()
    }
}

fn per_example(root: Root) -> bool {
    matches!(root, Root::Output(_) | Root::InputGradient(_))
}

fn cast<T: Real>(values: &[f64]) -> Vec<T> {
    values.iter().copied().map(T::from_f64).collect()
}

/// The largest difference, relative to the largest element but at least to 1e-3.
fn worst<T: Real>(ours: &[T], theirs: &[f64]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    let scale = theirs.iter().fold(1e-3, |scale: f64, value| scale.max(value.abs()));
    let differences = ours.iter().zip(theirs).map(|(a, b)| (a.to_f64() - b).abs() / scale);
    differences.fold(0.0, |worst, d| if d.is_nan() { f64::INFINITY } else { worst.max(d) })
}

struct AgainstReference {
    folder: &'static str,
    bound: f64,
    worst: f64,
    comparisons: usize,
}

impl AgainstReference {
    fn agree<T: Real>(&mut self, name: &str, what: &str, ours: &[T], theirs: &[f64]) {
        let difference = worst(ours, theirs);
        assert!(difference <= self.bound, "{name}: {what} differs by {difference:e}");
        self.worst = self.worst.max(difference);
        self.comparisons += 1;
    }

    fn cases(&self, name: &str) -> Vec<Case> {
        let file = files(self.folder).into_iter().find(|file| file.name == name).expect("the file is there");
        // One example, whole tiles of both lowerings, and tiles that are not full.
        [1, 16, 37, 70].map(|examples| Case::new(&file, examples)).into()
    }

    fn model<M: Pullback>(&mut self, name: &str, case: &Case) -> M {
        let mut model = M::new(1);
        model.params_flat_mut().copy_from_slice(&cast(&case.params));
        let inputs = cast(&case.inputs);
        let mut outputs = vec![M::Scalar::default(); case.examples * M::OUTPUT_LEN];
        let mut workspace = vec![M::Scalar::default(); M::FORWARD_WORKSPACE];
        model.forward(&Batch::inputs(&inputs, M::INPUT_LEN), &mut outputs, &mut workspace);
        let expected = case.roots(&case.program.graph, &case.params, |root| matches!(root, Root::Output(_)));
        self.agree(name, "output", &outputs, &expected);

        let stable = nn_compiler::stable(&case.program);
        let with_params = !case.program.model.has_loss;
        let graph = grad::of_outputs(&stable, with_params).expect("the inputs act smoothly");
        let cotangents = cast(&case.cotangents);
        let batch = Batch::new(&inputs, M::INPUT_LEN, &cotangents, M::OUTPUT_LEN);
        let mut input_gradient = vec![M::Scalar::default(); inputs.len()];
        let mut gradient = vec![M::Scalar::default(); M::PARAM_COUNT];
        let mut workspace = vec![M::Scalar::default(); M::PULLBACK_WORKSPACE];
        model.pullback(&batch, &mut input_gradient, &mut gradient, &mut workspace);
        let expected = case.roots(&graph, &case.params, |root| matches!(root, Root::InputGradient(_)));
        self.agree(name, "input gradient", &input_gradient, &expected);
        if with_params {
            let mean = case.roots(&graph, &case.params, |root| matches!(root, Root::ParamGradient(_)));
            let sum: Vec<f64> = mean.iter().map(|g| g * case.examples as f64).collect();
            self.agree(name, "pulled-back gradient", &gradient, &sum);
        }
        model
    }
}

impl<T: Real> Visitor<T> for AgainstReference {
    fn with_loss<M: Train<Scalar = T> + Pullback + Inspect>(&mut self, name: &str) {
        for case in self.cases(name) {
            let model: M = self.model(name, &case);
            let matrix = |values: &[f64], width: usize| {
                ndarray::Array2::from_shape_vec((case.examples, width), cast::<T>(values))
                    .expect("whole rows")
            };
            let (loss, gradient) = model
                .loss_and_gradient(
                    matrix(&case.inputs, M::INPUT_LEN).view(),
                    matrix(&case.targets, M::TARGET_LEN).view(),
                )
                .expect("the batch fits the model");
            let graph =
                grad::of_loss(&nn_compiler::stable(&case.program)).expect("the model has a derivative");
            // The loss of the graph as the user wrote it, which no rewrite has touched.
            let expected = case.roots(&case.program.graph, &case.params, |root| root == Root::Loss);
            self.agree(name, "loss", &[loss], &expected);
            let expected = case.roots(&graph, &case.params, |root| matches!(root, Root::ParamGradient(_)));
            self.agree(name, "gradient", &gradient, &expected);
        }
    }

    fn without_loss<M: PullbackParams<Scalar = T> + Inspect>(&mut self, name: &str) {
        for case in self.cases(name) {
            let _: M = self.model(name, &case);
        }
    }
}

/// Straight-line code of a hundred scalar operations takes megabytes of stack where nothing is optimised.
#[test]
fn emitted_code_agrees_with_the_interpreter() {
    let big = std::thread::Builder::new().stack_size(1 << 29);
    let thread = big.spawn(compare_with_the_interpreter).expect("a thread can be started");
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

fn compare_with_the_interpreter() {
    let start = |folder, bound| AgainstReference { folder, bound, worst: 0.0, comparisons: 0 };
    let mut double = start("models", 1e-11);
    f64s::visit(&mut double);
    double.folder = "operations";
    operations_f64::visit(&mut double);
    let mut single = start("models", 3e-5);
    f32s::visit(&mut single);
    single.folder = "operations";
    operations_f32::visit(&mut single);
    println!("f64: {} comparisons, worst {:.1e}", double.comparisons, double.worst);
    println!("f32: {} comparisons, worst {:.1e}", single.comparisons, single.worst);
}

#[test]
fn derivatives_agree_with_finite_differences() {
    let mut largest: f64 = 0.0;
    for file in files("models").into_iter().chain(files("operations")) {
        let case = Case::new(&file, 3);
        if !case.program.model.has_loss {
            continue;
        }
        let graph = grad::of_loss(&nn_compiler::stable(&case.program)).expect("the model has a derivative");
        let gradient = case.roots(&graph, &case.params, |root| matches!(root, Root::ParamGradient(_)));
        let scale = gradient.iter().fold(1.0, |scale: f64, g| scale.max(g.abs()));
        let loss = |at: usize, by: f64| {
            let mut params = case.params.clone();
            params[at] += by;
            case.roots(&case.program.graph, &params, |root| root == Root::Loss)[0]
        };
        // Large tensors by samples.
        for at in (0..case.params.len()).step_by(1 + case.params.len() / 60) {
            let h = 1e-6;
            let difference = (loss(at, h) - loss(at, -h)) / (2.0 * h);
            let error = (gradient[at] - difference).abs() / scale;
            assert!(error < 1e-6, "{}: parameter {at}: {} against {difference}", file.name, gradient[at]);
            largest = largest.max(error);
        }
    }
    println!("largest relative difference to central differences: {largest:.1e}");
}

#[test]
fn every_pass_keeps_the_meaning() {
    for file in files("models").into_iter().chain(files("operations")) {
        let case = Case::new(&file, 3);
        let value = |graph: &Graph| {
            let mut values = case.roots(graph, &case.params, |root| matches!(root, Root::Output(_)));
            values.extend(case.roots(graph, &case.params, |root| root == Root::Loss));
            values
        };
        let expected = value(&case.program.graph);
        let mut graph = case.program.graph.clone();
        for pass in optimize::BEFORE.iter().chain(optimize::AFTER) {
            graph = pass.apply(&graph);
            let difference = worst(&value(&graph), &expected);
            assert!(difference < 1e-12, "{}: after `{}`: {difference:e}", file.name, pass.name);
        }
    }
}

#[test]
fn every_operation_is_tried() {
    let mut used = BTreeSet::new();
    for file in files("models").into_iter().chain(files("operations")) {
        let graph = plan(&file.tokens).program.graph;
        used.extend(graph.ids().filter_map(|id| match &graph[id].kind {
            Kind::Op(op, _) => Some(op.name),
            _ => None,
        }));
    }
    for op in ops::ALL.iter().filter(|op| !op.args.is_empty()) {
        assert!(used.contains(op.name), "no model uses `{}`", op.name);
    }
}

#[test]
fn second_derivatives_agree_with_differences_of_the_first() {
    let models = [
        "model A(x) -> y { param w, b; y = sigmoid(x*w + b); loss binary_cross_entropy(y, target); }",
        "model B(x) -> y { param w, v; y = tanh(w*x) * exp(v*x) + w^3; loss mse(y, target); }",
        "model C(x) -> y { param w, v; y = sin(w*x) + sqrt(2 + v*x) * log(3 + w); loss mse(y, target); }",
    ];
    for source in models {
        let file = ModelFile { name: source.to_owned(), tokens: source.parse().expect("tokens") };
        let case = Case::new(&file, 5);
        let stable = nn_compiler::stable(&case.program);
        let first = grad::of_loss(&stable).expect("the model has a derivative");
        let gradient =
            |params: &[f64]| case.roots(&first, params, |root| matches!(root, Root::ParamGradient(_)));
        // Passes open what the first derivation brought in without a rule of its own.
        let open = optimize::run(optimize::AFTER, &first);
        for row in 0..2 {
            let mut graph = open.clone();
            let root = graph.root(Root::ParamGradient(row)).expect("the gradient is there");
            graph.roots.clear();
            let seed = graph.constant(1.0, Shape::scalar());
            let leaf =
                |at: usize| graph.ids().find(|&id| graph[id].kind == Kind::Param(at)).expect("the leaf");
            let wanted = [(leaf(0), Root::ParamGradient(0)), (leaf(1), Root::ParamGradient(1))];
            let second = grad::differentiate(graph, &[(root, seed)], &wanted).expect("a second derivative");
            let hessian = case.roots(&second, &case.params, |root| matches!(root, Root::ParamGradient(_)));
            for (column, value) in hessian.iter().enumerate() {
                let shifted = |by: f64| {
                    let mut params = case.params.clone();
                    params[column] += by;
                    gradient(&params)[row]
                };
                let difference = (shifted(1e-5) - shifted(-1e-5)) / 2e-5;
                assert!((value - difference).abs() < 1e-7, "{source}: {row},{column}: {value} {difference}");
            }
        }
    }
}

/// Logits of ±100 in single precision: loss and gradient are finite and right.
#[test]
fn gradients_survive_extreme_logits() {
    let mut model = f32s::logistic::Logistic::new(1);
    model.params_flat_mut().copy_from_slice(&[100.0, 0.0, 0.0]);
    for (x, target) in [(1.0_f32, 0.0_f32), (1.0, 1.0), (-1.0, 0.0), (-1.0, 1.0)] {
        let inputs = ndarray::arr2(&[[x, 0.5]]);
        let (loss, gradient) = model
            .loss_and_gradient(inputs.view(), ndarray::arr2(&[[target]]).view())
            .expect("a batch of one");
        let y = if x > 0.0 { 1.0 } else { 0.0 };
        assert!((gradient[2] - (y - target)).abs() < 1e-6, "{gradient:?}");
        let expected = if (y - target).abs() > 0.5 { 100.0 } else { 0.0 };
        assert!((loss - expected).abs() < 1e-4, "{loss}");
    }

    let mut model = f32s::softmax_iris::SoftmaxIris::new(1);
    model.params_flat_mut().fill(0.0);
    model.params_flat_mut()[12..15].copy_from_slice(&[100.0, -100.0, 0.0]);
    for class in 0..3_u8 {
        let (loss, gradient) = model
            .loss_and_gradient(
                ndarray::Array2::zeros((1, 4)).view(),
                ndarray::arr2(&[[f32::from(class)]]).view(),
            )
            .expect("a batch of one");
        assert!((loss - [0.0, 200.0, 100.0][usize::from(class)]).abs() < 1e-4, "{loss}");
        for (k, value) in gradient[12..15].iter().enumerate() {
            let expected = f32::from(u8::from(k == 0)) - f32::from(u8::from(k == usize::from(class)));
            assert!((value - expected).abs() < 1e-6, "{gradient:?}");
        }
    }
}

/// The same seed gives the same bits, on any number of threads.
#[test]
fn training_is_reproducible() {
    use nn_runtime::prelude::*;

    let inputs = noise(8, 3000 * 16).into_iter().map(|x| x as f32).collect();
    let inputs = ndarray::Array2::from_shape_vec((3000, 16), inputs).expect("whole rows");
    let labels: Vec<usize> = (0..3000).map(|i| i * 7 % 5).collect();
    let data = Dataset::with_classes(inputs, &labels, &["a", "b", "c", "d", "e"]).expect("a dataset");
    let bits = |threads: usize| -> Vec<u32> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| {
            let mut model = f32s::jet::Jet::new(7);
            let trainer = Trainer::new(Sgd::new(0.05)).epochs(2).batch_size(1024).seed(3);
            trainer.fit(&mut model, &data, None).expect("training ends");
            model.params_flat().iter().map(|param| param.to_bits()).collect()
        })
    };
    let one = bits(1);
    for threads in [1, 2, 3, 8] {
        assert_eq!(one, bits(threads), "{threads} threads");
    }
}
