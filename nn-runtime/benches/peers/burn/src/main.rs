//! burn on Flex, its backend for processors in Rust alone, with the features `simd` and `rayon`.

use burn::module::{Module, Param};
use burn::nn::loss::{BinaryCrossEntropyLossConfig, CrossEntropyLossConfig, MseLoss, Reduction};
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer, SgdConfig, momentum::MomentumConfig};
use burn::tensor::{Device, Int, Tensor, TensorData, activation};
use common::{Activation, CHECK_STEPS, Loss, Optimizer, Run, Task, Workload};

#[derive(Module, Debug)]
struct Net {
    layers: Vec<Linear>,
}

fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), device)
}

impl Net {
    fn new(workload: &Workload, device: &Device) -> Self {
        let layer = |(rows, columns, weights)| {
            let mut layer = LinearConfig::new(rows, columns).init(device);
            layer.weight = Param::from_tensor(tensor(weights, [rows, columns], device));
            layer.bias = Some(Param::from_tensor(tensor(vec![0.0; columns], [columns], device)));
            layer
        };
        Self { layers: workload.weights().into_iter().map(layer).collect() }
    }

    fn forward(&self, mut x: Tensor<2>, kind: Activation) -> Tensor<2> {
        for (i, layer) in self.layers.iter().enumerate() {
            x = layer.forward(x);
            if i + 1 < self.layers.len() {
                x = match kind {
                    Activation::Relu => activation::relu(x),
                    Activation::Tanh => activation::tanh(x),
                    Activation::None => x,
                };
            }
        }
        x
    }
}

/// A batch with its targets in the three types that losses ask for.
struct Batch {
    inputs: Tensor<2>,
    values: Tensor<2>,
    flags: Tensor<2, Int>,
    classes: Tensor<1, Int>,
}

fn infer(run: &Run) {
    let workload = run.workload;
    let device = Device::flex();
    let net = Net::new(workload, &device);
    let inputs = tensor(workload.data().0, [workload.examples, workload.features()], &device);
    let predict = || {
        let output = net.forward(inputs.clone(), workload.activation);
        match workload.loss {
            Loss::BinaryCrossEntropy => activation::sigmoid(output),
            _ => activation::softmax(output, 1),
        }
    };
    let check = predict().slice([0..1]).max().into_scalar::<f32>();
    run.report(f64::from(check), "", |count| {
        for _ in 0..count {
            std::hint::black_box(predict());
        }
    });
}

fn main() {
    let run = Run::new("burn", "0.22.1 flex");
    let workload = run.workload;
    let Task::Train(optimizer, rate) = workload.task else { return infer(&run) };
    let device = Device::flex().autodiff();
    let (x, y) = workload.data();
    let (size, features) = (workload.batch, workload.features());
    let batch = |(x, y): (&[f32], &[f32])| {
        let whole: Vec<i64> = y.iter().map(|&v| v as i64).collect();
        Batch {
            inputs: tensor(x.to_vec(), [size, features], &device),
            values: tensor(y.to_vec(), [size, 1], &device),
            flags: Tensor::from_data(TensorData::new(whole.clone(), [size, 1]), &device),
            classes: Tensor::from_data(TensorData::new(whole, [size]), &device),
        }
    };
    let batches: Vec<Batch> = x.chunks(size * features).zip(y.chunks(size)).map(batch).collect();
    let cross_entropy = CrossEntropyLossConfig::new().init(&device);
    let binary = BinaryCrossEntropyLossConfig::new().with_logits(true).init(&device);
    let loss = |net: &Net, batch: &Batch| -> Tensor<1> {
        let output = net.forward(batch.inputs.clone(), workload.activation);
        match workload.loss {
            Loss::BinaryCrossEntropy => binary.forward(output, batch.flags.clone()),
            Loss::MeanSquaredError => MseLoss::new().forward(output, batch.values.clone(), Reduction::Mean),
            Loss::CrossEntropy => cross_entropy.forward(output, batch.classes.clone()),
        }
    };
    let mut update: ModuleOptimizer = match optimizer {
        Optimizer::Sgd => SgdConfig::new().init(),
        Optimizer::Momentum => {
            let momentum = MomentumConfig::new().with_momentum(0.9).with_dampening(0.0);
            SgdConfig::new().with_momentum(Some(momentum)).init()
        }
        Optimizer::Adam => AdamConfig::new().with_beta_2(0.999).with_epsilon(1e-8).init(),
    };
    // An update takes the model and gives another one.
    let mut net = Some(Net::new(workload, &device));
    let mut step = |net: &mut Option<Net>, batch: &Batch| {
        let old = net.take().unwrap();
        let gradients = GradientsParams::from_grads(loss(&old, batch).backward(), &old);
        *net = Some(update.step(rate, old, gradients));
    };
    for i in 0..CHECK_STEPS {
        step(&mut net, &batches[i % batches.len()]);
    }
    let check = loss(net.as_ref().unwrap(), &batches[0]).into_scalar::<f32>();
    run.report(f64::from(check), "", |count| {
        for _ in 0..count {
            for batch in &batches {
                step(&mut net, batch);
            }
        }
    });
}
