//! Outputs, losses and gradients against PyTorch; see `golden/README.md`.

use std::fs;

use nn_runtime::kernels::Real;
use nn_runtime::model::{Batch, Inspect, Model, Pullback, PullbackParams, Train};
use nn_runtime::{PullbackExt, TrainExt};
use nn_tests::{Visitor, f32s, f64s, root};
use serde_json::Value;

/// The largest difference, relative to the largest element of the array.
fn worst(ours: &[f64], theirs: &[f64]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    let scale = theirs.iter().fold(f64::MIN_POSITIVE, |scale, value| scale.max(value.abs()));
    ours.iter().zip(theirs).fold(0.0, |worst: f64, (a, b)| {
        // A NaN is the worst difference there is.
        let difference = (a - b).abs() / scale;
        if difference.is_nan() { f64::INFINITY } else { worst.max(difference) }
    })
}

struct Golden(Value);

impl Golden {
    fn read(name: &str) -> Self {
        let path = root().join(format!("golden/{name}.json"));
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self(serde_json::from_str(&text).expect("golden files are JSON"))
    }

    /// A matrix, flattened.
    fn rows(&self, key: &str) -> Vec<f64> {
        let rows = self.0[key].as_array().expect("an array of rows");
        rows.iter()
            .flat_map(|row| row.as_array().expect("a row"))
            .map(|x| x.as_f64().expect("a number"))
            .collect()
    }

    /// The tensors of a table in the order of the model's parameters, flattened.
    fn tensors<M: Model>(&self, key: &str) -> Vec<f64> {
        let tensor = |name: &str| self.0[key][name]["data"].as_array().unwrap_or_else(|| panic!("no {name}"));
        M::PARAMS.iter().flat_map(|param| tensor(param.name)).map(|x| x.as_f64().expect("a number")).collect()
    }

    fn examples<M: Model>(&self) -> usize {
        self.rows("inputs").len() / M::INPUT_LEN
    }
}

fn cast<T: Real>(values: &[f64]) -> Vec<T> {
    values.iter().copied().map(T::from_f64).collect()
}

fn widen<T: Real>(values: &[T]) -> Vec<f64> {
    values.iter().copied().map(T::to_f64).collect()
}

struct Against {
    bound: f64,
    models: usize,
    worst: f64,
}

impl Against {
    fn agree(&mut self, name: &str, what: &str, ours: &[f64], theirs: &[f64]) {
        let worst = worst(ours, theirs);
        assert!(worst <= self.bound, "{name}: {what} differs by {worst:e}");
        self.worst = self.worst.max(worst);
    }

    fn model<M: Pullback>(&mut self, name: &str) -> (M, Golden) {
        let golden = Golden::read(name);
        let mut model = M::new(1);
        model.params_flat_mut().copy_from_slice(&cast(&golden.tensors::<M>("params")));
        let (examples, inputs) = (golden.examples::<M>(), cast(&golden.rows("inputs")));

        let mut outputs = vec![M::Scalar::default(); examples * M::OUTPUT_LEN];
        let mut workspace = vec![M::Scalar::default(); M::FORWARD_WORKSPACE];
        model.forward(&Batch::inputs(&inputs, M::INPUT_LEN), &mut outputs, &mut workspace);
        self.agree(name, "output", &widen(&outputs), &golden.rows("outputs"));

        for (key, ramp) in [("input_gradient", 0.0), ("weighted_input_gradient", 1.0)] {
            let cotangents: Vec<M::Scalar> = (0..examples)
                .flat_map(|_| (0..M::OUTPUT_LEN).map(|i| M::Scalar::from_f64(1.0 + ramp * i as f64)))
                .collect();
            let expected = golden.rows(key);
            if expected.iter().all(|&x| x == 0.0) {
                continue;
            }
            let (gradient, _) = pullback(&model, &inputs, &cotangents);
            self.agree(name, key, &gradient, &expected);
        }
        self.models += 1;
        (model, golden)
    }
}

/// The gradients of the inputs and of the parameters.
fn pullback<M: Pullback>(model: &M, inputs: &[M::Scalar], cotangents: &[M::Scalar]) -> (Vec<f64>, Vec<f64>) {
    let batch = Batch::new(inputs, M::INPUT_LEN, cotangents, M::OUTPUT_LEN);
    let mut input_gradient = vec![M::Scalar::default(); inputs.len()];
    let mut gradient = vec![M::Scalar::default(); M::PARAM_COUNT];
    let mut workspace = vec![M::Scalar::default(); M::PULLBACK_WORKSPACE];
    model.pullback(&batch, &mut input_gradient, &mut gradient, &mut workspace);
    (widen(&input_gradient), widen(&gradient))
}

impl<T: Real> Visitor<T> for Against {
    fn with_loss<M: Train<Scalar = T> + Pullback + Inspect>(&mut self, name: &str) {
        let (model, golden) = self.model::<M>(name);
        let matrix = |key: &str, width: usize| {
            ndarray::Array2::from_shape_vec((golden.examples::<M>(), width), cast::<T>(&golden.rows(key)))
                .expect("rows of the model's width")
        };
        let (inputs, targets) = (matrix("inputs", M::INPUT_LEN), matrix("targets", M::TARGET_LEN));
        let (loss, gradient) =
            model.loss_and_gradient(inputs.view(), targets.view()).expect("golden data fit the model");
        self.agree(name, "loss", &[loss.to_f64()], &[golden.0["loss"].as_f64().expect("a loss")]);
        let (ours, theirs) = (widen(&gradient), golden.tensors::<M>("gradients"));
        for param in M::PARAMS {
            let range = param.offset..param.offset + param.len();
            self.agree(name, param.name, &ours[range.clone()], &theirs[range]);
        }
    }

    fn without_loss<M: PullbackParams<Scalar = T> + Inspect>(&mut self, name: &str) {
        let (model, golden) = self.model::<M>(name);
        let (examples, inputs) = (golden.examples::<M>(), cast(&golden.rows("inputs")));
        let ones = vec![T::ONE; examples * M::OUTPUT_LEN];
        let (_, gradient) = pullback(&model, &inputs, &ones);
        let expected = golden.tensors::<M>("gradients");
        self.agree(name, "gradient", &gradient, &expected);

        // The method that users call, on one partition of a batch and on several.
        for repeats in [1, 8] {
            let rows = examples * repeats;
            let matrix = |values: &[T], width: usize| {
                ndarray::Array2::from_shape_vec((rows, width), values.repeat(repeats)).expect("whole rows")
            };
            let gradient = model
                .parameter_gradient(matrix(&inputs, M::INPUT_LEN).view(), matrix(&ones, M::OUTPUT_LEN).view())
                .expect("the rows fit the model");
            let expected: Vec<f64> = expected.iter().map(|g| g * repeats as f64).collect();
            self.agree(name, "parameter gradient", &widen(&gradient), &expected);
        }
    }
}

#[test]
fn double_precision_agrees_with_pytorch() {
    let mut against = Against { bound: 1e-10, models: 0, worst: 0.0 };
    f64s::visit(&mut against);
    println!("{} models in f64, worst relative difference {:.1e}", against.models, against.worst);
    assert!(against.models >= 12);
}

#[test]
fn single_precision_agrees_with_pytorch() {
    let mut against = Against { bound: 1e-5, models: 0, worst: 0.0 };
    f32s::visit(&mut against);
    println!("{} models in f32, worst relative difference {:.1e}", against.models, against.worst);
    assert!(against.models >= 12);
}
