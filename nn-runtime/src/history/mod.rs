//! What happened in each epoch.

mod export;
pub(crate) mod float;
mod terminal;

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::metrics::Metric;
use crate::train::Stop;

#[cfg(feature = "plot")]
pub(crate) use terminal::LOGARITHMIC;
pub(crate) use terminal::short;

/// The record of one training.
///
/// Its [`Display`](fmt::Display) draws the learning curves with characters. Its
/// [`Serialize`] keeps every number, those that are not finite too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct History {
    model: String,
    validated: bool,
    epochs: Vec<Epoch>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stopped: Option<Stop>,
}

/// The measures of one epoch.
///
/// Epochs are equal if the same happened in them, however many seconds it took: equal seeds give equal histories.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Epoch {
    /// The mean loss over the rows of the training data, each measured just before the update that it took part in.
    /// It thus lags behind the validation loss by half an epoch.
    #[serde(with = "float")]
    pub train_loss: f64,
    /// The mean loss on the validation data after the epoch, if there is any.
    #[serde(default, with = "float::optional", skip_serializing_if = "Option::is_none")]
    pub valid_loss: Option<f64>,
    /// What was measured after the epoch, on the validation data if there is any and on the training data otherwise:
    /// accuracy or R² first, if the model has either, then what else was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<Measured>,
    /// The learning rate of the epoch's last update.
    #[serde(with = "float")]
    pub learning_rate: f64,
    /// How long the epoch took, evaluation included, in seconds.
    #[serde(with = "float")]
    pub seconds: f64,
    /// Rows of the training data that the epoch's updates saw.
    pub rows: u64,
}

/// A measure by its name, with its value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Measured {
    /// The name: "accuracy", "r2", ….
    pub name: Cow<'static, str>,
    /// The value.
    #[serde(with = "float")]
    pub value: f64,
}

impl Measured {
    /// A measure of this name and value.
    pub fn new(name: impl Into<Cow<'static, str>>, value: f64) -> Self {
        Self { name: name.into(), value }
    }
}

impl From<Metric> for Measured {
    fn from(metric: Metric) -> Self {
        Self::new(metric.name(), metric.value())
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name.as_ref() {
            "accuracy" => Metric::Accuracy(self.value).fmt(f),
            "r2" => Metric::RSquared(self.value).fmt(f),
            name => write!(f, "{name} {}", short(self.value)),
        }
    }
}

impl PartialEq for Epoch {
    fn eq(&self, other: &Self) -> bool {
        let Self { train_loss, valid_loss, metrics, learning_rate, seconds: _, rows } = self;
        *train_loss == other.train_loss
            && *valid_loss == other.valid_loss
            && *metrics == other.metrics
            && *learning_rate == other.learning_rate
            && *rows == other.rows
    }
}

impl Epoch {
    /// The value of the measure with this name, if it was measured: "accuracy", "r2", ….
    pub fn metric(&self, name: &str) -> Option<f64> {
        self.metrics.iter().find(|metric| metric.name == name).map(|metric| metric.value)
    }

    /// The loss that tells how well the model does: on the validation data if there is any.
    fn decisive_loss(&self) -> f64 {
        self.valid_loss.unwrap_or(self.train_loss)
    }
}

impl History {
    pub(crate) fn new(model: impl Into<String>, validated: bool) -> Self {
        Self { model: model.into(), validated, epochs: Vec::new(), stopped: None }
    }

    pub(crate) fn push(&mut self, epoch: Epoch) {
        self.epochs.push(epoch);
    }

    /// The name of the model.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The epochs, from the first.
    pub fn epochs(&self) -> &[Epoch] {
        &self.epochs
    }

    /// Why the training ended before its last epoch, if it did.
    pub fn stopped(&self) -> Option<&Stop> {
        self.stopped.as_ref()
    }

    /// The last epoch.
    pub fn last(&self) -> Option<&Epoch> {
        self.epochs.last()
    }

    /// The number, counted from 1, and the measures of the epoch with the smallest validation loss, or training loss
    /// without validation data; the first of several.
    pub fn best(&self) -> Option<(usize, &Epoch)> {
        let losses = self.epochs.iter().enumerate().map(|(i, epoch)| (i + 1, epoch));
        losses.min_by(|(_, a), (_, b)| a.decisive_loss().total_cmp(&b.decisive_loss()))
    }

    /// The names of everything that was measured in some epoch, in the order of their first appearance.
    pub fn metric_names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for metric in self.epochs.iter().flat_map(|epoch| &epoch.metrics) {
            if !names.contains(&metric.name.as_ref()) {
                names.push(metric.name.as_ref());
            }
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::{Epoch, History, Measured};

    pub(crate) fn history(losses: &[(f64, Option<f64>)]) -> History {
        let mut history = History::new("Net", losses.iter().any(|(_, valid)| valid.is_some()));
        for &(train_loss, valid_loss) in losses {
            history.push(Epoch {
                train_loss,
                valid_loss,
                metrics: vec![Measured::new("accuracy", 0.5)],
                learning_rate: 0.1,
                seconds: 0.25,
                rows: 128,
            });
        }
        history
    }

    #[test]
    fn the_best_epoch_is_that_of_the_validation_loss() {
        let validated = history(&[(3.0, Some(3.0)), (2.0, Some(1.0)), (1.0, Some(2.0)), (0.5, Some(1.0))]);
        assert_eq!(validated.best().map(|(number, _)| number), Some(2));
        let untested = history(&[(3.0, None), (2.0, None), (4.0, None)]);
        assert_eq!(untested.best().map(|(number, epoch)| (number, epoch.train_loss)), Some((2, 2.0)));
    }

    #[test]
    fn a_history_names_its_metrics_once() {
        let mut history = history(&[(1.0, None), (1.0, None)]);
        history.epochs[1].metrics.insert(0, Measured::new("f1_macro", 0.25));
        assert_eq!(history.metric_names(), ["accuracy", "f1_macro"]);
        assert_eq!(history.epochs()[1].metric("f1_macro"), Some(0.25));
        assert_eq!(history.epochs()[0].metric("f1_macro"), None);
        assert_eq!(Measured::new("f1_macro", 0.25).to_string(), "f1_macro 0.2500");
    }
}
