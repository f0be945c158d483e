//! What the compiler promises of every model, whatever it computes.

use nn_compiler::model::Init;
use nn_compiler::schedule::Plan;
use nn_tests::{ModelFile, files, plan};

fn compiled(source: &str) -> Plan {
    plan(&source.parse().unwrap_or_else(|error| panic!("{error} in\n{source}")))
}

fn every_file() -> Vec<ModelFile> {
    ["models", "operations", "unusual"].into_iter().flat_map(files).collect()
}

/// A formula that speaks of a value tells how it is computed.
#[test]
fn every_value_of_an_explanation_has_a_name() {
    for file in every_file() {
        let texts = nn_compiler::texts(&plan(&file.tokens), "");
        assert!(!texts.explanation.contains('?'), "{}\n{}", file.name, texts.explanation);
        assert!(!texts.latex.contains('?'), "{}\n{}", file.name, texts.latex);
        let Some((_, computed)) = texts.explanation.split_once("after simplification\n") else { continue };
        let (lines, gradients) = computed.split_once("\nGradients").unwrap_or_default();
        let (gradients, _) = gradients.split_once("\nGradient descent").unwrap_or_default();
        let defined: Vec<&str> =
            lines.lines().filter_map(|line| Some(line.split_once(" = ")?.0.trim())).collect();
        for line in lines.lines().chain(gradients.lines()) {
            let Some((_, formula)) = line.split_once(" = ") else { continue };
            let words = formula.split(|c: char| !(c.is_alphanumeric() || "_.∂/".contains(c)));
            // `q12` and `∂J/∂h`, but neither the user's `q` nor a slice's `0..4`.
            let is_counted = |word: &&str| {
                let counted = word.strip_prefix('q').is_some_and(|rest| rest.parse::<usize>().is_ok());
                counted || word.starts_with("∂J/∂")
            };
            for word in words.map(|word| word.trim_end_matches('ᵀ')).filter(is_counted) {
                assert!(defined.contains(&word), "{}: `{word}` in `{line}`\n{computed}", file.name);
            }
        }
    }
}

/// The activation decides, and a penalty on the weight is none.
#[test]
fn a_penalty_leaves_the_initialiser_alone() {
    let init = |loss: &str| {
        let plan = compiled(&format!(
            "model M(x: [8]) -> y {{ param v: [8]; h = relu(dense(x, 4)); y = sum(h) + relu(x @ v); loss {loss}; }}"
        ));
        plan.program.model.params.iter().map(|param| param.init).collect::<Vec<_>>()
    };
    let plain = init("mse(y, target)");
    assert_eq!(plain, [Init::HeUniform, Init::HeUniform, Init::Constant(0.0)]);
    assert_eq!(init("mse(y, target) + 1e-4 * sum(h.weight^2) + 1e-4 * sum(v^2) + sum(abs(v))"), plain);
}

/// The parameters of the lines add up to those of the model, also where a name stands for several layers and where the
/// loss has one.
#[test]
fn a_summary_counts_each_parameter_once() {
    let mut sources: Vec<String> = every_file().iter().map(|file| file.tokens.to_string()).collect();
    sources.push(
        "fn block(x) { h = relu(dense(x, 8)); x + dense(h, 8) }
        model M(x: [8]) -> y: [8] {
            param w: [8], s;
            h = relu(dense(x, 8));
            h = tanh(h * w + s);
            for i in 0..3 { h = h + relu(dense(dense(h, 8), 8)); }
            y = block(block(h));
            loss mse(y, target) + mean(dense(h, 3)^2);
        }"
        .to_owned(),
    );
    for source in sources {
        let plan = compiled(&source);
        let summary = nn_compiler::texts(&plan, "").summary;
        let mut lines = summary.lines();
        let column = lines.next().and_then(|line| line.find("parameters")).expect("a heading");
        let count = |line: &str| -> Option<usize> {
            let cell: String = line.chars().skip(column).collect();
            let digits: String =
                cell.chars().filter(|&c| c != ',').take_while(char::is_ascii_digit).collect();
            digits.parse().ok()
        };
        let counted: usize =
            lines.take_while(|line| !line.contains("trainable parameters")).filter_map(count).sum();
        assert_eq!(counted, plan.program.model.param_count(), "{source}\n{summary}");
    }
}

/// Values that are used twice at each of sixty levels are worked on sixty times, not 2⁶⁰ times.
#[test]
fn shared_values_are_worked_on_once() {
    for body in [
        "param w; y = x*w; for i in 0..60 { y = y + y; }",
        "param w; y = x; for i in 0..60 { y = y * y; } y = y * w;",
        "param w; h = x; for i in 0..60 { h = sin(h) + cos(h); } y = h * w;",
        "param w; h = w; for i in 0..60 { h = h + h; } y = relu(h * x);",
    ] {
        let plan = compiled(&format!("model M(x) -> y {{ {body} loss mse(y, target); }}"));
        let texts = nn_compiler::texts(&plan, "");
        assert!(texts.explanation.len() < 100_000, "{}", texts.explanation.len());
    }
}

/// What a function needs twice is computed once, in one line or two, and a long sum is no longer line.
#[test]
fn formulas_stay_short() {
    let nested = format!("{}x*w{}", "twice(".repeat(60), ")".repeat(60));
    let long = vec!["x*w"; 1000].join(" + ");
    let wide = vec!["v[0]*w"; 300].join(" + ");
    for (inputs, formula) in [("x", nested), ("x", long), ("x, v: [2]", format!("x * w + {wide}"))] {
        let plan = compiled(&format!(
            "fn _twice(x) {{ x + x }}
            model M({inputs}) -> y {{ param w; y = {}; loss mse(y, target); }}",
            formula.replace("twice", "_twice")
        ));
        let rust = nn_compiler::texts(&plan, "").rust;
        let longest = rust.lines().map(str::len).max().unwrap_or(0);
        assert!(
            rust.len() < 500 * formula.len() && longest < 4_000,
            "{} bytes, {longest} in a line",
            rust.len()
        );
    }
}

/// rustdoc takes a drawing as HTML as long as no line is empty.
#[test]
fn the_documentation_draws_what_is_small_enough() {
    let mut drawn = 0;
    for file in every_file() {
        let plan = plan(&file.tokens);
        let docs = nn_compiler::emit::docs::text(&plan, &nn_compiler::texts(&plan, ""));
        assert!(docs.contains("trainable parameters") && docs.contains("# Formulas"), "{docs}");
        let Some((_, rest)) = docs.split_once("<svg ") else { continue };
        let (drawing, _) = rest.split_once("</svg>").expect("a drawing has an end");
        assert!(drawing.lines().all(|line| !line.trim().is_empty()), "{}", file.name);
        for param in &plan.program.model.params {
            assert!(drawing.contains(&format!(">{}</text>", param.name)), "{}: {}", file.name, param.name);
        }
        drawn += 1;
    }
    assert!(drawn > 20, "{drawn} drawings");
    let large =
        compiled("model M(x: [4]) -> y { h = x; for i in 0..30 { h = relu(dense(h, 4)); } y = sum(h); }");
    assert!(nn_compiler::emit::svg::text(&large.program).is_none());
}
