//! candle on the processor. Its descent has no momentum: that one is written here with its tensors.

use candle_core::{DType, Device, Result, Tensor, Var, backprop::GradStore};
use candle_nn::{AdamW, Linear, Module, Optimizer as _, ParamsAdamW, SGD, loss, ops};
use common::{Activation, CHECK_STEPS, Loss, Optimizer, Run, Task, Workload};

struct Net {
    layers: Vec<Linear>,
    activation: Activation,
    variables: Vec<Var>,
}

impl Net {
    fn new(workload: &Workload) -> Result<Self> {
        let device = &Device::Cpu;
        let (mut layers, mut variables) = (Vec::new(), Vec::new());
        for (rows, columns, weights) in workload.weights() {
            // candle keeps the weight of a layer as `[out, in]`.
            let weight = Tensor::from_vec(weights, (rows, columns), device)?.t()?.contiguous()?;
            let weight = Var::from_tensor(&weight)?;
            let bias = Var::zeros(columns, DType::F32, device)?;
            layers.push(Linear::new(weight.as_tensor().clone(), Some(bias.as_tensor().clone())));
            variables.extend([weight, bias]);
        }
        Ok(Self { layers, activation: workload.activation, variables })
    }

    /// Records no graph.
    fn detached(&self) -> Self {
        let layer = |layer: &Linear| Linear::new(layer.weight().detach(), layer.bias().map(Tensor::detach));
        Self { layers: self.layers.iter().map(layer).collect(), variables: Vec::new(), ..*self }
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let mut x = x.clone();
        for (i, layer) in self.layers.iter().enumerate() {
            x = layer.forward(&x)?;
            if i + 1 < self.layers.len() {
                x = match self.activation {
                    Activation::Relu => x.relu()?,
                    Activation::Tanh => x.tanh()?,
                    Activation::None => x,
                };
            }
        }
        Ok(x)
    }
}

enum Update {
    Sgd(SGD),
    Adam(AdamW),
    /// Variables with their velocities, and the learning rate.
    Momentum(Vec<(Var, Option<Tensor>)>, f64),
}

impl Update {
    fn step(&mut self, gradients: &GradStore) -> Result<()> {
        match self {
            Self::Sgd(sgd) => sgd.step(gradients),
            Self::Adam(adam) => adam.step(gradients),
            Self::Momentum(variables, rate) => {
                for (variable, velocity) in variables {
                    let gradient = gradients.get(variable).unwrap().clone();
                    let next = match velocity {
                        Some(velocity) => ((&*velocity * 0.9)? + gradient)?,
                        None => gradient,
                    };
                    let next = next.detach();
                    variable.set(&(variable.as_tensor() - (&next * *rate)?)?)?;
                    *velocity = Some(next);
                }
                Ok(())
            }
        }
    }
}

fn infer(run: &Run) -> Result<()> {
    let workload = run.workload;
    let net = Net::new(workload)?.detached();
    let shape = (workload.examples, workload.features());
    let inputs = Tensor::from_vec(workload.data().0, shape, &Device::Cpu)?;
    let predict = || -> Result<Tensor> {
        let output = net.forward(&inputs)?;
        match workload.loss {
            Loss::BinaryCrossEntropy => ops::sigmoid(&output),
            _ => ops::softmax(&output, 1),
        }
    };
    let check = predict()?.get(0)?.max(0)?.to_scalar::<f32>()?;
    run.report(f64::from(check), "", |count| {
        for _ in 0..count {
            std::hint::black_box(predict().unwrap());
        }
    });
    Ok(())
}

fn main() -> Result<()> {
    let run = Run::new("candle", "0.11.1");
    let workload = run.workload;
    let Task::Train(optimizer, rate) = workload.task else { return infer(&run) };
    let net = Net::new(workload)?;
    let (x, y) = workload.data();
    let (size, features) = (workload.batch, workload.features());
    let batches: Vec<(Tensor, Tensor)> = x
        .chunks(size * features)
        .zip(y.chunks(size))
        .map(|(x, y)| {
            let targets = match workload.loss {
                Loss::CrossEntropy => {
                    let classes = y.iter().map(|&v| v as u32).collect();
                    Tensor::from_vec::<_, u32>(classes, size, &Device::Cpu)?
                }
                _ => Tensor::from_slice(y, (size, 1), &Device::Cpu)?,
            };
            Ok((Tensor::from_slice(x, (size, features), &Device::Cpu)?, targets))
        })
        .collect::<Result<_>>()?;
    let of_batch = |(x, y): &(Tensor, Tensor)| -> Result<Tensor> {
        let output = net.forward(x)?;
        match workload.loss {
            Loss::BinaryCrossEntropy => loss::binary_cross_entropy_with_logit(&output, y),
            Loss::MeanSquaredError => loss::mse(&output, y),
            Loss::CrossEntropy => loss::cross_entropy(&output, y),
        }
    };
    let variables = net.variables.clone();
    let mut update = match optimizer {
        Optimizer::Sgd => Update::Sgd(SGD::new(variables, rate)?),
        Optimizer::Adam => {
            let settings = ParamsAdamW { lr: rate, weight_decay: 0.0, ..Default::default() };
            Update::Adam(AdamW::new(variables, settings)?)
        }
        Optimizer::Momentum => Update::Momentum(variables.into_iter().map(|v| (v, None)).collect(), rate),
    };
    let mut step =
        |batch: &(Tensor, Tensor)| update.step(&of_batch(batch).unwrap().backward().unwrap()).unwrap();
    for i in 0..CHECK_STEPS {
        step(&batches[i % batches.len()]);
    }
    let check = of_batch(&batches[0])?.to_scalar::<f32>()?;
    run.report(f64::from(check), "", |count| {
        for _ in 0..count {
            batches.iter().for_each(&mut step);
        }
    });
    Ok(())
}
