//! Training that ends where there is nothing more to gain.

use super::{Callback, Flow, Memory, Stop, Training};
use crate::kernels::Real;
use crate::model::Model;
use crate::{Error, Result};

/// Stops a training when its validation loss has not improved for some epochs; without validation data, its training
/// loss.
///
/// ```
/// # use nn_runtime::prelude::*;
/// use nn_runtime::EarlyStopping;
///
/// # fn run<M: Train<Scalar = f32>>(mut model: M, train: Dataset, valid: Dataset) -> nn_runtime::Result<()> {
/// let mut stopping = EarlyStopping::new(10).min_delta(1e-4).restore_best();
/// let trainer = Trainer::new(Adam::new(1e-3)).epochs(500).callback(&mut stopping);
/// trainer.fit(&mut model, &train, &valid)?;
/// println!("best in epoch {:?}", stopping.best().map(|(epoch, _)| epoch));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct EarlyStopping {
    patience: usize,
    min_delta: f64,
    measure: Watched,
    restore: bool,
    best: Option<(usize, f64)>,
    /// Epochs since the best.
    waited: usize,
    /// The parameters and states of the best epoch, if they are to be restored.
    parameters: Vec<f64>,
}

/// What is watched.
#[derive(Clone, Debug, PartialEq)]
enum Watched {
    Loss,
    Metric { name: String, larger_is_better: bool },
}

impl EarlyStopping {
    /// Stops after `patience` epochs in a row, at least 1, that were no improvement.
    pub fn new(patience: usize) -> Self {
        Self {
            patience,
            min_delta: 0.0,
            measure: Watched::Loss,
            restore: false,
            best: None,
            waited: 0,
            parameters: Vec::new(),
        }
    }

    /// How much better than the best an improvement is: at least 0, the default.
    #[must_use]
    pub fn min_delta(self, min_delta: f64) -> Self {
        Self { min_delta, ..self }
    }

    /// Watches a metric of which more is better: "accuracy", "r2", ….
    #[must_use]
    pub fn maximise(self, metric: impl Into<String>) -> Self {
        Self { measure: Watched::Metric { name: metric.into(), larger_is_better: true }, ..self }
    }

    /// Watches a metric of which less is better.
    #[must_use]
    pub fn minimise(self, metric: impl Into<String>) -> Self {
        Self { measure: Watched::Metric { name: metric.into(), larger_is_better: false }, ..self }
    }

    /// Gives the model the parameters of its best epoch when the training ends, whatever ends it.
    #[must_use]
    pub fn restore_best(self) -> Self {
        Self { restore: true, ..self }
    }

    /// The number of the best epoch, counted from 1, and what was measured in it.
    pub fn best(&self) -> Option<(usize, f64)> {
        self.best
    }

    /// What is watched, for a sentence.
    fn name(&self, validated: bool) -> &str {
        match &self.measure {
            Watched::Metric { name, .. } => name,
            Watched::Loss if validated => "validation loss",
            Watched::Loss => "training loss",
        }
    }

    fn is_better(&self, value: f64) -> bool {
        let Some((_, best)) = self.best else { return true };
        match self.measure {
            Watched::Metric { larger_is_better: true, .. } => value > best + self.min_delta,
            _ => value < best - self.min_delta,
        }
    }
}

impl<M: Model> Callback<M> for EarlyStopping {
    fn on_start(&mut self, _training: &mut Training<'_, M>) -> Result<Flow> {
        if self.patience == 0 {
            let setting = "patience of early stopping";
            return Err(crate::InvalidSetting { setting, value: 0.0, range: "at least 1" }.into());
        }
        crate::InvalidSetting::unless_not_negative("smallest improvement of early stopping", self.min_delta)?;
        (self.best, self.waited) = (None, 0);
        self.parameters.clear();
        Ok(Flow::Continue(()))
    }

    fn on_epoch(&mut self, training: &mut Training<'_, M>) -> Result<Flow> {
        let Some(epoch) = training.history().last() else { return Ok(Flow::Continue(())) };
        let validated = epoch.valid_loss.is_some();
        let value = match &self.measure {
            Watched::Loss => epoch.valid_loss.unwrap_or(epoch.train_loss),
            Watched::Metric { name, .. } => epoch.metric(name).ok_or_else(|| Error::UnknownMetric {
                metric: name.clone(),
                available: crate::error::quoted(training.history().metric_names()),
            })?,
        };
        if self.is_better(value) {
            (self.best, self.waited) = (Some((training.epoch(), value)), 0);
            if self.restore {
                self.parameters.clear();
                self.parameters.extend(training.model().stored_flat().iter().map(|p| p.to_f64()));
            }
            return Ok(Flow::Continue(()));
        }
        self.waited += 1;
        if self.waited < self.patience {
            return Ok(Flow::Continue(()));
        }
        let epochs = if self.waited == 1 { "epoch" } else { "epochs" };
        let reason = format!("the {} did not improve for {} {epochs}", self.name(validated), self.waited);
        Ok(Flow::Break(Stop::early(reason)))
    }

    fn on_end(&mut self, training: &mut Training<'_, M>) -> Result<()> {
        if !self.parameters.is_empty() {
            let parameters = training.model_mut().stored_flat_mut();
            for (parameter, &best) in parameters.iter_mut().zip(&self.parameters) {
                *parameter = M::Scalar::from_f64(best);
            }
        }
        Ok(())
    }

    fn save(&self, memory: &mut Memory) {
        let Some((epoch, value)) = self.best else { return };
        memory.numbers("best", vec![epoch as f64, value, self.waited as f64]);
        if self.restore {
            memory.parameters("best", self.parameters.clone());
        }
    }

    fn restore(&mut self, memory: &Memory) -> Result<()> {
        match memory.get_numbers("best") {
            None => {}
            Some(&[epoch, value, waited]) => {
                (self.best, self.waited) = (Some((epoch as usize, value)), waited as usize);
            }
            Some(_) => return Err(Error::callback("early stopping remembers three numbers")),
        }
        if self.restore {
            self.parameters = memory.get_parameters("best").map(<[f64]>::to_vec).unwrap_or_default();
        }
        Ok(())
    }
}
