//! Tokens to syntax tree.
//!
//! A statement that can't be read doesn't hide the mistakes in the others: each is parsed for itself.
//! Expressions have their own grammar because Rust's has no `@`, and its `^` binds loosely. From loose to
//! tight: comparisons, `+ -`, `* / @`, unary `-`, `^`, then calls, indices and methods.

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Lit, Token, bracketed, parenthesized, token};

use crate::ast::{Argument, Body, Expr, ExprKind, Function, Index, Model, Size, Source, Statement, Variable};
use crate::diag::{Diagnostic, Diagnostics, Region};
use crate::shape::Dtype;

/// Reads what stands between the brackets of `nn_model!`.
///
/// # Errors
/// Everything that can't be read.
pub fn source(tokens: TokenStream) -> Result<Source, Diagnostics> {
    let mut errors = Diagnostics::default();
    if tokens.is_empty() {
        return Err(Diagnostic::new(Span::call_site(), "there is no model here")
            .help("write `y = sigmoid(x*w + b)`, or `model Name(x) -> y { … }`")
            .into());
    }
    let source = if is_full(&tokens) {
        items(tokens, &mut errors)
    } else {
        Source::Short(body(tokens, None, &mut errors))
    };
    errors.finish(source)
}

/// The headers of the models that can be read, whatever is wrong with the rest.
pub fn headers(tokens: TokenStream) -> Vec<Model> {
    if !is_full(&tokens) {
        return Vec::new();
    }
    match items(tokens, &mut Diagnostics::default()) {
        Source::Full { models, .. } => models,
        Source::Short(_) => Vec::new(),
    }
}

/// The full form starts with an attribute, a visibility, `model` or `fn`.
fn is_full(tokens: &TokenStream) -> bool {
    let mut trees = tokens.clone().into_iter();
    match (trees.next(), trees.next()) {
        (Some(TokenTree::Punct(punct)), _) => punct.as_char() == '#',
        (Some(TokenTree::Ident(first)), Some(TokenTree::Ident(_))) => {
            ["model", "fn", "pub"].iter().any(|keyword| first == keyword)
        }
        (Some(TokenTree::Ident(first)), Some(TokenTree::Group(_))) => first == "pub",
        _ => false,
    }
}

fn items(tokens: TokenStream, errors: &mut Diagnostics) -> Source {
    let (mut models, mut functions) = (Vec::new(), Vec::new());
    // An item ends with its body in braces.
    let mut item = Vec::new();
    for tree in tokens {
        let ends = matches!(&tree, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
        item.push(tree);
        if ends {
            let tokens: TokenStream = item.drain(..).collect();
            let parser = |input: ParseStream<'_>| header(input);
            match parser.parse2(tokens) {
                Ok((Header::Model(mut model), tokens, end)) => {
                    model.body = body(tokens, Some(end), errors);
                    models.push(*model);
                }
                Ok((Header::Function { name, parameters }, tokens, end)) => {
                    functions.push(Function { name, parameters, body: body(tokens, Some(end), errors) });
                }
                Err(error) => errors.push(error.into()),
            }
        }
    }
    if let (Some(first), Some(last)) = (item.first(), item.last()) {
        let region = Region { start: first.span(), end: last.span() };
        errors.push(
            Diagnostic::new(region, "this item has no body")
                .help("a model is `model Name(inputs) -> outputs { … }`, a function `fn name(x) { … }`"),
        );
    }
    Source::Full { models, functions }
}

enum Header {
    Model(Box<Model>),
    Function { name: Ident, parameters: Vec<Ident> },
}

/// The part of an item before its body, the body's tokens, and the place where the body ends.
fn header(input: ParseStream<'_>) -> syn::Result<(Header, TokenStream, Span)> {
    let mut attributes = Vec::new();
    let mut runtime = None;
    while input.peek(Token![#]) {
        // `#[crate = path]` is no attribute for syn, for `crate` names no attribute.
        let ahead = input.fork();
        if let Ok(path) = crate_attribute(&ahead) {
            crate_attribute(input)?;
            runtime = Some(path);
        } else {
            attributes.push(one_attribute(input)?);
        }
    }
    let visibility: syn::Visibility = input.parse()?;
    let header = if input.peek(Token![fn]) {
        input.parse::<Token![fn]>()?;
        let name: Ident = input.parse()?;
        let list;
        parenthesized!(list in input);
        let parameters = Punctuated::<Ident, Token![,]>::parse_terminated(&list)?;
        Header::Function { name, parameters: parameters.into_iter().collect() }
    } else {
        let keyword: Ident = input.parse()?;
        if keyword != "model" {
            return Err(Diagnostic::new(
                keyword.span(),
                format!("expected `model` or `fn`, found `{keyword}`"),
            )
            .help("a model is `model Name(inputs) -> outputs { … }`, a function `fn name(x) { … }`")
            .into());
        }
        let name: Ident = input.parse()?;
        let dtype = if input.peek(Token![<]) { dtype(input)? } else { Dtype::F32 };
        let list;
        parenthesized!(list in input);
        let inputs = list.parse_terminated(variable, Token![,])?.into_iter().collect();
        if !input.peek(Token![->]) {
            return Err(Diagnostic::new(input.span(), format!("the model `{name}` has no output"))
                .help("name what comes out: `-> y`, or `-> (mean, log_var)`")
                .into());
        }
        input.parse::<Token![->]>()?;
        let outputs = if input.peek(token::Paren) {
            let list;
            parenthesized!(list in input);
            list.parse_terminated(variable, Token![,])?.into_iter().collect()
        } else {
            vec![variable(input)?]
        };
        let body = Body::default();
        Header::Model(Box::new(Model { attributes, runtime, visibility, name, dtype, inputs, outputs, body }))
    };
    let braces;
    let brace = syn::braced!(braces in input);
    Ok((header, braces.parse()?, brace.span.close()))
}

fn crate_attribute(input: ParseStream<'_>) -> syn::Result<TokenStream> {
    input.parse::<Token![#]>()?;
    let content;
    bracketed!(content in input);
    content.parse::<Token![crate]>()?;
    content.parse::<Token![=]>()?;
    let path: syn::Path = content.parse()?;
    Ok(quote::quote!(#path))
}

/// `#[…]` as it stands, to be given to syn.
fn one_attribute(input: ParseStream<'_>) -> syn::Result<syn::Attribute> {
    let pound: Token![#] = input.parse()?;
    let content;
    let bracket_token = bracketed!(content in input);
    Ok(syn::Attribute {
        pound_token: pound,
        style: syn::AttrStyle::Outer,
        bracket_token,
        meta: content.parse()?,
    })
}

fn dtype(input: ParseStream<'_>) -> syn::Result<Dtype> {
    input.parse::<Token![<]>()?;
    let name: Ident = input.parse()?;
    input.parse::<Token![>]>()?;
    match name.to_string().as_str() {
        "f32" => Ok(Dtype::F32),
        "f64" => Ok(Dtype::F64),
        other => Err(Diagnostic::new(name.span(), format!("a model can't compute in `{other}`"))
            .help("use `f32`, the default, or `f64`")
            .into()),
    }
}

/// `name` or `name: [2, 3]`.
fn variable(input: ParseStream<'_>) -> syn::Result<Variable> {
    let name: Ident = input.parse()?;
    let shape = if input.peek(Token![:]) {
        input.parse::<Token![:]>()?;
        if !input.peek(token::Bracket) {
            return Err(Diagnostic::new(input.span(), format!("the shape of `{name}` is a list of sizes"))
                .help(format!("write `{name}: [16]`, or `{name}` alone for a scalar"))
                .into());
        }
        let list;
        bracketed!(list in input);
        Some(list.parse_terminated(size, Token![,])?.into_iter().collect())
    } else {
        None
    };
    Ok(Variable { name, shape })
}

fn size(input: ParseStream<'_>) -> syn::Result<Size> {
    let not_a_size = |span: Span| {
        Diagnostic::new(span, "a size in a shape is a whole number above 0, written out")
            .help("the batch is the compiler's business: leave it out, a model describes one example")
    };
    let span = input.span();
    let Ok(literal) = input.parse::<syn::LitInt>() else { return Err(not_a_size(span).into()) };
    match literal.base10_parse::<usize>() {
        Ok(value) if value > 0 => Ok(Size { value, region: span.into() }),
        _ => Err(not_a_size(span).into()),
    }
}

/// The statements of a body. `end` is where its closing brace stands.
fn body(tokens: TokenStream, end: Option<Span>, errors: &mut Diagnostics) -> Body {
    let mut body = Body::default();
    let mut statement = Vec::new();
    let mut trees = tokens.into_iter().peekable();
    while let Some(tree) = trees.next() {
        let is_for = matches!(statement.first(), Some(TokenTree::Ident(first)) if first == "for");
        let ends = match &tree {
            TokenTree::Punct(punct) => punct.as_char() == ';',
            TokenTree::Group(group) => is_for && group.delimiter() == Delimiter::Brace,
            _ => false,
        };
        statement.push(tree);
        if ends || trees.peek().is_none() {
            let text = plain_text(&statement);
            let tail = !ends;
            let tokens: TokenStream = statement.drain(..).collect();
            let last = end.unwrap_or_else(|| Region::of(&tokens).end);
            if is_for && ends {
                if let Some(repeat) = for_loop(tokens, errors) {
                    body.statements.push(repeat);
                }
                continue;
            }
            let parser = |input: ParseStream<'_>| self::statement(input, &text, tail, &mut body);
            if let Err(error) = parser.parse2(tokens) {
                let mut diagnostic = Diagnostic::from(error);
                if diagnostic.message.starts_with("unexpected end of input") {
                    diagnostic.region = last.into();
                }
                errors.push(diagnostic);
            }
        }
    }
    body
}

fn for_loop(tokens: TokenStream, errors: &mut Diagnostics) -> Option<Statement> {
    let parser = |input: ParseStream<'_>| {
        input.parse::<Token![for]>()?;
        let index: Ident = input.parse()?;
        input.parse::<Token![in]>()?;
        let from = expr(input)?;
        input.parse::<Token![..]>()?;
        let to = expr(input)?;
        let braces;
        let brace = syn::braced!(braces in input);
        Ok((index, from, to, braces.parse::<TokenStream>()?, brace.span.close()))
    };
    let (index, from, to, tokens, end) = errors.take(parser.parse2(tokens).map_err(Diagnostic::from))?;
    Some(Statement::For { index, from, to, body: body(tokens, Some(end), errors) })
}

fn statement(input: ParseStream<'_>, text: &str, tail: bool, body: &mut Body) -> syn::Result<()> {
    let keyword = |name: &str| {
        input.fork().parse::<Ident>().is_ok_and(|ident| ident == name)
            && !input.peek2(Token![=])
            && !input.peek2(Token![.])
    };
    let start = Region::from(input.span());
    if keyword("param") {
        input.parse::<Ident>()?;
        loop {
            let variable = variable(input)?;
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
    if !tail {
        return Err(Diagnostic::new(value.region, "this value goes nowhere")
            .help("give it a name: `h = …;`, or leave the semicolon out where a function ends")
            .into());
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
    let found = input.cursor().token_stream().into_iter().next().map_or_else(String::new, |t| t.to_string());
    Err(Diagnostic::new(input.span(), format!("`{found}` does not continue the formula"))
        .help("an operator or a `;` is missing before it")
        .into())
}

/// An expression.
fn expr(input: ParseStream<'_>) -> syn::Result<Expr> {
    let left = sum(input)?;
    let Some(op) = comparison(input)? else { return Ok(left) };
    let right = sum(input)?;
    if comparison(&input.fork())?.is_some() {
        return Err(Diagnostic::new(input.span(), "comparisons can't be chained")
            .help("compare twice and multiply: `(a < b) * (b < c)`")
            .into());
    }
    Ok(binary(op, left, right))
}

fn comparison(input: ParseStream<'_>) -> syn::Result<Option<&'static str>> {
    Ok(if input.peek(Token![>=]) {
        input.parse::<Token![>=]>().map(|_| Some("ge"))?
    } else if input.peek(Token![<=]) {
        input.parse::<Token![<=]>().map(|_| Some("le"))?
    } else if input.peek(Token![==]) {
        input.parse::<Token![==]>().map(|_| Some("eq"))?
    } else if input.peek(Token![!=]) {
        input.parse::<Token![!=]>().map(|_| Some("ne"))?
    } else if input.peek(Token![>]) {
        input.parse::<Token![>]>().map(|_| Some("gt"))?
    } else if input.peek(Token![<]) {
        input.parse::<Token![<]>().map(|_| Some("lt"))?
    } else {
        None
    })
}

fn sum(input: ParseStream<'_>) -> syn::Result<Expr> {
    let mut left = product(input)?;
    loop {
        let op = if input.peek(Token![+]) {
            input.parse::<Token![+]>().map(|_| "add")?
        } else if input.peek(Token![-]) && !input.peek(Token![->]) {
            input.parse::<Token![-]>().map(|_| "sub")?
        } else {
            return Ok(left);
        };
        left = binary(op, left, product(input)?);
    }
}

fn product(input: ParseStream<'_>) -> syn::Result<Expr> {
    let mut left = unary(input)?;
    loop {
        let op = if input.peek(Token![*]) {
            input.parse::<Token![*]>().map(|_| "mul")?
        } else if input.peek(Token![/]) {
            input.parse::<Token![/]>().map(|_| "div")?
        } else if input.peek(Token![@]) {
            input.parse::<Token![@]>().map(|_| "matmul")?
        } else {
            return Ok(left);
        };
        left = binary(op, left, unary(input)?);
    }
}

fn unary(input: ParseStream<'_>) -> syn::Result<Expr> {
    if !input.peek(Token![-]) {
        return power(input);
    }
    let minus: Token![-] = input.parse()?;
    let value = unary(input)?;
    let region = Region::from(minus.span).to(value.region);
    Ok(match value.kind {
        ExprKind::Number(number) => Expr { kind: ExprKind::Number(-number), region },
        _ => Expr { kind: ExprKind::Negate(Box::new(value)), region },
    })
}

fn power(input: ParseStream<'_>) -> syn::Result<Expr> {
    let base = postfix(input)?;
    if !input.peek(Token![^]) {
        return Ok(base);
    }
    input.parse::<Token![^]>()?;
    Ok(binary("pow", base, unary(input)?))
}

fn binary(op: &'static str, left: Expr, right: Expr) -> Expr {
    let region = left.region.to(right.region);
    Expr { kind: ExprKind::Binary(op, Box::new(left), Box::new(right)), region }
}

fn postfix(input: ParseStream<'_>) -> syn::Result<Expr> {
    let mut value = atom(input)?;
    loop {
        if input.peek(token::Bracket) {
            let list;
            let bracket = bracketed!(list in input);
            let indices = list.parse_terminated(index, Token![,])?.into_iter().collect();
            let region = value.region.to(bracket.span.close().into());
            value = Expr { kind: ExprKind::Index(Box::new(value), indices), region };
        } else if input.peek(Token![.]) && !input.peek(Token![..]) {
            input.parse::<Token![.]>()?;
            let name: Ident = input.parse()?;
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
                        let fact = format!("`.{name}` names a layer's own parameter");
                        return Err(Diagnostic::new(name.span(), fact)
                            .help("a variable has such parameters: `h1.weight`; a method has brackets: `.relu()`")
                            .into());
                    }
                };
                path.push(name);
                value = Expr { kind: ExprKind::Field(path), region };
            }
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
        let mut value = expr(&inner)?;
        if !inner.is_empty() {
            return Err(syn::Error::new(inner.span(), "expected `)` or an operator"));
        }
        value.region = Region { start: paren.span.open(), end: paren.span.close() };
        return Ok(value);
    }
    if input.peek(token::Bracket) {
        let list;
        let bracket = bracketed!(list in input);
        let values = list.parse_terminated(expr, Token![,])?.into_iter().collect();
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
        return Err(syn::Error::new(span, "unexpected end of input, expected a formula"));
    }
    let found = input.cursor().token_stream().into_iter().next().map_or_else(String::new, |t| t.to_string());
    Err(Diagnostic::new(span, format!("expected a formula, found `{found}`"))
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
        other => return Err(syn::Error::new(other.span(), "a formula has no strings or characters")),
    };
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
        _ => Err(syn::Error::new(literal.span(), "this number is too large for double precision")),
    }
}

fn call(input: ParseStream<'_>, name: Ident, receiver: Option<Argument>) -> syn::Result<Expr> {
    let list;
    let paren = parenthesized!(list in input);
    let given = list.parse_terminated(argument, Token![,])?;
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
    Ok(Argument { name, value: expr(input)? })
}

fn index(input: ParseStream<'_>) -> syn::Result<Index> {
    let bound = |input: ParseStream<'_>| {
        let ends = input.is_empty() || input.peek(Token![,]) || input.peek(Token![..]);
        if ends { Ok(None) } else { expr(input).map(Some) }
    };
    let from = bound(input)?;
    if !input.peek(Token![..]) {
        return from.map(Index::At).ok_or_else(|| syn::Error::new(input.span(), "an index is missing"));
    }
    if input.peek(Token![..=]) {
        return Err(Diagnostic::new(input.span(), "a slice ends before its second number")
            .help("write `0..4` for the elements 0 to 3")
            .into());
    }
    input.parse::<Token![..]>()?;
    Ok(Index::Range(from, bound(input)?))
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
