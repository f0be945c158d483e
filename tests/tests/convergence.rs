//! Training against scikit-learn's solutions of the same problems; see `golden/README.md`.

use nn_runtime::Gradients;
use nn_runtime::model::Train;
use nn_runtime::prelude::*;
use nn_tests::{f32s, root};
use serde_json::Value;

fn golden() -> Value {
    let text = std::fs::read_to_string(root().join("golden/sklearn.json")).expect("the golden file is there");
    serde_json::from_str(&text).expect("golden files are JSON")
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("an array").iter().map(|x| x.as_f64().expect("a number")).collect()
}

fn standardised(file: &str, target: Target, column: &str) -> Dataset {
    let table = Table::from_csv(root().join("../examples/data").join(file)).expect("the data are there");
    let features: Vec<&str> = table.columns().filter(|name| *name != column).collect();
    let data = table.dataset(&features, target).expect("the data fit");
    Scaler::standard().fit(&data).and_then(|scaler| scaler.transform(&data)).expect("the data can be scaled")
}

/// Full-batch gradient descent.
fn descend<M: Train<Scalar = f32>>(model: &mut M, data: &Dataset, rate: f32, steps: usize) {
    for param in model.params_flat_mut() {
        *param = 0.0;
    }
    let mut gradients = Gradients::<M>::new(data.len());
    for _ in 0..steps {
        let (_, gradient) = gradients.loss_and_gradient(model, &data.batch());
        for (param, gradient) in model.params_flat_mut().iter_mut().zip(gradient) {
            *param -= rate * gradient;
        }
    }
}

/// Within 1e-3, relative to each coefficient.
fn agree(ours: &[f32], coefficients: &Value, intercept: &Value) {
    let mut theirs = numbers(coefficients);
    theirs.push(intercept.as_f64().expect("a number"));
    assert_eq!(ours.len(), theirs.len());
    let mut worst: f64 = 0.0;
    for (&ours, theirs) in ours.iter().zip(theirs) {
        let difference = (f64::from(ours) - theirs).abs() / theirs.abs();
        assert!(difference <= 1e-3, "{ours} against {theirs}: {difference:e}");
        worst = worst.max(difference);
    }
    println!("worst relative difference of a coefficient: {worst:.1e}");
}

#[test]
fn linear_regression_converges_to_scikit_learn() {
    let golden = &golden()["linear_regression"];
    let data = standardised("diabetes.csv", Target::column("progression"), "progression");
    let mut model = f32s::linear::Linear::new(1);
    descend(&mut model, &data, 0.24, 6000);
    agree(model.params_flat(), &golden["coefficients"], &golden["intercept"]);
}

#[test]
fn penalised_logistic_regression_converges_to_scikit_learn() {
    let golden = &golden()["logistic_regression"];
    let data = standardised("breast_cancer.csv", Target::equals("diagnosis", "malignant"), "diagnosis");
    let mut model = f32s::logistic30::Logistic30::new(1);
    descend(&mut model, &data, 1.0, 2000);
    agree(model.params_flat(), &golden["coefficients"], &golden["intercept"]);
}
