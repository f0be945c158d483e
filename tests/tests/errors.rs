//! Mistakes in models: what the compiler says, and where. Each case is a model with its whole list of messages in
//! `snapshots/errors/`, with the user's text that each message points at.

use nn_compiler::diag::{Diagnostics, Region};
use proc_macro2::TokenStream;

/// The messages of a source, each below the text that it underlines.
fn report(source: &str) -> String {
    let tokens: TokenStream = source.parse().expect("the cases are tokens");
    let errors: Diagnostics = match nn_compiler::parse::source(tokens).and_then(nn_compiler::compile) {
        Ok(_) => panic!("this model is accepted:\n{source}"),
        Err(errors) => errors,
    };
    let mut out = format!("{source}\n");
    for error in errors.iter() {
        out.push_str(&format!("\nat `{}`\nerror: {}\n", underlined(source, error.region), error.text()));
    }
    out
}

/// The text of a region.
fn underlined(source: &str, region: Region) -> String {
    let (start, end) = (region.start.start(), region.end.end());
    let lines: Vec<&str> = source.lines().collect();
    let line: Vec<char> = lines.get(start.line - 1).copied().unwrap_or_default().chars().collect();
    let last = if end.line == start.line { end.column } else { line.len() };
    line[start.column..last.max(start.column)].iter().collect()
}

/// A model around some statements.
fn body(statements: &str) -> String {
    format!("model M(x: [16]) -> y {{ {statements} }}")
}

const BODIES: &[(&str, &str)] = &[
    ("unknown_name", "param w: [16]; y = dot(xx, w);"),
    ("unknown_name_far", "y = sum(x) * momentum;"),
    ("unknown_operation", "y = sum(sigmiod(x));"),
    ("unknown_operation_far", "y = convolve(x);"),
    ("operation_without_brackets", "y = relu;"),
    ("missing_argument", "y = dense(x);"),
    ("too_many_arguments", "y = sum(relu(x, 1));"),
    ("unknown_argument", "y = sum(x, dim = 0);"),
    ("misspelt_argument", "y = sum(dense(x, unist = 4));"),
    ("matmul_sizes", "param w1: [10, 64], b1: [64]; y = sum(relu(x @ w1 + b1));"),
    ("broadcast", "param w: [3]; y = sum(x + w);"),
    ("dot_sizes", "param w: [3]; y = dot(x, w);"),
    ("output_missing", "z = sum(x); y2 = z * 2;"),
    ("unused_parameter", "param w: [16], v; y = dot(x, w);"),
    ("unused_binding", "h = relu(x); y = sum(x);"),
    ("two_losses", "param w: [16]; y = dot(x, w); loss mse(y, target); loss mae(y, target);"),
    ("loss_no_scalar", "param w: [16]; h = x * w; y = sum(h); loss h;"),
    ("target_outside_loss", "y = sum(x) - target;"),
    ("target_bound", "target = sum(x); y = target;"),
    (
        "target_two_meanings",
        "p = softmax(dense(x, 3)); y = sum(p); loss cross_entropy(p, target) + sum(mse(p, target));",
    ),
    ("initialiser", "param w: [16] = he_norml; y = dot(x, w);"),
    ("initialiser_bounds", "param w: [16] = uniform(1, -1); y = dot(x, w);"),
    ("size_zero", "param w: [0]; y = dot(x, w);"),
    ("size_name", "param w: [batch, 16]; y = sum(w);"),
    ("missing_operator", "y = 2x;"),
    ("chained_comparison", "y = sum(select(0 < x < 1, x, 0));"),
    ("power_of_python", "y = sum(x ** 2);"),
    ("let_of_rust", "let h = relu(x); y = sum(h);"),
    ("index_out_of_range", "y = x[16];"),
    ("slice_out_of_range", "y = sum(x[10..20]);"),
    ("slice_empty", "y = sum(x[4..4]);"),
    ("slice_inclusive", "y = sum(x[0..=4]);"),
    ("too_many_indices", "y = x[0, 1];"),
    ("axis", "y = sum(x, axis = 1);"),
    ("reshape", "y = sum(reshape(x, [3, 5]));"),
    ("concat", "param w: [2, 3]; y = sum(concat(x, w));"),
    ("softmax_of_a_scalar", "y = softmax(sum(x));"),
    ("constant_bounds", "h = x; for i in 0..h { h = relu(h); } y = sum(h);"),
    ("loop_never_runs", "h = x; for i in 3..3 { h = relu(h); } y = sum(h);"),
    ("no_derivative", "param w: [16]; y = dot(x, w) > 0; loss mse(y, target);"),
    (
        "no_influence",
        "param w: [16], v; y = dot(x, w); z = v * 2; loss mse(y, target) + 0 * stop_gradient(z);",
    ),
    ("value_goes_nowhere", "relu(x); y = sum(x);"),
    ("string", "y = dense(x, 4, \"relu\");"),
    ("list_as_value", "y = sum([1, 2]);"),
    ("layer_parameter", "h = relu(dense(x, 4)); y = sum(h); loss mse(y, target) + sum(h.weihgt^2);"),
    ("size_not_whole", "y = sum(dense(x, 2.5));"),
    ("infinite_constant", "y = sum(x) * exp(1000);"),
    ("output_without_input", "param w; h = sum(x); y = w * 2; loss mse(y, target) + h;"),
    ("several_at_once", "param w: [3]; h = x + w; g = sigmiod(x); y = sum(hh);"),
];

const SOURCES: &[(&str, &str)] = &[
    ("empty", ""),
    ("short_role", "y = sigmoid(x*w + c)"),
    ("short_expression", "sigmoid(x*w + b)"),
    ("no_output", "model M(x) { y = x; }"),
    ("no_body", "model M(x) -> y;"),
    ("dtype", "model M<i32>(x) -> y { y = 2*x; }"),
    ("output_shape", "model M(x: [16]) -> y: [5] { y = softmax(dense(x, 4)); }"),
    ("keyword", "pub struct M { y: f32 }"),
    ("two_models", "model M(x) -> y { y = 2*x; } model M(x) -> y { y = 3*x; }"),
    ("mistakes_in_two_models", "model A(x) -> y { y = x*v; } model B(x) -> y { y = sigmiod(x); }"),
    ("duplicate_inputs", "model M(x, x) -> y { y = 2*x; }"),
    ("function_without_value", "fn f(x) { h = relu(x); } model M(x) -> y { y = f(x); }"),
    ("function_arguments", "fn f(x, n) { dense(x, n) } model M(x: [4]) -> y { y = sum(f(x)); }"),
    ("function_is_an_operation", "fn relu(x) { x } model M(x) -> y { y = relu(x); }"),
    ("endless_function", "fn f(x) { f(x) } model M(x) -> y { y = f(x); }"),
    ("loss_in_a_function", "fn f(x) { loss x; x } model M(x) -> y { y = f(x); }"),
    ("unused_input", "model M(x, z) -> y { y = 2*x; }"),
    ("scalar_has_no_axes", "model M(x) -> y { y = softmax(x); }"),
];

#[test]
fn messages_are_exact() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots/errors");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for (name, statements) in BODIES {
            insta::assert_snapshot!(*name, report(&body(statements)));
        }
        for (name, source) in SOURCES {
            insta::assert_snapshot!(*name, report(source));
        }
    });
    assert!(BODIES.len() + SOURCES.len() >= 60);
}

/// Every mistake has advice, or says all there is to say.
#[test]
fn nearly_every_message_helps() {
    let cases =
        BODIES.iter().map(|(_, text)| body(text)).chain(SOURCES.iter().map(|(_, text)| (*text).to_owned()));
    let reports: Vec<String> = cases.map(|source| report(&source)).collect();
    let helpful = reports.iter().filter(|report| report.contains("= help: ")).count();
    assert!(helpful * 10 >= reports.len() * 9, "{helpful} of {}", reports.len());
}

/// Broken versions of good models never make the compiler panic.
#[test]
fn no_tokens_make_the_compiler_panic() {
    for file in nn_tests::model_files() {
        let trees: Vec<_> = file.tokens.clone().into_iter().collect();
        for cut in 0..trees.len() {
            let without: TokenStream =
                trees.iter().enumerate().filter(|(at, _)| *at != cut).map(|(_, tree)| tree.clone()).collect();
            let _ = nn_compiler::expand(without);
        }
        let Some(proc_macro2::TokenTree::Group(inner)) = trees.last() else { continue };
        let statements: Vec<_> = inner.stream().into_iter().collect();
        for cut in 0..statements.len() {
            let without: TokenStream = statements
                .iter()
                .enumerate()
                .filter(|(at, _)| *at != cut)
                .map(|(_, tree)| tree.clone())
                .collect();
            let body = proc_macro2::Group::new(inner.delimiter(), without);
            let head = trees[..trees.len() - 1].iter().cloned();
            let source = head.chain([proc_macro2::TokenTree::Group(body)]).collect();
            if let Err(errors) = nn_compiler::parse::source(source).and_then(nn_compiler::compile) {
                assert!(errors.iter().all(|error| !error.message.is_empty()));
            }
        }
    }
}
