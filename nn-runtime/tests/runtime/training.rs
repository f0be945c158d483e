//! Training reaches what it should, and stops where it must.

use ndarray::{Array2, array};
use nn_runtime::prelude::*;
use nn_runtime::{Error, kernels::Real};

use crate::models::{Classifier, Linear, Logistic};

/// Numbers that look random, from -1 to 1.
fn noise(i: usize) -> f64 {
    (((i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11) as f64 / (1_u64 << 52) as f64) - 1.0
}

/// `n` rows of two features and `2 x0 - x1 + 0.5` with some noise.
pub(crate) fn plane<T: Real>(n: usize) -> Dataset<T> {
    let inputs = Array2::from_shape_fn((n, 2), |(row, column)| T::from_f64(noise(2 * row + column)));
    let targets = Array2::from_shape_fn((n, 1), |(row, _)| {
        let (x0, x1) = (noise(2 * row), noise(2 * row + 1));
        T::from_f64(2.0 * x0 - x1 + 0.5 + 0.1 * noise(7919 * row + 5))
    });
    Dataset::new(inputs, targets).unwrap()
}

/// The least-squares solution (w0, w1, b) by the normal equations and Gaussian elimination.
fn least_squares(data: &Dataset<f64>) -> [f64; 3] {
    let mut system = [[0.0; 4]; 3];
    for (x, t) in data.inputs().rows().into_iter().zip(data.targets()) {
        let row = [x[0], x[1], 1.0];
        for (equation, factor) in system.iter_mut().zip(row) {
            for (sum, value) in equation.iter_mut().zip([row[0], row[1], row[2], *t]) {
                *sum += factor * value;
            }
        }
    }
    for pivot in 0..3 {
        let scaled = system[pivot].map(|value| value / system[pivot][pivot]);
        for (i, equation) in system.iter_mut().enumerate() {
            let factor = equation[pivot];
            for (value, subtrahend) in equation.iter_mut().zip(scaled) {
                *value = if i == pivot { subtrahend } else { *value - factor * subtrahend };
            }
        }
    }
    system.map(|equation| equation[3])
}

#[test]
fn linear_regression_converges_to_least_squares() {
    let data = plane::<f64>(300);
    let expected = least_squares(&data);
    let mut model = Linear::<f64>::new(1);
    let history = Trainer::new(Sgd::new(0.5)).epochs(400).full_batch().fit(&mut model, &data, None).unwrap();
    approx::assert_abs_diff_eq!(model.params[..], expected[..], epsilon = 1e-12);
    let r2 = history.last().unwrap().metric("r2").expect("R² for numbers");
    assert!((0.995..1.0).contains(&r2), "R² = {r2}");
}

#[test]
fn optimisers_with_state_converge_to_least_squares() {
    fn check(optimizer: impl Optimizer<f64>) {
        let data = plane::<f64>(300);
        let mut model = Linear::<f64>::new(1);
        Trainer::new(optimizer).epochs(2000).full_batch().fit(&mut model, &data, None).unwrap();
        approx::assert_abs_diff_eq!(model.params[..], least_squares(&data)[..], epsilon = 1e-6);
    }
    check(Sgd::new(0.1).momentum(0.9));
    check(Sgd::new(0.1).momentum(0.9).nesterov());
    check(Adam::new(0.05));
    check(Adagrad::new(0.5));
}

#[test]
fn single_precision_and_partial_batches_come_close() {
    let (single, double) = (plane::<f32>(301), plane::<f64>(301));
    let mut model = Linear::<f32>::new(1);
    let (train, valid) = single.split(0.9, 3);
    let trainer = Trainer::new(Sgd::new(0.02)).epochs(60).batch_size(32).seed(5);
    let history = trainer.fit(&mut model, &train, &valid).unwrap();
    for (&p, e) in model.params.iter().zip(least_squares(&double)) {
        assert!((f64::from(p) - e).abs() < 0.02, "{p} for {e}");
    }
    assert_eq!(history.epochs().len(), 60);
    assert!(history.last().unwrap().valid_loss.unwrap() < 0.01);
}

/// Two clouds of points around (±1, ±1), and 1 for the upper one.
fn clouds<T: Real>(n: usize) -> Dataset<T> {
    let side = |row: usize| if row.is_multiple_of(2) { 1.0 } else { -1.0 };
    let inputs =
        Array2::from_shape_fn((n, 2), |(row, column)| T::from_f64(side(row) + 2.5 * noise(2 * row + column)));
    let targets = Array2::from_shape_fn((n, 1), |(row, _)| T::from_f64(side(row).max(0.0)));
    Dataset::new(inputs, targets).unwrap()
}

#[test]
fn logistic_regression_separates_clouds_and_ends_where_the_gradient_is_zero() {
    let data = clouds::<f64>(200);
    let mut model = Logistic::<f64>::new(2);
    let history =
        Trainer::new(Sgd::new(2.0)).epochs(4000).full_batch().fit(&mut model, &data, &data).unwrap();
    let (_, gradient) = model.loss_and_gradient(data.inputs(), data.targets()).unwrap();
    assert!(gradient.iter().all(|g| g.abs() < 1e-5), "{gradient:?}");
    let accuracy = history.last().unwrap().metric("accuracy").expect("accuracy for 0 and 1");
    assert!(accuracy > 0.8, "{accuracy}");
    assert_eq!(evaluate(&model, &data).unwrap().metric, Some(Metric::Accuracy(accuracy)));
}

#[test]
fn classes_are_learnt_and_counted_on_the_first_output() {
    let labels: Vec<usize> = (0..90).map(|i| i % 3).collect();
    let centers = [[0.0, 2.0], [2.0, -1.0], [-2.0, -1.0]];
    let inputs = Array2::from_shape_fn((90, 2), |(i, j)| (centers[i % 3][j] + 0.5 * noise(2 * i + j)) as f32);
    let data = Dataset::with_classes(inputs, &labels, &["up", "right", "left"]).unwrap();
    let (train, valid) = data.split(0.7, 1);
    let mut model = Classifier::<f32>::new(3);
    let history =
        Trainer::new(Sgd::new(0.3)).epochs(40).batch_size(10).fit(&mut model, &train, &valid).unwrap();
    assert_eq!(history.last().unwrap().metric("accuracy"), Some(1.0));
}

#[test]
fn the_training_loss_is_the_mean_over_rows_not_over_batches() {
    // A learning rate so small that the parameters stay where they are.
    let data = plane::<f64>(10);
    let mut model = Linear::<f64>::new(4);
    let expected = evaluate(&model, &data).unwrap().loss;
    let history =
        Trainer::new(Sgd::new(1e-300)).epochs(1).batch_size(7).fit(&mut model, &data, &data).unwrap();
    let epoch = &history.epochs()[0];
    approx::assert_relative_eq!(epoch.train_loss, expected, max_relative = 1e-14);
    approx::assert_relative_eq!(epoch.valid_loss.unwrap(), expected, max_relative = 1e-14);
}

#[test]
fn evaluation_does_not_depend_on_chunks() {
    let data = plane::<f64>(10_000);
    let model = Linear::<f64>::new(4);
    let (inputs, targets) = (data.inputs(), data.targets());
    let errors = inputs
        .rows()
        .into_iter()
        .zip(targets)
        .map(|(x, t)| (x[0] * model.params[0] + x[1] * model.params[1] + model.params[2] - t).powi(2));
    let expected = errors.sum::<f64>() / 10_000.0;
    approx::assert_relative_eq!(evaluate(&model, &data).unwrap().loss, expected, max_relative = 1e-12);
}

#[test]
fn seeds_decide_everything() {
    let data = plane::<f32>(100);
    let fit = |seed| {
        let mut model = Linear::<f32>::new(9);
        let trainer = Trainer::new(Sgd::new(0.1)).epochs(3).batch_size(8).seed(seed);
        let history = trainer.fit(&mut model, &data, None).unwrap();
        (model, history)
    };
    assert_eq!(fit(7), fit(7));
    assert_ne!(fit(7).0, fit(8).0);
}

#[test]
fn a_table_trains_models_of_either_precision() {
    let mut text = String::from("height,kind,weight\n");
    for i in 0..40 {
        let (height, dog) = (noise(i), i % 2);
        let weight = 3.0 * height + 2.0 * dog as f64;
        text += &format!("{height},{},{weight}\n", ["cat", "dog"][dog]);
    }
    let table = Table::from_reader(text.as_bytes()).unwrap();

    let (train, valid) =
        table.dataset(&["height", "weight"], Target::equals("kind", "dog")).unwrap().split(0.8, 7);
    let mut single = Logistic::<f32>::new(1);
    let history =
        Trainer::new(Sgd::new(1.0)).epochs(300).batch_size(8).fit(&mut single, &train, &valid).unwrap();
    assert_eq!(history.last().unwrap().metric("accuracy"), Some(1.0));

    let (train, valid) = table.dataset(&["height", "weight"], Target::class("kind")).unwrap().split(0.8, 7);
    let mut double = Logistic::<f64>::new(1);
    Trainer::new(Sgd::new(1.0)).epochs(300).batch_size(8).fit(&mut double, &train, &valid).unwrap();
    for (&s, d) in single.params.iter().zip(&double.params) {
        assert!((f64::from(s) - d).abs() < 1e-3, "{s} and {d}");
    }
}

#[test]
fn a_loss_that_explodes_is_reported_with_its_place() {
    let data = plane::<f32>(100);
    let mut model = Linear::<f32>::new(1);
    let error = Trainer::new(Sgd::new(1e30)).batch_size(10).fit(&mut model, &data, None).unwrap_err();
    assert!(matches!(error, Error::NonFiniteLoss { epoch: 1, batch: 2, .. }), "{error}");

    // The first batch is the only one: its loss is finite, and what it does to the parameters shows after the epoch.
    let mut model = Linear::<f32>::new(1);
    let error = Trainer::new(Sgd::new(1e39)).full_batch().fit(&mut model, &data, None).unwrap_err();
    assert!(matches!(error, Error::NonFiniteParameter { epoch: 1, batch: 1, parameter: "w" }), "{error}");

    let mut model = Linear::<f32>::new(1);
    let error = Trainer::new(Sgd::new(1e25)).full_batch().fit(&mut model, &data, &data).unwrap_err();
    assert!(matches!(error, Error::NonFiniteValidationLoss { epoch: 1, .. }), "{error}");
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let data = plane::<f64>(10);
    let fit =
        |trainer: Trainer<Sgd>| trainer.fit(&mut Linear::<f64>::new(1), &data, None).unwrap_err().to_string();
    assert_eq!(fit(Trainer::new(Sgd::new(0.1)).batch_size(0)), "the batch size is 0, but must be at least 1");
    assert_eq!(
        fit(Trainer::new(Sgd::new(0.1)).epochs(0)),
        "the number of epochs is 0, but must be at least 1"
    );
    assert_eq!(
        fit(Trainer::new(Sgd::new(-0.1))),
        "the learning rate is -0.1, but must be finite and above 0"
    );
}

#[test]
fn empty_datasets_are_refused_by_name() {
    let (none, all) = plane::<f64>(10).split(0.0, 0);
    let trainer = Trainer::new(Sgd::new(0.1));
    let mut model = Linear::<f64>::new(1);
    let error = trainer.clone().fit(&mut model, &none, &all).unwrap_err();
    assert_eq!(error.to_string(), "the training data has no rows");
    let error = trainer.fit(&mut model, &all, &none).unwrap_err();
    assert_eq!(error.to_string(), "the validation data has no rows");
    assert!(matches!(evaluate(&model, &none), Err(Error::Empty { .. })));
}

#[test]
fn scaling_helps_and_pipelines_undo_it() {
    // Features and targets in units that plain gradient descent cannot cope with.
    let units = plane::<f64>(200);
    let inputs = units.inputs().to_owned() * array![[1e4, 1e-3]] + array![[5e4, 0.0]];
    let raw = Dataset::new(inputs, units.targets().to_owned() * 1e5).unwrap();
    let scaler = Scaler::standard().with_targets().fit(&raw).unwrap();
    let scaled = scaler.transform(&raw).unwrap();
    let mut model = Linear::<f64>::new(1);
    Trainer::new(Sgd::new(0.3)).epochs(200).full_batch().fit(&mut model, &scaled, None).unwrap();

    let pipeline = Pipeline::new(model, scaler).unwrap();
    let predictions = pipeline.predict(raw.inputs()).unwrap();
    let worst = (&predictions - &raw.targets()).iter().fold(0.0, |worst: f64, error| worst.max(error.abs()));
    assert!(worst < 0.15 * 1e5, "{worst}");
    let Some(Metric::RSquared(r2)) = pipeline.evaluate(&raw).unwrap().metric else {
        panic!("R² for numbers")
    };
    assert!(r2 > 0.995, "{r2}");
}
