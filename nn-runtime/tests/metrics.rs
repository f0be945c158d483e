//! Every metric against scikit-learn; see `tests/golden/README.md` of the workspace.
#![cfg(feature = "train")]

use ndarray::{Array1, Array2, s};
use nn_runtime::metrics::{Average, ClassScores, ConfusionMatrix, Regression, Scores};
use serde_json::Value;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/metrics.json");

/// The largest difference, relative where values are above 1.
const BOUND: f64 = 1e-9;

/// Into how many batches the examples are cut.
const CUTS: [usize; 3] = [1, 2, 7];

fn cases(kind: &str) -> Vec<(String, Value)> {
    let text = std::fs::read_to_string(GOLDEN).expect("the golden file is there");
    let golden: Value = serde_json::from_str(&text).expect("golden files are JSON");
    let cases = golden[kind].as_object().expect("cases by their names");
    cases.iter().map(|(name, case)| (name.clone(), case.clone())).collect()
}

/// A number, or the NaN that `null` stands for.
fn number(value: &Value) -> f64 {
    if value.is_null() { f64::NAN } else { value.as_f64().expect("a number") }
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("numbers").iter().map(number).collect()
}

fn labels(value: &Value) -> Array1<usize> {
    numbers(value).into_iter().map(|label| label as usize).collect()
}

fn matrix(value: &Value) -> Array2<f64> {
    let rows: Vec<Vec<f64>> = value.as_array().expect("rows").iter().map(numbers).collect();
    let shape = (rows.len(), rows[0].len());
    Array2::from_shape_vec(shape, rows.concat()).expect("rows of one length")
}

/// The ranges of rows of so many batches; some are empty.
fn batches(rows: usize, count: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    (0..count).map(move |i| rows * i / count..rows * (i + 1) / count)
}

fn agree(case: &str, what: &str, ours: f64, theirs: f64) {
    let close = (ours - theirs).abs() <= BOUND * theirs.abs().max(1.0);
    assert!(close || (ours.is_nan() && theirs.is_nan()), "{case}: {what} is {ours}, not {theirs}");
}

fn all_agree(case: &str, what: &str, ours: impl IntoIterator<Item = f64>, theirs: &Value) {
    let (ours, theirs) = (ours.into_iter().collect::<Vec<_>>(), numbers(theirs));
    assert_eq!(ours.len(), theirs.len(), "{case}: {what} is {ours:?}, not {theirs:?}");
    ours.iter().zip(&theirs).for_each(|(ours, theirs)| agree(case, what, *ours, *theirs));
}

#[test]
fn measures_of_classes_agree() {
    for (case, golden) in cases("labels") {
        let (predicted, actual) = (labels(&golden["predicted"]), labels(&golden["actual"]));
        let classes = golden["classes"].as_u64().expect("a count") as usize;
        let expected = |name: &str| number(&golden["expected"][name]);
        let mut whole = ConfusionMatrix::new(classes);
        whole.update(&predicted, &actual).expect("labels are classes");
        for cuts in CUTS {
            let mut merged = ConfusionMatrix::new(classes);
            for rows in batches(actual.len(), cuts) {
                let mut part = ConfusionMatrix::new(classes);
                part.update(predicted.slice(s![rows.clone()]), actual.slice(s![rows]))
                    .expect("labels are classes");
                merged.merge(&part).expect("as many classes");
            }
            assert_eq!(merged, whole);
        }

        agree(&case, "accuracy", whole.accuracy(), expected("accuracy"));
        agree(&case, "balanced accuracy", whole.balanced_accuracy(), expected("balanced_accuracy"));
        agree(&case, "Matthews", whole.matthews(), expected("matthews"));
        for (suffix, average) in
            [("micro", Average::Micro), ("macro", Average::Macro), ("weighted", Average::Weighted)]
        {
            let theirs = |name: &str| expected(&format!("{name}_{suffix}"));
            agree(&case, suffix, whole.precision(average), theirs("precision"));
            agree(&case, suffix, whole.recall(average), theirs("recall"));
            agree(&case, suffix, whole.f1(average), theirs("f1"));
        }
        let per_class = whole.per_class();
        let golden = &golden["expected"];
        all_agree(
            &case,
            "precision",
            per_class.iter().map(|class| class.precision),
            &golden["precision_classes"],
        );
        all_agree(&case, "recall", per_class.iter().map(|class| class.recall), &golden["recall_classes"]);
        all_agree(&case, "F1", per_class.iter().map(|class| class.f1), &golden["f1_classes"]);
        if classes == 2 {
            agree(&case, "precision", whole.precision(Average::Binary), expected("precision"));
            agree(&case, "recall", whole.recall(Average::Binary), expected("recall"));
            agree(&case, "F1", whole.f1(Average::Binary), expected("f1"));
        }
        let (report, theirs) = (whole.report(), &golden["report"]);
        assert!(theirs.is_null() || report == *theirs, "{case}:\n{report}\n{theirs}");
    }
}

#[test]
fn measures_of_binary_scores_agree() {
    for (case, golden) in cases("scores") {
        let (predicted, actual) = (numbers(&golden["scores"]), numbers(&golden["actual"]));
        let golden = &golden["expected"];
        for cuts in CUTS {
            let mut scores = Scores::new();
            for rows in batches(actual.len(), cuts) {
                let mut part = Scores::new();
                part.update(&predicted[rows.clone()], &actual[rows]).expect("no score is NaN");
                scores.merge(&part);
            }
            agree(&case, "ROC AUC", scores.roc_auc(), number(&golden["roc_auc"]));
            agree(
                &case,
                "average precision",
                scores.average_precision(),
                number(&golden["average_precision"]),
            );
            agree(&case, "log loss", scores.log_loss(), number(&golden["log_loss"]));
            agree(&case, "Brier", scores.brier(), number(&golden["brier"]));
            let roc = scores.roc_curve();
            let rates = roc.iter().map(|point| point.false_positive_rate);
            all_agree(&case, "false positive rate", rates, &golden["false_positive_rate"]);
            let rates = roc.iter().map(|point| point.true_positive_rate);
            all_agree(&case, "true positive rate", rates, &golden["true_positive_rate"]);
            let thresholds = roc.iter().skip(1).map(|point| point.threshold);
            all_agree(&case, "thresholds", thresholds, &golden["roc_thresholds"]);
            let pr = scores.pr_curve();
            all_agree(&case, "precision", pr.iter().map(|point| point.precision), &golden["precision"]);
            all_agree(&case, "recall", pr.iter().map(|point| point.recall), &golden["recall"]);
            let thresholds = pr[..pr.len() - 1].iter().map(|point| point.threshold);
            all_agree(&case, "thresholds", thresholds, &golden["pr_thresholds"]);
        }
    }
}

#[test]
fn measures_of_probabilities_agree() {
    for (case, golden) in cases("probabilities") {
        let (predicted, actual) = (matrix(&golden["scores"]), labels(&golden["actual"]));
        let expected = |name: &str| number(&golden["expected"][name]);
        for cuts in CUTS {
            let mut scores = ClassScores::new(predicted.ncols());
            for rows in batches(actual.len(), cuts) {
                let mut part = ClassScores::new(predicted.ncols());
                part.update(predicted.slice(s![rows.clone(), ..]), actual.slice(s![rows]))
                    .expect("rows of scores");
                scores.merge(&part).expect("as many classes");
            }
            agree(&case, "log loss", scores.log_loss(), expected("log_loss"));
            agree(&case, "Brier", scores.brier(), expected("brier"));
            for (suffix, average) in
                [("micro", Average::Micro), ("macro", Average::Macro), ("weighted", Average::Weighted)]
            {
                agree(&case, suffix, scores.roc_auc(average), expected(&format!("roc_auc_{suffix}")));
                let theirs = expected(&format!("average_precision_{suffix}"));
                agree(&case, suffix, scores.average_precision(average), theirs);
            }
            for k in 1..predicted.ncols() {
                agree(&case, "top k", scores.top_k(k), expected(&format!("top_{k}")));
            }
        }
    }
}

#[test]
fn measures_of_numbers_agree() {
    for (case, golden) in cases("numbers") {
        let (predicted, actual) = (matrix(&golden["predicted"]), matrix(&golden["actual"]));
        for cuts in CUTS {
            let mut sums = Regression::new(actual.ncols());
            for rows in batches(actual.nrows(), cuts) {
                let mut part = Regression::new(actual.ncols());
                part.update(predicted.slice(s![rows.clone(), ..]), actual.slice(s![rows, ..]))
                    .expect("as many columns");
                sums.merge(&part).expect("as many columns");
            }
            let values = [
                ("r2", sums.r2()),
                ("r2_variance_weighted", sums.r2_variance_weighted()),
                ("mse", sums.mse()),
                ("rmse", sums.rmse()),
                ("mae", sums.mae()),
                ("mape", sums.mape()),
            ];
            for (name, value) in values {
                agree(&case, name, value, number(&golden["expected"][name]));
            }
        }
    }
}
