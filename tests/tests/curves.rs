//! Learning curves against PyTorch: the same network, data, initial weights, order of rows and optimiser, over twenty
//! epochs in double precision. `golden/torch_curves.py` makes the golden file from `golden/curves_start.json`, which
//! `NN_WRITE_CURVES=1` writes anew here.

use std::fs;
use std::ops::ControlFlow;

use ndarray::{Array2, s};
use nn_runtime::model::Model;
use nn_runtime::prelude::*;
use nn_runtime::{Optimizer, Order, Source};
use nn_tests::f64s::digits::Digits;
use nn_tests::root;
use serde_json::{Value, json};

const TRAIN: usize = 600;
const VALID: usize = 200;
const EPOCHS: usize = 20;
const BATCH: usize = 32;
const SEED: u64 = 11;

fn data() -> (Dataset<f64>, Dataset<f64>) {
    let table = Table::from_csv(root().join("../examples/data/digits.csv")).expect("the table is there");
    let pixels: Vec<String> = table.columns().filter(|&name| name != "digit").map(str::to_owned).collect();
    let pixels: Vec<&str> = pixels.iter().map(String::as_str).collect();
    let all: Dataset<f64> = table.dataset(&pixels, Target::class("digit")).expect("the columns are there");
    let part = |from: usize, to: usize| {
        let inputs = all.inputs().slice(s![from..to, ..]).mapv(|x| x / 16.0);
        Dataset::new(inputs, all.targets().slice(s![from..to, ..]).to_owned()).expect("the parts fit")
    };
    (part(0, TRAIN), part(TRAIN, TRAIN + VALID))
}

/// The order in which a trainer visits the rows of each epoch.
fn orders() -> Vec<Vec<usize>> {
    let numbers = Array2::from_shape_fn((TRAIN, 1), |(row, _)| row as f64);
    let numbers = Dataset::new(numbers.clone(), numbers).expect("numbers are finite");
    (1..=EPOCHS as u64)
        .map(|epoch| {
            let mut order = Vec::new();
            let mut visit = |batch: &nn_runtime::model::Batch<'_, f64>| {
                order.extend((0..batch.len()).map(|i| batch.input_row(i)[0] as usize));
                Ok(ControlFlow::Continue(()))
            };
            numbers.epoch(Order::shuffled(SEED, epoch), BATCH, 0, &mut visit).expect("rows are in memory");
            order
        })
        .collect()
}

fn read(name: &str) -> Value {
    let path = root().join(format!("golden/{name}.json"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).expect("golden files are JSON")
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("an array").iter().map(|x| x.as_f64().expect("a number")).collect()
}

/// What PyTorch started from is what a trainer starts from.
#[test]
fn the_start_is_that_of_the_golden_file() {
    let model = Digits::new(7);
    let shapes: Vec<&[usize]> = Digits::PARAMS.iter().map(|param| param.shape).collect();
    let start = json!({ "shapes": shapes, "params": model.params_flat(), "orders": orders() });
    if std::env::var_os("NN_WRITE_CURVES").is_some() {
        fs::write(root().join("golden/curves_start.json"), format!("{start}\n")).expect("it can be written");
    }
    let known = read("curves_start");
    assert_eq!(known["orders"], start["orders"]);
    let (ours, theirs) = (numbers(&start["params"]), numbers(&known["params"]));
    assert!(ours.iter().zip(&theirs).all(|(a, b)| (a - b).abs() <= 1e-15) && ours.len() == theirs.len());
}

fn agree(name: &str, optimizer: impl Optimizer<f64>) {
    let (train, valid) = data();
    let mut model = Digits::new(7);
    let trainer = Trainer::new(optimizer).epochs(EPOCHS).batch_size(BATCH).seed(SEED);
    let history = trainer.fit(&mut model, &train, &valid).expect("it trains");
    let golden = &read("curves")[name];
    let (of_train, of_valid) = (numbers(&golden["train"]), numbers(&golden["valid"]));
    assert_eq!(history.epochs().len(), EPOCHS);
    let mut worst: f64 = 0.0;
    for (epoch, (expected, validated)) in history.epochs().iter().zip(of_train.iter().zip(&of_valid)) {
        let differences =
            [epoch.train_loss - expected, epoch.valid_loss.expect("it was measured") - validated];
        worst = differences.iter().fold(worst, |worst, d| worst.max(d.abs()));
    }
    println!(
        "{name}: the curves differ by {worst:.1e} at most; the last losses are {:.4}, {:.4}",
        of_train[EPOCHS - 1],
        of_valid[EPOCHS - 1]
    );
    assert!(worst <= 1e-8, "{name}: {worst:e}");
}

#[test]
fn learning_curves_are_those_of_pytorch() {
    agree("sgd", Sgd::new(0.1).momentum(0.9).weight_decay(1e-4));
    agree("adamw", AdamW::new(1e-2).weight_decay(1e-2));
}
