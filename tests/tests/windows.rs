//! Convolutions, poolings, normalisations and attention against PyTorch: values and gradients of the interpreter, with
//! which emitted code agrees by the tests of `reference.rs`. See `golden/README.md`.

use std::fs;

use nn_compiler::grad;
use nn_compiler::graph::{Graph, Root};
use nn_tests::case::{Case, worst};
use nn_tests::{plan, root};
use serde_json::Value;

/// The largest difference, relative to the largest element.
const BOUND: f64 = 1e-11;

/// The numbers of a field.
fn numbers(setting: &Value, key: &str) -> Vec<f64> {
    let numbers = setting[key].as_array().unwrap_or_else(|| panic!("no `{key}`"));
    numbers.iter().map(|number| number.as_f64().expect("a number")).collect()
}

#[test]
fn every_setting_agrees_with_pytorch() {
    let text = fs::read_to_string(root().join("golden/windows.json")).expect("the golden file is there");
    let golden: Value = serde_json::from_str(&text).expect("golden files are JSON");
    let settings = golden["cases"].as_object().expect("settings by name");
    assert!(settings.len() >= 200, "{} settings", settings.len());
    let mut largest: f64 = 0.0;
    for (name, setting) in settings {
        let model = setting["model"].as_str().expect("the text of a model");
        let mut case = Case::new(&plan(&model.parse().expect("tokens")).program, 1);
        case.params = numbers(setting, "params");
        case.inputs = numbers(setting, "inputs");
        case.cotangents = numbers(setting, "d");
        let stable = nn_compiler::stable(&case.program);
        let graph = grad::of_outputs(&stable, true).expect("all of it is smooth");
        let mut agree = |what: &str, graph: &Graph, which: fn(Root) -> bool, key: &str| {
            let expected = numbers(setting, key);
            if expected.is_empty() {
                return;
            }
            let difference = worst(&case.roots(graph, &case.params, which), &expected);
            assert!(difference <= BOUND, "{name}: {what} differs by {difference:e}: {model}");
            largest = largest.max(difference);
        };
        agree("the result", &case.program.graph, |root| matches!(root, Root::Output(_)), "y");
        agree("the inputs' gradient", &graph, |root| matches!(root, Root::InputGradient(_)), "d_inputs");
        agree("the parameters' gradient", &graph, |root| matches!(root, Root::ParamGradient(_)), "d_params");
    }
    println!("{} settings, worst relative difference {largest:.1e}", settings.len());
}
