//! The workloads as this project runs them: for the benches beside, and for the comparison in `peers/`.

pub mod models;
pub mod table;

use std::hint::black_box;

use nn_runtime::model::Batch;
use nn_runtime::prelude::*;
use nn_runtime::{Gradients, Stepper};

use models::{Chain4, Chain24, Jet, Linreg16, Logreg2, MnistBig, MnistSmall, Play};
use table::{Task, Workload};

/// A workload, ready to run.
pub trait Job: Send {
    /// Passes over the whole data, batch after batch in the order of the rows. Inference and gradients repeat the
    /// same one.
    fn epochs(&mut self, count: usize);

    /// The first `count` steps of an epoch, starting again where it ends.
    fn steps(&mut self, count: usize);

    /// What has to agree between frameworks: the loss of the first batch, or the first row's largest output.
    fn check(&mut self) -> f64;
}

/// Makes everything that a workload needs, with the weights that every framework starts from.
///
/// # Panics
/// If the table has a workload whose model is not here.
pub fn job(workload: &'static Workload) -> Box<dyn Job> {
    match (workload.name, workload.task) {
        ("logreg2" | "logreg2_full", _) => train::<Logreg2>(workload),
        ("linreg16", _) => train::<Linreg16>(workload),
        ("mlp_play", _) => train::<Play>(workload),
        ("jet_128" | "jet_1024", _) => train::<Jet>(workload),
        ("mnist_small", _) => train::<MnistSmall>(workload),
        ("mnist_big", _) => train::<MnistBig>(workload),
        ("chain_24", _) => Box::new(Gradient::<Chain24>::new(workload)),
        ("chain_4", _) => train::<Chain4>(workload),
        ("jet_infer1", _) => single(workload, Jet::infer, |y| y.into_iter().fold(0.0, f32::max)),
        ("jet_infer_1024", _) => Box::new(Predict::<Jet>::new(workload)),
        ("logreg2_infer1", _) => single(workload, |model: &Logreg2, &[x1, x2]| model.infer(x1, x2), |y| y),
        (name, _) => panic!("no model for {name}"),
    }
}

/// A model with the weights that every framework starts from.
fn initial<M: Model<Scalar = f32>>(workload: &Workload) -> M {
    let mut model = M::new(0);
    let layers = workload.weights().into_iter();
    let flat: Vec<f32> = layers.flat_map(|(_, out, w)| w.into_iter().chain(vec![0.0; out])).collect();
    model.params_flat_mut().copy_from_slice(&flat);
    model
}

/// Inputs and targets.
struct Data {
    inputs: Vec<f32>,
    targets: Vec<f32>,
    batch: usize,
    features: usize,
    targets_per_row: usize,
}

impl Data {
    fn new(workload: &Workload) -> Self {
        let (inputs, targets) = workload.data();
        let targets_per_row = targets.len() / workload.examples;
        Self { inputs, targets, batch: workload.batch, features: workload.features(), targets_per_row }
    }

    fn all(&self) -> Batch<'_, f32> {
        Batch::new(&self.inputs, self.features, &self.targets, self.targets_per_row)
    }

    fn batches(&self) -> usize {
        self.inputs.len() / (self.features * self.batch)
    }

    fn batch(&self, i: usize) -> Batch<'_, f32> {
        self.all().slice(i * self.batch..(i + 1) * self.batch)
    }
}

fn train<M: Train<Scalar = f32>>(workload: &'static Workload) -> Box<dyn Job> {
    let Task::Train(optimizer, rate) = workload.task else { panic!("{} trains nothing", workload.name) };
    match optimizer {
        table::Optimizer::Sgd => Box::new(Training::<M, _>::new(workload, Sgd::new(rate))),
        table::Optimizer::Momentum => Box::new(Training::<M, _>::new(workload, Sgd::new(rate).momentum(0.9))),
        table::Optimizer::Adam => Box::new(Training::<M, _>::new(workload, Adam::new(rate))),
    }
}

/// Steps of training.
struct Training<M: Train, O: 'static> {
    model: M,
    stepper: Stepper<'static, M, O>,
    data: Data,
}

impl<M: Train<Scalar = f32>, O: Optimizer<f32>> Training<M, O> {
    fn new(workload: &Workload, optimizer: O) -> Self {
        // A stepper borrows its optimiser; a bench lives as long as its process.
        let optimizer: &'static O = Box::leak(Box::new(optimizer));
        let stepper = Stepper::new(optimizer, workload.batch);
        Self { model: initial(workload), stepper, data: Data::new(workload) }
    }
}

impl<M: Train<Scalar = f32>, O: Optimizer<f32>> Job for Training<M, O> {
    fn epochs(&mut self, count: usize) {
        for _ in 0..count {
            for i in 0..self.data.batches() {
                black_box(self.stepper.step(&mut self.model, &self.data.batch(i)));
            }
        }
    }

    fn steps(&mut self, count: usize) {
        for i in 0..count {
            black_box(self.stepper.step(&mut self.model, &self.data.batch(i % self.data.batches())));
        }
    }

    fn check(&mut self) -> f64 {
        let mut gradients = Gradients::new(self.data.batch);
        f64::from(gradients.loss(&self.model, &self.data.batch(0)))
    }
}

/// Loss and gradient, without an update.
struct Gradient<M: Train> {
    model: M,
    gradients: Gradients<M>,
    data: Data,
}

impl<M: Train<Scalar = f32>> Gradient<M> {
    fn new(workload: &Workload) -> Self {
        Self {
            model: initial(workload),
            gradients: Gradients::new(workload.batch),
            data: Data::new(workload),
        }
    }
}

impl<M: Train<Scalar = f32>> Job for Gradient<M> {
    fn epochs(&mut self, count: usize) {
        self.steps(count);
    }

    fn steps(&mut self, count: usize) {
        for _ in 0..count {
            black_box(self.gradients.loss_and_gradient(&self.model, &self.data.batch(0)));
        }
    }

    fn check(&mut self) -> f64 {
        f64::from(self.gradients.loss(&self.model, &self.data.batch(0)))
    }
}

/// Predictions for a matrix of rows, into new memory each time.
struct Predict<M: Model> {
    model: M,
    inputs: ndarray::Array2<f32>,
}

impl<M: Model<Scalar = f32>> Predict<M> {
    fn new(workload: &Workload) -> Self {
        let shape = (workload.examples, workload.features());
        let inputs = ndarray::Array2::from_shape_vec(shape, workload.data().0).unwrap();
        Self { model: initial(workload), inputs }
    }
}

impl<M: Model<Scalar = f32>> Job for Predict<M> {
    fn epochs(&mut self, count: usize) {
        self.steps(count);
    }

    fn steps(&mut self, count: usize) {
        for _ in 0..count {
            black_box(self.model.predict(black_box(self.inputs.view())).unwrap());
        }
    }

    fn check(&mut self) -> f64 {
        let outputs = self.model.predict(self.inputs.view()).unwrap();
        f64::from(outputs.row(0).iter().fold(0.0, |most: f32, &y| most.max(y)))
    }
}

/// One example at a time, as `infer` takes it.
struct Single<M, const N: usize, F, R> {
    model: M,
    input: [f32; N],
    infer: F,
    largest: fn(R) -> f32,
}

fn single<M: Model<Scalar = f32>, const N: usize, R: 'static>(
    workload: &Workload,
    infer: impl Fn(&M, &[f32; N]) -> R + Send + 'static,
    largest: fn(R) -> f32,
) -> Box<dyn Job> {
    let input = workload.data().0.try_into().unwrap();
    Box::new(Single { model: initial(workload), input, infer, largest })
}

impl<M: Model, const N: usize, F: Fn(&M, &[f32; N]) -> R + Send, R> Job for Single<M, N, F, R> {
    fn epochs(&mut self, count: usize) {
        self.steps(count);
    }

    fn steps(&mut self, count: usize) {
        for _ in 0..count {
            black_box((self.infer)(&self.model, black_box(&self.input)));
        }
    }

    fn check(&mut self) -> f64 {
        f64::from((self.largest)((self.infer)(&self.model, &self.input)))
    }
}
