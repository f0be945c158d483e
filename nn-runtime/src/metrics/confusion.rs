//! Which classes are taken for which, and all that follows from these counts.

use std::fmt::{self, Write};

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};

use super::average::{Average, ratio, weighted_mean};
use crate::{Error, Result};

/// How many examples of each class were predicted as which: the counts behind accuracy, precision, recall and F1.
///
/// Batches may be counted one after the other, or on their own and [merged](Self::merge). Its
/// [`Display`](fmt::Display) is an aligned table, [`report`](Self::report) that of scikit-learn's
/// `classification_report`.
///
/// ```
/// use nn_runtime::metrics::{Average, ConfusionMatrix};
///
/// let mut matrix = ConfusionMatrix::new(3);
/// matrix.update(&[0, 2, 1, 1], &[0, 1, 1, 2])?;
/// assert_eq!(matrix.accuracy(), 0.5);
/// assert_eq!(matrix.recall(Average::Class(1)), 0.5);
/// # Ok::<(), nn_runtime::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusionMatrix {
    names: Vec<String>,
    /// Rows are the targets' classes, columns the predicted ones.
    counts: Array2<u64>,
}

/// The measures of one class.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ClassReport {
    /// The fraction of right ones among what was predicted as this class; 0 if nothing was.
    pub precision: f64,
    /// The fraction of the class's examples that was found; 0 if there are none.
    pub recall: f64,
    /// The harmonic mean of precision and recall; 0 where both are.
    pub f1: f64,
    /// Examples of the class among the targets.
    pub support: u64,
}

/// The counts of one class, or the sum over several.
#[derive(Clone, Copy, Default)]
struct Tally {
    hits: u64,
    predicted: u64,
    actual: u64,
}

impl Tally {
    fn precision(self) -> f64 {
        ratio(self.hits as f64, self.predicted as f64)
    }

    fn recall(self) -> f64 {
        ratio(self.hits as f64, self.actual as f64)
    }

    fn f1(self) -> f64 {
        ratio(2.0 * self.hits as f64, (self.predicted + self.actual) as f64)
    }

    fn occurs(self) -> bool {
        self.predicted + self.actual > 0
    }
}

impl ConfusionMatrix {
    /// For this number of classes, which are named by their indices. Nothing is counted yet.
    pub fn new(classes: usize) -> Self {
        Self {
            names: (0..classes).map(|class| class.to_string()).collect(),
            counts: Array2::zeros((classes, classes)),
        }
    }

    /// With other names for the classes.
    ///
    /// # Errors
    /// If there are more or fewer names than classes.
    pub fn with_names<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Result<Self> {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        if names.len() != self.classes() {
            return Err(Error::NameCount { names: names.len(), columns: self.classes() });
        }
        self.names = names;
        Ok(self)
    }

    /// Counts predicted classes against those of the targets, `[n]` each.
    ///
    /// # Errors
    /// If there are not as many of one as of the other, or one is no class; nothing is counted then.
    pub fn update<'p, 't>(
        &mut self,
        predictions: impl Into<ArrayView1<'p, usize>>,
        targets: impl Into<ArrayView1<'t, usize>>,
    ) -> Result<()> {
        let (predictions, targets) = (predictions.into(), targets.into());
        same_rows(predictions.len(), targets.len())?;
        check_labels(predictions, self.classes())?;
        check_labels(targets, self.classes())?;
        for (&predicted, &actual) in predictions.iter().zip(targets) {
            self.counts[[actual, predicted]] += 1;
        }
        Ok(())
    }

    /// Adds what another matrix has counted.
    ///
    /// # Errors
    /// If that has another number of classes.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        same_width("classes", self.classes(), other.classes())?;
        self.counts += &other.counts;
        Ok(())
    }

    /// Forgets what was counted.
    pub fn clear(&mut self) {
        self.counts.fill(0);
    }

    /// Counts one example of classes that exist.
    pub(super) fn count(&mut self, predicted: usize, actual: usize) {
        self.counts[[actual, predicted]] += 1;
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.names.len()
    }

    /// The names of the classes.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The counts, `[actual class, predicted class]`.
    pub fn counts(&self) -> ArrayView2<'_, u64> {
        self.counts.view()
    }

    /// Number of examples.
    pub fn len(&self) -> u64 {
        self.counts.sum()
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The fraction of examples whose class was predicted; NaN without an example.
    pub fn accuracy(&self) -> f64 {
        self.counts.diag().sum() as f64 / self.len() as f64
    }

    /// The mean recall over the classes that occur among the targets; NaN without an example.
    pub fn balanced_accuracy(&self) -> f64 {
        let present = self.tallies().filter(|tally| tally.actual > 0);
        weighted_mean(present.map(|tally| (tally.recall(), 1.0)))
    }

    /// Of what was predicted as a class, the fraction that is; 0 for a class that was never predicted.
    pub fn precision(&self, average: Average) -> f64 {
        self.averaged(average, Tally::precision)
    }

    /// Of a class's examples, the fraction that was found; 0 for a class without examples.
    pub fn recall(&self, average: Average) -> f64 {
        self.averaged(average, Tally::recall)
    }

    /// The harmonic mean of precision and recall, averaged over the classes; 0 for a class of which nothing was found.
    pub fn f1(&self, average: Average) -> f64 {
        self.averaged(average, Tally::f1)
    }

    /// The correlation coefficient of Matthews, from -1 to 1, for any number of classes (Gorodkin, 2004); 0 where
    /// it is not defined, because all targets or all predictions are of one class.
    pub fn matthews(&self) -> f64 {
        let total = self.len() as f64;
        let hits = self.counts.diag().sum() as f64;
        let (mut both, mut predicted, mut actual) = (0.0, 0.0, 0.0);
        for tally in self.tallies() {
            let (p, t) = (tally.predicted as f64, tally.actual as f64);
            both += p * t;
            predicted += p * p;
            actual += t * t;
        }
        let spread = (total * total - predicted) * (total * total - actual);
        ratio(hits * total - both, spread.sqrt())
    }

    /// Precision, recall, F1 and number of examples of each class.
    pub fn per_class(&self) -> Vec<ClassReport> {
        let report = |tally: Tally| ClassReport {
            precision: tally.precision(),
            recall: tally.recall(),
            f1: tally.f1(),
            support: tally.actual,
        };
        self.tallies().map(report).collect()
    }

    fn averaged(&self, average: Average, measure: impl Fn(Tally) -> f64) -> f64 {
        if let Some(class) = average.class() {
            return self.tallies().nth(class).map_or(f64::NAN, measure);
        }
        let tallies = self.tallies().filter(|tally| tally.occurs());
        match average {
            Average::Micro => measure(tallies.fold(Tally::default(), |sum, tally| Tally {
                hits: sum.hits + tally.hits,
                predicted: sum.predicted + tally.predicted,
                actual: sum.actual + tally.actual,
            })),
            Average::Weighted => weighted_mean(tallies.map(|tally| (measure(tally), tally.actual as f64))),
            _ => weighted_mean(tallies.map(|tally| (measure(tally), 1.0))),
        }
    }

    fn tallies(&self) -> impl Iterator<Item = Tally> {
        let (actual, predicted) = (self.counts.sum_axis(Axis(1)), self.counts.sum_axis(Axis(0)));
        (0..self.classes()).map(move |class| Tally {
            hits: self.counts[[class, class]],
            predicted: predicted[class],
            actual: actual[class],
        })
    }

    /// Precision, recall, F1 and support of each class that occurs, the accuracy, and the averages: the table that
    /// scikit-learn's `classification_report` prints.
    pub fn report(&self) -> String {
        let rows = || {
            let classes = self.per_class().into_iter().zip(self.tallies()).zip(&self.names);
            classes.filter(|((_, tally), _)| tally.occurs()).map(|((class, _), name)| (name, class))
        };
        let longest = rows().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        let width = longest.max("weighted avg".len());
        let mut text = format!("{:>width$}  precision    recall  f1-score   support\n\n", "");
        // Writing to a string cannot fail.
        for (name, class) in rows() {
            let _ = writeln!(text, "{name:>width$} {class}");
        }
        let (accuracy, total) = (self.accuracy(), self.len());
        let _ = writeln!(text, "\n{:>width$} {:>10} {:>9} {accuracy:>9.2} {total:>9}", "accuracy", "", "");
        for (name, average) in [("macro avg", Average::Macro), ("weighted avg", Average::Weighted)] {
            let summary = ClassReport {
                precision: self.precision(average),
                recall: self.recall(average),
                f1: self.f1(average),
                support: total,
            };
            let _ = writeln!(text, "{name:>width$} {summary}");
        }
        text
    }
}

impl fmt::Display for ClassReport {
    /// As a line of scikit-learn's `classification_report`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { precision, recall, f1, support } = self;
        write!(f, "{precision:>10.2} {recall:>9.2} {f1:>9.2} {support:>9}")
    }
}

impl fmt::Display for ConfusionMatrix {
    /// A row for each class of the targets, a column for each predicted one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const CORNER: &str = "actual \\ predicted";
        let width = |text: &str| text.chars().count();
        let margin = self.names.iter().map(|name| width(name)).max().unwrap_or(0).max(width(CORNER));
        let columns: Vec<usize> = (0..self.classes())
            .map(|class| {
                let largest = self.counts.column(class).iter().copied().max().unwrap_or(0);
                width(&self.names[class]).max(largest.to_string().len())
            })
            .collect();
        write!(f, "{CORNER:<margin$}")?;
        for (name, width) in self.names.iter().zip(&columns) {
            write!(f, "  {name:>width$}")?;
        }
        for (name, counts) in self.names.iter().zip(self.counts.rows()) {
            write!(f, "\n{name:<margin$}")?;
            for (count, width) in counts.iter().zip(&columns) {
                write!(f, "  {count:>width$}")?;
            }
        }
        Ok(())
    }
}

/// Checks that there is a target for each prediction.
pub(super) fn same_rows(predictions: usize, targets: usize) -> Result<()> {
    if predictions == targets { Ok(()) } else { Err(Error::PredictionCount { predictions, targets }) }
}

/// Checks that there are as many columns or classes as were asked for.
pub(super) fn same_width(what: &'static str, expected: usize, found: usize) -> Result<()> {
    if expected == found { Ok(()) } else { Err(Error::MetricWidth { what, expected, found }) }
}

/// Checks that all labels are classes.
pub(super) fn check_labels(labels: ArrayView1<'_, usize>, classes: usize) -> Result<()> {
    match labels.iter().position(|&label| label >= classes) {
        None => Ok(()),
        Some(row) => Err(Error::ClassLabel { row, label: labels[row] as f64, classes }),
    }
}

#[cfg(test)]
mod tests {
    use super::{Average, ConfusionMatrix};

    fn matrix() -> ConfusionMatrix {
        let mut matrix = ConfusionMatrix::new(3).with_names(["cat", "dog", "bird"]).unwrap();
        matrix.update(&[0, 0, 1, 1, 0], &[0, 1, 1, 1, 0]).unwrap();
        matrix
    }

    #[test]
    fn the_table_is_aligned() {
        let expected = "\
actual \\ predicted  cat  dog  bird
cat                   2    0     0
dog                   1    2     0
bird                  0    0     0";
        assert_eq!(matrix().to_string(), expected);
    }

    #[test]
    fn classes_that_never_occur_take_no_part() {
        let matrix = matrix();
        assert_eq!(matrix.recall(Average::Macro), f64::midpoint(1.0, 2.0 / 3.0));
        assert_eq!(matrix.precision(Average::Class(2)), 0.0);
        assert!(matrix.precision(Average::Class(3)).is_nan());
        assert!(!matrix.report().contains("bird"));
    }

    #[test]
    fn what_is_no_class_is_refused_and_not_counted() {
        let mut matrix = matrix();
        let before = matrix.clone();
        let error = matrix.update(&[0, 3], &[0, 0]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "row 1: the class label is 3, but labels are whole numbers from 0 to 2"
        );
        let error = matrix.update(&[0, 1], &[0]).unwrap_err();
        assert_eq!(error.to_string(), "2 predictions but 1 targets");
        let error = matrix.merge(&ConfusionMatrix::new(2)).unwrap_err();
        assert_eq!(error.to_string(), "2 classes, but the metric is one of 3 classes");
        assert_eq!(matrix, before);
    }

    #[test]
    fn nothing_counted_is_not_zero() {
        let none = ConfusionMatrix::new(2);
        assert!(none.is_empty() && none.accuracy().is_nan() && none.f1(Average::Macro).is_nan());
    }
}
