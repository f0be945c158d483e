//! Every figure, drawn and rendered. `NN_PLOTS=folder cargo test -p nn-runtime --features png plots` keeps them to look
//! at.

use std::path::Path;

use ndarray::{Array2, array};
use nn_runtime::metrics::{ClassScores, Scores};
use nn_runtime::plot::{self, Chart, Figure};
use nn_runtime::prelude::*;
use nn_runtime::{ConfusionMatrix, Error};

use crate::models::{Classifier, Linear, Logistic};
use crate::training::plane;

/// Numbers that look random, from -1 to 1, and don't show a pattern when they are drawn.
fn noise(i: usize) -> f64 {
    let mut bits = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

/// Checks that a figure stands alone, and keeps it if asked to.
fn check(name: &str, figure: &Figure) {
    let svg = figure.to_svg();
    assert!(svg.starts_with("<svg xmlns=") && svg.ends_with("</svg>\n"), "{name}: {svg}");
    assert!(!svg.contains("NaN") && !svg.contains("inf\"") && !svg.contains("href"), "{name}: {svg}");
    assert!(svg.len() < 400_000, "{name} has {} bytes", svg.len());
    #[cfg(feature = "png")]
    let png = {
        let png = figure.to_png(1.0).unwrap();
        assert!(png.starts_with(b"\x89PNG"), "{name}");
        png
    };
    if let Some(folder) = std::env::var_os("NN_PLOTS") {
        let file = |extension: &str| Path::new(&folder).join(format!("{name}.{extension}"));
        figure.save_svg(file("svg")).unwrap();
        #[cfg(feature = "png")]
        std::fs::write(file("png"), png).unwrap();
        #[cfg(feature = "png")]
        std::fs::write(file("half.png"), figure.to_png(0.5).unwrap()).unwrap();
    }
}

/// Two classes that overlap, and their scores.
fn scores(n: usize) -> Scores {
    let mut scores = Scores::new();
    for i in 0..n {
        let positive = f64::from(u8::from(i % 3 == 0));
        let score = 0.5 + 0.25 * (positive - 0.5) + 0.2 * (noise(2 * i) + noise(2 * i + 1));
        scores.update(&[score], &[positive]).unwrap();
    }
    scores
}

#[test]
fn learning_curves() {
    let data = plane::<f64>(80);
    let (train, valid) = data.split(0.3, 1);
    let mut model = Linear::<f64>::new(4);
    let history = Trainer::new(Sgd::new(0.02)).epochs(60).fit(&mut model, &train, &valid).unwrap();
    check("learning_curves", &plot::learning_curves(&history));
    check("metric_curves", &plot::metric_curves(&history, &["r2"]));
    let folder = tempfile::tempdir().unwrap();
    history.save_svg(folder.path().join("curves.svg")).unwrap();
    let text = std::fs::read_to_string(folder.path().join("curves.svg")).unwrap();
    assert!(text.contains(">validation</text>") && text.contains(">best epoch "), "{text}");
    assert!(text.contains("Linear: learning curves"), "{text}");
}

/// A validation loss that rises again.
#[test]
fn overfitting_is_shaded() {
    let epochs: Vec<String> = (1..=80)
        .map(|i| {
            let t = f64::from(i);
            let train = 0.02 + 0.9 * (-0.08 * t).exp();
            let valid = 0.09 + 0.9 * (-0.08 * t).exp() + 0.0025 * t + 0.006 * noise(i as usize);
            format!(
                "{{\"train_loss\":{train},\"valid_loss\":{valid},\"learning_rate\":0.1,\"seconds\":1,\"rows\":9,\
                 \"metrics\":[{{\"name\":\"accuracy\",\"value\":{}}},{{\"name\":\"f1_macro\",\"value\":{}}}]}}",
                1.0 - 0.5 * valid,
                0.98 - 0.6 * valid
            )
        })
        .collect();
    let text = format!("{{\"model\":\"Jet\",\"validated\":true,\"epochs\":[{}]}}", epochs.join(","));
    let history: History = serde_json::from_str(&text).unwrap();
    let figure = plot::learning_curves(&history);
    assert!(figure.to_svg().contains(">overfitting</text>"));
    check("overfitting", &figure);
    check("two_metrics", &plot::metric_curves(&history, &["accuracy", "f1_macro"]));
}

#[test]
fn curves_of_scores() {
    let scores = scores(300);
    check("roc", &plot::roc(&scores));
    check("precision_recall", &plot::precision_recall(&scores));
    let figure = plot::roc(&scores).to_svg();
    assert!(figure.contains(&format!(">AUC = {:.3}</text>", scores.roc_auc())), "{figure}");
    check("roc_empty", &plot::roc(&Scores::new()));
    check("precision_recall_empty", &plot::precision_recall(&Scores::new()));

    let rows = 200;
    let labels: Vec<usize> = (0..rows).map(|i| i % 3).collect();
    let probabilities = Array2::from_shape_fn((rows, 3), |(i, class)| {
        (0.9 + noise(5 * i + class) + if class == i % 3 { 0.4 + 0.3 * class as f64 } else { 0.0 }) / 4.0
    });
    let mut classes = ClassScores::new(3);
    classes.update(&probabilities, &labels).unwrap();
    let names = ["setosa", "versicolor", "virginica"].map(str::to_owned);
    check("roc_of_classes", &plot::roc_of_classes(&classes, &names));
}

#[test]
fn confusion_matrices() {
    let fill = |classes: usize, names: &[&str]| {
        let mut matrix = ConfusionMatrix::new(classes).with_names(names.iter().copied()).unwrap();
        for i in 0..60 * classes {
            let actual = (i * 7) % classes;
            let predicted = if noise(i) > 0.5 { (actual + i % classes) % classes } else { actual };
            matrix.update(&[predicted], &[actual]).unwrap();
        }
        matrix
    };
    check("confusion_2", &plot::confusion(&fill(2, &["benign", "malignant"])));
    check("confusion_3", &plot::confusion(&fill(3, &["setosa", "versicolor", "virginica"])));
    check("confusion_10", &plot::confusion(&fill(10, &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"])));
    let names: Vec<String> = (0..30).map(|i| format!("a class with a long name {i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    check("confusion_30", &plot::confusion(&fill(30, &names)));
    check("confusion_none", &plot::confusion(&ConfusionMatrix::new(0)));
}

#[test]
fn predicted_numbers() {
    let targets: Vec<f64> = (0..250).map(|i| 150.0 + 80.0 * noise(i)).collect();
    let predictions: Vec<f32> =
        targets.iter().enumerate().map(|(i, t)| (t * 0.8 + 30.0 + 15.0 * noise(900 + i)) as f32).collect();
    check("predicted", &plot::predicted_against_true(&predictions, &targets, "mg/dl"));
    check("residuals", &plot::residuals(&predictions, &targets, "mg/dl"));
    let none: [f64; 0] = [];
    check("predicted_none", &plot::predicted_against_true(&none, &none, ""));
    check("residuals_none", &plot::residuals(&none, &none, ""));
}

#[test]
fn boundaries() {
    let inputs = Array2::from_shape_fn((150, 2), |(i, j)| 3.0 * noise(2 * i + j) + noise(7 * i + j));
    let csv: Vec<String> = inputs
        .rows()
        .into_iter()
        .map(|x| format!("{},{},{}", x[0], x[1], if x[0] + 0.5 * x[1] > 0.3 { "cat" } else { "dog" }))
        .collect();
    let table =
        Table::from_reader(format!("length (cm),width (cm),kind\n{}\n", csv.join("\n")).as_bytes()).unwrap();
    let data = table.dataset(&["length (cm)", "width (cm)"], Target::equals("kind", "cat")).unwrap();
    let model = Logistic::<f64> { params: vec![1.0, 0.5, -0.3] };
    check("boundary", &plot::decision_boundary(&model, &data).unwrap());

    let labels: Vec<usize> = inputs
        .rows()
        .into_iter()
        .map(|x| if x[1] > 1.0 { 1 } else { usize::from(x[0] <= 0.0) * 2 })
        .collect();
    let data = Dataset::with_classes(inputs, &labels, &["right", "up", "left"]).unwrap();
    let model = Classifier { params: vec![0.5, 0.0, -0.5, -0.3, 0.6, -0.3, 0.0, -0.4, 0.0] };
    check("boundary_classes", &plot::decision_boundary(&model, &data).unwrap());

    let error = plot::decision_boundary(&Linear::<f64>::new(1), &plane(9)).unwrap_err();
    assert!(matches!(error, Error::NoBoundary { .. }), "{error}");
    assert!(
        error.to_string().ends_with("`Linear` takes 2 and predicts numbers or several answers"),
        "{error}"
    );
}

#[test]
fn histograms() {
    let values = (0..3000).map(|i| noise(3 * i) + noise(3 * i + 1) + noise(3 * i + 2));
    check("histogram", &plot::histogram("Residuals", "true value - predicted value (mm)", values));
    let model = Classifier::<f64>::new(3);
    check("weights", &plot::weights(&model));
    let gradient = array![0.1, -0.2, 0.3, 0.1, 0.05, -0.4, 0.0, 1e-6, -2e-3];
    check("gradients", &plot::gradients::<Classifier<f64>>(gradient.as_slice().unwrap()));
}

#[test]
fn charts() {
    let x = |i: i32| f64::from(i) * 0.1;
    let chart = Chart::new("A sine, and what was learnt of it")
        .x_label("time (s)")
        .y_label("displacement (m)")
        .line("fit", (0..64).map(|i| (x(i), 0.97 * (x(i) - 0.03).sin())))
        .points("measured", (0..64).step_by(2).map(|i| (x(i), x(i).sin() + 0.1 * noise(i as usize))))
        .band("± 2 σ", (0..64).map(|i| (x(i), x(i).sin() - 0.2, x(i).sin() + 0.2)))
        .reference("truth", (0..64).map(|i| (x(i), x(i).sin())));
    check("chart", &chart.figure());
    let power = Chart::new("Time per step")
        .x_label("rows")
        .y_label("time (µs)")
        .x_logarithmic()
        .y_logarithmic()
        .line("one thread", (0..12).map(|i| (2_f64.powi(i), 0.3 + 0.02 * 2_f64.powi(i))))
        .line("two threads", (0..12).map(|i| (2_f64.powi(i), 2.3 + 0.011 * 2_f64.powi(i))));
    check("logarithmic", &power.figure());
}

#[cfg(feature = "png")]
#[test]
fn pixels_have_a_limit() {
    let figure = Chart::new("t").figure();
    for scale in [0.0, -1.0, f32::NAN, 1e6] {
        let error = figure.to_png(scale).unwrap_err();
        assert!(error.to_string().starts_with("the scale of a picture is "), "{error}");
    }
    let png = figure.to_png(0.5).unwrap();
    assert_eq!(png[16..24], [0, 0, 1, 64, 0, 0, 0, 220], "width and height in the header");
}
