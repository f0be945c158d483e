//! Trainings that end where there is nothing more to gain.

use nn_runtime::model::Model;
use nn_runtime::prelude::*;
use nn_runtime::{Callback, EarlyStopping, Error, Flow, Result, Stop, Training};

use crate::models::{Linear, Logistic};
use crate::training::plane;

/// Sets the only number that the loss depends on, epoch by epoch: the loss is its square.
struct Scripted {
    values: Vec<f64>,
}

impl Callback<Linear<f64>> for Scripted {
    fn on_batch(&mut self, training: &mut Training<'_, Linear<f64>>) -> Result<Flow> {
        let value = self.values[training.epoch() - 1];
        training.model_mut().params[2] = value;
        Ok(Flow::Continue(()))
    }
}

/// Trains on one row of zeros: the validation losses are the squares of the script.
fn fit(values: &[f64], stopping: EarlyStopping) -> Result<(EarlyStopping, History, f64)> {
    let zeros = Dataset::new(ndarray::Array2::zeros((1, 2)), ndarray::Array2::zeros((1, 1))).unwrap();
    let mut model = Linear::<f64>::new(1);
    let mut stopping = stopping;
    let trainer = Trainer::new(Sgd::new(1e-300)).epochs(values.len());
    let trainer = trainer.callback(Scripted { values: values.to_vec() }).callback(&mut stopping);
    let history = trainer.fit(&mut model, &zeros, &zeros)?;
    Ok((stopping, history, model.params[2]))
}

#[test]
fn a_training_ends_after_its_patience() {
    let script = [3.0, 2.0, 2.5, 1.0, 1.5, 1.0, 2.0, 0.5, 0.4];
    let (stopping, history, last) = fit(&script, EarlyStopping::new(3)).unwrap();
    assert_eq!(stopping.best(), Some((4, 1.0)), "an equal loss is no improvement");
    assert_eq!((history.epochs().len(), last), (7, 2.0));
    let stop = Stop::early("the validation loss did not improve for 3 epochs");
    assert_eq!(history.stopped(), Some(&stop));

    let (stopping, history, last) = fit(&script, EarlyStopping::new(3).restore_best()).unwrap();
    assert_eq!((stopping.best(), history.epochs().len(), last), (Some((4, 1.0)), 7, 1.0));

    // Also when nothing stops it.
    let (stopping, history, last) = fit(&script[..6], EarlyStopping::new(3).restore_best()).unwrap();
    assert_eq!((stopping.best(), history.stopped(), last), (Some((4, 1.0)), None, 1.0));
    assert_eq!(fit(&script, EarlyStopping::new(4)).unwrap().0.best(), Some((9, 0.4 * 0.4)));
}

#[test]
fn improvements_have_a_size() {
    let script = [2.0, 1.9, 1.8, 1.7, 1.6, 1.5, 1.4];
    // From 4: 3.61, 3.24 and 2.89 are less than 1.2 below it, 2.56 is more.
    let (stopping, history, _) = fit(&script, EarlyStopping::new(4).min_delta(1.2)).unwrap();
    assert_eq!((stopping.best().map(|(epoch, _)| epoch), history.stopped()), (Some(5), None));
    let (_, history, _) = fit(&script, EarlyStopping::new(3).min_delta(1.2)).unwrap();
    assert_eq!(history.epochs().len(), 4);
}

#[test]
fn metrics_can_be_watched() {
    let data = plane::<f64>(40);
    let fit = |stopping: EarlyStopping| {
        let mut model = Linear::<f64>::new(1);
        let trainer = Trainer::new(Sgd::new(0.1)).epochs(200).callback(stopping);
        trainer.fit(&mut model, &data, None)
    };
    let history = fit(EarlyStopping::new(2).maximise("r2").min_delta(1e-3)).unwrap();
    let reason = "stopped early: the r2 did not improve for 2 epochs";
    assert_eq!(history.stopped().unwrap().to_string(), reason);
    let r2: Vec<f64> = history.epochs().iter().map(|epoch| epoch.metric("r2").unwrap()).collect();
    assert!(r2.len() > 3 && r2[r2.len() - 4] < r2[r2.len() - 3], "{r2:?}");

    let history = fit(EarlyStopping::new(1).minimise("r2")).unwrap();
    assert_eq!(history.epochs().len(), 2);
    assert!(history.stopped().unwrap().to_string().ends_with("did not improve for 1 epoch"));

    let error = fit(EarlyStopping::new(2).maximise("f1")).unwrap_err();
    assert_eq!(error.to_string(), "the metric `f1` is not measured; there is `r2`");
    assert!(matches!(fit(EarlyStopping::new(0)), Err(Error::Setting(_))));
    assert!(matches!(fit(EarlyStopping::new(1).min_delta(-1.0)), Err(Error::Setting(_))));
}

#[test]
fn the_short_form_restores_the_best() {
    let (train, valid) = plane::<f64>(60).split(0.5, 1);
    let mut model = Linear::<f64>::new(1);
    let history = Trainer::new(Sgd::new(0.4)).epochs(500).early_stopping(5).fit(&mut model, &train, &valid);
    let history = history.unwrap();
    assert!(history.epochs().len() < 500);
    let (_, best) = history.best().unwrap();
    assert_eq!(Some(evaluate(&model, &valid).unwrap().loss), best.valid_loss);
}

/// A callback of an earlier training starts anew.
#[test]
fn a_second_training_forgets_the_first() {
    let data = plane::<f64>(20);
    let mut stopping = EarlyStopping::new(3).restore_best();
    let mut best = || {
        let mut model = Linear::<f64>::new(1);
        let trainer = Trainer::new(Sgd::new(0.1)).epochs(4).callback(&mut stopping);
        trainer.fit(&mut model, &data, None).unwrap();
        (stopping.best(), model)
    };
    assert_eq!(best(), best());
    // Another model has other parameters.
    let mut other = Logistic::<f64>::new(1);
    let yes_or_no =
        Dataset::new(data.inputs().to_owned(), data.targets().mapv(|t| f64::from(t > 0.5))).unwrap();
    Trainer::new(Sgd::new(0.1)).epochs(4).callback(&mut stopping).fit(&mut other, &yes_or_no, None).unwrap();
    assert_eq!(other.params_flat().len(), 3);
}
