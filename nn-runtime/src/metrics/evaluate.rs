//! Loss, metric and measures of a model on a dataset.

use std::fmt;

use ndarray::ArrayView2;

use super::measuring::Measuring;
use super::prediction::Prediction;
use super::{Measure, Metric};
use crate::data::{self, Dataset};
use crate::kernels::{AlignedVec, Real};
use crate::model::{Model, Train};
use crate::predictor::Predictor;
use crate::stepper::Gradients;
use crate::{Error, Measured, Result};

/// Loss, metric and measures of a model on a dataset.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Evaluation {
    /// The mean loss.
    pub loss: f64,
    /// Accuracy for classes and yes-or-no targets, R² for numbers; none if the model's first output does not have
    /// the shape of the target.
    pub metric: Option<Metric>,
    /// What else was asked for, in that order.
    pub measures: Vec<Measured>,
}

impl Evaluation {
    /// The metric's value, as scikit-learn's `score`: accuracy or R². NaN if there is no metric.
    pub fn score(&self) -> f64 {
        self.metric.map_or(f64::NAN, Metric::value)
    }

    /// The metric and the measures, each name once.
    pub(crate) fn all(self) -> Vec<Measured> {
        let mut all: Vec<Measured> = self.metric.into_iter().map(Into::into).collect();
        for measured in self.measures {
            if all.iter().all(|known| known.name != measured.name) {
                all.push(measured);
            }
        }
        all
    }

    /// The value of a measure, if it was asked for.
    pub fn get(&self, measure: Measure) -> Option<f64> {
        let name = measure.name();
        self.measures.iter().find(|measured| measured.name == name).map(|measured| measured.value)
    }
}

impl fmt::Display for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "loss {:.6}", self.loss)?;
        if let Some(metric) = self.metric {
            write!(f, ", {metric}")?;
        }
        self.measures.iter().try_for_each(|measured| write!(f, ", {measured}"))
    }
}

/// Loss and metric of a model on a dataset.
///
/// # Errors
/// If the dataset is empty or not what the model takes.
pub fn evaluate<M: Train>(model: &M, dataset: &Dataset<M::Scalar>) -> Result<Evaluation> {
    data::for_model::<M>(dataset)?;
    Ok(Evaluator::new(dataset, WHAT)?.evaluate(model))
}

/// Loss, metric and these measures of a model on a dataset, computed in one pass.
///
/// ```no_run
/// # use nn_runtime::prelude::*;
/// # fn run<M: Train<Scalar = f32>>(model: M, test: Dataset) -> nn_runtime::Result<()> {
/// use nn_runtime::metrics::{Average, Measure, evaluate_with};
///
/// let evaluation = evaluate_with(&model, &test, &[Measure::F1(Average::Macro), Measure::LogLoss])?;
/// println!("{evaluation}");
/// let f1 = evaluation.get(Measure::F1(Average::Macro));
/// # Ok(()) }
/// ```
///
/// # Errors
/// If the dataset is empty or not what the model takes, if a measure does not suit what the model predicts, or if a
/// prediction is NaN, or is to be a probability and is none.
pub fn evaluate_with<M: Train>(
    model: &M,
    dataset: &Dataset<M::Scalar>,
    measures: &[Measure],
) -> Result<Evaluation> {
    data::for_model::<M>(dataset)?;
    Evaluator::with_measures(dataset, WHAT, measures)?.evaluate_all(model)
}

/// The dataset, for the error if it is empty.
pub(super) const WHAT: &str = "the dataset to evaluate on";

/// Rows whose loss is computed at a time. Their mean is taken in double precision.
const CHUNK: usize = 4096;

/// A dataset, checked against a model, with the buffers to evaluate on it again and again.
pub(crate) struct Evaluator<'d, M: Train> {
    dataset: &'d Dataset<M::Scalar>,
    gradients: Gradients<M>,
    predictor: Predictor<M>,
    outputs: AlignedVec<M::Scalar>,
    prediction: Option<Prediction>,
    measuring: Measuring,
}

impl<'d, M: Train> Evaluator<'d, M> {
    /// For a dataset that was checked against the model; `what` it is, for the error if it is empty.
    pub(crate) fn new(dataset: &'d Dataset<M::Scalar>, what: &'static str) -> Result<Self> {
        Self::with_measures(dataset, what, &[])
    }

    /// The same with measures beside the metric.
    pub(crate) fn with_measures(
        dataset: &'d Dataset<M::Scalar>,
        what: &'static str,
        measures: &[Measure],
    ) -> Result<Self> {
        if dataset.is_empty() {
            return Err(Error::Empty { what, missing: "rows" });
        }
        let prediction = Prediction::of::<M>(dataset.target());
        let outputs = if prediction.is_some() { dataset.len() * M::OUTPUT_LEN } else { 0 };
        Ok(Self {
            dataset,
            gradients: Gradients::new(dataset.len().min(CHUNK)),
            predictor: Predictor::new(dataset.len()),
            outputs: AlignedVec::zeroed(outputs),
            prediction,
            measuring: Measuring::new::<M>(measures, dataset.target())?,
        })
    }

    /// Loss and metric.
    pub(crate) fn evaluate(&mut self, model: &M) -> Evaluation {
        Evaluation { loss: self.loss(model), metric: self.metric(model), measures: Vec::new() }
    }

    /// Loss, metric and measures.
    pub(crate) fn evaluate_all(&mut self, model: &M) -> Result<Evaluation> {
        let mut evaluation = self.evaluate(model);
        evaluation.measures = self.measure_outputs()?;
        Ok(evaluation)
    }

    /// Metric and measures, without the loss.
    pub(crate) fn measures(&mut self, model: &M) -> Result<Vec<Measured>> {
        let metric = self.metric(model);
        Ok(Evaluation { loss: f64::NAN, metric, measures: self.measure_outputs()? }.all())
    }

    /// The measures of the outputs that the metric was computed from last.
    fn measure_outputs(&mut self) -> Result<Vec<Measured>> {
        if self.measuring.is_empty() {
            return Ok(Vec::new());
        }
        let (outputs, targets) = (first_output::<M>(&self.outputs)?, self.dataset.targets());
        self.measuring.measure(outputs, targets)
    }

    fn loss(&mut self, model: &M) -> f64 {
        let batch = self.dataset.batch();
        let sum: f64 = batch
            .tiles(CHUNK)
            .map(|rows| {
                let n = rows.len() as f64;
                n * self.gradients.loss(model, &batch.slice(rows)).to_f64()
            })
            .sum();
        sum / batch.len() as f64
    }

    pub(crate) fn metric(&mut self, model: &M) -> Option<Metric> {
        let prediction = self.prediction?;
        self.predictor.predict(model, &self.dataset.batch(), &mut self.outputs);
        let predictions = first_output::<M>(&self.outputs).ok()?;
        Some(prediction.metric(predictions, self.dataset.targets()))
    }
}

/// The columns of the first output, which is the prediction: a model may have others beside it.
pub(crate) fn first_output<M: Model>(outputs: &[M::Scalar]) -> Result<ArrayView2<'_, M::Scalar>> {
    let rows = outputs.len() / M::OUTPUT_LEN;
    let outputs = ArrayView2::from_shape((rows, M::OUTPUT_LEN), outputs);
    let outputs = outputs.map_err(|_| Error::TooManyRows { rows })?;
    Ok(outputs.slice_move(ndarray::s![.., ..M::OUTPUTS[0].len()]))
}

#[cfg(test)]
mod tests {
    use super::{Evaluation, Measure, Measured, Metric};

    #[test]
    fn display() {
        let mut evaluation =
            Evaluation { loss: 0.25, metric: Some(Metric::Accuracy(0.967)), measures: Vec::new() };
        assert_eq!(evaluation.to_string(), "loss 0.250000, accuracy 96.70 %");
        evaluation.measures.push(Measured::new("log_loss", 0.125));
        assert_eq!(evaluation.to_string(), "loss 0.250000, accuracy 96.70 %, log_loss 0.1250");
        assert_eq!(evaluation.get(Measure::LogLoss), Some(0.125));
        assert_eq!(Metric::RSquared(0.5).to_string(), "R² 0.5000");
    }
}
