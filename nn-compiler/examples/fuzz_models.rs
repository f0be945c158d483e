//! Broken models for as long as one likes: `cargo run --release -p nn-compiler --example fuzz_models -- 3600`.
//!
//! The models of `tests/models` with names, numbers, operators and statements exchanged, also between models, for so many
//! seconds (and from another seed, if a second number is given). The compiler has to answer each with Rust that parses, or
//! with messages that have a place in the source. A third argument is a file that gets accepted models, one module each,
//! for rustc to check. The first failure ends the run and prints its source.

use std::collections::BTreeSet;
use std::panic::catch_unwind;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, fs};

use proc_macro2::{TokenStream, TokenTree};

/// What an edit may bring in that no model has.
const TOKENS: &[&str] = &[
    "x",
    "y",
    "w",
    "b",
    "target",
    "loss",
    "param",
    "fn",
    "for",
    "in",
    "model",
    "0",
    "1",
    "-1",
    "3",
    "1e39",
    "1e-50",
    "0.5",
    "99999999999",
    "[]",
    "[0]",
    "[3, 4]",
    "(x)",
    "()",
    "{}",
    "{ x }",
    "+",
    "-",
    "*",
    "/",
    "^",
    "@",
    "=",
    "->",
    ",",
    ";",
    ":",
    "..",
    ".",
    "<f64>",
    "relu",
    "softmax",
    "sum",
    "max",
    "mse(y, target)",
    "dense(x, 3)",
    "reshape(x, [2, 2])",
    "x[0]",
    "x[0..2]",
    "'a",
    "\"text\"",
    "ä",
    "#",
    "!",
    "&",
    "|",
    "?",
    "_",
    "self",
    "crate",
    "r#loss",
    "dropout(x, 0.5)",
];

/// Most tokens of a model: copies of copies would grow without end.
const LONGEST: usize = 600;

/// Draws numbers.
struct Choices(u64);

impl Choices {
    /// A number below `n`, which is not 0.
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((u128::from(self.0 >> 32) * n as u128) >> 32) as usize
    }

    fn one<'t, T: ?Sized>(&mut self, of: &[&'t T]) -> &'t T {
        of[self.below(of.len())]
    }
}

/// The texts of the macro calls in a file.
fn models(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let file = syn::parse_file(&text).map(|file| file.items).unwrap_or_default();
    let calls = file.into_iter().filter_map(|item| match item {
        syn::Item::Macro(call) => Some(call.mac.tokens.to_string()),
        _ => None,
    });
    calls.collect()
}

/// A stream as a list of tokens; brackets are tokens of their own.
fn flat(tokens: TokenStream, out: &mut Vec<String>) {
    for tree in tokens {
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    proc_macro2::Delimiter::Parenthesis => ("(", ")"),
                    proc_macro2::Delimiter::Brace => ("{", "}"),
                    proc_macro2::Delimiter::Bracket => ("[", "]"),
                    proc_macro2::Delimiter::None => ("", ""),
                };
                out.push(open.to_owned());
                flat(group.stream(), out);
                out.push(close.to_owned());
            }
            TokenTree::Punct(punct) if punct.spacing() == proc_macro2::Spacing::Joint => {
                out.push(format!("{}\u{1}", punct.as_char()));
            }
            other => out.push(other.to_string()),
        }
    }
}

fn kind(token: &str) -> u8 {
    match token.bytes().next() {
        Some(b'0'..=b'9') => 0,
        Some(b'_' | b'a'..=b'z' | b'A'..=b'Z') => 1,
        Some(b'(' | b')' | b'[' | b']' | b'{' | b'}') => 2,
        _ => 3,
    }
}

/// The stretch of the statement around a token.
fn statement(tokens: &[String], at: usize) -> std::ops::Range<usize> {
    let ends = |token: &String| token == ";" || token == "{" || token == "}";
    let start = tokens[..at].iter().rposition(ends).map_or(0, |end| end + 1);
    let end = tokens[at..].iter().position(ends).map_or(tokens.len(), |end| (at + end + 1).min(tokens.len()));
    start..end.max(start)
}

/// One thing wrong.
fn edit(tokens: &mut Vec<String>, others: &[Vec<String>], choices: &mut Choices) {
    if tokens.is_empty() {
        return;
    }
    let at = choices.below(tokens.len());
    let other = &others[choices.below(others.len())];
    // Another token of the same kind: names by names, numbers by numbers, brackets by nothing.
    let same = |from: &[String], choices: &mut Choices| {
        let alike: Vec<&str> =
            from.iter().map(String::as_str).filter(|token| kind(token) == kind(&tokens[at])).collect();
        if alike.is_empty() { tokens[at].clone() } else { choices.one(&alike).to_owned() }
    };
    match choices.below(10) {
        0..=2 if kind(&tokens[at]) != 2 => tokens[at] = same(tokens, choices),
        3 if kind(&tokens[at]) != 2 => tokens[at] = same(other, choices),
        4 if kind(&tokens[at]) != 2 => choices.one(TOKENS).clone_into(&mut tokens[at]),
        5 => tokens.insert(at, choices.one(TOKENS).to_owned()),
        6 if kind(&tokens[at]) != 2 => drop(tokens.remove(at)),
        7 => {
            let from = statement(other, choices.below(other.len()));
            let to = statement(tokens, at).start;
            drop(tokens.splice(to..to, other[from].to_vec()));
        }
        8 => {
            let from = statement(tokens, at);
            let moved: Vec<String> = tokens.drain(from).collect();
            let to = statement(tokens, choices.below(tokens.len().max(1)).min(tokens.len())).start;
            drop(tokens.splice(to..to, moved));
        }
        _ => drop(tokens.drain(statement(tokens, at))),
    }
    tokens.truncate(LONGEST);
}

/// The answer to a source: whether it is accepted, or what is wrong with the answer.
fn answer(source: &str) -> Result<bool, String> {
    let Ok(tokens) = source.parse::<TokenStream>() else { return Ok(false) };
    let found = nn_compiler::parse::source(tokens.clone()).and_then(nn_compiler::compile);
    let accepted = found.is_ok();
    if let Err(errors) = found {
        for error in errors.iter() {
            let (start, end) = (error.region.start.start(), error.region.end.end());
            if error.message.is_empty() {
                return Err("a message is empty".to_owned());
            }
            if (start.line, start.column) >= (end.line, end.column) && !tokens.is_empty() {
                return Err(format!("`{}` is nowhere", error.message));
            }
            if end.line > source.lines().count().max(1) {
                return Err(format!("`{}` is outside of the source", error.message));
            }
        }
    }
    let emitted = nn_compiler::expand(tokens);
    let is_rust =
        syn::parse2::<syn::File>(emitted.clone()).is_ok() || syn::parse2::<syn::Expr>(emitted).is_ok();
    if is_rust { Ok(accepted) } else { Err("what is emitted is no Rust".to_owned()) }
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let number = |at: usize, other| arguments.get(at).map_or(Ok(other), |text| text.parse::<u64>());
    let (seconds, mut choices) = (number(0, 60)?, Choices(number(1, 1)?));
    let mut sources = Vec::new();
    for folder in ["models", "operations", "unusual"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests").join(folder);
        let mut paths: Vec<_> =
            fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
        paths.sort();
        sources.extend(paths.iter().flat_map(|path| models(path)));
    }
    let mut seeds = Vec::new();
    for source in &sources {
        let mut tokens = Vec::new();
        flat(source.parse()?, &mut tokens);
        seeds.push(tokens);
    }
    let began = Instant::now();
    let (mut count, mut accepted, mut kept) = (0_u64, 0_u64, BTreeSet::new());
    while began.elapsed() < Duration::from_secs(seconds) {
        let mut tokens = seeds[choices.below(seeds.len())].clone();
        for _ in 0..=choices.below(4) {
            edit(&mut tokens, &seeds, &mut choices);
        }
        // A joint operator, such as `->`, stays one.
        let source = tokens.join(" ").replace("\u{1} ", "").replace('\u{1}', "");
        count += 1;
        match catch_unwind(|| answer(&source)) {
            Ok(Ok(good)) => {
                accepted += u64::from(good);
                if good && kept.len() < 400 && source.contains("model") {
                    kept.insert(source);
                }
            }
            Ok(Err(what)) => {
                println!("{what}:\n{source}");
                return Ok(ExitCode::FAILURE);
            }
            Err(_) => {
                println!("a panic:\n{source}");
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    if let Some(path) = arguments.get(2) {
        let modules = kept
            .iter()
            .enumerate()
            .map(|(i, source)| format!("mod m{i} {{ nn_runtime::nn_model! {{ {source} }} }}\n"));
        fs::write(path, modules.collect::<String>())?;
    }
    println!("{count} models, {accepted} of them accepted, in {:.0} s", began.elapsed().as_secs_f64());
    Ok(ExitCode::SUCCESS)
}
