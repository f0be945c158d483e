//! The training loop.

use std::ops::ControlFlow;
use std::time::Instant;

use super::callback::Now;
use super::schedule::{Schedule, Time};
use super::{BatchSize, Callback, Flow, Trainer, Training, group};
use crate::data::{self, Dataset, Order, Source};
use crate::history::{Epoch, History};
use crate::kernels::Real;
use crate::metrics::Evaluator;
use crate::model::{Batch, Model, Train};
use crate::optim::{InvalidSetting, Optimizer};
use crate::stepper::{Refused, Stepper};
use crate::{Error, Result};

/// Trains a model on data that was checked against it, in batches of up to `batch_rows`.
pub(super) fn run<M, D, O, S, C>(
    trainer: Trainer<O, S, C>,
    model: &mut M,
    train: &D,
    valid: Option<&Dataset<M::Scalar>>,
    batch_rows: usize,
) -> Result<History>
where
    M: Train,
    D: Source<M::Scalar> + ?Sized,
    O: Optimizer<M::Scalar>,
    S: Schedule,
    C: Callback<M>,
{
    let Trainer { optimizer, schedule, callback, settings } = trainer;
    let measured = match valid {
        Some(valid) => Some((valid, "the validation data")),
        None => train.dataset().map(|train| (train, "the training data")),
    };
    let evaluator = measured.map(|(data, what)| Evaluator::<M>::new(data, what)).transpose()?;
    let mut stepper = Stepper::new(&optimizer, batch_rows);
    if let Some(clip) = settings.clip {
        stepper = stepper.with_clip(clip);
    }
    if !settings.groups.is_empty() {
        stepper = stepper.with_runs(group::runs::<M>(&settings.groups, optimizer.has_weight_decay())?);
    }
    let now = Now {
        epoch: 1,
        epochs: settings.epochs,
        batch: 0,
        batches: train.rows().map(|rows| rows.div_ceil(batch_rows)),
        rows: 0,
        updates: 0,
        loss: f64::NAN,
        learning_rate: f64::NAN,
    };
    let run = Run {
        stepper,
        evaluator,
        validated: valid.is_some(),
        model,
        train,
        batch_rows,
        order: Order { seed: settings.seed, epoch: 1, shuffled: settings.batch != BatchSize::All },
        schedule,
        learning_rate: optimizer.learning_rate(),
        callback,
        history: History::new(M::NAME, valid.is_some()),
        now,
        sum: 0.0,
        start: Instant::now(),
    };
    run.complete()
}

/// One training: what it works on, and how far it is.
struct Run<'r, M: Train, D: ?Sized, O, S, C> {
    model: &'r mut M,
    train: &'r D,
    stepper: Stepper<'r, M, O>,
    evaluator: Option<Evaluator<'r, M>>,
    /// Whether the evaluator has validation data.
    validated: bool,
    batch_rows: usize,
    order: Order,
    schedule: S,
    /// As the optimiser was told.
    learning_rate: f64,
    callback: C,
    history: History,
    now: Now,
    /// The losses of this epoch's rows so far.
    sum: f64,
    /// When the epoch began.
    start: Instant,
}

impl<M, D, O, S, C> Run<'_, M, D, O, S, C>
where
    M: Train,
    D: Source<M::Scalar> + ?Sized,
    O: Optimizer<M::Scalar>,
    S: Schedule,
    C: Callback<M>,
{
    fn complete(mut self) -> Result<History> {
        self.parameters_finite()?;
        self.set_learning_rate()?;
        let mut flow = self.tell(C::on_start)?;
        while flow.is_continue() {
            flow = self.epoch()?;
            if flow.is_break() || self.now.epoch == self.now.epochs {
                break;
            }
            self.now.epoch += 1;
        }
        self.history.stopped = flow.break_value();
        let Self { callback, model, history, now, .. } = &mut self;
        callback.on_end(&mut Training { model, history, now: *now })?;
        Ok(self.history)
    }

    /// The batches of one epoch, and what is measured after them, unless a callback stops between two batches.
    fn epoch(&mut self) -> Result<Flow> {
        (self.now.batch, self.now.rows, self.sum) = (0, 0, 0.0);
        self.start = Instant::now();
        let train = self.train;
        let order = Order { epoch: self.now.epoch as u64, ..self.order };
        let mut flow = Flow::Continue(());
        train.epoch(order, self.batch_rows, self.now.batch, &mut |batch| {
            flow = self.batch(batch)?;
            Ok(if flow.is_break() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        if flow.is_break() { Ok(flow) } else { self.measure() }
    }

    fn batch(&mut self, batch: &Batch<'_, M::Scalar>) -> Result<Flow> {
        // Rows in memory were checked before.
        if self.train.dataset().is_none() {
            data::batch_for_model::<M>(batch, self.train.target(), self.now.rows as usize)?;
        }
        self.set_learning_rate()?;
        let loss = self.stepper.step(self.model, batch).to_f64();
        if let Some(refused) = self.stepper.refused() {
            return Err(self.diagnose(refused, loss));
        }
        self.now.batch += 1;
        self.sum += loss * batch.len() as f64;
        self.now.rows += batch.len() as u64;
        self.now.updates += 1;
        self.now.loss = loss;
        self.tell(C::on_batch)
    }

    /// Asks the schedule for the learning rate of the update that comes next.
    fn set_learning_rate(&mut self) -> Result<()> {
        let Now { epoch, epochs, batches, updates, .. } = self.now;
        let total = batches.map(|batches| (batches * epochs) as u64);
        let factor = self.schedule.factor(Time { updates, epochs: epoch as u64 - 1, total });
        InvalidSetting::unless_not_negative("schedule's factor of the learning rate", factor)?;
        self.stepper.set_factor(factor);
        self.now.learning_rate = self.learning_rate * factor;
        Ok(())
    }

    fn measure(&mut self) -> Result<Flow> {
        if self.now.rows == 0 {
            return Err(Error::Empty { what: "the training data", missing: "rows" });
        }
        // The loss would only tell in the next epoch.
        self.parameters_finite()?;
        let epoch = self.now.epoch;
        let train_loss = self.sum / self.now.rows as f64;
        let (valid_loss, metric) = match &mut self.evaluator {
            Some(evaluator) if self.validated => {
                let evaluation = evaluator.evaluate(self.model);
                if !evaluation.loss.is_finite() {
                    return Err(Error::NonFiniteValidationLoss { epoch, loss: evaluation.loss });
                }
                (Some(evaluation.loss), evaluation.metric)
            }
            Some(evaluator) => (None, evaluator.metric(self.model)),
            None => (None, None),
        };
        self.history.push(Epoch {
            train_loss,
            valid_loss,
            metrics: metric.into_iter().map(Into::into).collect(),
            learning_rate: self.now.learning_rate,
            seconds: self.start.elapsed().as_secs_f64(),
            rows: self.now.rows,
        });
        self.schedule.observe(valid_loss.unwrap_or(train_loss));
        self.now.loss = train_loss;
        self.tell(C::on_epoch)
    }

    /// Tells the callbacks.
    fn tell(&mut self, what: impl FnOnce(&mut C, &mut Training<'_, M>) -> Result<Flow>) -> Result<Flow> {
        let Self { callback, model, history, now, .. } = self;
        what(callback, &mut Training { model, history, now: *now })
    }

    /// Checks that the update before left numbers.
    fn parameters_finite(&self) -> Result<()> {
        let Some(at) = self.model.params_flat().iter().position(|value| !value.is_finite()) else {
            return Ok(());
        };
        let Now { epoch, batch, .. } = self.now;
        Err(Error::NonFiniteParameter { epoch, batch, parameter: parameter::<M>(at).unwrap_or("") })
    }

    /// Says why a step was refused: because of the update before, or of its own gradient.
    fn diagnose(&mut self, refused: Refused, loss: f64) -> Error {
        if let Err(error) = self.parameters_finite() {
            return error;
        }
        let (epoch, batch) = (self.now.epoch, self.now.batch + 1);
        let parameter = self.stepper.gradient_not_finite().and_then(parameter::<M>);
        match refused {
            Refused::Loss => Error::NonFiniteLoss { epoch, batch, loss, parameter },
            Refused::Norm => Error::NonFiniteGradient { epoch, batch, parameter },
        }
    }
}

/// The name of the parameter at this position of the flat slice.
fn parameter<M: Model>(at: usize) -> Option<&'static str> {
    let param = M::PARAMS.iter().find(|param| (param.offset..param.offset + param.len()).contains(&at));
    param.map(|param| param.name)
}
