//! dfdx: tensors and models whose shapes are types.

use common::{CHECK_STEPS, Loss, Run, Task};
use dfdx::optim::{Adam, AdamConfig, Momentum, Sgd, SgdConfig};
use dfdx::prelude::*;

type Logistic = (Linear<2, 1>,);
type Line = (Linear<16, 1>,);
type Play = (Linear<2, 8>, Tanh, Linear<8, 8>, Tanh, Linear<8, 1>);
type Jet = ((Linear<16, 64>, ReLU), (Linear<64, 32>, ReLU), (Linear<32, 32>, ReLU), Linear<32, 5>);
type MnistSmall = (Linear<784, 128>, ReLU, Linear<128, 10>);
type MnistBig = (Linear<784, 512>, ReLU, Linear<512, 512>, ReLU, Linear<512, 10>);

/// dfdx keeps the weight of a layer as `[out, in]`.
fn transposed(weights: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    (0..rows * columns).map(|k| weights[(k % rows) * columns + k / rows]).collect()
}

/// A model of the given type, whose layers are at the given fields, with the initial weights.
macro_rules! initial {
    ($run:expr, $device:expr, $Net:ty, [$(($($field:tt)+)),*]) => {{
        let mut net = $device.build_module::<$Net, f32>();
        let mut layers = $run.workload.weights().into_iter();
        $(
            let (rows, columns, weights) = layers.next().unwrap();
            net $(.$field)+ .weight.copy_from(&transposed(&weights, rows, columns));
            net $(.$field)+ .bias.copy_from(&vec![0.0; columns]);
        )*
        net
    }};
}

macro_rules! train {
    ($run:expr, $Net:ty, [$batch:literal, $features:literal, $outputs:literal], $layers:tt) => {{
        let (run, workload) = ($run, $run.workload);
        let device = Cpu::default();
        let mut net = initial!(run, device, $Net, $layers);
        let (x, y) = workload.data();
        let rows = x.chunks($batch * $features).zip(y.chunks($batch));
        let batches: Vec<_> = rows
            .map(|(x, y)| {
                let one_hot =
                    |&class: &f32| (0..$outputs).map(move |k| f32::from(u8::from(k == class as usize)));
                let targets = match workload.loss {
                    Loss::CrossEntropy => y.iter().flat_map(one_hot).collect(),
                    _ => y.to_vec(),
                };
                (
                    device.tensor_from_vec(x.to_vec(), (Const::<$batch>, Const::<$features>)),
                    device.tensor_from_vec(targets, (Const::<$batch>, Const::<$outputs>)),
                )
            })
            .collect();
        enum Update<M> {
            Sgd(Sgd<M, f32, Cpu>),
            Adam(Adam<M, f32, Cpu>),
        }
        let Task::Train(optimizer, lr) = workload.task else { run.skip("unreachable") };
        let mut update = match optimizer {
            common::Optimizer::Adam => Update::Adam(Adam::new(&net, AdamConfig { lr, ..Default::default() })),
            other => {
                let momentum = (other == common::Optimizer::Momentum).then_some(Momentum::Classic(0.9));
                Update::Sgd(Sgd::new(&net, SgdConfig { lr, momentum, weight_decay: None }))
            }
        };
        let mut gradients = Some(net.alloc_grads());
        macro_rules! loss {
            ($output:expr, $target:expr) => {
                match workload.loss {
                    Loss::BinaryCrossEntropy => binary_cross_entropy_with_logits_loss($output, $target),
                    Loss::MeanSquaredError => mse_loss($output, $target),
                    Loss::CrossEntropy => cross_entropy_with_logits_loss($output, $target),
                }
            };
        }
        macro_rules! step {
            ($i:expr) => {{
                let (x, target) = &batches[$i];
                let output = net.forward_mut(x.clone().traced(gradients.take().unwrap()));
                let mut found = loss!(output, target.clone()).backward();
                match &mut update {
                    Update::Sgd(sgd) => sgd.update(&mut net, &found).unwrap(),
                    Update::Adam(adam) => adam.update(&mut net, &found).unwrap(),
                }
                net.zero_grads(&mut found);
                gradients = Some(found);
            }};
        }
        for i in 0..CHECK_STEPS {
            step!(i % batches.len());
        }
        let check = loss!(net.forward(batches[0].0.clone()), batches[0].1.clone()).array();
        run.report(f64::from(check), "", |count| {
            for _ in 0..count {
                for i in 0..batches.len() {
                    step!(i);
                }
            }
        });
    }};
}

macro_rules! infer {
    ($run:expr, $Net:ty, [$batch:literal, $features:literal], $head:ident, $layers:tt) => {{
        let run = $run;
        let device = Cpu::default();
        let net = initial!(run, device, $Net, $layers);
        let x = device.tensor_from_vec(run.workload.data().0, (Const::<$batch>, Const::<$features>));
        let predict = || $head(net.forward(x.clone()));
        let check =
            predict().as_vec()[..run.workload.outputs()].iter().fold(0.0, |most: f32, &y| most.max(y));
        run.report(f64::from(check), "", |count| {
            for _ in 0..count {
                std::hint::black_box(predict());
            }
        });
    }};
}

fn softmax<const B: usize>(x: Tensor<Rank2<B, 5>, f32, Cpu>) -> Tensor<Rank2<B, 5>, f32, Cpu> {
    x.softmax::<Axis<1>>()
}

fn sigmoid(x: Tensor<Rank2<1, 1>, f32, Cpu>) -> Tensor<Rank2<1, 1>, f32, Cpu> {
    x.sigmoid()
}

fn main() {
    let run = &Run::new("dfdx", "0.13.0");
    dfdx::flush_denormals_to_zero();
    match run.workload.name {
        "logreg2" => train!(run, Logistic, [32, 2, 1], [(0)]),
        "logreg2_full" => train!(run, Logistic, [1024, 2, 1], [(0)]),
        "linreg16" => train!(run, Line, [128, 16, 1], [(0)]),
        "mlp_play" => train!(run, Play, [32, 2, 1], [(0), (2), (4)]),
        "jet_128" => train!(run, Jet, [128, 16, 5], [(0 0), (1 0), (2 0), (3)]),
        "jet_1024" => train!(run, Jet, [1024, 16, 5], [(0 0), (1 0), (2 0), (3)]),
        "mnist_small" => train!(run, MnistSmall, [64, 784, 10], [(0), (2)]),
        "mnist_big" => train!(run, MnistBig, [128, 784, 10], [(0), (2), (4)]),
        "jet_infer1" => infer!(run, Jet, [1, 16], softmax, [(0 0), (1 0), (2 0), (3)]),
        "jet_infer_1024" => infer!(run, Jet, [1024, 16], softmax, [(0 0), (1 0), (2 0), (3)]),
        "logreg2_infer1" => infer!(run, Logistic, [1, 2], sigmoid, [(0)]),
        _ => run.skip("not written"),
    }
}
