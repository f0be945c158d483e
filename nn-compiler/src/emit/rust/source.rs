//! Emitted code as text that a person reads: formatted, with comments.

use proc_macro2::TokenStream;

/// Starts the documentation attributes that stand for plain comments, which tokens can't carry.
const MARK: &str = "~";

/// A comment above the statement that follows.
pub(super) fn comment(text: &str) -> String {
    format!("#[doc = {:?}]", format!("{MARK} {text}"))
}

/// Functions in order.
#[derive(Default)]
pub(super) struct Source(String);

impl Source {
    /// Adds a function with its documentation.
    pub(super) fn function(&mut self, doc: &str, code: &str) {
        for line in doc.lines() {
            self.0.push_str(&format!("#[doc = {:?}]\n", format!(" {line}")));
        }
        self.0.push_str(code);
        self.0.push('\n');
    }

    /// The formatted text.
    ///
    /// # Panics
    /// If what was emitted is no Rust, which is a defect of the compiler.
    pub(super) fn format(&self) -> String {
        let file = syn::parse_file(&self.0)
            .unwrap_or_else(|error| panic!("the emitted code does not parse: {error}\n{}", self.0));
        let mut text = String::new();
        for line in prettyplease::unparse(&file).lines() {
            let indent = line.len() - line.trim_start().len();
            match line.trim_start().strip_prefix("///").and_then(|doc| doc.trim_start().strip_prefix(MARK)) {
                Some(comment) => text.push_str(&format!("{}//{comment}", &line[..indent])),
                None => text.push_str(line),
            }
            text.push('\n');
            if line == "}" {
                text.push('\n');
            }
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
        text
    }
}

/// The tokens of formatted text.
///
/// # Panics
/// If it is no Rust, which is a defect of the compiler.
pub(super) fn tokens(text: &str) -> TokenStream {
    text.parse().unwrap_or_else(|error| panic!("the emitted code does not parse: {error}"))
}
