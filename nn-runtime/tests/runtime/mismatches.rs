//! Data that is not what a model takes is refused, with the names of both.

use ndarray::{Array2, array};
use nn_runtime::prelude::*;
use nn_runtime::{Error, TargetColumns};

use crate::models::{Classifier, Linear, Logistic};

const CSV: &str = "a,b,c,kind\n1,2,3,x\n4,5,6,y\n7,8,9,z\n";

fn dataset(features: &[&str], target: Target) -> Dataset<f64> {
    Table::from_reader(CSV.as_bytes()).unwrap().dataset(features, target).unwrap()
}

fn fit_error<M: Train<Scalar = f64>>(data: &Dataset<f64>) -> Error {
    Trainer::new(Sgd::new(0.1)).fit(&mut M::new(0), data, None).unwrap_err()
}

#[test]
fn inputs_of_another_width() {
    let error = fit_error::<Linear<f64>>(&dataset(&["a", "b", "c"], Target::class("kind")));
    assert_eq!(error.to_string(), "`Linear` takes 2 inputs (x: [2]), but there are 3 columns: `a`, `b`, `c`");
    let error = fit_error::<Logistic<f64>>(&dataset(&["a"], Target::equals("kind", "x")));
    assert_eq!(error.to_string(), "`Logistic` takes 2 inputs (x1, x2), but there are 1 columns: `a`");
}

#[test]
fn targets_of_another_width_or_kind() {
    let error = fit_error::<Linear<f64>>(&dataset(&["a"], Target::none()).clone());
    assert!(matches!(error, Error::InputWidth { .. }), "widths of inputs come first: {error}");

    let error = fit_error::<Linear<f64>>(&dataset(&["a", "b"], Target::none()));
    assert_eq!(
        error.to_string(),
        "`Linear` is trained on one number per example, but the targets are absent"
    );
    let error = fit_error::<Linear<f64>>(&dataset(&["kind"], Target::columns(&["a", "b"])));
    assert!(matches!(error, Error::InputWidth { .. }), "one-hot columns count: {error}");
    let error = fit_error::<Linear<f64>>(&dataset(&["a", "b"], Target::class("kind")));
    assert_eq!(
        error.to_string(),
        "`Linear` is trained on one number per example, but the targets are the 3 classes of `kind`"
    );
    let error = fit_error::<Logistic<f64>>(&dataset(&["a", "b"], Target::class("kind")));
    assert!(error.to_string().contains("0 or 1, or a probability"), "{error}");
}

#[test]
fn more_classes_than_the_model_has() {
    let x = Array2::from_shape_fn((4, 2), |(i, j)| (i + j) as f64);
    let data = Dataset::with_classes(x, &[0, 1, 2, 0], &["a", "b", "c", "d"]).unwrap();
    let error = fit_error::<Classifier<f64>>(&data);
    assert_eq!(
        error.to_string(),
        "`Classifier` is trained on the index of one of 3 classes, but the targets are the 4 classes of `class`"
    );
}

#[test]
fn labels_that_are_no_classes_name_their_row() {
    for label in [3.0, -1.0, 0.5] {
        let data = Dataset::new(array![[0.0, 1.0], [2.0, 3.0]], array![[2.0], [label]]).unwrap();
        let error = fit_error::<Classifier<f64>>(&data);
        assert_eq!(
            error.to_string(),
            format!("row 1: the class label is {label}, but labels are whole numbers from 0 to 2")
        );
    }
}

#[test]
fn targets_that_are_no_probabilities_name_their_row() {
    let data = Dataset::new(array![[0.0, 1.0], [2.0, 3.0]], array![[1.0], [2.0]]).unwrap();
    let error = fit_error::<Logistic<f64>>(&data);
    assert!(matches!(&error, Error::NotAProbability { row: 1, model: "Logistic", .. }), "{error}");
    let soft = Dataset::new(array![[0.0, 1.0], [2.0, 3.0]], array![[0.25], [1.0]]).unwrap();
    assert!(Trainer::new(Sgd::new(0.1)).fit(&mut Logistic::new(0), &soft, None).is_ok());
}

#[test]
fn validation_data_is_checked_too() {
    let train = dataset(&["a", "b"], Target::column("c"));
    let valid = dataset(&["a"], Target::column("c"));
    let error = Trainer::new(Sgd::new(0.001)).fit(&mut Linear::<f64>::new(0), &train, &valid).unwrap_err();
    assert!(matches!(error, Error::InputWidth { found: 1, .. }), "{error}");
    assert!(matches!(valid.target(), TargetColumns::Values { .. }));
}

#[test]
fn yes_or_no_targets_of_a_regression_are_measured_by_accuracy() {
    let data = dataset(&["a", "b"], Target::equals("kind", "x"));
    let evaluation = evaluate(&Linear::<f64> { params: vec![0.0, 0.0, 0.0] }, &data).unwrap();
    assert_eq!(evaluation.metric, Some(Metric::Accuracy(2.0 / 3.0)));
}

#[test]
fn values_that_are_missing_name_their_row() {
    let data = Dataset::with_missing(array![[0.0, 1.0], [2.0, f64::NAN]], array![[1.0], [2.0]]).unwrap();
    let error = fit_error::<Linear<f64>>(&data);
    assert!(matches!(&error, Error::MissingInput { row: 1, column } if column == "x[1]"), "{error}");
    assert!(evaluate(&Linear::<f64>::new(0), &data).is_err());
}
