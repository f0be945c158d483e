//! What people write out of habit from Python, `NumPy` or Rust, and what to write here. Each function looks at the
//! next tokens and leaves them where they are.

use proc_macro2::{Ident, Spacing, TokenStream, TokenTree};
use syn::Token;
use syn::ext::IdentExt;
use syn::parse::ParseStream;

use crate::diag::{Diagnostic, Region, nearest};

/// Whether a statement with this first word ends at its braces.
pub(super) fn has_block(first: &Ident) -> bool {
    ["for", "if", "while", "loop", "fn"].iter().any(|word| first == word)
}

/// Whether a word starts a statement or is taken for one, in contrast to an item.
pub(super) fn starts_statement(first: &Ident) -> bool {
    let words = ["param", "loss", "for", "let", "const", "return", "if", "while", "loop"];
    words.iter().any(|word| first == word)
}

/// The start of a statement.
pub(super) fn statement(input: ParseStream<'_>) -> Option<Diagnostic> {
    let first = input.fork().call(Ident::parse_any).ok()?;
    let [second, third] = following(input);
    let word = first.to_string();
    let before_name = matches!(second, Some(TokenTree::Ident(_)));
    let at = |fact: &str, help: &str| Some(Diagnostic::new(first.span(), fact).help(help));
    match word.as_str() {
        "let" | "const" | "var" if before_name => {
            at(&format!("a binding needs no `{word}`"), "write `h = …;`; binding a name again shadows it")
        }
        "return" => at(
            "a body needs no `return`",
            "a model's outputs are named in its header, `-> y`; a function ends with its value, without a semicolon",
        ),
        "if" => at("a model has no branches", "choose between values: `select(condition, a, b)`"),
        "while" | "loop" => {
            at("only a loop with a fixed number of rounds can be unrolled", "write `for i in 0..4 { … }`")
        }
        "fn" | "def" if before_name => at(
            "a function stands beside the models, not inside of one",
            "move it out of the body: `fn name(x) { … }`",
        ),
        _ if before_name => {
            let near = nearest(&word, ["param", "loss", "for"]).filter(|near| *near != word)?;
            at(&format!("no statement starts with `{word}`"), &format!("did you mean `{near}`?"))
        }
        "loss" | "param" if matches!(&second, Some(TokenTree::Punct(sign)) if sign.as_char() == ':') => at(
            &format!("`{word}` has no `:` after it"),
            if word == "loss" {
                "write `loss mse(y, target);`"
            } else {
                "write `param w: [16, 64], b: [64];`"
            },
        ),
        _ => match (second, third) {
            (Some(TokenTree::Punct(sign)), Some(TokenTree::Punct(equals)))
                if "+-*/".contains(sign.as_char())
                    && sign.spacing() == Spacing::Joint
                    && equals.as_char() == '=' =>
            {
                let region = Region { start: sign.span(), end: equals.span() };
                let sign = sign.as_char();
                Some(
                    Diagnostic::new(region, format!("there is no `{sign}=`")).help(format!(
                        "values don't change: bind the name again, `{word} = {word} {sign} …;`"
                    )),
                )
            }
            (Some(TokenTree::Punct(comma)), Some(TokenTree::Ident(other))) if comma.as_char() == ',' => Some(
                Diagnostic::new(Region { start: first.span(), end: other.span() }, "a binding has one name")
                    .help(format!("bind each by itself: `{word} = …; {other} = …;`")),
            ),
            _ => None,
        },
    }
}

/// An operator that isn't one.
pub(super) fn operator(input: ParseStream<'_>) -> Option<Diagnostic> {
    (input.peek(Token![*]) && input.peek2(Token![*]))
        .then(|| Diagnostic::new(first(input, 2), "`**` is no operator").help("a power is written `x^2`"))
}

/// What stands where a formula has come to its end.
pub(super) fn after_formula(input: ParseStream<'_>) -> Option<Diagnostic> {
    let at =
        |length: usize, fact: &str, help: &str| Some(Diagnostic::new(first(input, length), fact).help(help));
    let conditions = "conditions are numbers, 1 where they hold and 0 elsewhere";
    let doubled = |sign: char| match following(input) {
        [Some(TokenTree::Punct(second)), _] if second.as_char() == sign => 2,
        _ => 1,
    };
    match word(input)?.as_str() {
        "and" => at(1, conditions, "for both, multiply: `(a > 0) * (b > 0)`"),
        "&" => at(doubled('&'), conditions, "for both, multiply: `(a > 0) * (b > 0)`"),
        "or" => at(1, conditions, "for either, take the greater: `max(a > 0, b > 0)`"),
        "|" => at(doubled('|'), conditions, "for either, take the greater: `max(a > 0, b > 0)`"),
        "if" | "?" => at(1, "a formula has no branches", "choose between values: `select(condition, a, b)`"),
        "%" => at(1, "`%` is no operator", "operators are `+ - * / ^ @` and comparisons"),
        "=" => at(1, "only a name can be bound", "write `name = …;`; values and their parts don't change"),
        "," => at(
            1,
            "a statement has one formula",
            "several values are arguments of a call, as in `loss mse(y, target);`",
        ),
        ":" if input.peek(Token![::]) => {
            at(2, "there are no paths in a formula", "operations go by their name alone: `exp(x)`")
        }
        ":" if doubled('=') == 2 => at(2, "`:=` is no sign", "a name is bound by `=`: `y = …;`"),
        ":" => at(
            input.cursor().token_stream().into_iter().take_while(|tree| tree.to_string() != "=").count(),
            "a binding declares no shape, which follows from its formula",
            "write `h = …;`; inputs, outputs and `param` declare shapes",
        ),
        _ => None,
    }
}

/// What stands where a formula should start.
pub(super) fn in_formula(input: ParseStream<'_>) -> Option<Diagnostic> {
    let at = |fact: &str, help: &str| Some(Diagnostic::new(first(input, 1), fact).help(help));
    match word(input)?.as_str() {
        "+" => at("there is no `+` before a formula", "leave it out"),
        "&" => at("there are no references", "leave the `&` out"),
        "!" => at("there is no `!`", "the opposite of a condition is `1 - condition`"),
        "|" => at(
            "there is no `|`",
            "the absolute value is `abs(x)`; functions are `fn name(x) { … }` beside the model",
        ),
        "." => at("a number starts with a digit", "write `0.5`"),
        _ => keyword(input),
    }
}

/// A colon in an index.
pub(super) fn slice(input: ParseStream<'_>) -> Option<Diagnostic> {
    input.peek(Token![:]).then(|| {
        Diagnostic::new(first(input, 1), "slices are written with `..`")
            .help("`x[1..4]` has the elements 1 to 3, `x[.., 0]` all rows of the first column")
    })
}

/// A keyword of Rust in place of a name.
pub(super) fn keyword(input: ParseStream<'_>) -> Option<Diagnostic> {
    if input.peek(syn::Ident) {
        return None;
    }
    let keyword = input.fork().call(Ident::parse_any).ok()?;
    let text = keyword.to_string();
    Some(match text.as_str() {
        "self" => Diagnostic::new(keyword.span(), "there is no `self` in a model")
            .help("inputs, parameters and bindings go by their names alone"),
        "_" => Diagnostic::new(keyword.span(), "`_` is no name")
            .help("a name with a `_` in front may stay unused"),
        "where" => Diagnostic::new(keyword.span(), "`where` is a keyword of Rust")
            .help("choose between values: `select(condition, a, b)`"),
        "if" | "match" => Diagnostic::new(keyword.span(), "a formula has no branches")
            .help("choose between values: `select(condition, a, b)`"),
        _ => Diagnostic::new(keyword.span(), format!("`{text}` is a keyword of Rust and can't be a name"))
            .help("choose another name"),
    })
}

/// The place of the next tokens.
fn first(input: ParseStream<'_>, length: usize) -> Region {
    Region::of(&input.cursor().token_stream().into_iter().take(length).collect::<TokenStream>())
}

/// The next token, if it is a word or a sign.
fn word(input: ParseStream<'_>) -> Option<String> {
    match input.cursor().token_stream().into_iter().next()? {
        TokenTree::Ident(word) => Some(word.to_string()),
        TokenTree::Punct(sign) => Some(sign.as_char().to_string()),
        _ => None,
    }
}

/// The tokens behind the next one.
fn following(input: ParseStream<'_>) -> [Option<TokenTree>; 2] {
    let mut trees = input.cursor().token_stream().into_iter().skip(1);
    [trees.next(), trees.next()]
}
