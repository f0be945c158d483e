//! Batch normalisation against `PyTorch`: losses, gradients and running statistics of training steps, and what the model
//! gives with those statistics. See `golden/README.md`.

use std::fs;

use ndarray::Array2;
use nn_runtime::model::Batch;
use nn_runtime::prelude::*;
use nn_runtime::{PullbackExt, Snapshot, Stepper};
use nn_tests::case::{noise, worst};
use nn_tests::root;
use serde_json::Value;

nn_model! {
    model Net<f64>(x: [2, 4, 5]) -> y: [2] {
        c = conv2d(x, 3, kernel = 3, padding = 1, bias = false);
        n = batch_norm(c, momentum = 0.25, epsilon = 0.001);
        h = dense(flatten(relu(n)), 6);
        m = batch_norm(h);
        y = dense(tanh(m), 2);
        loss mse(y, target);
    }
}

/// The largest difference, relative to the largest element.
const BOUND: f64 = 1e-10;

fn numbers(record: &Value, key: &str) -> Vec<f64> {
    let numbers = record[key].as_array().unwrap_or_else(|| panic!("no `{key}`"));
    numbers.iter().map(|number| number.as_f64().expect("a number")).collect()
}

fn rows(values: Vec<f64>, width: usize) -> Array2<f64> {
    Array2::from_shape_vec((values.len() / width, width), values).expect("whole rows")
}

#[track_caller]
fn agree(what: &str, ours: &[f64], theirs: &[f64]) {
    let difference = worst(ours, theirs);
    assert!(difference < BOUND, "{what}: {difference:e}");
}

#[test]
fn training_steps_agree_with_pytorch() {
    let text = fs::read_to_string(root().join("golden/batch_norm.json")).expect("the golden file is there");
    let golden: Value = serde_json::from_str(&text).expect("golden files are JSON");
    let mut model = Net::new(1);
    let at = Net::PARAM_COUNT;
    model.params_flat_mut().copy_from_slice(&numbers(&golden["start"], "params"));
    agree("initial states", &model.stored_flat()[at..], &numbers(&golden["start"], "states"));
    let optimizer = Sgd::new(0.25);
    let mut stepper = Stepper::new(&optimizer, 7);
    for step in golden["steps"].as_object().expect("steps").values() {
        let inputs = rows(numbers(step, "inputs"), Net::INPUT_LEN);
        let targets = rows(numbers(step, "targets"), Net::TARGET_LEN);
        let (loss, gradient) =
            model.loss_and_gradient(inputs.view(), targets.view()).expect("the batch fits");
        agree("loss", &[loss], &[step["loss"].as_f64().expect("a number")]);
        agree("gradient", &gradient, &numbers(step, "gradient"));

        let (flat, flat_targets) =
            (inputs.as_slice().expect("in one piece"), targets.as_slice().expect("in one piece"));
        let batch = Batch::new(flat, Net::INPUT_LEN, flat_targets, Net::TARGET_LEN);
        assert_eq!(stepper.step(&mut model, &batch), loss);
        agree("parameters", model.params_flat(), &numbers(step, "params"));
        agree("states", &model.stored_flat()[at..], &numbers(step, "states"));

        let outputs = model.predict(inputs.view()).expect("the batch fits");
        agree("outputs", outputs.as_slice().expect("in one piece"), &numbers(step, "outputs"));
        let first: &[[[f64; 5]; 4]; 2] =
            flat[..40].as_chunks().0.as_chunks().0.as_chunks().0[0..1].first().expect("one");
        agree("infer", &model.infer(first), &numbers(step, "outputs")[..2]);
        let valid = model.loss(inputs.view(), targets.view()).expect("the batch fits");
        agree("validation loss", &[valid], &[step["valid_loss"].as_f64().expect("a number")]);
        let ones = Array2::ones(outputs.dim());
        let gradient = model.input_gradient(inputs.view(), ones.view()).expect("the batch fits");
        agree("input gradient", gradient.as_slice().expect("in one piece"), &numbers(step, "input_gradient"));
    }
}

fn data(examples: usize, seed: u64) -> Dataset<f64> {
    let inputs = rows(noise(seed, examples * Net::INPUT_LEN), Net::INPUT_LEN);
    let targets = rows(noise(seed + 1, examples * 2), 2);
    Dataset::new(inputs, targets).expect("a dataset")
}

/// The bits of a training do not depend on the number of threads, and neither states nor validation are left out.
#[test]
fn training_is_reproducible_on_any_number_of_threads() {
    let (train, valid) = (data(150, 3), data(40, 5));
    let trained = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| {
            let mut model = Net::new(7);
            let trainer = Trainer::new(Adam::new(0.01)).epochs(3).batch_size(64).seed(3);
            let history = trainer.fit(&mut model, &train, &valid).expect("training ends");
            let loss = history.last().and_then(|epoch| epoch.valid_loss).expect("it is validated");
            (model.stored_flat().iter().map(|x| x.to_bits()).collect::<Vec<_>>(), loss)
        })
    };
    let (one, loss) = trained(1);
    let fresh = Net::new(7);
    let moved = one[Net::PARAM_COUNT..].iter().zip(&fresh.stored_flat()[Net::PARAM_COUNT..]);
    assert!(moved.into_iter().all(|(new, old)| *new != old.to_bits()), "every state has moved");
    for threads in [2, 3] {
        assert_eq!(trained(threads), (one.clone(), loss), "{threads} threads");
    }
}

#[test]
fn states_are_saved_and_go_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let (train, valid) = (data(60, 3), data(20, 5));
    let file = |name: &str| folder.path().join(name);
    let trainer = |epochs| Trainer::new(Adam::new(0.01)).epochs(epochs).batch_size(16).seed(3);
    let mut whole = Net::new(7);
    trainer(4).fit(&mut whole, &train, &valid).expect("training ends");

    let mut first = Net::new(7);
    let checkpoint = || nn_runtime::Checkpoint::new(file("run.safetensors"));
    trainer(2).checkpoint(checkpoint()).fit(&mut first, &train, &valid).expect("training ends");
    let mut resumed = Net::new(1);
    let goes_on = trainer(4).checkpoint(checkpoint());
    goes_on.fit_or_resume(&mut resumed, &train, &valid).expect("training goes on");
    assert_eq!(resumed.stored_flat(), whole.stored_flat());
    let snapshot = Snapshot::<Net>::load(file("run.safetensors")).expect("the checkpoint is there");
    assert_eq!(snapshot.model().stored_flat(), whole.stored_flat());

    whole.save(file("model.safetensors")).expect("it can be written");
    let loaded = Net::load(file("model.safetensors")).expect("it can be read");
    assert_eq!(loaded.stored_flat(), whole.stored_flat());
}

#[test]
fn states_are_no_parameters() {
    assert_eq!(Net::PARAM_COUNT, 3 * 2 * 9 + 2 * 3 + 60 * 6 + 6 + 2 * 6 + 6 * 2 + 2);
    let names: Vec<&str> = Net::STATES.iter().map(|state| state.tensor.name).collect();
    assert_eq!(names, ["n.running_mean", "n.running_var", "m.running_mean", "m.running_var"]);
    assert_eq!(Net::STORED_COUNT, Net::PARAM_COUNT + 2 * 3 + 2 * 6);
    assert!(Net::SUMMARY.contains("18 scalars of state") && Net::SUMMARY.contains("state, not trained"));
    assert!(Net::EXPLANATION.contains("n.running_mean"));
    let model = Net::new(3);
    assert_eq!((model.params.n_running_mean, model.params.n_running_var), ([0.0; 3], [1.0; 3]));
    let error =
        nn_runtime::Lbfgs::new().fit(&mut model.clone(), &data(20, 3), None).expect_err("batches count");
    assert!(error.to_string().contains("mean of its batch"), "{error}");
}
