//! The training loop.

use std::ops::ControlFlow;
use std::time::Instant;

use super::callback::Now;
use super::checkpoint::Setup;
use super::schedule::{Schedule, Time};
use super::{BatchSize, Callback, Checkpoint, Flow, Trainer, Training, group, resume};
use crate::data::{self, Dataset, Order, Source};
use crate::history::{Epoch, History};
use crate::kernels::Real;
use crate::metrics::Evaluator;
use crate::model::{Batch, Extra, Model, Noise, Train};
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
    let measures = &settings.measures;
    let evaluator = measured.map(|(data, what)| Evaluator::<M>::with_measures(data, what, measures));
    let evaluator = evaluator.transpose()?;
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
        of_rows: train.rows(),
        rows: 0,
        updates: 0,
        loss: f64::NAN,
        learning_rate: f64::NAN,
    };
    let shuffled = settings.batch != BatchSize::All;
    let drops = M::EXTRAS.iter().any(|extra| matches!(extra, Extra::Mask { .. }));
    let setup = Setup {
        optimizer: short_name(std::any::type_name::<O>()).to_owned(),
        seed: (shuffled || drops).then_some(settings.seed),
        rows: train.rows(),
        batch_rows,
    };
    let mut run = Run {
        stepper,
        evaluator,
        validated: valid.is_some(),
        model,
        train,
        order: Order { seed: settings.seed, epoch: 1, shuffled },
        setup,
        schedule,
        learning_rate: optimizer.learning_rate(),
        callback,
        checkpoint: settings.checkpoint,
        history: History::new(M::NAME, valid.is_some()),
        now,
        measured: false,
        sum: 0.0,
        start: Instant::now(),
        seconds: 0.0,
    };
    let memory = settings.resume.map(|path| resume::load(&mut run, &path)).transpose()?;
    run.parameters_finite()?;
    run.set_learning_rate()?;
    let flow = run.tell(C::on_start)?;
    if let Some(memory) = memory {
        run.callback.restore(&memory)?;
    }
    run.complete(flow)
}

/// The name of a type without its path and parameters.
fn short_name(name: &str) -> &str {
    let name = name.split('<').next().unwrap_or(name);
    name.rsplit("::").next().unwrap_or(name)
}

/// One training: what it works on, and how far it is.
pub(super) struct Run<'r, M: Train, D: ?Sized, O, S, C> {
    pub(super) model: &'r mut M,
    train: &'r D,
    pub(super) stepper: Stepper<'r, M, O>,
    evaluator: Option<Evaluator<'r, M>>,
    /// Whether the evaluator has validation data.
    validated: bool,
    order: Order,
    pub(super) setup: Setup,
    pub(super) schedule: S,
    /// As the optimiser was told.
    learning_rate: f64,
    pub(super) callback: C,
    pub(super) checkpoint: Option<Checkpoint>,
    pub(super) history: History,
    pub(super) now: Now,
    /// Whether the epoch is over and was measured.
    pub(super) measured: bool,
    /// The losses of this epoch's rows so far.
    pub(super) sum: f64,
    /// When the epoch began or went on, and the seconds that it had taken before.
    pub(super) start: Instant,
    pub(super) seconds: f64,
}

impl<M, D, O, S, C> Run<'_, M, D, O, S, C>
where
    M: Train,
    D: Source<M::Scalar> + ?Sized,
    O: Optimizer<M::Scalar>,
    S: Schedule,
    C: Callback<M>,
{
    /// Runs epochs as long as there are any to run and nothing says to stop.
    fn complete(mut self, mut flow: Flow) -> Result<History> {
        // A training that was stopped early before it was saved is over.
        if self.history.stopped.is_none() {
            self.start = Instant::now();
            while flow.is_continue() && !(self.measured && self.now.epoch >= self.now.epochs) {
                if self.measured {
                    self.next_epoch();
                }
                flow = self.epoch()?;
            }
            self.history.stopped = flow.break_value();
            self.save()?;
        }
        let Self { callback, model, history, now, .. } = &mut self;
        callback.on_end(&mut Training { model, history, now: *now })?;
        Ok(self.history)
    }

    fn next_epoch(&mut self) {
        self.now.epoch += 1;
        (self.now.batch, self.now.rows, self.sum) = (0, 0, 0.0);
        (self.start, self.seconds) = (Instant::now(), 0.0);
        self.measured = false;
    }

    /// The batches of one epoch that are left, and what is measured after them, unless a callback stops between two
    /// batches.
    fn epoch(&mut self) -> Result<Flow> {
        let (train, skip) = (self.train, self.now.batch);
        let order = Order { epoch: self.now.epoch as u64, ..self.order };
        let mut flow = Flow::Continue(());
        train.epoch(order, self.setup.batch_rows, skip, &mut |batch| {
            flow = self.batch(batch)?;
            if flow.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            let updates = self.now.updates;
            if self.checkpoint.as_ref().is_some_and(|checkpoint| checkpoint.is_due_after_batch(updates)) {
                self.save()?;
            }
            Ok(ControlFlow::Continue(()))
        })?;
        if flow.is_break() {
            return Ok(flow);
        }
        let flow = self.measure()?;
        let epoch = self.now.epoch;
        if flow.is_continue()
            && self.checkpoint.as_ref().is_some_and(|checkpoint| checkpoint.is_due_after_epoch(epoch))
        {
            self.save()?;
        }
        Ok(flow)
    }

    /// Writes a checkpoint, if there is to be one.
    fn save(&self) -> Result<()> {
        self.checkpoint.as_ref().map_or(Ok(()), |checkpoint| resume::save(self, checkpoint))
    }

    /// Seconds of this epoch so far.
    pub(super) fn seconds(&self) -> f64 {
        self.seconds + self.start.elapsed().as_secs_f64()
    }

    fn batch(&mut self, batch: &Batch<'_, M::Scalar>) -> Result<Flow> {
        // Rows in memory were checked before.
        if self.train.dataset().is_none() {
            data::batch_for_model::<M>(batch, self.train.target(), self.now.rows as usize)?;
        }
        self.set_learning_rate()?;
        let noise = Noise { seed: self.order.seed, step: self.now.updates };
        let loss = self.stepper.step(self.model, &batch.with_noise(noise)).to_f64();
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
        let epochs = epoch as u64 - u64::from(!self.measured);
        let factor = self.schedule.factor(Time { updates, epochs, total });
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
        let (valid_loss, metrics) = match &mut self.evaluator {
            Some(evaluator) if self.validated => {
                let evaluation = evaluator.evaluate_all(self.model)?;
                if !evaluation.loss.is_finite() {
                    return Err(Error::NonFiniteValidationLoss { epoch, loss: evaluation.loss });
                }
                (Some(evaluation.loss), evaluation.all())
            }
            Some(evaluator) => (None, evaluator.measures(self.model)?),
            None => (None, Vec::new()),
        };
        self.history.push(Epoch {
            train_loss,
            valid_loss,
            metrics,
            learning_rate: self.now.learning_rate,
            seconds: self.seconds(),
            rows: self.now.rows,
        });
        self.schedule.observe(valid_loss.unwrap_or(train_loss));
        self.now.loss = train_loss;
        self.measured = true;
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
