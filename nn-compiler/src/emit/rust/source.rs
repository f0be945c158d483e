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

impl Source {
    /// The tokens without formatting, for code that nobody is shown: laying it out costs more than writing it.
    pub(super) fn tokens(&self) -> TokenStream {
        let start = format!("#[doc = \"{MARK}");
        let mut code = String::with_capacity(self.0.len());
        let mut rest = &self.0[..];
        while let Some((before, after)) = rest.split_once(&start) {
            code.push_str(before);
            // A quotation mark inside of the comment is escaped.
            let mut escaped = false;
            let end = after.find(|c: char| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            });
            rest = end.map_or("", |end| after[end + 1..].strip_prefix(']').unwrap_or_default());
        }
        code.push_str(rest);
        tokens(&code)
    }
}

/// The tokens of formatted text.
///
/// # Panics
/// If it is no Rust, which is a defect of the compiler.
pub(super) fn tokens(text: &str) -> TokenStream {
    text.parse().unwrap_or_else(|error| panic!("the emitted code does not parse: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_left_out_of_what_nobody_reads() {
        let mut out = Source::default();
        let body = format!("{} let a = x[0]; {} f(a);", comment(r#"a "quoted" name]"#), comment("b"));
        out.function("Shown.", &Head::default().function("f", "", &body));
        assert!(out.format().contains(r#"// a "quoted" name]"#));
        let expected = "#[doc = \" Shown.\"] #[inline(always)] fn f<S: Simd>() { let a = x[0]; f(a); }";
        assert_eq!(out.tokens().to_string(), tokens(expected).to_string());
    }
}
