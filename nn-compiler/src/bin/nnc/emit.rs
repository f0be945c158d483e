//! `nnc emit`.

use anstyle::{AnsiColor, Style};
use nn_compiler::emit::rust;

use super::arguments::Chosen;
use super::input::plans;
use super::output::{Failure, Output};

pub(crate) fn run(model: &Chosen, out: &mut Output) -> Result<(), Failure> {
    for (number, plan) in plans(model)?.iter().enumerate() {
        out.text(if number > 0 { "\n" } else { "" })?;
        for line in rust::text(plan).lines() {
            out.text(&coloured(line))?;
            out.text("\n")?;
        }
    }
    Ok(())
}

/// Words that shape the code.
const KEYWORDS: &[&str] = &["fn", "let", "const", "mut", "for", "in", "as", "if", "else", "type", "impl"];

/// A line with colours: comments, keywords, numbers. Nobody needs more to find their way.
fn coloured(line: &str) -> String {
    let paint = |text: &str, style: Style| format!("{style}{text}{style:#}");
    if line.trim_start().starts_with("//") {
        return paint(line, AnsiColor::Green.on_default());
    }
    let mut out = String::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_' || (first.is_ascii_digit() && c == '.');
        let len = rest.find(|c| !is_word(c)).unwrap_or(rest.len()).max(first.len_utf8());
        let (word, after) = rest.split_at(len);
        out.push_str(&if KEYWORDS.contains(&word) {
            paint(word, AnsiColor::Blue.on_default().bold())
        } else if first.is_ascii_digit() {
            paint(word, AnsiColor::Cyan.on_default())
        } else {
            word.to_owned()
        });
        rest = after;
    }
    out
}
