use ndarray::{Array2, array};
use proptest::prelude::*;

use super::{Columns, FittedPreprocessor, Impute, Preprocessor, Unseen};
use crate::data::Dataset;
use crate::{Error, Result};

const GAP: f64 = f64::NAN;

/// Columns a, b and c; the second has gaps, the third categories.
fn data() -> Dataset<f64> {
    let x = array![[1.0, 4.0, 7.0], [2.0, GAP, 5.0], [6.0, 8.0, 7.0], [3.0, 6.0, 9.0]];
    let y = array![[0.0], [1.0], [3.0], [8.0]];
    Dataset::with_missing(x, y).unwrap().with_feature_names(&["a", "b", "c"]).unwrap()
}

fn column(steps: &Preprocessor, name: &str) -> Vec<f64> {
    let ready = steps.fit(&data()).unwrap().transform(&data()).unwrap();
    let at = ready.features().iter().position(|feature| feature == name).unwrap();
    ready.inputs().column(at).to_vec()
}

#[test]
fn gaps_stay_until_they_are_filled() {
    let scaled = column(&Preprocessor::new().min_max(["b"]), "b");
    assert!(scaled[1].is_nan());
    assert_eq!((scaled[0], scaled[2], scaled[3]), (0.0, 1.0, 0.5));
    for (with, value) in [
        (Impute::Mean, 6.0),
        (Impute::Median, 6.0),
        (Impute::MostFrequent, 4.0),
        (Impute::Constant(-1.0), -1.0),
    ] {
        assert_eq!(column(&Preprocessor::new().impute(["b"], with), "b"), [4.0, value, 8.0, 6.0]);
    }
}

#[test]
fn steps_follow_each_other() {
    let steps = Preprocessor::new().impute(["b"], Impute::Constant(0.0)).robust(Columns::All);
    // 0, 4, 6, 8: the median is 5, the quartiles are 3 and 6.5.
    assert_eq!(column(&steps, "b"), [-1.0 / 3.5, -5.0 / 3.5, 3.0 / 3.5, 1.0 / 3.5]);
    let steps = Preprocessor::new().one_hot(["c"], Unseen::Error).min_max(["c=7"]).log1p(["a"]);
    assert_eq!(column(&steps, "c=7"), [1.0, 0.0, 1.0, 0.0]);
    assert_eq!(column(&steps, "a"), [1.0, 2.0, 6.0, 3.0].map(f64::ln_1p));
}

#[test]
fn categories_that_were_not_seen() {
    let transform = |steps: Preprocessor| -> Result<Vec<f64>> {
        let new = array![[0.0, 0.0, 5.0], [0.0, 0.0, 6.0]];
        let fitted = steps.fit(&data())?;
        Ok(fitted.transform_inputs(new.view())?.row(1).to_vec())
    };
    let one_hot = |unseen| transform(Preprocessor::new().one_hot(["c"], unseen));
    let ordinal = |unseen| transform(Preprocessor::new().ordinal(["c"], unseen));
    assert_eq!(one_hot(Unseen::Ignore).unwrap(), [0.0; 5]);
    assert_eq!(one_hot(Unseen::Other).unwrap(), [0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
    assert_eq!(ordinal(Unseen::Ignore).unwrap(), [0.0, 0.0, -1.0]);
    assert_eq!(ordinal(Unseen::Other).unwrap(), [0.0, 0.0, 3.0]);
    for error in [one_hot(Unseen::Error), ordinal(Unseen::Error)] {
        assert!(
            matches!(&error, Err(Error::Preprocess { row: 1, column, .. }) if column == "c"),
            "{error:?}"
        );
    }
}

#[test]
fn what_cannot_be_done_names_the_column() {
    let error = Preprocessor::new().standard(["d"]).fit(&data()).unwrap_err();
    assert_eq!(error.to_string(), "there is no column `d` to preprocess; the columns are `a`, `b`, `c`");
    let empty = Dataset::with_missing(array![[GAP]], array![[0.0]]).unwrap();
    assert!(matches!(Preprocessor::new().standard(Columns::All).fit(&empty), Err(Error::NoValues { .. })));
    assert!(Preprocessor::new().impute(Columns::All, Impute::Constant(1.0)).fit(&empty).is_ok());
    let below = Dataset::new(array![[0.0], [-1.0]], array![[0.0], [-2.0]]).unwrap();
    for steps in [Preprocessor::new().log1p(Columns::All), Preprocessor::new().log1p_targets()] {
        assert!(matches!(steps.fit(&below), Err(Error::Preprocess { row: 1, .. })));
    }
}

#[test]
fn weights_and_names_stay() {
    let weighted = data().with_weights(vec![1.0, 2.0, 3.0, 4.0]).unwrap();
    let fitted = Preprocessor::new().one_hot(["c"], Unseen::Error).fit(&weighted).unwrap();
    let ready = fitted.transform(&weighted).unwrap();
    assert_eq!(ready.weights(), weighted.weights());
    assert_eq!(ready.features(), ["a", "b", "c=5", "c=7", "c=9"]);
    assert_eq!((ready.input_shape(), fitted.features()), (&[5][..], ready.features()));
}

#[test]
fn what_was_written_is_read() {
    let steps = Preprocessor::new()
        .impute(["b"], Impute::Mean)
        .log1p(["a"])
        .robust(["a", "b"])
        .one_hot(["c"], Unseen::Other)
        .log1p_targets()
        .standard_targets();
    let fitted = steps.fit(&data()).unwrap();
    let text = serde_json::to_string(&fitted).unwrap();
    let read: FittedPreprocessor = serde_json::from_str(&text).unwrap();
    assert_eq!(read, fitted);
    assert!(read.is_valid());
    for (from, to) in [
        (",\"scale\":", ",\"scale\":-"),
        ("[5.0,7.0,9.0]", "[7.0,5.0,9.0]"),
        ("\"c=other\"", "\"c=other\",\"d\""),
    ] {
        let broken: FittedPreprocessor = serde_json::from_str(&text.replace(from, to)).unwrap();
        assert!(!broken.is_valid(), "{from}");
    }
}

proptest! {
    #[test]
    fn the_inverse_undoes_all_steps(values in prop::collection::vec((-0.9..1e4_f64, 0..4_u8), 2..40)) {
        let n = values.len();
        let inputs = Array2::from_shape_fn((n, 2), |(i, j)| if j == 0 { values[i].0 } else { f64::from(values[i].1) });
        let targets = Array2::from_shape_fn((n, 1), |(i, _)| values[i].0);
        let data = Dataset::new(inputs, targets).unwrap();
        let fitted = Preprocessor::new()
            .log1p(["x[0]"]).standard(["x[0]"]).one_hot(["x[1]"], Unseen::Error)
            .log1p_targets().robust_targets()
            .fit(&data).unwrap();
        let ready = fitted.transform(&data).unwrap();
        let pairs = [
            (fitted.inverse_inputs(ready.inputs()).unwrap(), data.inputs()),
            (fitted.inverse_targets(ready.targets()).unwrap(), data.targets()),
        ];
        for (restored, original) in pairs {
            for (r, o) in restored.iter().zip(original) {
                prop_assert!((r - o).abs() <= 1e-9 * (1.0 + o.abs()), "{} != {}", r, o);
            }
        }
    }
}
