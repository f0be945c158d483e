//! Emitted code as text that a person reads: formatted, with comments.

use proc_macro2::TokenStream;

/// Starts the documentation attributes that stand for plain comments, which tokens can't carry.
const MARK: &str = "~";

/// A comment above the statement that follows.
pub(super) fn comment(text: &str) -> String {
    format!("#[doc = {:?}]", format!("{MARK} {text}"))
}

/// A function's head: arguments that come as arrays are taken apart in its first lines.
#[derive(Default)]
pub(super) struct Head {
    args: Vec<String>,
    lines: String,
}

impl Head {
    /// An argument as it is.
    pub(super) fn arg(&mut self, arg: &str) {
        self.args.push(arg.to_owned());
    }

    /// An array, of which `pattern` names the elements that are used.
    pub(super) fn array(&mut self, name: &str, pattern: &str, ty: &str) {
        let used = pattern.chars().any(char::is_alphanumeric);
        self.args.push(format!("{}{name}: {ty}", if used { "" } else { "_" }));
        if used {
            self.lines.push_str(&format!("let {pattern} = {name};"));
        }
    }

    /// The whole function.
    pub(super) fn function(&self, name: &str, returns: &str, body: &str) -> String {
        let (args, lines) = (self.args.join(", "), &self.lines);
        format!("#[inline(always)] fn {name}<S: Simd>({args}) {returns} {{ {lines} {body} }}")
    }
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

    /// What nobody reads, as tokens without a detour.
    pub(super) fn tokens(&self) -> TokenStream {
        tokens(&self.0)
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
