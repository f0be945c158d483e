//! What is measured: networks, data, initial weights and optimisers.
//!
//! Needs nothing but the standard library, because the other frameworks of `peers/` include it too;
//! `peers/python/common.py` makes the same numbers.

/// What follows every layer but the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    None,
    Tanh,
    Relu,
}

/// The mean over the batch of this is minimised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Of one probability, the sigmoid of the last layer.
    BinaryCrossEntropy,
    /// Of the last layer itself.
    MeanSquaredError,
    /// Of the softmax of the last layer.
    CrossEntropy,
}

/// What is done with a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Task {
    /// Forward, backward, and an update of the parameters.
    Train(Optimizer, f64),
    /// Loss and gradient.
    Gradient,
    /// Probabilities.
    Infer,
}

/// How parameters follow their gradient. The learning rate stands beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Optimizer {
    Sgd,
    /// With a momentum of 0.9.
    Momentum,
    /// With the decay rates 0.9 and 0.999 and an epsilon of 1e-8.
    Adam,
}

/// One thing to measure.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    pub name: &'static str,
    /// Features, then the width of each layer.
    pub sizes: &'static [usize],
    pub activation: Activation,
    pub loss: Loss,
    pub examples: usize,
    pub batch: usize,
    pub task: Task,
}

/// Steps after which the loss of the first batch is compared.
pub const CHECK_STEPS: usize = 64;

const JET: &[usize] = &[16, 64, 32, 32, 5];

const fn workload(
    name: &'static str,
    sizes: &'static [usize],
    activation: Activation,
    loss: Loss,
    [examples, batch]: [usize; 2],
    task: Task,
) -> Workload {
    Workload { name, sizes, activation, loss, examples, batch, task }
}

/// All of them. The two chains are those that SimpleChains.jl is known for, and are not in `peers/`.
pub const WORKLOADS: &[Workload] = {
    use Activation::{None, Relu, Tanh};
    use Loss::{BinaryCrossEntropy, CrossEntropy, MeanSquaredError};
    use Optimizer::{Adam, Momentum, Sgd};
    use Task::{Gradient, Infer, Train};
    &[
        workload("logreg2", &[2, 1], None, BinaryCrossEntropy, [1024, 32], Train(Sgd, 0.1)),
        workload("logreg2_full", &[2, 1], None, BinaryCrossEntropy, [1024, 1024], Train(Sgd, 0.1)),
        workload("linreg16", &[16, 1], None, MeanSquaredError, [4096, 128], Train(Sgd, 0.05)),
        workload("mlp_play", &[2, 8, 8, 1], Tanh, BinaryCrossEntropy, [1024, 32], Train(Sgd, 0.1)),
        workload("jet_128", JET, Relu, CrossEntropy, [8192, 128], Train(Adam, 1e-3)),
        workload("jet_1024", JET, Relu, CrossEntropy, [8192, 1024], Train(Adam, 1e-3)),
        workload("mnist_small", &[784, 128, 10], Relu, CrossEntropy, [2048, 64], Train(Momentum, 0.01)),
        workload("mnist_big", &[784, 512, 512, 10], Relu, CrossEntropy, [2048, 128], Train(Adam, 1e-3)),
        workload("chain_24", &[24, 8, 2], Tanh, MeanSquaredError, [200, 200], Gradient),
        workload("chain_4", &[4, 32, 16, 4], Tanh, MeanSquaredError, [10_000, 10_000], Train(Adam, 1e-3)),
        workload("jet_infer1", JET, Relu, CrossEntropy, [1, 1], Infer),
        workload("jet_infer_1024", JET, Relu, CrossEntropy, [1024, 1024], Infer),
        workload("logreg2_infer1", &[2, 1], None, BinaryCrossEntropy, [1, 1], Infer),
    ]
};

impl Workload {
    /// The workload of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        WORKLOADS.iter().find(|workload| workload.name == name)
    }

    /// Scalars of the inputs of one example.
    pub fn features(&self) -> usize {
        self.sizes[0]
    }

    /// Width of the last layer.
    pub fn outputs(&self) -> usize {
        self.sizes[self.sizes.len() - 1]
    }

    /// Steps that see every example once.
    pub fn steps(&self) -> usize {
        self.examples / self.batch
    }

    /// Inputs, `[examples, features]`, and targets, as real numbers: zeros and ones, values, or class indices.
    pub fn data(&self) -> (Vec<f32>, Vec<f32>) {
        let (features, outputs) = (self.features(), self.outputs());
        let count = self.examples * features;
        // Images are not negative.
        let inputs = if features == 784 { uniform(1, count) } else { symmetric(1, count) };
        let rows = inputs.chunks(features);
        let targets = match self.loss {
            Loss::BinaryCrossEntropy => {
                let score =
                    |row: &[f32]| if self.sizes.len() > 2 { row[0] * row[1] } else { row[0] + row[1] };
                rows.map(|row| f32::from(u8::from(score(row) > 0.0))).collect()
            }
            Loss::MeanSquaredError => {
                let directions = symmetric(7, features * outputs);
                let mut noise = symmetric(8, self.examples * outputs).into_iter();
                rows.flat_map(|row| directions.chunks(features).map(move |direction| (row, direction)))
                    .map(|(row, direction)| {
                        let exact: f32 = row.iter().zip(direction).map(|(x, d)| x * d).sum();
                        exact + 0.1 * noise.next().unwrap()
                    })
                    .collect()
            }
            Loss::CrossEntropy => {
                let largest =
                    |row: &[f32]| (1..outputs).fold(0, |best, i| if row[i] > row[best] { i } else { best });
                rows.map(|row| largest(row) as f32).collect()
            }
        };
        (inputs, targets)
    }

    /// The weights of each layer with their numbers of rows and columns, row-major `[in, out]`, uniform in
    /// ±1/√in. Biases start at zero.
    pub fn weights(&self) -> Vec<(usize, usize, Vec<f32>)> {
        let layer = |(k, pair): (usize, &[usize])| {
            let (rows, columns) = (pair[0], pair[1]);
            let scale = (1.0 / (rows as f64).sqrt()) as f32;
            let weights = symmetric(100 + k as u64, rows * columns).into_iter().map(|w| w * scale).collect();
            (rows, columns, weights)
        };
        self.sizes.windows(2).enumerate().map(layer).collect()
    }
}

/// Numbers in [0, 1): a counter through `SplitMix64`, which any language can repeat.
fn uniform(seed: u64, count: usize) -> Vec<f32> {
    let start = seed.wrapping_mul(0xd134_2543_de82_ef95);
    let number = |i: u64| {
        let mut z = i.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(start);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        (z >> 40) as f32 / 16_777_216.0
    };
    (1..=count as u64).map(number).collect()
}

/// Numbers in [-1, 1).
fn symmetric(seed: u64, count: usize) -> Vec<f32> {
    uniform(seed, count).into_iter().map(|u| u * 2.0 - 1.0).collect()
}
