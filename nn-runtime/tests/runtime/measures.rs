//! Measures and reports of models on datasets.

use ndarray::{Array2, array};
use nn_runtime::metrics::{ClassScores, Regression, Report, Scores};
use nn_runtime::prelude::*;
use nn_runtime::{ConfusionMatrix, Error, evaluate_with, report};

use crate::models::{Classifier, Linear, Logistic};
use crate::training::plane;

fn classes() -> Dataset<f64> {
    let x = array![[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0], [0.5, 0.5]];
    Dataset::with_classes(x, &[0, 1, 2, 1], &["right", "up", "left"]).unwrap()
}

fn yes_or_no() -> Dataset<f64> {
    let csv = "a,b,kind\n1,2,cat\n-1,0.5,dog\n3,-1,cat\n-2,-2,dog\n0.5,0,dog\n";
    let table = Table::from_reader(csv.as_bytes()).unwrap();
    table.dataset(&["a", "b"], Target::equals("kind", "cat")).unwrap()
}

#[test]
fn several_measures_come_from_one_pass() {
    let (model, data) = (Linear::<f64> { params: vec![2.0, -1.0, 0.4] }, plane::<f64>(5000));
    let wanted = [Measure::MeanSquaredError, Measure::RSquared, Measure::MeanAbsoluteError];
    let evaluation = evaluate_with(&model, &data, &wanted).unwrap();
    let plain = evaluate(&model, &data).unwrap();
    assert_eq!((evaluation.loss, evaluation.metric), (plain.loss, plain.metric));
    assert_eq!(evaluation.get(Measure::RSquared), Some(evaluation.score()));
    assert_eq!(evaluation.get(Measure::RootMeanSquaredError), None);
    // The loss of this model is the squared error.
    approx::assert_relative_eq!(evaluation.measures[0].value, evaluation.loss, max_relative = 1e-12);
    assert_eq!(evaluation.measures[2].name, "mae");

    let Report::Regression(errors) = report(&model, &data).unwrap() else { panic!("numbers are predicted") };
    assert_eq!(errors.mse(), evaluation.measures[0].value);
    assert_eq!(errors, Regression::of(&model, &data).unwrap());
}

#[test]
fn yes_or_no_is_a_question_of_two_classes() {
    let (model, data) = (Logistic::<f64> { params: vec![1.0, 0.5, 0.0] }, yes_or_no());
    let f1 = Measure::F1(Average::Binary);
    let wanted = [Measure::Accuracy, f1, Measure::RocAuc(Average::Binary), Measure::LogLoss];
    let evaluation = evaluate_with(&model, &data, &wanted).unwrap();
    assert_eq!(evaluation.get(Measure::Accuracy), Some(evaluation.score()));
    assert_eq!(evaluation.get(f1), Some(0.8));
    assert_eq!(evaluation.get(Measure::RocAuc(Average::Binary)), Some(1.0));
    approx::assert_relative_eq!(evaluation.measures[3].value, evaluation.loss, max_relative = 1e-9);
    assert!(evaluation.to_string().contains(", f1 0.8000, roc_auc 1.000, log_loss "), "{evaluation}");

    let matrix = ConfusionMatrix::of(&model, &data).unwrap();
    assert_eq!(matrix.names(), ["not cat", "cat"]);
    assert_eq!(matrix.counts(), array![[2, 1], [0, 2]]);
    assert_eq!(Scores::of(&model, &data).unwrap().roc_auc(), 1.0);
    let text = report(&model, &data).unwrap().to_string();
    assert!(text.contains("     not cat       1.00      0.67      0.80         3"), "{text}");
}

#[test]
fn classes_are_measured_by_their_scores() {
    let (model, data) = (Classifier::<f64>::new(5), classes());
    let wanted = [Measure::TopK(3), Measure::TopK(1), Measure::F1(Average::Micro)];
    let evaluation = evaluate_with(&model, &data, &wanted).unwrap();
    assert_eq!(evaluation.get(Measure::TopK(3)), Some(1.0));
    assert_eq!(evaluation.get(Measure::TopK(1)), Some(evaluation.score()));
    assert_eq!(evaluation.get(Measure::F1(Average::Micro)), Some(evaluation.score()));
    assert_eq!(ClassScores::of(&model, &data).unwrap().top_k(3), 1.0);
    assert_eq!(ConfusionMatrix::of(&model, &data).unwrap().names(), ["right", "up", "left"]);
    // The model gives logits.
    let zero = Classifier { params: vec![0.0; 9] };
    let error = evaluate_with(&zero, &data, &[Measure::TopK(1), Measure::LogLoss]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "row 0: `log_loss` needs probabilities, but the scores that `Classifier` predicts sum to 0; its first output \
         should be a `softmax`"
    );
}

#[test]
fn measures_that_do_not_suit_a_model_are_refused() {
    let model = Linear::<f64>::new(1);
    let error = evaluate_with(&model, &plane(4), &[Measure::F1(Average::Macro)]).unwrap_err();
    assert_eq!(error.to_string(), "`f1_macro` cannot be measured of `Linear`, which predicts a number");
    let error = evaluate_with(&Classifier::new(1), &classes(), &[Measure::F1(Average::Binary)]).unwrap_err();
    assert_eq!(error.to_string(), "`f1` cannot be measured of `Classifier`, which predicts one of 3 classes");
    for measure in [Measure::RSquared, Measure::TopK(1), Measure::Recall(Average::Class(2))] {
        let error = evaluate_with(&Logistic::new(1), &yes_or_no(), &[measure]).unwrap_err();
        assert!(matches!(error, Error::MeasureMismatch { .. }), "{error}");
    }
    let none = Dataset::new(Array2::zeros((0, 2)), Array2::zeros((0, 1))).unwrap();
    assert!(matches!(report(&model, &none), Err(Error::Empty { .. })));
    let model = Linear::<f64> { params: vec![f64::NAN; 3] };
    assert!(evaluate_with(&model, &plane(4), &[Measure::RSquared]).unwrap().measures[0].value.is_nan());
}

#[test]
fn a_pipeline_measures_in_original_units() {
    let raw = plane::<f64>(200);
    let scaler = Scaler::standard().fit(&raw).unwrap();
    let plain = Pipeline::new(Linear::<f64> { params: vec![1.5, -1.0, 0.4] }, None).unwrap();
    let wanted = [Measure::MeanAbsoluteError, Measure::RSquared];
    let expected = evaluate_with(plain.model(), &raw, &wanted).unwrap();
    assert_eq!(plain.evaluate_with(&raw, &wanted).unwrap(), expected);

    let scaled = Pipeline::new(Linear::<f64> { params: vec![0.9, -0.5, 0.0] }, scaler).unwrap();
    let evaluation = scaled.evaluate_with(&raw, &wanted).unwrap();
    let predictions = scaled.predict(raw.inputs()).unwrap();
    let mut errors = Regression::new(1);
    errors.update(&predictions, raw.targets()).unwrap();
    assert_eq!(evaluation.get(Measure::MeanAbsoluteError), Some(errors.mae()));
    assert_eq!(evaluation.loss, scaled.evaluate(&raw).unwrap().loss);
}
