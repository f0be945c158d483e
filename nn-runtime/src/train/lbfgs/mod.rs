//! L-BFGS: few, long steps for models whose whole data can be looked at for each.

mod directions;
mod line_search;

use std::time::Instant;

use self::directions::Directions;
use self::line_search::{Point, strong_wolfe};
use super::Stop;
use crate::data::{self, Dataset};
use crate::history::{Epoch, History};
use crate::kernels::Real;
use crate::metrics::Evaluator;
use crate::model::Train;
use crate::optim::InvalidSetting;
use crate::stepper::Gradients;
use crate::{Error, Result};

/// Minimises the loss over all rows by L-BFGS: Nocedal and Wright, *Numerical optimization* (2006), algorithm 7.5, with
/// the two-loop recursion 7.4 and a line search for the strong Wolfe conditions, 3.5 and 3.6, by cubic interpolation.
///
/// For smooth losses, and as many rows as one likes to visit some ten to hundred times. It has no learning rate. The
/// conventions are those of `PyTorch`'s `LBFGS` with `strong_wolfe`.
///
/// ```
/// # use nn_runtime::prelude::*;
/// use nn_runtime::Lbfgs;
///
/// # fn run<M: Train<Scalar = f64>>(mut model: M, train: Dataset<f64>, valid: Dataset<f64>) -> nn_runtime::Result<()> {
/// let history = Lbfgs::new().history(10).iterations(200).fit(&mut model, &train, &valid)?;
/// println!("{history}");
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lbfgs {
    history: usize,
    iterations: usize,
    gradient_tolerance: f64,
    change_tolerance: f64,
}

/// The most evaluations of one line search.
const SEARCH: usize = 25;
/// Rows whose loss and gradient are computed at a time. Their mean is taken in double precision.
const CHUNK: usize = 4096;

impl Lbfgs {
    /// Up to 100 iterations, which remember the last 10.
    pub fn new() -> Self {
        Self { history: 10, iterations: 100, gradient_tolerance: 1e-7, change_tolerance: 1e-9 }
    }

    /// How many iterations it remembers: at least 1. Each takes twice the memory of the parameters in double precision.
    #[must_use]
    pub fn history(self, iterations: usize) -> Self {
        Self { history: iterations, ..self }
    }

    /// The most iterations, at least 1. Each takes one evaluation of all rows, or a few.
    #[must_use]
    pub fn iterations(self, iterations: usize) -> Self {
        Self { iterations, ..self }
    }

    /// It ends when no element of the gradient is larger than `gradient`, or an iteration changes neither a parameter
    /// nor the loss by more than `change`: at least 0, 1e-7 and 1e-9 by default.
    #[must_use]
    pub fn tolerances(self, gradient: f64, change: f64) -> Self {
        Self { gradient_tolerance: gradient, change_tolerance: change, ..self }
    }

    /// Trains the model on all rows of `train`, and measures it on `valid` after every iteration: a dataset, or `None`.
    ///
    /// An iteration is an epoch of the history: its training loss is that after the step, the learning rate is the
    /// length of the step along its direction, and its rows are counted once for each evaluation.
    /// [`History::stopped`] says what ended it before the last iteration. The model has the parameters of the last one,
    /// also if it ends with an error.
    ///
    /// # Errors
    /// If a setting makes no sense, the model [sees its batch](Train::SEES_BATCH), a dataset is empty or not what the model takes, or loss or gradient are not finite
    /// where it starts.
    pub fn fit<'v, M: Train>(
        &self,
        model: &mut M,
        train: &Dataset<M::Scalar>,
        valid: impl Into<Option<&'v Dataset<M::Scalar>>>,
    ) -> Result<History> {
        self.validate()?;
        if M::SEES_BATCH {
            return Err(Error::SeesBatch { model: M::NAME, method: "L-BFGS" });
        }
        data::for_model::<M>(train)?;
        if train.is_empty() {
            return Err(Error::Empty { what: "the training data", missing: "rows" });
        }
        let valid = valid.into();
        if let Some(valid) = valid {
            data::for_model::<M>(valid)?;
        }
        let evaluator = match valid {
            Some(valid) => Evaluator::<M>::new(valid, "the validation data")?,
            None => Evaluator::<M>::new(train, "the training data")?,
        };
        let objective =
            Objective { model, train, gradients: Gradients::new(train.len().min(CHUNK)), calls: 0 };
        let search = || self.run(objective, evaluator, valid.is_some());
        // Work handed out from inside of the pool does not have to wake it up first.
        #[cfg(feature = "rayon")]
        if crate::stepper::threads_pay(train.len(), M::FLOPS_TRAIN) {
            return rayon::scope(|_| search());
        }
        search()
    }

    fn validate(&self) -> Result<(), InvalidSetting> {
        let range = "at least 1";
        if self.history == 0 {
            return Err(InvalidSetting { setting: "length of the history", value: 0.0, range });
        }
        if self.iterations == 0 {
            return Err(InvalidSetting { setting: "number of iterations", value: 0.0, range });
        }
        InvalidSetting::unless_not_negative("tolerance of the gradient", self.gradient_tolerance)?;
        InvalidSetting::unless_not_negative("tolerance of changes", self.change_tolerance)
    }

    fn run<M: Train>(
        &self,
        mut objective: Objective<'_, M>,
        mut evaluator: Evaluator<'_, M>,
        validated: bool,
    ) -> Result<History> {
        let mut history = History::new(M::NAME, validated);
        let mut directions = Directions::new(self.history);
        let mut position = objective.position();
        let (mut loss, mut gradient) = objective.evaluate();
        if let Some(parameter) = not_finite::<M>(&position) {
            return Err(Error::NonFiniteParameter { epoch: 1, batch: 0, parameter });
        }
        if !loss.is_finite() || gradient.iter().any(|g| !g.is_finite()) {
            return Err(Error::NonFiniteLoss {
                epoch: 1,
                batch: 1,
                loss,
                parameter: not_finite::<M>(&gradient),
            });
        }
        let mut stop = self.is_flat(&gradient);
        for iteration in 1..=self.iterations {
            if stop.is_some() {
                break;
            }
            let start = Instant::now();
            let direction = directions.downhill(&gradient);
            let slope = dot(&gradient, &direction);
            if slope > -self.change_tolerance {
                stop = Some("the loss does not fall along the direction of the next step".to_owned());
                break;
            }
            // The first direction is the gradient, whose length says nothing about the step.
            let first = if iteration == 1 { (1.0 / sum_of_magnitudes(&gradient)).min(1.0) } else { 1.0 };
            let from = Point { step: 0.0, loss, slope, gradient };
            let found =
                strong_wolfe(&from, first, largest(&direction), self.change_tolerance, SEARCH, |step| {
                    objective.at(&position, &direction, step)
                });
            objective.place(&position, &direction, found.step);

            let next = objective.position();
            let step: Vec<f64> = next.iter().zip(&position).map(|(next, last)| next - last).collect();
            let change: Vec<f64> =
                found.gradient.iter().zip(&from.gradient).map(|(next, last)| next - last).collect();
            let moved = largest(&step);
            directions.remember(step, change);
            let fell = (loss - found.loss).abs();
            (position, loss, gradient) = (next, found.loss, found.gradient);

            let rows = objective.rows();
            let epoch = measure(&mut evaluator, objective.model, validated, iteration)?;
            let seconds = start.elapsed().as_secs_f64();
            history.push(Epoch { train_loss: loss, learning_rate: found.step, seconds, rows, ..epoch });
            stop = self.is_flat(&gradient).or_else(|| self.is_still(moved, fell));
            if iteration == self.iterations {
                stop = None;
            }
        }
        history.stopped = stop.map(Stop::early);
        Ok(history)
    }

    /// Why there is nothing to gain, if the gradient is small enough.
    fn is_flat(&self, gradient: &[f64]) -> Option<String> {
        let flat = largest(gradient) <= self.gradient_tolerance;
        flat.then(|| format!("no element of the gradient is above {:e}", self.gradient_tolerance))
    }

    /// Why there is nothing to gain, if neither parameters nor loss change any more.
    fn is_still(&self, moved: f64, fell: f64) -> Option<String> {
        let what = if moved <= self.change_tolerance {
            "parameter"
        } else if fell < self.change_tolerance {
            "loss"
        } else {
            return None;
        };
        Some(format!("the last step changed no {what} by more than {:e}", self.change_tolerance))
    }
}

impl Default for Lbfgs {
    fn default() -> Self {
        Self::new()
    }
}

/// The mean loss over all rows.
struct Objective<'m, M: Train> {
    model: &'m mut M,
    train: &'m Dataset<M::Scalar>,
    gradients: Gradients<M>,
    /// Evaluations since they were asked for.
    calls: u64,
}

impl<M: Train> Objective<'_, M> {
    fn position(&self) -> Vec<f64> {
        self.model.params_flat().iter().map(|p| p.to_f64()).collect()
    }

    /// Loss and gradient where the model is.
    fn evaluate(&mut self) -> (f64, Vec<f64>) {
        self.calls += 1;
        let batch = self.train.batch();
        let (mut loss, mut gradient) = (0.0, vec![0.0; M::PARAM_COUNT]);
        for rows in batch.tiles(CHUNK) {
            let part = rows.len() as f64 / batch.len() as f64;
            let (mean, means) = self.gradients.loss_and_gradient(self.model, &batch.slice(rows));
            loss += part * mean.to_f64();
            for (sum, mean) in gradient.iter_mut().zip(means) {
                *sum += part * mean.to_f64();
            }
        }
        (loss, gradient)
    }

    /// Puts the model at `position + step * direction`.
    fn place(&mut self, position: &[f64], direction: &[f64], step: f64) {
        for ((p, &x), &d) in self.model.params_flat_mut().iter_mut().zip(position).zip(direction) {
            *p = M::Scalar::from_f64(x + step * d);
        }
    }

    fn at(&mut self, position: &[f64], direction: &[f64], step: f64) -> Point {
        self.place(position, direction, step);
        let (loss, gradient) = self.evaluate();
        Point { step, loss, slope: dot(&gradient, direction), gradient }
    }

    /// Rows visited since this was asked for.
    fn rows(&mut self) -> u64 {
        core::mem::take(&mut self.calls) * self.train.len() as u64
    }
}

/// What is measured after an iteration; the rest is left open.
fn measure<M: Train>(
    evaluator: &mut Evaluator<'_, M>,
    model: &M,
    validated: bool,
    epoch: usize,
) -> Result<Epoch> {
    let (valid_loss, metric) = if validated {
        let evaluation = evaluator.evaluate(model);
        if !evaluation.loss.is_finite() {
            return Err(Error::NonFiniteValidationLoss { epoch, loss: evaluation.loss });
        }
        (Some(evaluation.loss), evaluation.metric)
    } else {
        (None, evaluator.metric(model))
    };
    let metrics = metric.into_iter().map(Into::into).collect();
    Ok(Epoch { train_loss: f64::NAN, valid_loss, metrics, learning_rate: f64::NAN, seconds: 0.0, rows: 0 })
}

/// The first parameter of whose numbers one is not finite.
fn not_finite<M: Train>(values: &[f64]) -> Option<&'static str> {
    let is_finite = |param: &crate::model::ParamInfo| {
        values[param.offset..param.offset + param.len()].iter().all(|value| value.is_finite())
    };
    M::PARAMS.iter().find(|param| !is_finite(param)).map(|param| param.name)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |largest, value| value.abs().max(largest))
}

fn sum_of_magnitudes(values: &[f64]) -> f64 {
    values.iter().map(|value| value.abs()).sum()
}
