//! Emitted code as text that a person reads: formatted, with comments.

use proc_macro2::TokenStream;

use crate::schedule::{Function, Step};

/// Starts the documentation attributes that stand for plain comments, which tokens can't carry.
const MARK: &str = "~";

/// A comment above the statement that follows.
pub(super) fn comment(text: &str) -> String {
    format!("#[doc = {:?}]", format!("{MARK} {text}"))
}

/// Starts the comments that say what the statement below computes, and that are only written to be found again.
const TRACE: &str = "@";

/// A note above a statement of the values that it computes, by node and label.
pub(super) fn trace(function: &Function, step: &Step) -> String {
    let named = |id| function.graph[id].label.as_ref().map(|label| format!("{}:{label}", id.index()));
    let values: Vec<String> = step.results().chain(step.fused.iter().copied()).filter_map(named).collect();
    comment(&format!("{TRACE}{}", values.join(" ")))
}

/// A statement of emitted code, and what it computes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Traced {
    /// The pass that it is part of: `forward` or `train`.
    pub pass: String,
    /// Its lines, from the comment above it, counted from 0.
    pub lines: std::ops::Range<usize>,
    /// The values, by their nodes in the pass' own graph and by their labels.
    pub values: Vec<(usize, String)>,
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
pub(super) struct Source {
    code: String,
    /// Whether statements say what they compute, see [`trace`].
    pub(super) is_traced: bool,
}

impl Source {
    /// Where statements say what they compute.
    pub(super) fn traced() -> Self {
        Self { is_traced: true, ..Self::default() }
    }

    /// Adds a function with its documentation.
    pub(super) fn function(&mut self, doc: &str, code: &str) {
        for line in doc.lines() {
            self.code.push_str(&format!("#[doc = {:?}]\n", format!(" {line}")));
        }
        self.code.push_str(code);
        self.code.push('\n');
    }

    /// The formatted text.
    ///
    /// # Panics
    /// If what was emitted is no Rust, which is a defect of the compiler.
    pub(super) fn format(&self) -> String {
        self.format_traced().0
    }

    /// The formatted text, and which lines compute what, if that is noted.
    ///
    /// # Panics
    /// If what was emitted is no Rust, which is a defect of the compiler.
    pub(super) fn format_traced(&self) -> (String, Vec<Traced>) {
        let file = syn::parse_file(&self.code)
            .unwrap_or_else(|error| panic!("the emitted code does not parse: {error}\n{}", self.code));
        let mut text = String::new();
        let mut traces = Vec::new();
        let (mut pass, mut number) = (String::new(), 0);
        // The statement that is being read, and where the lines of statements begin.
        let mut open: Option<(Traced, usize)> = None;
        for line in prettyplease::unparse(&file).lines() {
            let indent = line.len() - line.trim_start().len();
            if let Some((_, rest)) = line.split_once("fn ").filter(|_| indent == 0) {
                let name = rest.split('<').next().unwrap_or_default();
                let name = name.trim_start_matches("prepare_").trim_start_matches("finish_");
                name.clone_into(&mut pass);
            }
            let mark =
                line.trim_start().strip_prefix("///").and_then(|doc| doc.trim_start().strip_prefix(MARK));
            if let Some(values) = mark.and_then(|mark| mark.trim_start().strip_prefix(TRACE)) {
                let value = |value: &str| {
                    let (node, label) = value.split_once(':')?;
                    Some((node.parse().ok()?, label.to_owned()))
                };
                let values = values.split(' ').filter_map(value).collect();
                open = Some((Traced { pass: pass.clone(), lines: number..number, values }, indent));
                continue;
            }
            number += 1;
            let is_end = |indent_of: usize| indent == indent_of && line.ends_with(';');
            if let Some((mut traced, _)) = open.take_if(|(_, indent)| is_end(*indent)) {
                traced.lines.end = number;
                traces.push(traced);
            }
            match mark {
                Some(comment) => text.push_str(&format!("{}//{comment}", &line[..indent])),
                None => text.push_str(line),
            }
            text.push('\n');
            if line == "}" {
                text.push('\n');
                number += 1;
            }
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
        (text, traces)
    }
}

impl Source {
    /// The tokens without formatting, for code that nobody is shown: laying it out costs more than writing it.
    pub(super) fn tokens(&self) -> TokenStream {
        let start = format!("#[doc = \"{MARK}");
        let mut code = String::with_capacity(self.code.len());
        let mut rest = &self.code[..];
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
    fn statements_say_what_they_compute() {
        let mut out = Source::traced();
        let mark = |text: &str| comment(&format!("{TRACE}{text}"));
        let body =
            format!("let z = 1; {} {} let a = f(z, |x| {{ g(x); x }});", mark("3:h 5:q#1"), comment("h"));
        out.function("Shown.", &Head::default().function("prepare_train", "", &body));
        let (text, traced) = out.format_traced();
        assert!(!text.contains(TRACE), "{text}");
        let [only] = &traced[..] else { panic!("{traced:?}") };
        assert_eq!((only.pass.as_str(), &only.values[1]), ("train", &(5, "q#1".to_owned())));
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[only.lines.start].contains("// h") && lines[only.lines.end - 1].ends_with(");"),
            "{text}"
        );
    }

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
