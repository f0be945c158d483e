//! What is wrong with a model: the place in the user's code, the fact, and the way out.
//!
//! Errors are collected through a whole compilation and rendered once, so that one build shows them all.

use std::collections::BTreeSet;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};

/// A stretch of the user's code, from the first token to the last.
#[derive(Clone, Copy, Debug)]
pub struct Region {
    /// The span of the first token.
    pub start: Span,
    /// The span of the last token.
    pub end: Span,
}

impl Region {
    /// The place of something that the user did not write.
    pub fn none() -> Self {
        Span::call_site().into()
    }

    /// The stretch from the start of this one to the end of `last`.
    #[must_use]
    pub fn to(self, last: Region) -> Self {
        Self { start: self.start, end: last.end }
    }

    /// The stretch that the tokens cover.
    pub fn of(tokens: &impl ToTokens) -> Self {
        let mut spans = tokens.to_token_stream().into_iter().map(|tree| tree.span());
        let start = spans.next().unwrap_or_else(Span::call_site);
        Self { start, end: spans.last().unwrap_or(start) }
    }
}

impl From<Span> for Region {
    fn from(span: Span) -> Self {
        Self { start: span, end: span }
    }
}

/// One mistake in a model.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// Where it is.
    pub region: Region,
    /// The fact, with both shapes or both names.
    pub message: String,
    /// The way out.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A mistake at a place.
    pub fn new(region: impl Into<Region>, message: impl Into<String>) -> Self {
        Self { region: region.into(), message: message.into(), help: None }
    }

    /// The same with a line that says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The call of `compile_error!` that makes rustc underline the place, without a semicolon after it.
    pub fn render(&self) -> TokenStream {
        let (text, Region { start, end }) = (self.text(), self.region);
        // rustc underlines from the first token's span to the last one's.
        let path = quote_spanned!(start=> ::core::compile_error);
        let call = quote_spanned!(end=> !{ #text });
        quote::quote!(#path #call)
    }

    /// The message and the help line below it, as rustc shows them.
    pub fn text(&self) -> String {
        match &self.help {
            Some(help) => format!("{}\n  = help: {help}", self.message),
            None => self.message.clone(),
        }
    }
}

impl From<syn::Error> for Diagnostic {
    fn from(error: syn::Error) -> Self {
        let mut text = error.to_string();
        let help = text.find("\n  = help: ").map(|at| {
            let help = text[at..].trim_start_matches("\n  = help: ").to_owned();
            text.truncate(at);
            help
        });
        // A `syn::Error` shows its last token in this form alone.
        Self { region: Region::of(&error.to_compile_error()), message: text, help }
    }
}

impl From<Diagnostic> for syn::Error {
    fn from(diagnostic: Diagnostic) -> Self {
        let Region { start, end } = diagnostic.region;
        let (first, last) = (quote_spanned!(start=> ;), quote_spanned!(end=> ;));
        Self::new_spanned(quote::quote!(#first #last), diagnostic.text())
    }
}

/// All mistakes found so far.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Notes one more.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Notes those of another stage.
    pub fn append(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Notes the mistake of a result, if it is one.
    pub fn take<T>(&mut self, result: Result<T, Diagnostic>) -> Option<T> {
        result.map_err(|diagnostic| self.push(diagnostic)).ok()
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }

    /// The value if nothing went wrong; everything that did otherwise, in the order of the user's text. A function
    /// that is called twice says the same only once.
    ///
    /// # Errors
    /// The collected mistakes, if there are any.
    pub fn finish<T>(mut self, value: T) -> Result<T, Self> {
        if self.is_empty() {
            return Ok(value);
        }
        self.0.sort_by_key(|diagnostic| {
            let start = diagnostic.region.start.start();
            (start.line, start.column)
        });
        let mut seen = BTreeSet::new();
        self.0.retain(|error| seen.insert((format!("{:?}", error.region), error.message.clone())));
        Err(self)
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

/// The candidate that a misspelt name most likely means: ", did you mean …?" needs a close one.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, candidate)| {
            let longer = candidate.chars().count().max(name.chars().count());
            // One letter in place of another one is no likeness, and of two letters one is not enough; `h2` may be `h1`
            // or `h`.
            let is_numbered = |text: &str| text.ends_with(|c: char| c.is_ascii_digit());
            let is_long = longer > 2
                || (is_numbered(name) && is_numbered(candidate))
                || name.starts_with(candidate)
                || candidate.starts_with(name);
            *distance <= (longer / 3).max(1) && *distance < longer && is_long
        })
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestions_are_close_or_absent() {
        assert_eq!(nearest("sigmiod", ["sigmoid", "sign", "sin"]), Some("sigmoid"));
        assert_eq!(nearest("h2", ["h1", "x"]), Some("h1"));
        assert_eq!(nearest("v", ["x"]), None);
        assert_eq!(nearest("l2", ["le", "lt"]), None);
        assert_eq!(nearest("x2", ["x", "y"]), Some("x"));
        assert_eq!(nearest("convolve", ["relu", "sum"]), None);
    }

    #[test]
    fn help_and_place_survive_the_way_through_syn() {
        let tokens: TokenStream = "a + b".parse().expect("these are tokens");
        let diagnostic = Diagnostic::new(Region::of(&tokens), "no such name").help("declare it");
        let back = Diagnostic::from(syn::Error::from(diagnostic));
        assert_eq!((back.message.as_str(), back.help.as_deref()), ("no such name", Some("declare it")));
        assert_eq!((back.region.start.start().column, back.region.end.end().column), (0, 5));
    }
}
