//! How well the scores of several classes tell them apart.

use ndarray::{ArrayView1, ArrayView2};

use super::average::{Average, weighted_mean};
use super::confusion::{check_labels, same_rows, same_width};
use super::scores::{Scores, surprise};
use crate::kernels::Real;
use crate::{Error, Result};

/// The scores of all classes for each example: top-k accuracy, log loss, and areas of one class against the rest.
///
/// It keeps every score. Scores are probabilities that sum to 1, except for [`top_k`](Self::top_k), to which only
/// their order matters.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassScores {
    classes: usize,
    /// `[n, classes]`, row after row.
    scores: Vec<f64>,
    /// The class of each row.
    labels: Vec<usize>,
}

impl ClassScores {
    /// For this number of classes, without an example.
    pub fn new(classes: usize) -> Self {
        Self { classes, scores: Vec::new(), labels: Vec::new() }
    }

    /// Adds scores, `[n, classes]`, and the classes of the examples, `[n]`.
    ///
    /// # Errors
    /// If the shapes do not fit, a target is no class, or a score is NaN; nothing is added then.
    pub fn update<'p, 't, P: Real>(
        &mut self,
        predictions: impl Into<ArrayView2<'p, P>>,
        targets: impl Into<ArrayView1<'t, usize>>,
    ) -> Result<()> {
        let (predictions, targets) = (predictions.into(), targets.into());
        same_rows(predictions.nrows(), targets.len())?;
        same_width("classes", self.classes, predictions.ncols())?;
        check_labels(targets, self.classes)?;
        if let Some(((row, class), _)) = predictions.indexed_iter().find(|(_, score)| score.is_nan()) {
            return Err(Error::NonFinite { row, column: format!("prediction[{class}]"), value: f64::NAN });
        }
        self.scores.extend(predictions.iter().map(|score| score.to_f64()));
        self.labels.extend(targets);
        Ok(())
    }

    /// Adds the examples of another.
    ///
    /// # Errors
    /// If that has another number of classes.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        same_width("classes", self.classes, other.classes)?;
        self.scores.extend_from_slice(&other.scores);
        self.labels.extend_from_slice(&other.labels);
        Ok(())
    }

    /// Forgets all examples.
    pub fn clear(&mut self) {
        self.scores.clear();
        self.labels.clear();
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Number of examples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no examples.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    fn rows(&self) -> impl Iterator<Item = (&[f64], usize)> {
        self.scores.chunks_exact(self.classes.max(1)).zip(self.labels.iter().copied())
    }

    /// The first row whose scores are no probabilities, because one is negative or their sum is not 1 within a
    /// thousandth, and that sum.
    pub(super) fn not_probabilities(&self) -> Option<(usize, f64)> {
        self.rows().enumerate().find_map(|(row, (scores, _))| {
            let sum: f64 = scores.iter().sum();
            let wrong = (sum - 1.0).abs() > 1e-3 || scores.iter().any(|&score| score < 0.0);
            wrong.then_some((row, sum))
        })
    }

    /// The fraction of examples whose class has one of the `k` largest scores. Of equal scores, the class with the
    /// larger index comes first, as in scikit-learn.
    pub fn top_k(&self, k: usize) -> f64 {
        let hits = self.rows().filter(|&(scores, label)| {
            let own = scores[label];
            let before = |&(class, &score): &(usize, &f64)| score > own || (score == own && class > label);
            scores.iter().enumerate().filter(before).count() < k
        });
        hits.count() as f64 / self.len() as f64
    }

    /// The scores of one class against all others, for its curves.
    ///
    /// # Panics
    /// If there is no such class.
    pub fn one_vs_rest(&self, class: usize) -> Scores {
        assert!(class < self.classes, "class {class} of {}", self.classes);
        let mut scores = Scores::new();
        self.rows().for_each(|(row, label)| scores.add(row[class], label == class));
        scores
    }

    /// The area under the receiver operating characteristic of each class against the rest. A class of which there is
    /// no example, or nothing else, takes no part in a mean; NaN if none is left.
    pub fn roc_auc(&self, average: Average) -> f64 {
        self.averaged(average, Scores::roc_auc)
    }

    /// The area under the precision-recall curve of each class against the rest, as
    /// [`Scores::average_precision`]. A class without examples takes no part in a mean.
    pub fn average_precision(&self, average: Average) -> f64 {
        self.averaged(average, Scores::average_precision)
    }

    fn averaged(&self, average: Average, measure: impl Fn(&Scores) -> f64) -> f64 {
        if let Some(class) = average.class() {
            return if class < self.classes { measure(&self.one_vs_rest(class)) } else { f64::NAN };
        }
        if average == Average::Micro {
            let mut all = Scores::new();
            for (row, label) in self.rows() {
                row.iter().enumerate().for_each(|(class, &score)| all.add(score, class == label));
            }
            return measure(&all);
        }
        let classes =
            (0..self.classes).map(|class| self.one_vs_rest(class)).filter(|one| one.positives() > 0);
        let values = classes.map(|one| {
            let weight = if average == Average::Weighted { one.positives() as f64 } else { 1.0 };
            (measure(&one), weight)
        });
        weighted_mean(values.filter(|(value, _)| !value.is_nan()))
    }

    /// The mean negative logarithm (to base e) of the probability of the right class, kept 2.2e-16 away from 0 and 1.
    pub fn log_loss(&self) -> f64 {
        self.rows().map(|(row, label)| surprise(row[label])).sum::<f64>() / self.len() as f64
    }

    /// The mean over the examples of the squared differences of probability and truth, summed over the classes: from
    /// 0, the best, to 2. For two classes this is twice [`Scores::brier`], as in scikit-learn.
    pub fn brier(&self) -> f64 {
        let errors = self.rows().map(|(row, label)| {
            let truth = |class| if class == label { 1.0 } else { 0.0 };
            row.iter().enumerate().map(|(class, p)| (p - truth(class)).powi(2)).sum::<f64>()
        });
        errors.sum::<f64>() / self.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::{Average, ClassScores};

    #[test]
    fn shapes_and_labels_are_checked() {
        let mut scores = ClassScores::new(3);
        let rows = array![[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]];
        let text = |result: crate::Result<()>| result.unwrap_err().to_string();
        assert_eq!(text(scores.update(&rows, &[0])), "2 predictions but 1 targets");
        assert!(text(scores.update(&rows, &[0, 3])).starts_with("row 1: the class label is 3"));
        let narrow = text(scores.update(&array![[0.5, 0.5]], &[0]));
        assert_eq!(narrow, "2 classes, but the metric is one of 3 classes");
        let nan = text(scores.update(&array![[0.5, f64::NAN, 0.5]], &[0]));
        assert_eq!(nan, "row 0: `prediction[1]` is NaN; every value must be finite");
        assert!(scores.is_empty() && scores.roc_auc(Average::Macro).is_nan());
    }

    #[test]
    fn a_class_without_examples_takes_no_part() {
        let mut scores = ClassScores::new(3);
        scores.update(&array![[0.5, 0.3, 0.2], [0.2, 0.5, 0.3], [0.6, 0.3, 0.1]], &[0, 1, 1]).unwrap();
        assert_eq!(scores.roc_auc(Average::Macro), f64::midpoint(0.5, 0.75));
        assert_eq!(scores.not_probabilities(), None);
        scores.update(&array![[2.0, -1.0, 0.5]], &[0]).unwrap();
        assert_eq!(scores.not_probabilities(), Some((3, 1.5)));
    }
}
