//! Expressions, by precedence climbing. Rust's own have no `@`, and their `^` binds loosely. From loose to tight:
//! comparisons, `+ -`, `* / @`, unary `-`, `^`, then calls, indices and methods.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenTree};
use syn::parse::ParseStream;
use syn::{Lit, Token, bracketed, parenthesized, token};

use super::{comma, found, habits, named, next};
use crate::ast::{Argument, Expr, ExprKind, Index};
use crate::diag::{Diagnostic, Region};

/// What stands in brackets, with commas between the entries.
fn arguments<T>(list: ParseStream<'_>, entry: fn(ParseStream<'_>) -> syn::Result<T>) -> syn::Result<Vec<T>> {
    let mut entries = Vec::new();
    while !list.is_empty() {
        entries.push(entry(list)?);
        if let Some(habit) = habits::after_formula(list).filter(|_| !list.peek(Token![,])) {
            return Err(habit.into());
        }
        comma(list, "an operator or a `,`")?;
    }
    Ok(entries)
}

/// A formula is missing where the statement ends.
pub(super) fn ends_too_early(end: Span) -> Diagnostic {
    Diagnostic::new(end, "a formula is missing here")
        .help("a name, a number or a call, as in `y = relu(x) + 1;`")
}

/// An expression.
pub(super) fn expr(input: ParseStream<'_>) -> syn::Result<Expr> {
    let left = sum(input)?;
    let Some(op) = comparison(input)? else { return Ok(left) };
    let right = sum(input)?;
    if comparison(input)?.is_some() {
        let region = left.region.to(sum(input)?.region);
        return Err(Diagnostic::new(region, "comparisons can't be chained")
            .help("compare twice and multiply: `(a < b) * (b < c)`")
            .into());
    }
    Ok(binary(op, left, right))
}

fn comparison(input: ParseStream<'_>) -> syn::Result<Option<&'static str>> {
    Ok(if input.peek(Token![>=]) {
        input.parse::<Token![>=]>().map(|_| Some(">="))?
    } else if input.peek(Token![<=]) {
        input.parse::<Token![<=]>().map(|_| Some("<="))?
    } else if input.peek(Token![==]) {
        input.parse::<Token![==]>().map(|_| Some("=="))?
    } else if input.peek(Token![!=]) {
        input.parse::<Token![!=]>().map(|_| Some("!="))?
    } else if input.peek(Token![>]) {
        input.parse::<Token![>]>().map(|_| Some(">"))?
    } else if input.peek(Token![<]) {
        input.parse::<Token![<]>().map(|_| Some("<"))?
    } else {
        None
    })
}

fn sum(input: ParseStream<'_>) -> syn::Result<Expr> {
    let mut left = product(input)?;
    loop {
        let op = if input.peek(Token![+]) {
            input.parse::<Token![+]>().map(|_| "+")?
        } else if input.peek(Token![-]) && !input.peek(Token![->]) {
            input.parse::<Token![-]>().map(|_| "-")?
        } else {
            return Ok(left);
        };
        left = binary(op, left, product(input)?);
    }
}

fn product(input: ParseStream<'_>) -> syn::Result<Expr> {
    let mut left = unary(input)?;
    loop {
        if let Some(habit) = habits::operator(input) {
            return Err(habit.into());
        }
        let op = if input.peek(Token![*]) {
            input.parse::<Token![*]>().map(|_| "*")?
        } else if input.peek(Token![/]) {
            input.parse::<Token![/]>().map(|_| "/")?
        } else if input.peek(Token![@]) {
            input.parse::<Token![@]>().map(|_| "@")?
        } else {
            return Ok(left);
        };
        left = binary(op, left, unary(input)?);
    }
}

fn unary(input: ParseStream<'_>) -> syn::Result<Expr> {
    let signs = signs(input)?;
    Ok(negated(&signs, power(input)?))
}

/// The minus signs before a value.
fn signs(input: ParseStream<'_>) -> syn::Result<Vec<Span>> {
    let mut signs = Vec::new();
    while input.peek(Token![-]) {
        signs.push(input.parse::<Token![-]>()?.span);
        if signs.len() > CHAIN {
            return Err(too_long(signs[CHAIN], "-"));
        }
    }
    Ok(signs)
}

fn negated(signs: &[Span], value: Expr) -> Expr {
    signs.iter().rev().fold(value, |value, &sign| {
        let region = Region::from(sign).to(value.region);
        match value.kind {
            ExprKind::Number(number) => Expr { kind: ExprKind::Number(-number), region },
            _ => Expr { kind: ExprKind::Negate(Box::new(value)), region },
        }
    })
}

/// `a ^ b ^ c` is `a ^ (b ^ c)`. An exponent may have a sign.
fn power(input: ParseStream<'_>) -> syn::Result<Expr> {
    let mut chain = vec![(Vec::new(), postfix(input)?)];
    while input.peek(Token![^]) {
        let caret = input.parse::<Token![^]>()?.span;
        if chain.len() > CHAIN {
            return Err(too_long(caret, "^"));
        }
        chain.push((signs(input)?, postfix(input)?));
    }
    let powers = chain.into_iter().rev().map(|(signs, value): (Vec<Span>, Expr)| (signs, value));
    let power = powers
        .reduce(|(signs, exponent), (outer, base)| (outer, binary("^", base, negated(&signs, exponent))));
    power.map(|(signs, value)| negated(&signs, value)).ok_or_else(|| input.error("a formula is missing here"))
}

/// So many signs, or powers of powers, may follow each other: like brackets, each one lies inside of the one before.
const CHAIN: usize = 100;

fn too_long(at: Span, sign: &str) -> syn::Error {
    Diagnostic::new(at, format!("more than {CHAIN} `{sign}` follow each other"))
        .help("give a part a name of its own: `h = …;`")
        .into()
}

fn binary(symbol: &'static str, left: Expr, right: Expr) -> Expr {
    let region = left.region.to(right.region);
    Expr { kind: ExprKind::Binary(symbol, Box::new(left), Box::new(right)), region }
}

fn postfix(input: ParseStream<'_>) -> syn::Result<Expr> {
    let mut value = atom(input)?;
    loop {
        if input.peek(token::Bracket) {
            let list;
            let bracket = bracketed!(list in input);
            let indices = arguments(&list, index)?;
            let region = value.region.to(bracket.span.close().into());
            value = Expr { kind: ExprKind::Index(Box::new(value), indices), region };
        } else if input.peek(Token![.]) && !input.peek(Token![..]) {
            input.parse::<Token![.]>()?;
            let name = named(input, "what follows a dot", "a method has brackets: `x.relu()`")?;
            if input.peek(token::Paren) {
                let region = value.region;
                let receiver = Argument { name: None, value };
                value = call(input, name, Some(receiver))?;
                value.region = region.to(value.region);
            } else {
                let region = value.region.to(name.span().into());
                let mut path = match value.kind {
                    ExprKind::Name(owner) => vec![owner],
                    ExprKind::Field(path) => path,
                    _ => {
                        return Err(Diagnostic::new(region, format!("this value has no `{name}`"))
                            .help("a method has brackets: `.relu()`; a layer's variable has parameters: `h1.weight`")
                            .into());
                    }
                };
                path.push(name);
                value = Expr { kind: ExprKind::Field(path), region };
            }
        } else if input.peek(token::Paren) && matches!(value.kind, ExprKind::Number(_)) {
            return Err(Diagnostic::new(value.region.to(next(input)), "a number can't be called")
                .help("a product needs its sign: `2*(x + 1)`")
                .into());
        } else if input.peek(token::Paren) && matches!(value.kind, ExprKind::Call(..)) {
            let region = value.region.to(next(input));
            return Err(Diagnostic::new(region, "what a call gives can't be called")
                .help("one call takes everything, the input first: `dense(x, 64)`")
                .into());
        } else {
            return Ok(value);
        }
    }
}

fn atom(input: ParseStream<'_>) -> syn::Result<Expr> {
    let span = input.span();
    if input.peek(Lit) {
        return number(&input.parse()?);
    }
    if input.peek(token::Paren) {
        let inner;
        let paren = parenthesized!(inner in input);
        if inner.is_empty() {
            return Err(Diagnostic::new(
                Region { start: paren.span.open(), end: paren.span.close() },
                "there is nothing between the brackets",
            )
            .help("brackets hold a formula, as in `2 * (x + 1)`")
            .into());
        }
        let mut value = expr(&inner)?;
        if inner.peek(Token![,]) {
            return Err(Diagnostic::new(
                Region { start: paren.span.open(), end: paren.span.close() },
                "several values in brackets are no value",
            )
            .help("bind each by itself: `a = …; b = …;`, or join them: `concat(a, b)`")
            .into());
        }
        if !inner.is_empty() {
            if let Some(habit) = habits::after_formula(&inner) {
                return Err(habit.into());
            }
            let fact = format!("`{}` does not continue the formula", found(&inner));
            return Err(Diagnostic::new(next(&inner), fact).help("an operator is missing before it").into());
        }
        value.region = Region { start: paren.span.open(), end: paren.span.close() };
        return Ok(value);
    }
    if input.peek(token::Bracket) {
        let list;
        let bracket = bracketed!(list in input);
        let values = arguments(&list, expr)?;
        let region = Region { start: bracket.span.open(), end: bracket.span.close() };
        return Ok(Expr { kind: ExprKind::List(values), region });
    }
    if input.peek(syn::Ident) {
        let name: Ident = input.parse()?;
        if input.peek(token::Paren) {
            return call(input, name, None);
        }
        return Ok(Expr { kind: ExprKind::Name(name), region: span.into() });
    }
    if input.is_empty() {
        return Err(syn::Error::new(span, "unexpected end of input"));
    }
    if input.peek(Token![;]) {
        return Err(ends_too_early(span).into());
    }
    if let Some(habit) = habits::in_formula(input) {
        return Err(habit.into());
    }
    Err(Diagnostic::new(next(input), format!("expected a formula, found `{}`", found(input)))
        .help("a formula is made of numbers, names, calls, `+ - * / ^ @`, comparisons and brackets")
        .into())
}

fn number(literal: &Lit) -> syn::Result<Expr> {
    let (digits, suffix) = match literal {
        Lit::Int(int) => (int.base10_digits().to_owned(), int.suffix().to_owned()),
        Lit::Float(float) => (float.base10_digits().to_owned(), float.suffix().to_owned()),
        Lit::Bool(flag) => {
            let kind = ExprKind::Name(Ident::new(&flag.value.to_string(), flag.span));
            return Ok(Expr { kind, region: flag.span.into() });
        }
        Lit::Str(text) => {
            return Ok(Expr { kind: ExprKind::Text(text.value()), region: text.span().into() });
        }
        other => {
            return Err(Diagnostic::new(other.span(), "this literal is no number")
                .help("a formula has numbers such as `2`, `0.5` and `1e-4`")
                .into());
        }
    };
    if ["f32", "f64"].contains(&suffix.as_str()) {
        return Err(Diagnostic::new(literal.span(), "numbers have no type of their own")
            .help(format!("write `{digits}`; a model says its type in the header: `model Name<{suffix}>`"))
            .into());
    }
    if !suffix.is_empty() {
        return Err(Diagnostic::new(
            literal.span(),
            format!("`{digits}{suffix}` is neither a number nor a name"),
        )
        .help(format!("a product needs its sign: `{digits}*{suffix}`"))
        .into());
    }
    match digits.parse::<f64>() {
        Ok(value) if value.is_finite() => {
            Ok(Expr { kind: ExprKind::Number(value), region: literal.span().into() })
        }
        _ => Err(Diagnostic::new(literal.span(), "this number is too large for double precision")
            .help("the largest is about 1.8e308")
            .into()),
    }
}

fn call(input: ParseStream<'_>, name: Ident, receiver: Option<Argument>) -> syn::Result<Expr> {
    let list;
    let paren = parenthesized!(list in input);
    let given = arguments(&list, argument)?;
    let region = Region { start: name.span(), end: paren.span.close() };
    Ok(Expr { kind: ExprKind::Call(name, receiver.into_iter().chain(given).collect()), region })
}

fn argument(input: ParseStream<'_>) -> syn::Result<Argument> {
    let named = input.peek(syn::Ident) && input.peek2(Token![=]) && !input.peek2(Token![==]);
    let name = if named {
        let name: Ident = input.parse()?;
        input.parse::<Token![=]>()?;
        Some(name)
    } else {
        None
    };
    let value = if is_tuple(input) { tuple(input)? } else { expr(input)? };
    Ok(Argument { name, value })
}

/// Whether an argument is several values in brackets: `(1, 1, 2, 2)`.
fn is_tuple(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    let Ok(group) = ahead.parse::<Group>() else { return false };
    let is_comma = |tree: TokenTree| matches!(tree, TokenTree::Punct(punct) if punct.as_char() == ',');
    let ends = ahead.is_empty() || ahead.peek(Token![,]);
    ends && group.delimiter() == Delimiter::Parenthesis && group.stream().into_iter().any(is_comma)
}

/// Several values in brackets: a list.
fn tuple(input: ParseStream<'_>) -> syn::Result<Expr> {
    let list;
    let paren = parenthesized!(list in input);
    let values = arguments(&list, expr)?;
    let region = Region { start: paren.span.open(), end: paren.span.close() };
    Ok(Expr { kind: ExprKind::List(values), region })
}

fn index(input: ParseStream<'_>) -> syn::Result<Index> {
    let bound = |input: ParseStream<'_>| {
        let ends = input.is_empty() || input.peek(Token![,]) || input.peek(Token![..]);
        if ends { Ok(None) } else { expr(input).map(Some) }
    };
    if let Some(habit) = habits::slice(input) {
        return Err(habit.into());
    }
    let from = bound(input)?;
    if let Some(habit) = habits::slice(input) {
        return Err(habit.into());
    }
    if !input.peek(Token![..]) {
        return from.map(Index::At).ok_or_else(|| {
            Diagnostic::new(next(input), "an index is missing").help("`..` keeps a whole axis").into()
        });
    }
    if input.peek(Token![..=]) {
        let region = Region::of(&input.parse::<Token![..=]>()?);
        return Err(Diagnostic::new(region, "a slice ends before its second number")
            .help("write `0..4` for the elements 0 to 3")
            .into());
    }
    input.parse::<Token![..]>()?;
    Ok(Index::Range(from, bound(input)?))
}
