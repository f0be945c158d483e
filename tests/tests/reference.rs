//! Emitted code against the reference interpreter, the interpreter's derivative against finite differences, and
//! every pass against the graph as the user wrote it: for the models and for every operation.

use nn_compiler::graph::{Graph, Kind, Root};
use nn_compiler::ops::interleave::{DEINTERLEAVE, INTERLEAVE};
use nn_compiler::ops::stop_gradient::STOP_GRADIENT;
use nn_compiler::ops::{Epilogue, Kernel, Op};
use nn_compiler::schedule::Lowering;
use nn_compiler::shape::Shape;
use nn_compiler::{grad, ops, optimize};
use nn_runtime::kernels::{Level, Real, with_level};
use nn_runtime::model::{Batch, Extra, Inspect, Model, Noise, Pullback, PullbackParams, Train};
use nn_runtime::{Gradients, TrainExt};
use nn_tests::case::{Case, cast, noise, worst};
use nn_tests::{
    ModelFile, Visitor, f32s, f64s, files, operations_in_lanes_f64, operations_in_rows_f64,
    operations_in_tiles_f32, plan, random, random_f32, random_f64, random_models, unusual_f32, unusual_f64,
};

/// Models that people write, every operation in every lowering, and what is hard to emit.
const FOLDERS: [&str; 4] = ["models", "operations", "unusual", "random"];

/// Models of random shapes that run through the interpreter alone.
const RANDOM: usize = 300;

/// One example, tiles of both lowerings that are full, and tiles that are not.
const BATCHES: [usize; 6] = [1, 5, 16, 17, 37, 70];

/// Every compiled model at every SIMD level that this processor has.
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
        let program = plan(&file.tokens).program;
        BATCHES.map(|examples| Case::new(&program, examples)).into()
    }

    /// A training step, in which examples have weights and elements are dropped; the batch is visited out of order and
    /// is the second half of its step.
    fn with_extras<M: Train>(&mut self, name: &str, mut case: Case, model: &M) {
        let (noise, before) = (Noise { seed: 11, step: 5 }, 3);
        let weights: Vec<M::Scalar> = cast(&noise_of(case.examples));
        let order: Vec<u32> = (0..case.examples as u32).rev().collect();
        for (i, &row) in order.iter().enumerate() {
            for &extra in M::EXTRAS {
                let mut values = vec![M::Scalar::ONE; extra.len()];
                match extra {
                    Extra::Mask { site, drop, .. } => noise.mask(site, drop, before + i, &mut values),
                    _ => values[0] = weights[row as usize],
                }
                case.extras.extend(values.iter().map(|value| value.to_f64()));
            }
        }
        let mut visited: Vec<u32> = vec![0; before];
        visited.extend(&order);
        let (inputs, targets) = (cast(&case.inputs), cast(&case.targets));
        let batch = Batch::new(&inputs, M::INPUT_LEN, &targets, M::TARGET_LEN).with_weights(&weights);
        let batch = batch.with_order(&visited).with_noise(noise).slice(before..before + case.examples);
        let mut gradients = Gradients::<M>::new(case.examples);

        // The interpreter visits the examples as they come.
        case.inputs = rows_in(&case.inputs, &order);
        case.targets = rows_in(&case.targets, &order);
        let graph = grad::of_loss(&nn_compiler::stable(&case.program)).expect("the model has a derivative");
        let expected_loss = case.roots(&case.program.graph, &case.params, |root| root == Root::Loss);
        let expected = case.roots(&graph, &case.params, |root| matches!(root, Root::ParamGradient(_)));
        each_level(|level| {
            let (loss, gradient) = gradients.loss_and_gradient(model, &batch);
            self.agree(name, &format!("loss in training ({level:?})"), &[loss], &expected_loss);
            self.agree(name, &format!("gradient in training ({level:?})"), gradient, &expected);
        });
    }

    fn model<M: Pullback>(&mut self, name: &str, case: &Case) -> M {
        let mut model = M::new(1);
        model.stored_flat_mut().copy_from_slice(&cast(&case.params));
        let inputs = cast(&case.inputs);
        let settled = case.settled();
        let expected = case.roots(&settled.graph, &case.params, |root| matches!(root, Root::Output(_)));
        each_level(|level| {
            let mut outputs = vec![M::Scalar::default(); case.examples * M::OUTPUT_LEN];
            let mut workspace = vec![M::Scalar::from_f64(f64::NAN); M::FORWARD_WORKSPACE];
            model.forward(&Batch::inputs(&inputs, M::INPUT_LEN), &mut outputs, &mut workspace);
            self.agree(name, &format!("output ({level:?})"), &outputs, &expected);
        });

        let stable = nn_compiler::stable(&settled);
        let with_params = !case.program.model.has_loss;
        let graph = grad::of_outputs(&stable, with_params).expect("the inputs act smoothly");
        let cotangents = cast(&case.cotangents);
        let batch = Batch::new(&inputs, M::INPUT_LEN, &cotangents, M::OUTPUT_LEN);
        let expected = case.roots(&graph, &case.params, |root| matches!(root, Root::InputGradient(_)));
        let mean = case.roots(&graph, &case.params, |root| matches!(root, Root::ParamGradient(_)));
        let sum: Vec<f64> = mean.iter().map(|g| g * case.examples as f64).collect();
        each_level(|level| {
            let mut input_gradient = vec![M::Scalar::default(); inputs.len()];
            let mut gradient = vec![M::Scalar::default(); M::PARAM_COUNT];
            let mut workspace = vec![M::Scalar::from_f64(f64::NAN); M::PULLBACK_WORKSPACE];
            model.pullback(&batch, &mut input_gradient, &mut gradient, &mut workspace);
            self.agree(name, &format!("input gradient ({level:?})"), &input_gradient, &expected);
            if with_params {
                self.agree(name, &format!("pulled-back gradient ({level:?})"), &gradient, &sum);
            }
        });
        model
    }
}

/// Weights of examples, some of them zero.
fn noise_of(examples: usize) -> Vec<f64> {
    noise(8, examples).iter().map(|x| (1.5 * x).max(0.0)).collect()
}

/// The rows in another order.
fn rows_in(values: &[f64], order: &[u32]) -> Vec<f64> {
    let width = values.len() / order.len();
    order.iter().flat_map(|&row| values[row as usize * width..][..width].to_vec()).collect()
}

fn each_level(mut run: impl FnMut(Level)) {
    for level in Level::available() {
        with_level(level, || run(level));
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
            let (inputs, targets) =
                (matrix(&case.inputs, M::INPUT_LEN), matrix(&case.targets, M::TARGET_LEN));
            let graph =
                grad::of_loss(&nn_compiler::stable(&case.program)).expect("the model has a derivative");
            // The loss of the graph as the user wrote it, which no rewrite has touched.
            let expected_loss = case.roots(&case.program.graph, &case.params, |root| root == Root::Loss);
            let expected = case.roots(&graph, &case.params, |root| matches!(root, Root::ParamGradient(_)));
            each_level(|level| {
                let (loss, gradient) =
                    model.loss_and_gradient(inputs.view(), targets.view()).expect("the batch fits the model");
                self.agree(name, &format!("loss ({level:?})"), &[loss], &expected_loss);
                self.agree(name, &format!("gradient ({level:?})"), &gradient, &expected);
            });
            if M::SEES_BATCH {
                let settled = case.settled();
                let expected = case.roots(&settled.graph, &case.params, |root| root == Root::Loss);
                each_level(|level| {
                    let loss = model.loss(inputs.view(), targets.view()).expect("the batch fits the model");
                    self.agree(name, &format!("loss outside of training ({level:?})"), &[loss], &expected);
                });
            }
            if !M::EXTRAS.is_empty() {
                self.with_extras(name, case, &model);
            }
        }
    }

    fn without_loss<M: PullbackParams<Scalar = T> + Inspect>(&mut self, name: &str) {
        for case in self.cases(name) {
            let _: M = self.model(name, &case);
        }
    }
}

#[test]
fn emitted_code_agrees_with_the_interpreter_in_double_precision() {
    on_a_large_stack(|| {
        let mut against = AgainstReference { folder: "models", bound: 1e-12, worst: 0.0, comparisons: 0 };
        f64s::visit(&mut against);
        against.folder = "operations";
        operations_in_rows_f64::visit(&mut against);
        operations_in_lanes_f64::visit(&mut against);
        against.folder = "unusual";
        unusual_f64::visit(&mut against);
        against.folder = "random";
        random_f64::visit(&mut against);
        println!("f64: {} comparisons, worst {:.1e}", against.comparisons, against.worst);
    });
}

#[test]
fn emitted_code_agrees_with_the_interpreter_in_single_precision() {
    on_a_large_stack(|| {
        let mut against = AgainstReference { folder: "models", bound: 1e-5, worst: 0.0, comparisons: 0 };
        f32s::visit(&mut against);
        against.folder = "operations";
        operations_in_tiles_f32::visit(&mut against);
        against.folder = "unusual";
        unusual_f32::visit(&mut against);
        against.folder = "random";
        random_f32::visit(&mut against);
        println!("f32: {} comparisons, worst {:.1e}", against.comparisons, against.worst);
    });
}

/// Straight-line code of a hundred scalar operations takes megabytes of stack where nothing is optimised.
fn on_a_large_stack(test: fn()) {
    let thread = std::thread::Builder::new().stack_size(1 << 29).spawn(test);
    if let Err(panic) = thread.expect("a thread can be started").join() {
        std::panic::resume_unwind(panic);
    }
}

fn all_files() -> impl Iterator<Item = ModelFile> {
    FOLDERS.into_iter().flat_map(files)
}

#[test]
fn derivatives_agree_with_finite_differences() {
    let mut largest: f64 = 0.0;
    for file in all_files() {
        let case = Case::new(&plan(&file.tokens).program, 3);
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
        for at in (0..gradient.len()).step_by(1 + gradient.len() / 60) {
            let h = 1e-6;
            let difference = (loss(at, h) - loss(at, -h)) / (2.0 * h);
            let error = (gradient[at] - difference).abs() / scale;
            assert!(error < 1e-6, "{}: parameter {at}: {} against {difference}", file.name, gradient[at]);
            largest = largest.max(error);
        }
    }
    println!("largest relative difference to central differences: {largest:.1e}");
}

/// Gradients of the outputs, of inputs and of parameters. Those that `stop_gradient` cuts are meant to differ.
#[test]
fn pulled_back_gradients_agree_with_finite_differences() {
    let mut largest: f64 = 0.0;
    for file in all_files().chain(random_models(RANDOM)) {
        let mut case = Case::new(&plan(&file.tokens).program, 3);
        if operations(&case.program.graph).any(|op| *op == STOP_GRADIENT) {
            continue;
        }
        let settled = case.settled();
        let stable = nn_compiler::stable(&settled);
        let graph = grad::of_outputs(&stable, true).expect("the inputs act smoothly");
        let of_inputs = case.roots(&graph, &case.params, |root| matches!(root, Root::InputGradient(_)));
        let of_params = case.roots(&graph, &case.params, |root| matches!(root, Root::ParamGradient(_)));
        let examples = case.examples as f64;
        let weighted = |case: &Case, params: &[f64]| -> f64 {
            let outputs = case.roots(&settled.graph, params, |root| matches!(root, Root::Output(_)));
            outputs.iter().zip(&case.cotangents).map(|(y, weight)| y * weight).sum()
        };
        let h = 1e-6;
        let mut check = |what: &str, gradient: &[f64], at: usize, difference: f64| {
            let scale = gradient.iter().fold(1.0, |scale: f64, g| scale.max(g.abs()));
            let error = (gradient[at] - difference).abs() / scale;
            let name = &file.name;
            assert!(error < 1e-6, "{name}: {what} {at}: {} against {difference}", gradient[at]);
            largest = largest.max(error);
        };
        for at in (0..of_inputs.len()).step_by(1 + of_inputs.len() / 30) {
            let mut shifted = |by: f64| {
                let before = case.inputs[at];
                case.inputs[at] += by;
                let value = weighted(&case, &case.params);
                case.inputs[at] = before;
                value
            };
            let difference = (shifted(h) - shifted(-h)) / (2.0 * h);
            check("input", &of_inputs, at, difference);
        }
        for at in (0..of_params.len()).step_by(1 + of_params.len() / 30) {
            let shifted = |by: f64| {
                let mut params = case.params.clone();
                params[at] += by;
                weighted(&case, &params)
            };
            // The adjoint of what all examples share is that of their mean.
            let difference = (shifted(h) - shifted(-h)) / (2.0 * h) / examples;
            check("parameter", &of_params, at, difference);
        }
    }
    println!("largest relative difference to central differences: {largest:.1e}");
}

/// What the compiler stretches is what ndarray stretches: NumPy's rules, for random shapes on both sides.
#[test]
fn operands_broadcast_as_arrays_do() {
    let mut stretched = 0;
    for number in 0..RANDOM {
        let (a, b) = random::broadcasting(number);
        let source = format!("model M(a: {a:?}, b: {b:?}) -> y {{ y = a - 2*b; }}");
        let case = Case::new(&plan(&source.parse().expect("tokens")).program, 2);
        let ours = case.roots(&case.program.graph, &case.params, |root| matches!(root, Root::Output(_)));
        let (left, right): (usize, usize) = (a.iter().product(), b.iter().product());
        let mut expected = Vec::new();
        for row in case.inputs.chunks(left + right) {
            let a = ndarray::ArrayView::from_shape(&a[..], &row[..left]).expect("the left side");
            let b = ndarray::ArrayView::from_shape(&b[..], &row[left..]).expect("the right side");
            expected.extend((&a - &(&b * 2.0)).iter().copied());
        }
        assert_eq!(ours, expected, "{source}");
        stretched += usize::from(a != b);
    }
    assert!(stretched > RANDOM / 2, "{stretched}");
}

/// Each pass leaves outputs, loss and gradients as they are, whether it runs on the model or on its derivative.
#[test]
fn every_pass_keeps_the_meaning() {
    for file in all_files() {
        let case = Case::new(&plan(&file.tokens).program, 3);
        let value = |graph: &Graph| {
            let of = |which: fn(Root) -> bool| case.roots(graph, &case.params, which);
            let mut values = of(|root| matches!(root, Root::Output(_)));
            values.extend(of(|root| root == Root::Loss));
            values.extend(of(|root| matches!(root, Root::ParamGradient(_))));
            values.extend(of(|root| matches!(root, Root::InputGradient(_))));
            values
        };
        let through = |passes: &[optimize::Pass], mut graph: Graph| {
            let expected = value(&graph);
            for pass in passes {
                graph = pass.apply(graph);
                let difference = worst(&value(&graph), &expected);
                assert!(difference < 1e-12, "{}: after `{}`: {difference:e}", file.name, pass.name);
            }
        };
        through(optimize::BEFORE, case.program.graph.clone());
        let stable = nn_compiler::stable(&case.program);
        through(optimize::AFTER, stable.graph.clone());
        through(optimize::AFTER, grad::of_loss(&stable).expect("the model has a derivative"));
        through(optimize::AFTER, grad::of_outputs(&stable, true).expect("the inputs act smoothly"));
    }
}

/// The operations of a graph.
fn operations(graph: &Graph) -> impl Iterator<Item = &'static Op> {
    graph.ids().filter_map(|id| graph[id].op().map(|(op, _)| op))
}

/// What a user can call is called; what only the compiler makes is made; every operation runs in each lowering that can
/// have it.
#[test]
fn every_operation_is_tried() {
    let (mut called, mut in_lanes, mut in_arrays, mut in_tiles, mut in_blocks) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let in_layouts = files("operations")
        .into_iter()
        .flat_map(|file| ["lanes", "tiles", "rows"].map(|layout| plan(&file.in_layout(layout))));
    for plan in all_files().map(|file| plan(&file.tokens)).chain(in_layouts) {
        called.extend(operations(&plan.program.graph));
        for function in [Some(&plan.forward), plan.training.as_ref(), plan.pullback.as_ref().ok()] {
            let Some(function) = function else { continue };
            let emitted = match function.lowering {
                Lowering::Lanes => &mut in_lanes,
                Lowering::Arrays => &mut in_arrays,
                Lowering::Tiles if function.interleaved.contains(&true) => &mut in_blocks,
                Lowering::Tiles => &mut in_tiles,
            };
            emitted.extend(operations(&function.graph));
        }
    }
    let missing = |ops: &[&'static Op], wanted: &dyn Fn(&Op) -> bool| -> Vec<&str> {
        ops::ALL.iter().filter(|op| wanted(op) && !ops.contains(op)).map(|op| op.name).collect()
    };
    // Gates are what kernels of rows do, and nothing is left to stop once a graph has been differentiated.
    let is_emitted = |op: &Op| !matches!(op.kernel, Kernel::Composite(_)) && *op != STOP_GRADIENT;
    let in_a_lane = |op: &Op| {
        matches!(op.kernel, Kernel::Pointwise) && is_emitted(op) && op.epilogue != Some(Epilogue::Gate)
    };
    assert_eq!(missing(&called, &|op| !op.args.is_empty()), [""; 0], "are called by no model");
    assert_eq!(missing(&in_lanes, &in_a_lane), [""; 0], "are emitted by no model in lanes");
    let is_turn = |op: &Op| [&INTERLEAVE, &DEINTERLEAVE].contains(&op);
    let by_rows = |op: &Op| is_emitted(op) && !is_turn(op);
    // What sees its batch is computed in tiles.
    let is_in_arrays = |op: &Op| by_rows(op) && !matches!(op.kernel, Kernel::Statistic);
    assert_eq!(missing(&in_arrays, &is_in_arrays), [""; 0], "are emitted by no model in arrays");
    assert_eq!(missing(&in_tiles, &by_rows), [""; 0], "are emitted by no model in tiles");
    let in_a_block = |op: &Op| op.interleaved.is_some() || is_turn(op);
    assert_eq!(missing(&in_blocks, &in_a_block), [""; 0], "are emitted by no model with interleaved images");
}

#[test]
fn second_derivatives_agree_with_differences_of_the_first() {
    let models = [
        "model A(x) -> y { param w, b; y = sigmoid(x*w + b); loss binary_cross_entropy(y, target); }",
        "model B(x) -> y { param w, v; y = tanh(w*x) * exp(v*x) + w^3; loss mse(y, target); }",
        "model P(x) -> y { param w, v; y = tanh(w*x)*exp(v*x) + (1 + x^2)^w - (2 + v)^x; loss mse(y, target); }",
        "model C(x) -> y { param w, v; y = sin(w*x) + sqrt(2 + v*x) * log(3 + w); loss mse(y, target); }",
    ];
    for source in models {
        let file = ModelFile { name: source.to_owned(), tokens: source.parse().expect("tokens") };
        let case = Case::new(&plan(&file.tokens).program, 5);
        let stable = nn_compiler::stable(&case.program);
        let first = grad::of_loss(&stable).expect("the model has a derivative");
        let gradient =
            |params: &[f64]| case.roots(&first, params, |root| matches!(root, Root::ParamGradient(_)));
        // Passes open what the first derivation brought in without a rule of its own.
        let open = optimize::run(optimize::AFTER, first.clone());
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
