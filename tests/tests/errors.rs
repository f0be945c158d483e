//! Mistakes in models: what the compiler says, and where. The files of `errors/` hold bad models, one after the other
//! with an empty line between them; `snapshots/errors/` shows all that the compiler says of each, in rustc's look.

use std::fmt::Write;
use std::fs;

use nn_compiler::diag::{Diagnostic, Region};
use proc_macro2::{Group, TokenStream, TokenTree};
use proptest::prelude::*;

/// Every mistake of a source, in the order of its text.
fn mistakes(tokens: TokenStream) -> Vec<Diagnostic> {
    match nn_compiler::parse::source(tokens).and_then(nn_compiler::compile) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.iter().cloned().collect(),
    }
}

/// A mistake as rustc shows it: the message, the user's lines with what is wrong in them underlined, the help.
fn render(source: &str, error: &Diagnostic) -> String {
    let mut out = format!("error: {}\n", error.message);
    let (start, end) = (error.region.start.start(), error.region.end.end());
    if is_placed(error.region) {
        let width = end.line.to_string().len();
        writeln!(out, "{:width$}--> {}:{}", "", start.line, start.column + 1).unwrap();
        for (number, line) in source.lines().enumerate().take(end.line).skip(start.line - 1) {
            let number = number + 1;
            let from = if number == start.line { start.column } else { line.len() - line.trim_start().len() };
            let to = if number == end.line { end.column } else { line.chars().count() };
            writeln!(out, "{number:width$} | {line}").unwrap();
            writeln!(out, "{:width$} | {:from$}{}", "", "", "^".repeat(to - from)).unwrap();
        }
        if let Some(help) = &error.help {
            writeln!(out, "{:width$} = help: {help}", "").unwrap();
        }
    } else if let Some(help) = &error.help {
        writeln!(out, " = help: {help}").unwrap();
    }
    out
}

/// Whether a region is a stretch of the source, and not the macro as a whole.
fn is_placed(region: Region) -> bool {
    let (start, end) = (region.start.start(), region.end.end());
    (start.line, start.column) < (end.line, end.column)
}

/// The bad models of all files, by the file's name.
fn cases() -> Vec<(String, Vec<String>)> {
    let folder = nn_tests::root().join("errors");
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("the bad models are there")
        .map(|entry| entry.expect("an entry can be read").path())
        .collect();
    files.sort();
    files
        .iter()
        .map(|path| {
            let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
            let text = fs::read_to_string(path).expect("a bad model can be read");
            (name, text.split("\n\n").map(|case| case.trim().to_owned()).collect())
        })
        .collect()
}

fn tokens(source: &str) -> TokenStream {
    source.parse().unwrap_or_else(|error| panic!("{error} in\n{source}"))
}

#[test]
fn messages_are_exact() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots/errors");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let mut count = 0;
    for (name, sources) in cases() {
        let mut report = String::new();
        for source in &sources {
            let errors = mistakes(tokens(source));
            assert!(!errors.is_empty(), "this model is accepted:\n{source}");
            for error in &errors {
                report.push_str(&render(source, error));
                report.push('\n');
            }
            report.push_str("────────\n\n");
        }
        count += sources.len();
        settings.bind(|| insta::assert_snapshot!(name, report));
    }
    assert!(count >= 150, "{count} bad models");
}

/// Each message underlines something and offers a way out.
#[test]
fn every_message_is_placed_and_helps() {
    for source in cases().iter().flat_map(|(_, sources)| sources) {
        for error in mistakes(tokens(source)) {
            let text = error.text();
            assert!(is_placed(error.region), "`{text}` is nowhere in\n{source}");
            assert!(error.help.is_some(), "`{text}` leaves the user alone with\n{source}");
        }
    }
}

/// One mistake, one message: what follows from it is not reported as well.
#[test]
fn nothing_follows_from_a_mistake() {
    for (name, sources) in cases() {
        if name == "several" {
            continue;
        }
        for source in sources {
            let errors = mistakes(tokens(&source));
            let texts: Vec<String> = errors.iter().map(Diagnostic::text).collect();
            assert_eq!(errors.len(), 1, "{source}\n{}", texts.join("\n"));
        }
    }
}

#[test]
fn an_empty_macro_says_what_to_write() {
    let errors = mistakes(TokenStream::new());
    let texts: Vec<String> = errors.iter().map(Diagnostic::text).collect();
    assert_eq!(
        texts,
        ["there is no model here\n  = help: write `y = sigmoid(x*w + b)`, or `model Name(x) -> y { … }`"]
    );
}

/// rustc's stack is not ours: what nests without end is a mistake like any other, and long sums are fine.
#[test]
fn formulas_of_any_depth_leave_the_stack_alone() {
    let nested = |open: &str, close: &str, depth: usize| {
        let formula = format!("{}x*w{}", open.repeat(depth), close.repeat(depth));
        format!("model M(x) -> y {{ param w; y = {formula}; loss mse(y, target); }}")
    };
    let texts = |source: String| -> Vec<String> {
        // The stack of a thread of rustc's is 8 MB, of which a macro does not have all.
        let run = move || mistakes(tokens(&source)).iter().map(Diagnostic::text).collect();
        let thread = std::thread::Builder::new().stack_size(4 << 20).spawn(run);
        thread.expect("a thread starts").join().expect("the stack is enough")
    };
    for (open, close) in [("(", ")"), ("sin(", ")")] {
        assert_eq!(texts(nested(open, close, 90)), [""; 0]);
        assert_eq!(
            texts(nested(open, close, 3000)),
            [
                "brackets are nested more than 100 deep\n  = help: give the inner parts names of their own: `h = …;`"
            ]
        );
    }
    for sign in ["-", "x ^ "] {
        assert_eq!(texts(nested(sign, "", 90)), [""; 0]);
        let [message] = &texts(nested(sign, "", 3000))[..] else { panic!("one message for `{sign}`") };
        assert!(message.contains("follow each other"), "{message}");
    }
    // The same in the short form.
    assert_eq!(texts(format!("y = {}x*w", "x*w + ".repeat(120))), [""; 0]);
}

/// A change of a token stream, at a place that counts tokens inside of groups too.
#[derive(Clone, Debug)]
enum Mutation {
    Delete(usize),
    Duplicate(usize),
    /// Exchanges two tokens; of groups, their whole content moves along.
    Swap(usize, usize),
    Replace(usize, &'static str),
    Insert(usize, &'static str),
}

/// Tokens that a model may hold, and some that it may not.
const TOKENS: &[&str] = &[
    "x",
    "y",
    "w",
    "h",
    "b",
    "target",
    "param",
    "loss",
    "model",
    "fn",
    "for",
    "in",
    "let",
    "if",
    "relu",
    "dense",
    "softmax",
    "sum",
    "select",
    "concat",
    "reshape",
    "cross_entropy",
    "one_hot",
    "transpose",
    "axis",
    "units",
    "true",
    "normal",
    "f64",
    "_",
    "0",
    "1",
    "2",
    "3",
    "0.5",
    "1e300",
    "1e-320",
    "4294967295",
    "65536",
    "99999999999999999999",
    "2x",
    "\"relu\"",
    "'c'",
    "+",
    "-",
    "*",
    "/",
    "^",
    "@",
    "<",
    "=",
    "==",
    ".",
    "..",
    "..=",
    ",",
    ";",
    ":",
    "::",
    "->",
    "#",
    "!",
    "&",
    "|",
    "?",
    "()",
    "[]",
    "{}",
    "[0]",
    "[3, 4]",
    "(x)",
    "{ x }",
];

fn mutation() -> impl Strategy<Value = Mutation> {
    let token = || prop::sample::select(TOKENS);
    let place = 0..10_000_usize;
    prop_oneof![
        place.clone().prop_map(Mutation::Delete),
        place.clone().prop_map(Mutation::Duplicate),
        (place.clone(), place.clone()).prop_map(|(a, b)| Mutation::Swap(a, b)),
        (place.clone(), token()).prop_map(|(at, token)| Mutation::Replace(at, token)),
        (place, token()).prop_map(|(at, token)| Mutation::Insert(at, token)),
    ]
}

/// How many tokens there are, groups and what is in them.
fn size(tokens: &TokenStream) -> usize {
    let of_tree = |tree: TokenTree| match tree {
        TokenTree::Group(group) => 1 + size(&group.stream()),
        _ => 1,
    };
    tokens.clone().into_iter().map(of_tree).sum()
}

/// The stream with the token at `at` given to `change`, and replaced by what that returns.
fn change(
    tokens: TokenStream,
    at: &mut usize,
    change_it: &mut dyn FnMut(TokenTree) -> Vec<TokenTree>,
) -> TokenStream {
    let mut out = Vec::new();
    for tree in tokens {
        if *at == 0 {
            *at = usize::MAX;
            out.extend(change_it(tree));
            continue;
        }
        *at = at.wrapping_sub(1);
        out.push(match tree {
            TokenTree::Group(group) => {
                let mut changed = Group::new(group.delimiter(), change(group.stream(), at, change_it));
                changed.set_span(group.span());
                TokenTree::Group(changed)
            }
            other => other,
        });
    }
    out.into_iter().collect()
}

fn mutate(tokens: TokenStream, mutation: &Mutation) -> TokenStream {
    let count = size(&tokens).max(1);
    let edit = |tokens, at: usize, edit: &mut dyn FnMut(TokenTree) -> Vec<TokenTree>| {
        change(tokens, &mut (at % count), edit)
    };
    let new = |token: &str| self::tokens(token).into_iter().collect::<Vec<_>>();
    match *mutation {
        Mutation::Delete(at) => edit(tokens, at, &mut |_| Vec::new()),
        Mutation::Duplicate(at) => edit(tokens, at, &mut |tree| vec![tree.clone(), tree]),
        Mutation::Replace(at, token) => edit(tokens, at, &mut |_| new(token)),
        Mutation::Insert(at, token) => edit(tokens, at, &mut |tree| [vec![tree], new(token)].concat()),
        Mutation::Swap(a, b) => {
            let (mut first, mut second) = (None, None);
            edit(tokens.clone(), a, &mut |tree| {
                first = Some(tree.clone());
                vec![tree]
            });
            edit(tokens.clone(), b, &mut |tree| {
                second = Some(tree.clone());
                vec![tree]
            });
            let (Some(first), Some(second)) = (first, second) else { return tokens };
            let tokens = edit(tokens, a, &mut |_| vec![second.clone()]);
            edit(tokens, b, &mut |_| vec![first.clone()])
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever is broken in a good model, the compiler answers with code or with messages that have a place.
    #[test]
    fn broken_models_never_break_the_compiler(
        file in 0..nn_tests::model_files().len(),
        mutations in prop::collection::vec(mutation(), 1..4),
    ) {
        let text = &nn_tests::model_files()[file].tokens.to_string();
        let broken = mutations.iter().fold(tokens(text), mutate);
        // The text anew, so that spans are places in it.
        let source = broken.to_string();
        let Ok(tokens) = source.parse::<TokenStream>() else { return Ok(()) };
        for error in mistakes(tokens.clone()) {
            prop_assert!(!error.message.is_empty());
            let end = error.region.end.end();
            prop_assert!(is_placed(error.region) || tokens.is_empty(), "`{}` is nowhere", error.message);
            prop_assert!(end.line <= source.lines().count(), "`{}` is outside of the source", error.message);
        }
        // Emission can't fail, and what it prints is Rust.
        nn_compiler::expand(tokens);
    }
}
