//! The methods that every model has on arrays.

use ndarray::{Array2, array, s};
use nn_runtime::Error;
use nn_runtime::prelude::*;

use crate::models::{Classifier, Linear, Logistic, Parabola};
use crate::training::plane;

#[test]
fn predictions_are_rows_of_all_outputs() {
    let model = Classifier::<f64> { params: vec![1.0, 2.0, 3.0, 10.0, 20.0, 30.0, 0.5, 0.0, -0.5] };
    let outputs = model.predict(array![[1.0, 0.0], [0.0, 1.0]].view()).unwrap();
    assert_eq!(outputs, array![[1.5, 2.0, 2.5, 6.0], [10.5, 20.0, 29.5, 60.0]]);
    assert_eq!(model.predict(Array2::zeros((0, 2)).view()).unwrap().dim(), (0, 4));
    let error = model.predict(array![[1.0, 2.0, 3.0]].view()).unwrap_err();
    assert_eq!(error.to_string(), "`Classifier` takes 2 inputs (x: [2]), but there are 3 columns");
}

#[test]
fn views_of_any_layout_are_read_alike() {
    let data = plane::<f64>(20);
    let model = Linear::<f64>::new(1);
    let expected = model.predict(data.inputs()).unwrap();
    let columns = data.inputs().reversed_axes().as_standard_layout().into_owned();
    assert_eq!(model.predict(columns.t()).unwrap(), expected);
    let every_other = data.inputs().slice_move(s![..;2, ..]);
    assert_eq!(model.predict(every_other).unwrap(), expected.slice(s![..;2, ..]));
    let (loss, gradient) = model.loss_and_gradient(data.inputs(), data.targets()).unwrap();
    assert_eq!(model.loss_and_gradient(columns.t(), data.targets()).unwrap(), (loss, gradient));
}

#[test]
fn gradients_agree_with_differences_of_the_loss() {
    let x = Array2::from_shape_fn((6, 2), |(i, j)| (i as f64 - 2.5) * 0.3 + j as f64 * 0.2);
    let t = array![[0.0], [1.0], [1.0], [0.0], [1.0], [1.0]];
    let model = Logistic::<f64> { params: vec![0.3, -0.7, 0.1] };
    let (loss, gradient) = model.loss_and_gradient(x.view(), t.view()).unwrap();
    assert_eq!(model.loss(x.view(), t.view()).unwrap(), loss);
    for (i, &exact) in gradient.iter().enumerate() {
        let at = |step: f64| {
            let mut moved = model.clone();
            moved.params[i] += step;
            moved.loss(x.view(), t.view()).unwrap()
        };
        approx::assert_abs_diff_eq!(exact, (at(1e-6) - at(-1e-6)) / 2e-6, epsilon = 1e-9);
    }
}

#[test]
fn losses_need_rows_that_match() {
    let model = Classifier::<f64>::new(0);
    let x = array![[1.0, 2.0], [3.0, 4.0]];
    let loss = |t: Array2<f64>| model.loss(x.view(), t.view()).unwrap_err();
    assert!(matches!(loss(array![[0.0]]), Error::RowCount { inputs: 2, targets: 1 }));
    assert!(matches!(loss(array![[0.0, 1.0], [1.0, 0.0]]), Error::TargetMismatch { .. }));
    assert!(matches!(loss(array![[0.0], [3.0]]), Error::ClassLabel { row: 1, classes: 3, .. }));
    let empty = model.loss(Array2::zeros((0, 2)).view(), Array2::zeros((0, 1)).view());
    assert!(matches!(empty, Err(Error::Empty { .. })));
}

#[test]
fn cotangents_are_pulled_back_to_inputs_and_parameters() {
    let model = Parabola::<f64>::new(0);
    // More rows than one partition has, so that sums of parts have to be added.
    let n = 300;
    let x = Array2::from_shape_fn((n, 1), |(i, _)| i as f64 / 100.0);
    let d = Array2::from_shape_fn((n, 2), |(i, j)| if j == 0 { 1.0 } else { i as f64 });
    let input_gradient = model.input_gradient(x.view(), d.view()).unwrap();
    for (i, d_x) in input_gradient.iter().enumerate() {
        approx::assert_relative_eq!(*d_x, 6.0 * x[[i, 0]] + i as f64, max_relative = 1e-14);
    }
    let expected = x.iter().enumerate().map(|(i, x)| x * x + i as f64).sum::<f64>();
    let gradient = model.parameter_gradient(x.view(), d.view()).unwrap();
    approx::assert_relative_eq!(gradient[0], expected, max_relative = 1e-13);

    let error = model.input_gradient(x.view(), d.slice(s![..5, ..])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the cotangents are [5, 2], but 300 rows of inputs to `Parabola` need [300, 2]"
    );
}
