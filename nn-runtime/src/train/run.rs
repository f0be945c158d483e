//! The training loop.

use std::time::Instant;

use super::callback::Now;
use super::{BatchSize, Callback, Flow, Trainer, Training};
use crate::data::Dataset;
use crate::history::{Epoch, History};
use crate::kernels::Real;
use crate::metrics::Evaluator;
use crate::model::{Model, Train};
use crate::optim::Optimizer;
use crate::stepper::Stepper;
use crate::{Error, Result, random};

/// Trains a model on datasets that were checked against it, in batches of up to `batch_rows`.
pub(super) fn run<M, O, C>(
    trainer: Trainer<O, C>,
    model: &mut M,
    train: &Dataset<M::Scalar>,
    valid: Option<&Dataset<M::Scalar>>,
    batch_rows: usize,
) -> Result<History>
where
    M: Train,
    O: Optimizer<M::Scalar>,
    C: Callback<M>,
{
    let Trainer { optimizer, epochs, batch, seed, callback } = trainer;
    let evaluator = match valid {
        Some(valid) => Evaluator::<M>::new(valid, "the validation data")?,
        None => Evaluator::<M>::new(train, "the training data")?,
    };
    let now = Now {
        epoch: 1,
        epochs,
        batch: 0,
        batches: Some(train.len().div_ceil(batch_rows)),
        rows: 0,
        updates: 0,
        loss: f64::NAN,
    };
    let run = Run {
        stepper: Stepper::new(&optimizer, batch_rows),
        evaluator,
        validated: valid.is_some(),
        model,
        train,
        batch_rows,
        shuffle: (batch != BatchSize::All).then_some(seed),
        callback,
        history: History::new(M::NAME, valid.is_some()),
        now,
        sum: 0.0,
        start: Instant::now(),
    };
    run.to_the_end()
}

/// One training: what it works on, and how far it is.
struct Run<'r, M: Train, O, C> {
    model: &'r mut M,
    train: &'r Dataset<M::Scalar>,
    stepper: Stepper<'r, M, O>,
    evaluator: Evaluator<'r, M>,
    /// Whether the evaluator has validation data.
    validated: bool,
    batch_rows: usize,
    /// The seed of the rows' order, unless it is their own.
    shuffle: Option<u64>,
    callback: C,
    history: History,
    now: Now,
    /// The losses of this epoch's rows so far.
    sum: f64,
    /// When the epoch began.
    start: Instant,
}

impl<M, O, C> Run<'_, M, O, C>
where
    M: Train,
    O: Optimizer<M::Scalar>,
    C: Callback<M>,
{
    fn to_the_end(mut self) -> Result<History> {
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
        let mut order: Vec<u32> = Vec::new();
        let mut rows = self.train.batch();
        if let Some(seed) = self.shuffle {
            order.resize(rows.len(), 0);
            random::permute(&mut order, random::stream(seed, self.now.epoch as u64));
            rows = rows.with_order(&order);
        }
        (self.now.batch, self.now.rows, self.sum) = (0, 0, 0.0);
        self.start = Instant::now();
        for range in rows.tiles(self.batch_rows) {
            let flow = self.batch(&rows.slice(range))?;
            if flow.is_break() {
                return Ok(flow);
            }
        }
        self.measure()
    }

    fn batch(&mut self, batch: &crate::model::Batch<'_, M::Scalar>) -> Result<Flow> {
        let loss = self.stepper.step(self.model, batch).to_f64();
        self.now.batch += 1;
        if !loss.is_finite() {
            return Err(Error::NonFiniteLoss { epoch: self.now.epoch, batch: self.now.batch, loss });
        }
        self.sum += loss * batch.len() as f64;
        self.now.rows += batch.len() as u64;
        self.now.updates += 1;
        self.now.loss = loss;
        self.tell(C::on_batch)
    }

    fn measure(&mut self) -> Result<Flow> {
        let epoch = self.now.epoch;
        all_finite(self.model, epoch)?;
        let train_loss = self.sum / self.now.rows as f64;
        let (valid_loss, metric) = if self.validated {
            let evaluation = self.evaluator.evaluate(self.model);
            if !evaluation.loss.is_finite() {
                return Err(Error::NonFiniteValidationLoss { epoch, loss: evaluation.loss });
            }
            (Some(evaluation.loss), evaluation.metric)
        } else {
            (None, self.evaluator.metric(self.model))
        };
        self.history.push(Epoch {
            train_loss,
            valid_loss,
            metrics: metric.into_iter().map(Into::into).collect(),
            learning_rate: f64::NAN,
            seconds: self.start.elapsed().as_secs_f64(),
            rows: self.now.rows,
        });
        self.now.loss = train_loss;
        self.tell(C::on_epoch)
    }

    /// Tells the callbacks.
    fn tell(&mut self, what: impl FnOnce(&mut C, &mut Training<'_, M>) -> Result<Flow>) -> Result<Flow> {
        let Self { callback, model, history, now, .. } = self;
        what(callback, &mut Training { model, history, now: *now })
    }
}

/// Checks that the last update of an epoch left numbers: the loss would only tell in the next one.
fn all_finite<M: Model>(model: &M, epoch: usize) -> Result<()> {
    let Some(at) = model.params_flat().iter().position(|value| !value.is_finite()) else { return Ok(()) };
    let param = M::PARAMS.iter().find(|param| (param.offset..param.offset + param.len()).contains(&at));
    Err(Error::NonFiniteParameter { epoch, parameter: param.map_or("", |param| param.name) })
}
