//! Tables and preprocessing against pandas and scikit-learn; see `tests/golden/README.md`.

use std::path::PathBuf;

use ndarray::Array2;
use nn_runtime::prelude::*;
use nn_runtime::{Columns, FittedPreprocessor, Impute, Unseen};
use serde_json::Value;

fn golden(file: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden")).join(file)
}

fn record(file: &str) -> Value {
    let text = std::fs::read_to_string(golden(file)).expect("the golden file is there");
    serde_json::from_str(&text).expect("golden files are JSON")
}

/// A matrix; null is a missing value.
fn matrix(value: &Value) -> Array2<f64> {
    let rows = value.as_array().expect("rows");
    let width = rows[0].as_array().expect("a row").len();
    let numbers = rows.iter().flat_map(|row| row.as_array().expect("a row"));
    let numbers = numbers.map(|x| x.as_f64().unwrap_or(f64::NAN)).collect();
    Array2::from_shape_vec((rows.len(), width), numbers).expect("rows of one length")
}

/// Within 1e-12, relative to the larger of 1 and the number.
fn agree(ours: f64, theirs: f64, what: &str) {
    assert!((ours - theirs).abs() <= 1e-12 * theirs.abs().max(1.0), "{what}: {ours} against {theirs}");
}

fn all_agree(ours: &Array2<f64>, theirs: &Value, what: &str) {
    let theirs = matrix(theirs);
    assert_eq!(ours.dim(), theirs.dim(), "{what}");
    for (&ours, &theirs) in ours.iter().zip(&theirs) {
        agree(ours, theirs, what);
    }
}

fn fit(steps: &Preprocessor, train: &Array2<f64>) -> (FittedPreprocessor, Array2<f64>) {
    let targets = Array2::zeros((train.nrows(), 0));
    let train = Dataset::with_missing(train.clone(), targets).expect("the record is a dataset");
    let fitted = steps.fit(&train).expect("the record can be fitted");
    let ready = fitted.transform(&train).expect("the record can be transformed").inputs().to_owned();
    (fitted, ready)
}

#[test]
fn scalers_are_those_of_scikit_learn() {
    let record = record("preprocessing.json");
    let (train, other) = (matrix(&record["train"]), matrix(&record["other"]));
    for (name, steps) in [
        ("standard", Preprocessor::new().standard(Columns::All)),
        ("min_max", Preprocessor::new().min_max(Columns::All)),
        ("robust", Preprocessor::new().robust(Columns::All)),
    ] {
        let (fitted, ready) = fit(&steps, &train);
        all_agree(&ready, &record[name]["train"], name);
        all_agree(&fitted.transform_inputs(other.view()).unwrap(), &record[name]["other"], name);
        all_agree(&fitted.inverse_inputs(other.view()).unwrap(), &record[name]["inverse"], name);
    }
    let (_, ready) = fit(&Preprocessor::new().log1p(Columns::All), &other.mapv(f64::abs));
    all_agree(&ready, &record["log1p"], "log1p");
}

#[test]
fn gaps_are_filled_as_by_scikit_learn() {
    let record = record("preprocessing.json");
    let gaps = matrix(&record["gaps"]);
    for (name, with) in [
        ("impute_mean", Impute::Mean),
        ("impute_median", Impute::Median),
        ("impute_most_frequent", Impute::MostFrequent),
        ("impute_constant", Impute::Constant(-2.5)),
    ] {
        let (_, ready) = fit(&Preprocessor::new().impute(Columns::All, with), &gaps);
        all_agree(&ready, &record[name], name);
    }
}

#[test]
fn categories_are_numbered_as_by_scikit_learn() {
    let record = record("preprocessing.json");
    let (few, unseen) = (matrix(&record["few"]), matrix(&record["unseen"]));
    for (name, steps) in [
        ("one_hot", Preprocessor::new().one_hot(Columns::All, Unseen::Ignore)),
        ("ordinal", Preprocessor::new().ordinal(Columns::All, Unseen::Ignore)),
    ] {
        let (fitted, ready) = fit(&steps, &few);
        all_agree(&ready, &record[name]["train"], name);
        all_agree(&fitted.transform_inputs(unseen.view()).unwrap(), &record[name]["unseen"], name);
    }
}

#[test]
fn balanced_weights_are_those_of_scikit_learn() {
    let record = record("preprocessing.json");
    let labels: Vec<usize> =
        record["labels"].as_array().unwrap().iter().map(|x| x.as_u64().unwrap() as usize).collect();
    let inputs = Array2::<f64>::zeros((labels.len(), 1));
    let data =
        Dataset::with_classes(inputs, &labels, &["0", "1", "2", "3", "4"]).unwrap().balanced().unwrap();
    for (label, &weight) in labels.iter().zip(data.weights().unwrap()) {
        agree(weight, record["balanced"][label.to_string()].as_f64().unwrap(), "balanced");
    }
}

#[test]
fn figures_are_those_of_pandas() {
    let record = record("describe.json");
    let data = |file| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/data")).join(file);
    for (name, path, all) in [
        ("messy", golden("formats/messy.csv.gz"), false),
        ("iris_uneven", golden("formats/iris_uneven.csv"), true),
        ("diabetes", data("diabetes.csv"), true),
    ] {
        let description = Table::from_csv(path).unwrap().describe();
        let numbers = record[name]["numbers"].as_object().unwrap();
        let mut compared = 0;
        for summary in description.numbers() {
            // As text, numbers of single precision are rounded.
            if summary.column == "single" {
                continue;
            }
            let s = summary;
            let ours =
                [s.count as f64, s.mean, s.std, s.min, s.lower_quartile, s.median, s.upper_quartile, s.max];
            for (ours, theirs) in ours.into_iter().zip(numbers[&s.column].as_array().unwrap()) {
                agree(ours, theirs.as_f64().unwrap(), &s.column);
            }
            compared += 1;
        }
        assert!(compared == numbers.len() || !all, "{compared} columns of {name}");
        assert!(compared >= 2);
        for s in description.categories().iter().filter(|s| s.column != "yes") {
            let theirs = &record[name]["categories"][&s.column];
            let ours =
                serde_json::json!({ "count": s.count, "unique": s.unique, "top": s.top, "freq": s.freq });
            assert_eq!(&ours, theirs);
        }
    }
}
