//! Curves: of a training over its epochs, of scores over their thresholds.

use std::path::Path;

use super::{Chart, Figure};
use crate::Result;
use crate::history::{Epoch, History, LOGARITHMIC, short};
use crate::metrics::{ClassScores, Scores};

/// Training and validation loss over the epochs, with the best epoch marked, and shaded where the validation loss is
/// above the training loss after it. The axis is logarithmic if losses span more than a factor of 30.
pub fn learning_curves(history: &History) -> Figure {
    let train = curve(history, |epoch| Some(epoch.train_loss));
    let valid = curve(history, |epoch| epoch.valid_loss);
    let losses = || train.iter().chain(&valid).map(|&(_, loss)| loss).filter(|loss| loss.is_finite());
    let (low, high) =
        losses().fold((f64::INFINITY, 0.0), |(low, high): (f64, f64), loss| (low.min(loss), high.max(loss)));
    let logarithmic = low > 0.0 && high / low > LOGARITHMIC;

    let mut title = format!("{}: learning curves", history.model());
    let best = history.best().map(|(number, epoch)| (number, epoch.valid_loss.unwrap_or(epoch.train_loss)));
    if let Some((_, loss)) = best {
        title.push_str(&format!(", best loss {}", short(loss)));
    }
    let mut chart = Chart::new(title).x_label("epoch").x_whole();
    chart =
        if logarithmic { chart.y_label("loss (logarithmic)").y_logarithmic() } else { chart.y_label("loss") };
    let Some((best, loss)) = best else { return chart.figure() };
    let gap = history.epochs().iter().enumerate().skip(best - 1).filter_map(|(i, epoch)| {
        let valid = epoch.valid_loss.filter(|valid| *valid > epoch.train_loss)?;
        Some(((i + 1) as f64, epoch.train_loss, valid))
    });
    let gap: Vec<_> = gap.collect();
    chart = chart.line("training", train);
    if !valid.is_empty() {
        chart = chart.line("validation", valid);
    }
    chart = chart.marker(format!("best epoch {best}"), (best as f64, loss));
    if gap.len() > 1 {
        chart = chart.band("overfitting", gap);
    }
    chart.figure()
}

/// Metrics over the epochs, by their names in the history: "accuracy", "r2", "`f1_macro`".
pub fn metric_curves(history: &History, names: &[&str]) -> Figure {
    let mut chart = Chart::new(format!("{}: metrics", history.model())).x_label("epoch").x_whole();
    for &name in names {
        chart = chart.line(name, curve(history, |epoch| epoch.metric(name)));
    }
    if let [name] = names {
        chart = chart.y_label(*name);
    }
    chart.figure()
}

fn curve(history: &History, value: impl Fn(&Epoch) -> Option<f64>) -> Vec<(f64, f64)> {
    let epochs = history.epochs().iter().enumerate();
    epochs.filter_map(|(i, epoch)| Some(((i + 1) as f64, value(epoch)?))).collect()
}

impl History {
    /// Writes [`learning_curves`] to an SVG file. The file is replaced as a whole or not at all.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save_svg(&self, path: impl AsRef<Path>) -> Result<()> {
        learning_curves(self).save_svg(path)
    }

    /// Writes [`learning_curves`] to a PNG file. The file is replaced as a whole or not at all.
    ///
    /// # Errors
    /// If the file cannot be written.
    #[cfg(feature = "png")]
    pub fn save_png(&self, path: impl AsRef<Path>) -> Result<()> {
        learning_curves(self).save_png(path)
    }
}

/// The receiver operating characteristic, with the area under it.
pub fn roc(scores: &Scores) -> Figure {
    rates(scores.is_empty()).line(with_area("AUC", scores.roc_auc()), roc_points(scores)).figure()
}

/// The receiver operating characteristic of each class against the rest. Classes are named by `names`, those beyond
/// by their indices; classes that never or always occur are left out.
pub fn roc_of_classes(scores: &ClassScores, names: &[String]) -> Figure {
    let mut chart = rates(scores.is_empty());
    for class in 0..scores.classes() {
        let one = scores.one_vs_rest(class);
        let area = one.roc_auc();
        if !area.is_nan() {
            let name = names.get(class).cloned().unwrap_or_else(|| class.to_string());
            chart = chart.line(with_area(&format!("{name}: AUC"), area), roc_points(&one));
        }
    }
    chart.figure()
}

/// Room beyond 0 and 1, so that lines along the edge are not cut.
const UNIT: (f64, f64) = (-0.015, 1.015);

fn rates(empty: bool) -> Chart {
    let title = if empty { "ROC curve: no examples" } else { "ROC curve" };
    Chart::new(title)
        .x_label("false positive rate")
        .y_label("true positive rate")
        .x_range(UNIT.0, UNIT.1)
        .y_range(UNIT.0, UNIT.1)
        .square()
        .reference("chance", [(0.0, 0.0), (1.0, 1.0)])
}

fn roc_points(scores: &Scores) -> Vec<(f64, f64)> {
    scores.roc_curve().iter().map(|point| (point.false_positive_rate, point.true_positive_rate)).collect()
}

fn with_area(name: &str, area: f64) -> String {
    if area.is_nan() { format!("{name} not defined") } else { format!("{name} = {area:.3}") }
}

/// Precision over recall, with the average precision: the area under the steps.
pub fn precision_recall(scores: &Scores) -> Figure {
    let mut steps = Vec::new();
    let mut before = 0.0;
    for point in scores.pr_curve().iter().rev().skip(1) {
        steps.extend([(before, point.precision), (point.recall, point.precision)]);
        before = point.recall;
    }
    let mut chart = Chart::new("Precision-recall curve")
        .x_label("recall")
        .y_label("precision")
        .x_range(UNIT.0, UNIT.1)
        .y_range(UNIT.0, UNIT.1)
        .square();
    if !scores.is_empty() {
        let share = scores.positives() as f64 / scores.len() as f64;
        chart = chart.reference(format!("chance = {share:.3}"), [(0.0, share), (1.0, share)]);
    }
    chart.line(with_area("average precision", scores.average_precision()), steps).figure()
}
