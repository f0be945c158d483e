//! What the compiler makes of every model in `models/`, as text: the graph, the derivative, the emitted Rust.

use nn_tests::{model_files, plan};

#[test]
fn graph() {
    each("dot", |texts| texts.dot.clone());
}

#[test]
fn summary() {
    each("summary", |texts| texts.summary.clone());
}

#[test]
fn derivative() {
    each("explanation", |texts| texts.explanation.clone());
}

#[test]
fn latex() {
    each("latex", |texts| texts.latex.clone());
}

#[test]
fn emitted_rust() {
    each("rust", |texts| texts.rust.clone());
}

fn each(kind: &str, text: impl Fn(&nn_compiler::emit::rust::Texts) -> String) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(format!("../snapshots/{kind}"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for file in model_files() {
            let texts = nn_compiler::texts(&plan(&file.tokens), "");
            insta::assert_snapshot!(file.name.clone(), text(&texts));
        }
    });
}

/// The logits rewrites: what the emitted code of the two classifiers of the lecture does not contain.
#[test]
fn the_gradient_at_the_logit_is_the_difference() {
    let rust = |name: &str| {
        let file = model_files().into_iter().find(|file| file.name == name).expect("the model is there");
        nn_compiler::texts(&plan(&file.tokens), "").rust
    };
    let logistic = rust("logistic");
    assert!(logistic.contains("let d_q = y - target;"), "{logistic}");
    assert!(!logistic.contains(" / ") && !logistic.contains("1.0 - y"), "{logistic}");

    let jet = rust("jet");
    assert!(!jet.contains(" / ") && !jet.contains("log("), "{jet}");
    // One kernel gives the loss and `softmax(q) - one_hot(target)`.
    assert!(jet.contains("softmax_cross_entropy("), "{jet}");
    let file = model_files().into_iter().find(|file| file.name == "jet").expect("the model is there");
    let explanation = nn_compiler::texts(&plan(&file.tokens), "").explanation;
    assert!(explanation.contains("= softmax(q4) - one_hot(target)"), "{explanation}");
}

/// The README shows the emitted code of the logistic model, word for word.
#[test]
fn the_readme_shows_what_is_emitted() {
    let readme = std::fs::read_to_string(nn_tests::root().join("../README.md")).expect("there is a README");
    let file = model_files().into_iter().find(|file| file.name == "logistic").expect("the model is there");
    let rust = nn_compiler::texts(&plan(&file.tokens), "").rust;
    assert!(
        readme.contains(&format!("```rust\n{rust}```")),
        "the README's emitted code is stale; it should be\n{rust}"
    );
}

/// The same tokens give the same text, byte for byte.
#[test]
fn output_is_deterministic() {
    for file in model_files() {
        let once = nn_compiler::expand(file.tokens.clone()).to_string();
        let twice = nn_compiler::expand(file.tokens).to_string();
        assert_eq!(once, twice, "{}", file.name);
    }
}
