//! What callbacks are told, and what they can do.

use nn_runtime::model::Model;
use nn_runtime::prelude::*;
use nn_runtime::{Callback, Error, Flow, Result, Stop, Training};

use crate::models::Linear;
use crate::training::plane;

/// Writes down every call.
#[derive(Default)]
struct Log {
    name: &'static str,
    lines: Vec<String>,
    stop_at_update: Option<u64>,
    stop_after_epoch: Option<usize>,
}

impl Log {
    fn line<M: Model>(&mut self, what: &str, t: &Training<'_, M>) {
        let (epoch, epochs, batch, batches) = (t.epoch(), t.epochs(), t.batch(), t.batches().unwrap_or(0));
        self.lines.push(format!(
            "{}{what} {epoch}/{epochs} {batch}/{batches} rows {} updates {} history {}",
            self.name,
            t.rows(),
            t.updates(),
            t.history().epochs().len()
        ));
    }
}

impl<M: Model> Callback<M> for Log {
    fn on_start(&mut self, training: &mut Training<'_, M>) -> Result<Flow> {
        assert!(training.loss().is_nan());
        self.line("start", training);
        Ok(Flow::Continue(()))
    }

    fn on_batch(&mut self, training: &mut Training<'_, M>) -> Result<Flow> {
        assert!(training.loss().is_finite());
        self.line("batch", training);
        match self.stop_at_update {
            Some(update) if update == training.updates() => Ok(Flow::Break(Stop::early("enough updates"))),
            _ => Ok(Flow::Continue(())),
        }
    }

    fn on_epoch(&mut self, training: &mut Training<'_, M>) -> Result<Flow> {
        assert_eq!(training.history().last().map(|epoch| epoch.train_loss), Some(training.loss()));
        self.line("epoch", training);
        match self.stop_after_epoch {
            Some(epoch) if epoch == training.epoch() => Ok(Flow::Break(Stop::Interrupted)),
            _ => Ok(Flow::Continue(())),
        }
    }

    fn on_end(&mut self, training: &mut Training<'_, M>) -> Result<()> {
        self.line("end", training);
        if let Some(stop) = training.history().stopped() {
            self.lines.push(stop.to_string());
        }
        Ok(())
    }
}

fn fit(callback: impl Callback<Linear<f64>>, epochs: usize) -> Result<(Linear<f64>, History)> {
    let mut model = Linear::<f64>::new(1);
    let trainer = Trainer::new(Sgd::new(0.1)).epochs(epochs).batch_size(4).callback(callback);
    let history = trainer.fit(&mut model, &plane(10), None)?;
    Ok((model, history))
}

#[test]
fn callbacks_are_told_of_every_batch_and_epoch() {
    let mut log = Log::default();
    let (watched, history) = fit(&mut log, 2).unwrap();
    assert_eq!(
        log.lines,
        [
            "start 1/2 0/3 rows 0 updates 0 history 0",
            "batch 1/2 1/3 rows 4 updates 1 history 0",
            "batch 1/2 2/3 rows 8 updates 2 history 0",
            "batch 1/2 3/3 rows 10 updates 3 history 0",
            "epoch 1/2 3/3 rows 10 updates 3 history 1",
            "batch 2/2 1/3 rows 4 updates 4 history 1",
            "batch 2/2 2/3 rows 8 updates 5 history 1",
            "batch 2/2 3/3 rows 10 updates 6 history 1",
            "epoch 2/2 3/3 rows 10 updates 6 history 2",
            "end 2/2 3/3 rows 10 updates 6 history 2",
        ]
    );
    assert_eq!(history.stopped(), None);
    assert_eq!(fit((), 2).unwrap(), (watched, history), "watching changes nothing");
}

#[test]
fn callbacks_stop_between_batches_and_after_epochs() {
    let mut log = Log { stop_at_update: Some(5), ..Log::default() };
    let (_, history) = fit(&mut log, 3).unwrap();
    assert_eq!(history.stopped(), Some(&Stop::early("enough updates")));
    assert_eq!(history.epochs().len(), 1, "an epoch that is cut short is not measured");
    assert!(history.to_string().ends_with("\nstopped early: enough updates"), "{history}");
    assert_eq!(
        log.lines[log.lines.len() - 3..],
        [
            "batch 2/3 2/3 rows 8 updates 5 history 1",
            "end 2/3 2/3 rows 8 updates 5 history 1",
            "stopped early: enough updates",
        ]
    );

    let mut log = Log { stop_after_epoch: Some(2), ..Log::default() };
    let (_, history) = fit(&mut log, 3).unwrap();
    assert_eq!((history.stopped(), history.epochs().len()), (Some(&Stop::Interrupted), 2));
    assert_eq!(log.lines[log.lines.len() - 2], "end 2/3 3/3 rows 10 updates 6 history 2");
}

#[test]
fn every_callback_hears_of_a_stop_in_the_order_that_was_given() {
    let mut first = Log { name: "first ", stop_after_epoch: Some(1), ..Log::default() };
    let mut second = Log { name: "second ", stop_at_update: Some(100), ..Log::default() };
    let boxed: Box<dyn Callback<Linear<f64>>> = Box::new(&mut second);
    let mut model = Linear::<f64>::new(1);
    let trainer = Trainer::new(Sgd::new(0.1)).batch_size(4).callback(&mut first).callback(boxed);
    trainer.fit(&mut model, &plane(10), None).unwrap();
    assert_eq!(first.lines.len(), second.lines.len());
    assert_eq!(second.lines.last().map(String::as_str), Some("interrupted"));
}

/// Changes the model, or fails.
struct Meddle {
    fail: bool,
}

impl<M: Model<Scalar = f64>> Callback<M> for Meddle {
    fn on_batch(&mut self, training: &mut Training<'_, M>) -> Result<Flow> {
        if self.fail {
            return Err(Error::callback("the disk is full"));
        }
        for parameter in training.model_mut().params_flat_mut() {
            *parameter = parameter.clamp(-0.25, 0.25);
        }
        Ok(Flow::Continue(()))
    }
}

#[test]
fn callbacks_may_change_the_model_and_fail() {
    let (model, _) = fit(Meddle { fail: false }, 20).unwrap();
    assert_eq!(model.params[..2], [0.25, -0.25]);
    let error = fit(Meddle { fail: true }, 20).unwrap_err();
    assert_eq!(error.to_string(), "a callback of the training failed");
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "the disk is full");
}
