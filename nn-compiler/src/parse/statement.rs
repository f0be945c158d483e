//! Statements: where each ends, what it binds, and its text for explanations.

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Token, token};

use super::expr::{ends_too_early, expr};
use super::{found, habits, named, next, variable};
use crate::ast::{Body, ExprKind, Index, Statement};
use crate::diag::{Diagnostic, Diagnostics, Region};

/// The statements of a body. `end` is where its closing brace stands.
pub(super) fn body(tokens: TokenStream, end: Option<Span>, errors: &mut Diagnostics) -> Body {
    let mut body = Body::default();
    let mut statement = Vec::new();
    let mut trees = tokens.into_iter().peekable();
    while let Some(tree) = trees.next() {
        let is_block = matches!(statement.first(), Some(TokenTree::Ident(first)) if habits::has_block(first));
        let ends = match &tree {
            TokenTree::Punct(punct) => punct.as_char() == ';',
            TokenTree::Group(group) => is_block && group.delimiter() == Delimiter::Brace,
            _ => false,
        };
        statement.push(tree);
        let goes_on = matches!(trees.peek(), Some(TokenTree::Ident(next)) if is_block && next == "else");
        if (!ends || goes_on) && trees.peek().is_some() {
            continue;
        }
        let text = plain_text(&statement);
        let names = names(&statement);
        let is_for = matches!(statement.first(), Some(TokenTree::Ident(first)) if first == "for");
        let tokens: TokenStream = statement.drain(..).collect();
        let last = end.unwrap_or_else(|| Region::of(&tokens).end);
        let parsed = if is_for {
            for_loop(tokens, errors).map(|repeat| body.statements.push(repeat))
        } else {
            let parser = |input: ParseStream<'_>| self::statement(input, &text, !ends, &mut body);
            parser.parse2(tokens)
        };
        if let Err(error) = parsed {
            errors.push(placed(error.into(), last));
            body.statements.push(Statement::Broken { names });
        }
    }
    body
}

/// An error that was found when nothing was left, put to the `last` place. Those with a help line are our own.
fn placed(error: Diagnostic, last: Span) -> Diagnostic {
    match (error.message.strip_prefix("unexpected end of input"), error.help) {
        (Some(fact), Some(help)) => Diagnostic::new(last, fact.trim_start_matches(", ")).help(help),
        (Some(_), None) => ends_too_early(last),
        (None, help) => Diagnostic { help, ..error },
    }
}

/// What a statement binds or declares, as far as its tokens tell: names before `=`, `+=` or `==`, and those that
/// follow `param` or a comma after it.
fn names(statement: &[TokenTree]) -> Vec<Ident> {
    let is_sign = |tree: Option<&TokenTree>, signs: &[char]| matches!(tree, Some(TokenTree::Punct(punct)) if signs.contains(&punct.as_char()));
    let declares = matches!(statement.first(), Some(TokenTree::Ident(first)) if first == "param");
    let mut found = Vec::new();
    let several = is_sign(statement.get(1), &[',']);
    let bound = statement.iter().position(|tree| is_sign(Some(tree), &['='])).unwrap_or(0);
    for (at, tree) in statement.iter().enumerate() {
        let next = statement.get(at + 1);
        let is_part =
            matches!(next, Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Bracket);
        let binds = is_sign(next, &['='])
            || (is_part && is_sign(statement.get(at + 2), &['=']))
            || (is_sign(next, &['+', '-', '*', '/', ':']) && is_sign(statement.get(at + 2), &['=']));
        match tree {
            TokenTree::Ident(name) => {
                let declared =
                    declares && (at == 1 || (at > 1 && is_sign(statement.get(at - 1), &[',', ':'])));
                let annotated = (at <= 2 || declares) && is_sign(next, &[':']);
                if binds || declared || annotated || (several && at < bound) {
                    found.push(name.clone());
                }
            }
            TokenTree::Group(group) => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                if group.delimiter() == Delimiter::Brace {
                    found.extend(inner.split(|tree| is_sign(Some(tree), &[';'])).flat_map(names));
                } else if binds && group.delimiter() == Delimiter::Parenthesis {
                    found.extend(inner.into_iter().filter_map(|tree| match tree {
                        TokenTree::Ident(name) => Some(name),
                        _ => None,
                    }));
                }
            }
            _ => {}
        }
    }
    found
}

fn for_loop(tokens: TokenStream, errors: &mut Diagnostics) -> syn::Result<Statement> {
    let help = "write `for i in 0..4 { h = relu(dense(h, 64)); }`";
    let parser = |input: ParseStream<'_>| {
        input.parse::<Token![for]>()?;
        let index = named(input, "a loop's index", help)?;
        let keyword = input.call(Ident::parse_any);
        if !keyword.is_ok_and(|keyword| keyword == "in") {
            return Err(Diagnostic::new(index.span(), "a loop runs over a range of numbers")
                .help(help)
                .into());
        }
        let from = expr(input)?;
        if !input.peek(Token![..]) || input.peek(Token![..=]) {
            let region = if input.peek(Token![..=]) {
                Region::of(&input.parse::<Token![..=]>()?)
            } else {
                from.region
            };
            let fact = "a loop runs over a range of numbers, its end not included";
            return Err(Diagnostic::new(region, fact).help(help).into());
        }
        input.parse::<Token![..]>()?;
        let to = expr(input)?;
        if !input.peek(token::Brace) {
            return Err(Diagnostic::new(next(input), "the loop's body was expected here").help(help).into());
        }
        let braces;
        let brace = syn::braced!(braces in input);
        Ok((index, from, to, braces.parse::<TokenStream>()?, brace.span.close()))
    };
    let (index, from, to, tokens, end) = parser.parse2(tokens)?;
    Ok(Statement::For { index, from, to, body: body(tokens, Some(end), errors) })
}

fn statement(input: ParseStream<'_>, text: &str, tail: bool, body: &mut Body) -> syn::Result<()> {
    let keyword = |name: &str| {
        input.fork().parse::<Ident>().is_ok_and(|ident| ident == name)
            && !input.peek2(Token![=])
            && !input.peek2(Token![.])
    };
    let start = Region::from(input.span());
    if let Some(habit) = habits::statement(input) {
        return Err(habit.into());
    }
    if keyword("param") {
        input.parse::<Ident>()?;
        loop {
            let variable = variable(input, "a parameter")?;
            let init = if input.peek(Token![=]) {
                input.parse::<Token![=]>()?;
                Some(expr(input)?)
            } else {
                None
            };
            body.statements.push(Statement::Param { variable, init });
            if input.peek(Token![,]) {
                input.parse::<Token![,]>()?;
            } else {
                break;
            }
        }
        if !(input.is_empty() || input.peek(Token![;])) {
            let fact = format!("`{}` does not continue the declaration", found(input));
            return Err(Diagnostic::new(next(input), fact)
                .help("a `,` or a `;` is missing before it")
                .into());
        }
        return end_of_statement(input, tail);
    }
    if keyword("loss") {
        input.parse::<Ident>()?;
        let value = expr(input)?;
        body.statements.push(Statement::Loss { keyword: start, value, text: text.to_owned() });
        return end_of_statement(input, tail);
    }
    if input.peek(syn::Ident) && input.peek2(Token![=]) && !input.peek2(Token![==]) {
        let name: Ident = input.parse()?;
        input.parse::<Token![=]>()?;
        let value = expr(input)?;
        body.statements.push(Statement::Bind { name, value, text: text.to_owned() });
        return end_of_statement(input, tail);
    }
    let value = expr(input)?;
    if input.peek(Token![=])
        && !input.peek(Token![==])
        && let ExprKind::Index(base, indices) = &value.kind
        && let ExprKind::Name(name) = &base.kind
    {
        let [Index::At(index)] = &indices[..] else {
            let help = format!("`{name}[t] = …;` binds element `t` of `{name}`, along its first axis");
            return Err(Diagnostic::new(value.region, "a part is bound by one number").help(help).into());
        };
        let (name, index) = (name.clone(), index.clone());
        input.parse::<Token![=]>()?;
        let value = expr(input)?;
        body.statements.push(Statement::Part { name, index, value, text: text.to_owned() });
        return end_of_statement(input, tail);
    }
    if let Some(habit) = habits::after_formula(input) {
        return Err(habit.into());
    }
    if !tail {
        end_of_statement(input, false)?;
        let help = match &value.kind {
            ExprKind::Binary("==", left, _) if matches!(left.kind, ExprKind::Name(_)) => {
                "a name is bound by a single `=`; `==` compares"
            }
            _ => "give it a name: `h = …;`, or leave the semicolon out where a function ends",
        };
        return Err(Diagnostic::new(value.region, "this value goes nowhere").help(help).into());
    }
    body.tail = Some(value);
    end_of_statement(input, true)
}

/// A semicolon, which the last statement of a body may leave out.
fn end_of_statement(input: ParseStream<'_>, last: bool) -> syn::Result<()> {
    if input.peek(Token![;]) {
        input.parse::<Token![;]>()?;
        return Ok(());
    }
    if last && input.is_empty() {
        return Ok(());
    }
    if let Some(habit) = habits::after_formula(input) {
        return Err(habit.into());
    }
    Err(Diagnostic::new(next(input), format!("`{}` does not continue the formula", found(input)))
        .help("an operator or a `;` is missing before it")
        .into())
}

/// The user's text, spaced as a person would.
fn plain_text(trees: &[TokenTree]) -> String {
    let mut text = String::new();
    let mut glue = true;
    for tree in trees {
        match tree {
            TokenTree::Group(group) => {
                let inner: Vec<_> = group.stream().into_iter().collect();
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Brace => ("{ ", " }"),
                    Delimiter::None => ("", ""),
                };
                text.push_str(open);
                text.push_str(&plain_text(&inner));
                text.push_str(close);
            }
            TokenTree::Punct(punct) => match punct.as_char() {
                ',' => text.push_str(", "),
                ';' => {}
                '.' | '^' => {
                    text.push(punct.as_char());
                    glue = true;
                    continue;
                }
                '-' if text.is_empty() || text.ends_with(['(', '[', '=', ' ']) => text.push('-'),
                '=' if text.ends_with(['<', '>', '!', '=']) => {
                    text.pop();
                    text.push_str("= ");
                }
                symbol => {
                    if !text.ends_with(' ') {
                        text.push(' ');
                    }
                    text.push(symbol);
                    text.push(' ');
                }
            },
            TokenTree::Ident(_) | TokenTree::Literal(_) => {
                let word = text.chars().last().is_some_and(|c| c.is_alphanumeric() || c == '_');
                if word && !glue {
                    text.push(' ');
                }
                text.push_str(&tree.to_string());
            }
        }
        glue = false;
    }
    text
}
