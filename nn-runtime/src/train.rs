//! The training loop.

use std::time::Instant;

use crate::data::{self, Dataset};
use crate::history::{Epoch, History};
use crate::kernels::Real;
use crate::metrics::Evaluator;
use crate::model::{Model, Train};
use crate::optim::{InvalidSetting, Optimizer};
use crate::stepper::Stepper;
use crate::{Error, Result, random};

/// Trains models by mini-batches: 100 epochs of batches of 32 rows, unless told otherwise.
///
/// The optimiser is one of [`optim`](crate::optim) or any other [`Optimizer`].
///
/// The same seed, data and model give the same bits on the same kind of processor, on any number of threads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trainer<O> {
    optimizer: O,
    epochs: usize,
    batch: BatchSize,
    seed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BatchSize {
    Rows(usize),
    All,
}

impl<O> Trainer<O> {
    /// A trainer with this optimiser.
    pub fn new(optimizer: O) -> Self {
        Self { optimizer, epochs: 100, batch: BatchSize::Rows(32), seed: 0 }
    }

    /// How often every row of the training data is visited.
    #[must_use]
    pub fn epochs(self, epochs: usize) -> Self {
        Self { epochs, ..self }
    }

    /// Rows per update. The last batch of an epoch has what is left.
    #[must_use]
    pub fn batch_size(self, rows: usize) -> Self {
        Self { batch: BatchSize::Rows(rows), ..self }
    }

    /// One update per epoch, for the mean loss over all rows, in their own order.
    #[must_use]
    pub fn full_batch(self) -> Self {
        Self { batch: BatchSize::All, ..self }
    }

    /// The seed of the order in which rows are visited, which is another one in each epoch.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Trains the model on `train`, and measures it on `valid` after every epoch: a dataset, or `None`.
    ///
    /// The model keeps the parameters of the last update, also if training stops with an error.
    ///
    /// # Errors
    /// If a setting makes no sense, a dataset is empty or not what the model takes, or the loss or a parameter stops
    /// being finite.
    pub fn fit<'v, M>(
        &self,
        model: &mut M,
        train: &Dataset<M::Scalar>,
        valid: impl Into<Option<&'v Dataset<M::Scalar>>>,
    ) -> Result<History>
    where
        M: Train,
        O: Optimizer<M::Scalar>,
    {
        self.optimizer.validate()?;
        let batch_rows = match self.batch {
            BatchSize::Rows(0) => {
                return Err(InvalidSetting { setting: "batch size", value: 0.0, range: "at least 1" }.into());
            }
            BatchSize::Rows(rows) => rows.min(train.len()),
            BatchSize::All => train.len(),
        };
        if self.epochs == 0 {
            return Err(
                InvalidSetting { setting: "number of epochs", value: 0.0, range: "at least 1" }.into()
            );
        }
        data::for_model::<M>(train)?;
        if train.is_empty() {
            return Err(Error::Empty { what: "the training data", missing: "rows" });
        }
        let valid = valid.into();
        if let Some(valid) = valid {
            data::for_model::<M>(valid)?;
        }
        let mut training = || self.run(model, train, valid, batch_rows);
        // Work handed out from inside of the pool does not have to wake it up first.
        #[cfg(feature = "rayon")]
        if crate::stepper::threads_pay(batch_rows, M::FLOPS_TRAIN) {
            return rayon::scope(|_| training());
        }
        training()
    }

    fn run<M>(
        &self,
        model: &mut M,
        train: &Dataset<M::Scalar>,
        valid: Option<&Dataset<M::Scalar>>,
        batch_rows: usize,
    ) -> Result<History>
    where
        M: Train,
        O: Optimizer<M::Scalar>,
    {
        let mut stepper = Stepper::new(&self.optimizer, batch_rows);
        let mut evaluator = match valid {
            Some(valid) => Evaluator::<M>::new(valid, "the validation data")?,
            None => Evaluator::<M>::new(train, "the training data")?,
        };
        let mut order: Vec<u32> = (0..).take(train.len()).collect();
        let mut history = History::new(M::NAME, valid.is_some());

        for epoch in 1..=self.epochs {
            let start = Instant::now();
            if self.batch != BatchSize::All {
                random::permute(&mut order, random::stream(self.seed, epoch as u64));
            }
            let rows = train.batch().with_order(&order);
            let mut sum = 0.0;
            for (i, range) in rows.tiles(batch_rows).enumerate() {
                let batch = rows.slice(range);
                let loss = stepper.step(model, &batch).to_f64();
                if !loss.is_finite() {
                    return Err(Error::NonFiniteLoss { epoch, batch: i + 1, loss });
                }
                sum += loss * batch.len() as f64;
            }
            all_finite(model, epoch)?;

            let train_loss = sum / rows.len() as f64;
            let (valid_loss, metric) = if valid.is_some() {
                let evaluation = evaluator.evaluate(model);
                if !evaluation.loss.is_finite() {
                    return Err(Error::NonFiniteValidationLoss { epoch, loss: evaluation.loss });
                }
                (Some(evaluation.loss), evaluation.metric)
            } else {
                (None, evaluator.metric(model))
            };
            history.push(Epoch {
                train_loss,
                valid_loss,
                metrics: metric.into_iter().map(Into::into).collect(),
                learning_rate: 0.0,
                seconds: start.elapsed().as_secs_f64(),
                rows: rows.len() as u64,
            });
        }
        Ok(history)
    }
}

/// Checks that the last update of an epoch left numbers: the loss would only tell in the next one.
fn all_finite<M: Model>(model: &M, epoch: usize) -> Result<()> {
    let Some(at) = model.params_flat().iter().position(|value| !value.is_finite()) else { return Ok(()) };
    let param = M::PARAMS.iter().find(|param| (param.offset..param.offset + param.len()).contains(&at));
    Err(Error::NonFiniteParameter { epoch, parameter: param.map_or("", |param| param.name) })
}
