//! Mistakes in rustc's look.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use nn_compiler::diag::{Diagnostic, Diagnostics, Region};

/// Writes all mistakes of a text to standard error.
pub(crate) fn mistakes(origin: &str, text: &str, errors: &Diagnostics) {
    for error in errors.iter() {
        anstream::eprintln!("{}\n", mistake(origin, text, error));
    }
}

fn mistake(origin: &str, text: &str, error: &Diagnostic) -> String {
    let title = Level::ERROR.primary_title(&error.message);
    let mut group = match bytes(text, error.region) {
        Some(range) => {
            title.element(Snippet::source(text).path(origin).annotation(AnnotationKind::Primary.span(range)))
        }
        None => Group::with_title(title),
    };
    if let Some(help) = &error.help {
        group = group.element(Level::HELP.message(help));
    }
    Renderer::styled().render(&[group])
}

/// Something else that went wrong.
pub(crate) fn failure(text: &str) -> String {
    Renderer::styled().render(&[Group::with_title(Level::ERROR.primary_title(text))])
}

/// The bytes of a region; none for a whole text.
fn bytes(text: &str, region: Region) -> Option<std::ops::Range<usize>> {
    let (start, end) = (region.start.start(), region.end.end());
    if (start.line, start.column) >= (end.line, end.column) {
        return None;
    }
    let at = |line: usize, column: usize| {
        let before: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
        let within: usize = text[before..].chars().take(column).map(char::len_utf8).sum();
        before + within
    };
    Some(at(start.line, start.column)..at(end.line, end.column))
}
