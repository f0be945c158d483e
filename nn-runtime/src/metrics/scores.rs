//! How well scores tell positive examples from negative ones, at every threshold.

use ndarray::ArrayView1;

use super::average::ratio;
use super::confusion::same_rows;
use crate::kernels::Real;
use crate::{Error, Result};

/// Scores of examples that are positive or negative: the curves of a binary classifier and the areas under them.
///
/// It keeps every score, 16 bytes for each. A score may be a probability or anything else that grows with it, such
/// as log-odds; [`brier`](Self::brier) and [`log_loss`](Self::log_loss) need probabilities.
///
/// ```
/// use nn_runtime::metrics::Scores;
///
/// let mut scores = Scores::new();
/// scores.update(&[0.1, 0.4, 0.35, 0.8], &[0.0, 0.0, 1.0, 1.0])?;
/// assert_eq!(scores.roc_auc(), 0.75);
/// # Ok::<(), nn_runtime::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores {
    examples: Vec<(f64, bool)>,
}

/// A point of a receiver operating characteristic.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct RocPoint {
    /// Scores from here on count as positive.
    pub threshold: f64,
    /// The fraction of negative examples that does.
    pub false_positive_rate: f64,
    /// The fraction of positive examples that does.
    pub true_positive_rate: f64,
}

/// A point of a precision-recall curve.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct PrPoint {
    /// Scores from here on count as positive.
    pub threshold: f64,
    /// The fraction of positive examples among those.
    pub precision: f64,
    /// The fraction of all positive examples that is among those.
    pub recall: f64,
}

/// How many examples have a score of at least this one.
#[derive(Clone, Copy)]
struct Step {
    threshold: f64,
    positives: u64,
    negatives: u64,
}

impl Scores {
    /// Without an example.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds scores and targets, `[n]` each. A target above one half is positive.
    ///
    /// # Errors
    /// If there are not as many of one as of the other, or a score is NaN; nothing is added then.
    pub fn update<'p, 't, P: Real, T: Real>(
        &mut self,
        predictions: impl Into<ArrayView1<'p, P>>,
        targets: impl Into<ArrayView1<'t, T>>,
    ) -> Result<()> {
        let (predictions, targets) = (predictions.into(), targets.into());
        same_rows(predictions.len(), targets.len())?;
        if let Some(row) = predictions.iter().position(|score| score.is_nan()) {
            return Err(Error::NonFinite { row, column: "prediction".to_owned(), value: f64::NAN });
        }
        let pairs = predictions.iter().zip(targets);
        self.examples.extend(pairs.map(|(score, target)| (score.to_f64(), target.to_f64() > 0.5)));
        Ok(())
    }

    /// Adds an example whose score is a number.
    pub(super) fn add(&mut self, score: f64, positive: bool) {
        self.examples.push((score, positive));
    }

    /// Adds the examples of another.
    pub fn merge(&mut self, other: &Self) {
        self.examples.extend_from_slice(&other.examples);
    }

    /// Forgets all examples.
    pub fn clear(&mut self) {
        self.examples.clear();
    }

    /// Number of examples.
    pub fn len(&self) -> usize {
        self.examples.len()
    }

    /// Whether there are no examples.
    pub fn is_empty(&self) -> bool {
        self.examples.is_empty()
    }

    /// Number of positive examples.
    pub fn positives(&self) -> usize {
        self.examples.iter().filter(|(_, positive)| *positive).count()
    }

    /// The probabilities, by the logistic function, of scores that are log-odds.
    #[must_use]
    pub fn of_log_odds(&self) -> Self {
        let examples =
            self.examples.iter().map(|&(score, positive)| (1.0 / (1.0 + (-score).exp()), positive));
        Self { examples: examples.collect() }
    }

    /// The counts at each score that occurs, from the largest.
    fn steps(&self) -> Vec<Step> {
        let mut sorted = self.examples.clone();
        // Equal scores become one step, so that their order is of no importance; -0 equals 0.
        sorted.sort_unstable_by(|(a, _), (b, _)| (b + 0.0).total_cmp(&(a + 0.0)));
        let mut steps: Vec<Step> = Vec::new();
        let (mut positives, mut negatives) = (0, 0);
        for (threshold, positive) in sorted {
            positives += u64::from(positive);
            negatives += u64::from(!positive);
            let step = Step { threshold, positives, negatives };
            match steps.last_mut() {
                Some(last) if last.threshold == threshold => *last = step,
                _ => steps.push(step),
            }
        }
        steps
    }

    /// The true positive rate over the false positive rate, from (0, 0) at an infinite threshold to (1, 1). Points on
    /// a line between their neighbours are left out, as scikit-learn does. A rate is NaN without an example that it
    /// is a fraction of.
    pub fn roc_curve(&self) -> Vec<RocPoint> {
        let steps = self.steps();
        let Some(&Step { positives, negatives, .. }) = steps.last() else { return Vec::new() };
        let start = Step { threshold: f64::INFINITY, positives: 0, negatives: 0 };
        // The rise from the step before, which tells whether the line goes on.
        let rise = |i: usize| {
            let before = if i == 0 { start } else { steps[i - 1] };
            (steps[i].positives - before.positives, steps[i].negatives - before.negatives)
        };
        let corners = (0..steps.len())
            .filter(|&i| i == 0 || i + 1 == steps.len() || rise(i) != rise(i + 1))
            .map(|i| steps[i]);
        std::iter::once(start)
            .chain(corners)
            .map(|step| RocPoint {
                threshold: step.threshold,
                false_positive_rate: step.negatives as f64 / negatives as f64,
                true_positive_rate: step.positives as f64 / positives as f64,
            })
            .collect()
    }

    /// Precision and recall at each score that occurs, from the smallest, and at last no example at all: precision 1,
    /// recall 0. The recall is 1 without positive examples, as in scikit-learn.
    pub fn pr_curve(&self) -> Vec<PrPoint> {
        let steps = self.steps();
        let Some(&Step { positives, .. }) = steps.last() else { return Vec::new() };
        let point = |step: &Step| PrPoint {
            threshold: step.threshold,
            precision: step.positives as f64 / (step.positives + step.negatives) as f64,
            recall: if positives == 0 { 1.0 } else { step.positives as f64 / positives as f64 },
        };
        let end = PrPoint { threshold: f64::INFINITY, precision: 1.0, recall: 0.0 };
        steps.iter().rev().map(point).chain([end]).collect()
    }

    /// The area under the receiver operating characteristic: how probable it is that a positive example has a larger
    /// score than a negative one, where equal scores count half. NaN if all examples are of one kind.
    pub fn roc_auc(&self) -> f64 {
        let steps = self.steps();
        let Some(&Step { positives, negatives, .. }) = steps.last() else { return f64::NAN };
        let (mut area, mut before) = (0.0, Step { threshold: f64::INFINITY, positives: 0, negatives: 0 });
        for step in steps {
            let width = (step.negatives - before.negatives) as f64;
            area += width * f64::midpoint(before.positives as f64, step.positives as f64);
            before = step;
        }
        area / (positives as f64 * negatives as f64)
    }

    /// The area under the precision-recall curve, as the sum of precisions weighted by the growth of the recall,
    /// without interpolation; 0 without positive examples, NaN without examples.
    pub fn average_precision(&self) -> f64 {
        let steps = self.steps();
        let Some(&Step { positives, .. }) = steps.last() else { return f64::NAN };
        let (mut sum, mut before) = (0.0, 0);
        for step in steps {
            let precision = step.positives as f64 / (step.positives + step.negatives) as f64;
            sum += (step.positives - before) as f64 * precision;
            before = step.positives;
        }
        ratio(sum, positives as f64)
    }

    /// The mean squared difference of probability and truth, from 0, the best, to 1.
    pub fn brier(&self) -> f64 {
        let errors = self.examples.iter().map(|&(p, positive)| (p - f64::from(u8::from(positive))).powi(2));
        errors.sum::<f64>() / self.len() as f64
    }

    /// The mean negative logarithm (to base e) of the probability of the truth. Probabilities are kept 2.2e-16 away
    /// from 0 and 1, as scikit-learn does, so that a sure mistake costs 36 and not infinitely much.
    pub fn log_loss(&self) -> f64 {
        let losses = self.examples.iter().map(|&(p, positive)| surprise(if positive { p } else { 1.0 - p }));
        losses.sum::<f64>() / self.len() as f64
    }
}

/// The negative logarithm of a probability that is kept away from 0 and 1.
pub(super) fn surprise(probability: f64) -> f64 {
    -probability.clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use proptest::prelude::*;

    use super::Scores;

    #[test]
    fn one_kind_of_examples_has_no_area() {
        let mut scores = Scores::new();
        assert!(scores.roc_auc().is_nan() && scores.roc_curve().is_empty() && scores.pr_curve().is_empty());
        scores.update(&[0.2, 0.4], &[0.0, 0.0]).unwrap();
        assert!(scores.roc_auc().is_nan());
        assert_eq!(scores.average_precision(), 0.0);
    }

    #[test]
    fn columns_of_arrays_in_single_precision_are_taken() {
        let (predictions, targets) = (array![[0.25_f32, 1.0], [0.75, 0.0]], array![[0.0_f32], [1.0]]);
        let mut scores = Scores::new();
        scores.update(predictions.column(0), targets.column(0)).unwrap();
        assert_eq!(scores.brier(), 0.0625);
        let error = scores.update(&[f32::NAN], &[1.0]).unwrap_err().to_string();
        assert_eq!(error, "row 0: `prediction` is NaN; every value must be finite");
    }

    proptest! {
        /// The area is the fraction of pairs in the right order, whatever the order of the examples.
        #[test]
        fn the_area_counts_pairs(examples in prop::collection::vec((0_u8..9, any::<bool>()), 2..40)) {
            let (mut right, mut pairs) = (0.0, 0.0);
            for &(positive, _) in examples.iter().filter(|(_, positive)| *positive) {
                for &(negative, _) in examples.iter().filter(|(_, positive)| !positive) {
                    right += 0.5 * (f64::from(u8::from(positive > negative) + u8::from(positive >= negative)));
                    pairs += 1.0;
                }
            }
            let mut scores = Scores::new();
            for &(score, positive) in &examples {
                scores.add(f64::from(score), positive);
            }
            let (area, expected) = (scores.roc_auc(), right / pairs);
            prop_assert!(pairs == 0.0 && area.is_nan() || (area - expected).abs() < 1e-12, "{} {}", area, expected);
        }
    }
}
