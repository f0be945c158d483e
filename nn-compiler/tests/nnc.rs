//! The command line as people call it: what it prints, where, and what its exit status is.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::{fs, str};

fn nnc(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_nnc")).args(arguments).output().expect("nnc can be started")
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).expect("nnc writes UTF-8")
}

/// What a call prints that goes well and says nothing else.
#[track_caller]
fn printed(arguments: &[&str]) -> String {
    let output = nnc(arguments);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
    text(&output.stdout).to_owned()
}

const LOGISTIC: &str = "y = sigmoid(x1*w1 + x2*w2 + b)";

/// A file of two models in a folder of its own.
fn models() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("models.rs");
    let source = "//! Two models.\nuse nn_runtime::nn_model;\nnn_model! {\n    pub model Line(x) -> y { param w, b; \
                  y = x*w + b; loss mse(y, target); }\n}\nmod inner {\n    nn_runtime::nn_model! { pub model Net(x: [4]) \
                  -> y: [3] { y = softmax(dense(tanh(dense(x, 8)), 3)); loss cross_entropy(y, target); } }\n}\n";
    fs::write(&path, source).expect("a file can be written");
    let path = path.to_str().expect("the path is text").to_owned();
    (folder, path)
}

#[test]
fn explain_walks_the_chain_rule() {
    let text = printed(&["explain", LOGISTIC]);
    assert!(text.contains("∂J/∂w1 = ∂J/∂y · ∂y/∂q4 · ∂q4/∂q3 · ∂q3/∂q1 · ∂q1/∂w1"), "{text}");
    assert!(
        printed(&["explain", "-f", "markdown", LOGISTIC]).starts_with("# Formula\n\n$$\n\\begin{aligned}")
    );
    assert!(printed(&["explain", "-f", "latex", LOGISTIC]).starts_with("\\begin{align*}"));
    let html = printed(&["explain", "-f", "html", LOGISTIC]);
    assert!(
        html.starts_with("<!DOCTYPE html>") && html.contains("<math") && html.contains("<mfrac>"),
        "{html}"
    );
}

#[test]
fn graphs_are_drawn_in_every_format() {
    assert!(printed(&["graph", "-f", "mermaid", LOGISTIC]).contains("flowchart LR"));
    let svg = printed(&["graph", "-f", "svg", LOGISTIC]);
    assert!(svg.starts_with("<svg ") && svg.contains("∂J/∂w1") && svg.contains("var(--nn-ink)"), "{svg}");
    let svg = printed(&["graph", "-f", "svg", "--show", "forward", "--theme", "dark", LOGISTIC]);
    assert!(!svg.contains("∂J/∂w1") && !svg.contains("var("), "{svg}");
    let png = nnc(&["graph", "-f", "png", "--scale", "1", LOGISTIC]);
    assert!(png.status.success() && png.stdout.starts_with(b"\x89PNG"));
    let nothing = nnc(&["graph", "-f", "png", "--scale", "0", LOGISTIC]);
    assert_eq!(nothing.status.code(), Some(2), "{}", text(&nothing.stderr));
}

#[test]
fn a_report_is_a_page() {
    let (_folder, path) = models();
    let page = printed(&["report", &path, "-m", "Net"]);
    assert!(page.starts_with("<!doctype html>") && page.contains("//! Two models."), "{page}");
}

#[test]
fn explain_has_the_numbers_of_an_example() {
    let text = printed(&["explain", "--at", "x1=2,x2=3,target=1,w1=0.5,w2=-1", "y = x1*w1 + x2*w2"]);
    assert!(text.contains("∂J/∂w1    -12.0000           -12.0000 by finite differences"), "{text}");
    for (at, message) in [
        ("x1=2", "`--at` lacks `x2`: give `x1`, `x2`, `target`"),
        ("x1=2,x2=3,target=1,z=4", "there is no `z`"),
        ("x1=2:3,x2=3,target=1", "`x1` has 1 numbers, not 2"),
        ("x1", "`x1` is not of the form `name=number`"),
    ] {
        let output = nnc(&["explain", "--at", at, "y = x1*w1 + x2*w2"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(self::text(&output.stderr).contains(message), "{}", self::text(&output.stderr));
    }
}

#[test]
fn mistakes_look_like_those_of_rustc() {
    let output = nnc(&["check", "y = sigmoid(x1*w1 + q)"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let expected = "\
error: `q` has no role
 --> <formula>:1:21
  |
1 | y = sigmoid(x1*w1 + q)
  |                     ^
  |
  = help: in a formula `x…` are inputs and `w…`, `b…` parameters; otherwise declare it: `model Name(x) -> y { param q; … }`

";
    assert_eq!(text(&output.stderr), expected);
    for unclosed in ["y = (x*w", "y = x*w)", "y = \"x"] {
        let output = nnc(&["check", unclosed]);
        assert_eq!(output.status.code(), Some(1), "{unclosed}");
        assert!(text(&output.stderr).contains("this can't be read"), "{}", text(&output.stderr));
    }
}

#[test]
fn models_are_found_in_files_and_by_name() {
    let (folder, path) = models();
    let text = printed(&["check", &path]);
    assert!(
        text.contains("Line: 2 trainable parameters") && text.contains("Net: 67 trainable parameters"),
        "{text}"
    );
    let summary = printed(&["summary", &path, "--model", "Net"]);
    assert!(summary.starts_with("Net\n") && !summary.contains("Line"), "{summary}");
    assert!(printed(&["graph", &path, "-m", "Line"]).starts_with("digraph \"Line\""));

    let several = nnc(&["graph", &path]);
    assert_eq!(several.status.code(), Some(2));
    assert!(self::text(&several.stderr).contains("several models: `Line`, `Net`"));
    let missing = nnc(&["summary", &path, "--model", "Nett"]);
    assert!(self::text(&missing.stderr).contains("there is no model `Nett`"));
    let no_file = nnc(&["summary", "nowhere.rs"]);
    assert!(self::text(&no_file.stderr).contains("there is no file `nowhere.rs`"));
    let empty = folder.path().join("empty.rs");
    fs::write(&empty, "fn main() {}\n").expect("a file can be written");
    let empty = nnc(&["summary", empty.to_str().expect("the path is text")]);
    assert!(self::text(&empty.stderr).contains("there is no `nn_model!`"), "{}", self::text(&empty.stderr));
}

#[test]
fn standard_input_is_read_and_files_are_written_whole() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_nnc"))
        .args(["emit", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("nnc can be started");
    child.stdin.take().expect("it is piped").write_all(LOGISTIC.as_bytes()).expect("nnc reads");
    let piped = child.wait_with_output().expect("nnc ends");
    let direct = printed(&["emit", LOGISTIC]);
    assert_eq!(text(&piped.stdout), direct);
    assert!(!direct.contains('\u{1b}'), "no colours in a pipe");
    assert!(printed(&["--color", "always", "emit", LOGISTIC]).contains('\u{1b}'));

    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("out.rs");
    let path = path.to_str().expect("the path is text");
    assert_eq!(printed(&["emit", LOGISTIC, "-o", path]), "");
    assert_eq!(fs::read_to_string(path).expect("it was written"), direct);
    // A mistake leaves the file alone, and nothing beside it.
    assert_eq!(nnc(&["emit", "y = x*q", "-o", path]).status.code(), Some(1));
    assert_eq!(fs::read_to_string(path).expect("it is there"), direct);
    assert_eq!(fs::read_dir(folder.path()).expect("it can be listed").count(), 1);
    let nowhere = nnc(&["emit", LOGISTIC, "-o", "/nowhere/out.rs"]);
    assert_eq!(nowhere.status.code(), Some(2));
    assert!(text(&nowhere.stderr).contains("cannot write `/nowhere/out.rs`"));
}

/// `nnc emit … | head -1` ends quietly.
#[cfg(unix)]
#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let command = format!("{} explain '{LOGISTIC}' | head -n 1", env!("CARGO_BIN_EXE_nnc"));
    let output = Command::new("sh").args(["-c", &command]).output().expect("there is a shell");
    assert_eq!((text(&output.stdout), text(&output.stderr)), ("Forward pass\n", ""));
}

#[test]
fn passes_and_differences_are_told() {
    let passes = printed(&["passes", &format!("{LOGISTIC}; loss binary_cross_entropy(y, target)")]);
    assert!(passes.contains("-1 binary_cross_entropy, +1 softplus"), "{passes}");
    let diff = printed(&["diff", "y = x1*w1", "y = tanh(x1*w1)"]);
    assert!(diff.contains("-   y = x1 * w1\n") && diff.contains("+   y = tanh(q)\n"), "{diff}");
    assert_eq!(printed(&["diff", LOGISTIC, LOGISTIC]), "");
}

#[test]
fn help_examples_completions_and_manual() {
    let help = printed(&["--help"]);
    assert!(help.contains("nnc explain 'y = sigmoid(x1*w1 + x2*w2 + b)'"), "{help}");
    assert!(printed(&["completions", "bash"]).contains("_nnc"));
    assert!(printed(&["man"]).contains(".TH nnc"));
    assert_eq!(nnc(&["nonsense"]).status.code(), Some(2));
}

#[test]
fn new_makes_a_crate_once() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("fit");
    let path = path.to_str().expect("the path is text");
    printed(&["new", path, LOGISTIC]);
    let main = fs::read_to_string(Path::new(path).join("src/main.rs")).expect("it was made");
    assert!(main.contains(&format!("nn_model!({LOGISTIC})")), "{main}");
    let again = nnc(&["new", path, LOGISTIC]);
    assert!(text(&again.stderr).contains("exists already"), "{}", text(&again.stderr));
    assert!(text(&nnc(&["new", "1st", LOGISTIC]).stderr).contains("no name for a crate"));
}
