//! Several measures in one pass over predictions and targets.

use ndarray::ArrayView2;

use super::confusion::ConfusionMatrix;
use super::measure::Needs;
use super::prediction::Prediction;
use super::{Average, ClassScores, Measure, Regression, Scores};
use crate::data::TargetColumns;
use crate::kernels::Real;
use crate::model::Train;
use crate::{Error, Measured, Result};

/// What measures are computed from, as far as it was needed.
pub(super) struct Parts {
    pub(super) matrix: Option<ConfusionMatrix>,
    pub(super) scores: Option<Scores>,
    pub(super) class_scores: Option<ClassScores>,
    pub(super) regression: Option<Regression>,
}

/// Several measures, with the counts, sums and scores that they need.
pub(crate) struct Measuring {
    measures: Vec<Measure>,
    prediction: Option<Prediction>,
    model: &'static str,
    matrix: Option<ConfusionMatrix>,
    scores: Option<Scores>,
    class_scores: Option<ClassScores>,
    regression: Option<Regression>,
}

impl Measuring {
    /// For a model on such targets.
    ///
    /// # Errors
    /// If a measure does not suit what the model predicts.
    pub(crate) fn new<M: Train>(measures: &[Measure], target: &TargetColumns) -> Result<Self> {
        let prediction = Prediction::of::<M>(target);
        for &measure in measures {
            if !prediction.is_some_and(|prediction| prediction.serves(measure)) {
                return Err(Error::MeasureMismatch {
                    measure: measure.name(),
                    model: M::NAME,
                    found: prediction
                        .map_or("nothing that is compared with the target".to_owned(), Prediction::describe),
                });
            }
        }
        let needs = |wanted: &[Needs]| measures.iter().any(|measure| wanted.contains(&measure.needs()));
        let scored = needs(&[Needs::Scores, Needs::Probabilities]);
        let (mut matrix, mut scores, mut class_scores, mut regression) = (None, None, None, None);
        match prediction {
            Some(Prediction::Classes(classes)) => {
                matrix = needs(&[Needs::Classes]).then(|| ConfusionMatrix::new(classes));
                class_scores = scored.then(|| ClassScores::new(classes));
            }
            Some(Prediction::YesOrNo { .. }) => {
                matrix = needs(&[Needs::Classes]).then(|| ConfusionMatrix::new(2));
                scores = scored.then(Scores::new);
            }
            Some(Prediction::Numbers(columns)) => {
                regression = needs(&[Needs::Numbers]).then(|| Regression::new(columns));
            }
            Some(Prediction::Places(_) | Prediction::Answers { .. }) | None => {}
        }
        let measures = measures.to_vec();
        Ok(Self { measures, prediction, model: M::NAME, matrix, scores, class_scores, regression })
    }

    /// What was collected for the measures of each kind.
    pub(super) fn into_parts(self) -> Parts {
        Parts {
            matrix: self.matrix,
            scores: self.scores,
            class_scores: self.class_scores,
            regression: self.regression,
        }
    }

    /// Whether there is nothing to measure.
    pub(crate) fn is_empty(&self) -> bool {
        self.measures.is_empty()
    }

    /// Measures predictions, `[n, values of the first output]`, against targets, `[n, targets]`, of one whole dataset.
    ///
    /// # Errors
    /// If a prediction is NaN, or is to be a probability and is none.
    pub(crate) fn measure<T: Real>(
        &mut self,
        predictions: ArrayView2<'_, T>,
        targets: ArrayView2<'_, T>,
    ) -> Result<Vec<Measured>> {
        self.collect(predictions, targets)?;
        if let Some(scores) = &self.class_scores
            && let Some(measure) =
                self.measures.iter().find(|measure| measure.needs() == Needs::Probabilities)
            && let Some((row, sum)) = scores.not_probabilities()
        {
            return Err(Error::NotProbabilities { row, sum, model: self.model, measure: measure.name() });
        }
        Ok(self.measures.iter().map(|&measure| Measured::new(measure.name(), self.value(measure))).collect())
    }

    /// Counts, sums and keeps what the measures need.
    pub(super) fn collect<T: Real>(
        &mut self,
        predictions: ArrayView2<'_, T>,
        targets: ArrayView2<'_, T>,
    ) -> Result<()> {
        match self.prediction {
            Some(Prediction::Classes(_)) => self.collect_classes(predictions, targets),
            Some(Prediction::YesOrNo { logits }) => self.collect_answers(logits, predictions, targets),
            Some(Prediction::Numbers(_)) => {
                let Some(regression) = &mut self.regression else { return Ok(()) };
                regression.clear();
                regression.update(predictions, targets)
            }
            Some(Prediction::Places(_) | Prediction::Answers { .. }) | None => Ok(()),
        }
    }

    fn collect_classes<T: Real>(
        &mut self,
        predictions: ArrayView2<'_, T>,
        targets: ArrayView2<'_, T>,
    ) -> Result<()> {
        let labels = targets.column(0).mapv(|label| label.to_f64() as usize);
        if let Some(matrix) = &mut self.matrix {
            matrix.clear();
            for (row, (scores, &label)) in predictions.rows().into_iter().zip(&labels).enumerate() {
                let predicted = super::largest(scores.iter().copied()).ok_or_else(|| not_a_number(row))?;
                matrix.count(predicted, label);
            }
        }
        if let Some(scores) = &mut self.class_scores {
            scores.clear();
            scores.update(predictions, &labels)?;
        }
        Ok(())
    }

    fn collect_answers<T: Real>(
        &mut self,
        logits: bool,
        predictions: ArrayView2<'_, T>,
        targets: ArrayView2<'_, T>,
    ) -> Result<()> {
        if let Some(matrix) = &mut self.matrix {
            matrix.clear();
        }
        if let Some(scores) = &mut self.scores {
            scores.clear();
        }
        let threshold = if logits { 0.0 } else { 0.5 };
        for (row, (prediction, target)) in predictions.iter().zip(targets).enumerate() {
            let (prediction, positive) = (prediction.to_f64(), target.to_f64() > 0.5);
            if prediction.is_nan() {
                return Err(not_a_number(row));
            }
            if let Some(matrix) = &mut self.matrix {
                matrix.count(usize::from(prediction > threshold), usize::from(positive));
            }
            if let Some(scores) = &mut self.scores {
                scores.add(prediction, positive);
            }
        }
        Ok(())
    }

    fn value(&self, measure: Measure) -> f64 {
        let classes = |value: fn(&ConfusionMatrix) -> f64| self.matrix.as_ref().map(value);
        let numbers = |value: fn(&Regression) -> f64| self.regression.as_ref().map(value);
        let averaged = |value: fn(&ConfusionMatrix, Average) -> f64, average: Average| {
            self.matrix.as_ref().map(|matrix| value(matrix, average))
        };
        let value = match measure {
            Measure::Accuracy => classes(ConfusionMatrix::accuracy),
            Measure::BalancedAccuracy => classes(ConfusionMatrix::balanced_accuracy),
            Measure::Matthews => classes(ConfusionMatrix::matthews),
            Measure::Precision(average) => averaged(ConfusionMatrix::precision, average),
            Measure::Recall(average) => averaged(ConfusionMatrix::recall, average),
            Measure::F1(average) => averaged(ConfusionMatrix::f1, average),
            Measure::TopK(k) => self.class_scores.as_ref().map(|scores| scores.top_k(k)),
            Measure::RocAuc(average) => self.area(average, Scores::roc_auc, ClassScores::roc_auc),
            Measure::AveragePrecision(average) => {
                self.area(average, Scores::average_precision, ClassScores::average_precision)
            }
            Measure::LogLoss => self.of_probabilities(Scores::log_loss, ClassScores::log_loss),
            Measure::Brier => self.of_probabilities(Scores::brier, ClassScores::brier),
            Measure::RSquared => numbers(Regression::r2),
            Measure::RSquaredVarianceWeighted => numbers(Regression::r2_variance_weighted),
            Measure::MeanSquaredError => numbers(Regression::mse),
            Measure::RootMeanSquaredError => numbers(Regression::rmse),
            Measure::MeanAbsoluteError => numbers(Regression::mae),
            Measure::MeanAbsolutePercentageError => numbers(Regression::mape),
        };
        // What is measured has been checked against what there is.
        value.unwrap_or(f64::NAN)
    }

    /// Of scores for yes or no, which have one value whatever the average, or for classes.
    fn area(
        &self,
        average: Average,
        binary: fn(&Scores) -> f64,
        several: fn(&ClassScores, Average) -> f64,
    ) -> Option<f64> {
        match (&self.scores, &self.class_scores) {
            (Some(scores), _) => Some(binary(scores)),
            (None, scores) => scores.as_ref().map(|scores| several(scores, average)),
        }
    }

    fn of_probabilities(&self, binary: fn(&Scores) -> f64, several: fn(&ClassScores) -> f64) -> Option<f64> {
        match (&self.scores, self.prediction) {
            // Areas are taken from log-odds as they are: as probabilities, large ones would become equal.
            (Some(scores), Some(Prediction::YesOrNo { logits: true })) => Some(binary(&scores.of_log_odds())),
            (Some(scores), _) => Some(binary(scores)),
            (None, _) => self.class_scores.as_ref().map(several),
        }
    }
}

fn not_a_number(row: usize) -> Error {
    Error::NonFinite { row, column: "prediction".to_owned(), value: f64::NAN }
}
