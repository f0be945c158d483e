//! A model with numbers to try it on: parameters, a batch, cotangents, flat and as the interpreter takes them.

use nn_compiler::build::Program;
use nn_compiler::graph::{Graph, Root};
use nn_compiler::interpret::{Bindings, Example, evaluate};
use nn_compiler::model::{Extra, Target, Variable};
use nn_compiler::ops::Tensor;
use nn_compiler::shape::Shape;
use nn_runtime::kernels::Real;

/// Numbers between -1 and 1, off the grid of kinks, the same in both precisions.
pub fn noise(seed: u64, count: usize) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(((state >> 40) as f32 / 8_388_608.0) - 1.0)
    };
    (0..count).map(|_| next()).collect()
}

/// Parameters and a batch for a model, flat and row-major.
pub struct Case {
    /// The model.
    pub program: Program,
    /// Its parameters, then its states.
    pub params: Vec<f64>,
    /// The inputs of each example.
    pub inputs: Vec<f64>,
    /// The target of each example, a class as a whole number.
    pub targets: Vec<f64>,
    /// What each example brings along in training, in the order of the model's list; ones are left out.
    pub extras: Vec<f64>,
    /// What the outputs of each example are weighted with.
    pub cotangents: Vec<f64>,
    /// The examples of the batch.
    pub examples: usize,
}

impl Case {
    /// Numbers for a model and a batch of so many examples.
    pub fn new(program: &Program, examples: usize) -> Self {
        let model = &program.model;
        let width = |variables: &[Variable]| -> usize {
            variables.iter().map(|variable| variable.shape.count()).sum()
        };
        let raw = |count: usize| noise(5, examples * count);
        let targets: Vec<f64> = match &model.target {
            None => Vec::new(),
            Some(Target::Values(shape)) => raw(shape.count()),
            Some(Target::Binary(shape)) => raw(shape.count()).iter().map(|x| f64::from(*x > 0.0)).collect(),
            Some(Target::Class(classes)) => (0..examples).map(|i| (i * 7 % classes) as f64).collect(),
        };
        let (inputs, outputs) = (width(&model.inputs), width(&model.outputs));
        // As single precision has them, so that both start from the same numbers.
        let rounded = |x: &f64| f64::from((0.6 * x) as f32);
        Self {
            params: noise(3, model.param_count())
                .iter()
                .map(rounded)
                // A state may be a variance.
                .chain(noise(7, model.state_count()).iter().map(|x| 0.5 + rounded(x).abs()))
                .collect(),
            inputs: noise(4, examples * inputs),
            targets,
            extras: Vec::new(),
            cotangents: noise(6, examples * outputs),
            examples,
            program: program.clone(),
        }
    }

    /// The model outside of training: as the user wrote it, unless there are states to stand for what is known of a batch.
    pub fn settled(&self) -> Program {
        if self.program.model.states().is_empty() {
            return self.program.clone();
        }
        let stable = nn_compiler::stable(&self.program);
        Program { graph: stable.graph.settled(), ..stable }
    }

    /// The leaves of the model's graphs, with these parameters.
    fn bindings(&self, params: &[f64]) -> Bindings {
        let model = &self.program.model;
        let row = |values: &[f64], i: usize| {
            let width = values.len() / self.examples;
            values[i * width..(i + 1) * width].to_vec()
        };
        let shapes = |variables: &[Variable]| -> Vec<Shape> {
            variables.iter().map(|variable| variable.shape.clone()).collect()
        };
        let example = |i| Example {
            inputs: cut(&shapes(&model.inputs), &row(&self.inputs, i)),
            target: model.target.as_ref().map(|target| tensor(&target.shape(), &row(&self.targets, i))),
            extras: if self.extras.is_empty() {
                Vec::new()
            } else {
                let shapes: Vec<Shape> = model.extras.iter().map(Extra::shape).collect();
                cut(&shapes, &row(&self.extras, i))
            },
            cotangents: cut(&shapes(&model.outputs), &row(&self.cotangents, i)),
        };
        let param_shapes: Vec<Shape> = model.params.iter().map(|param| param.shape.clone()).collect();
        Bindings { params: cut(&param_shapes, params), examples: (0..self.examples).map(example).collect() }
    }

    /// The values of the roots that `which` selects: shared ones once, varying ones example by example.
    pub fn roots(&self, graph: &Graph, params: &[f64], which: impl Fn(Root) -> bool) -> Vec<f64> {
        let values = evaluate(graph, &self.bindings(params));
        let roots: Vec<_> = graph.roots.iter().filter(|(root, _)| which(*root)).collect();
        let per_example = |root: Root| matches!(root, Root::Output(_) | Root::InputGradient(_));
        if roots.iter().all(|(root, id)| !graph[*id].varies && !per_example(*root)) {
            return roots.iter().flat_map(|(_, id)| values.shared(*id).iter().copied()).collect();
        }
        (0..self.examples)
            .flat_map(|i| roots.iter().map(move |(_, id)| (i, *id)).collect::<Vec<_>>())
            .flat_map(|(i, id)| values.example(id, i).iter().copied().collect::<Vec<_>>())
            .collect()
    }
}

fn tensor(shape: &Shape, values: &[f64]) -> Tensor {
    Tensor::from_shape_vec(&shape[..], values.to_vec()).expect("as many values as the shape says")
}

/// Tensors of these shapes, one after the other.
fn cut(shapes: &[Shape], mut values: &[f64]) -> Vec<Tensor> {
    let next = |shape: &Shape| {
        let (first, rest) = values.split_at(shape.count());
        values = rest;
        tensor(shape, first)
    };
    shapes.iter().map(next).collect()
}

/// In the model's precision.
pub fn cast<T: Real>(values: &[f64]) -> Vec<T> {
    values.iter().copied().map(T::from_f64).collect()
}

/// The largest difference, relative to the largest element but at least to 1e-3.
///
/// # Panics
/// If there are not as many of one as of the other.
pub fn worst<T: Real>(ours: &[T], theirs: &[f64]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    let scale = theirs.iter().fold(1e-3, |scale: f64, value| scale.max(value.abs()));
    let differences = ours.iter().zip(theirs).map(|(a, b)| (a.to_f64() - b).abs() / scale);
    // A NaN is the worst difference there is.
    differences.fold(0.0, |worst, d| if d.is_nan() { f64::INFINITY } else { worst.max(d) })
}
