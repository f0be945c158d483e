//! Tokens to syntax tree.
//!
//! A statement that can't be read doesn't hide the mistakes in the others, nor those that later stages find: each
//! is parsed for itself, and a broken one leaves the names behind that it would have bound. What people write out
//! of habit from Python or Rust gets advice of its own; see `habits`.

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Token, bracketed, parenthesized, token};

use self::statement::body;
use crate::ast::{Body, Form, Function, Model, Size, Source, Variable};
use crate::diag::{Diagnostic, Diagnostics, Region, nearest};
use crate::shape::Dtype;

mod expr;
mod habits;
mod statement;

const ITEMS: &str = "a model is `model Name(inputs) -> outputs { … }`, a function `fn name(x) { … }`";

/// Reads what stands between the brackets of `nn_model!`. Mistakes that can be stepped over are in the source.
///
/// # Errors
/// Nothing to read.
pub fn source(tokens: TokenStream) -> Result<Source, Diagnostics> {
    let mut errors = Diagnostics::default();
    if tokens.is_empty() {
        return Err(Diagnostic::new(Span::call_site(), "there is no model here")
            .help("write `y = sigmoid(x*w + b)`, or `model Name(x) -> y { … }`")
            .into());
    }
    if let Some(mistake) = unreadable(&tokens) {
        return Err(mistake.into());
    }
    let form = if is_full(&tokens) {
        items(tokens, &mut errors)
    } else {
        Form::Short(body(tokens, None, &mut errors))
    };
    Ok(Source { form, errors })
}

/// Brackets within brackets: a parser that descends into them needs stack for each, and rustc's is not ours to grow.
const DEEPEST: usize = 100;

/// What no later stage can take, wherever it stands: brackets that are nested too deeply, raw names, which are no names
/// for the intermediates and parameters that are called after them.
fn unreadable(tokens: &TokenStream) -> Option<Diagnostic> {
    let mut open = vec![tokens.clone().into_iter()];
    let mut is_attribute = false;
    while let Some(trees) = open.last_mut() {
        let tree = trees.next();
        match &tree {
            Some(TokenTree::Group(group)) if open.len() > DEEPEST => {
                let fact = format!("brackets are nested more than {DEEPEST} deep");
                let help = "give the inner parts names of their own: `h = …;`";
                return Some(Diagnostic::new(group.span_open(), fact).help(help));
            }
            // Attributes are Rust's.
            Some(TokenTree::Group(group)) if !is_attribute => open.push(group.stream().into_iter()),
            Some(TokenTree::Ident(name)) if name.to_string().starts_with("r#") => {
                let fact = format!("`{name}` is no name in a model");
                return Some(
                    Diagnostic::new(name.span(), fact).help("choose one that is no keyword of Rust"),
                );
            }
            Some(_) => {}
            None => drop(open.pop()),
        }
        is_attribute = matches!(&tree, Some(TokenTree::Punct(sign)) if sign.as_char() == '#');
    }
    None
}

/// The visibility and the name of each model, as far as they can be told, whatever is wrong with the rest; `None`
/// for a formula, which stands where an expression does.
pub fn headings(tokens: TokenStream) -> Option<Vec<(TokenStream, Ident)>> {
    if tokens.is_empty() || is_full(&tokens) { Some(headings_of_items(tokens)) } else { None }
}

fn headings_of_items(tokens: TokenStream) -> Vec<(TokenStream, Ident)> {
    let mut headings: Vec<(TokenStream, Ident)> = Vec::new();
    let (items, rest) = items_of(tokens);
    for item in items.into_iter().chain([rest.into_iter().collect()]) {
        let parser = |input: ParseStream<'_>| {
            input.call(attributes)?;
            let visibility: syn::Visibility = input.parse()?;
            let is_model = input.call(Ident::parse_any)? != "fn";
            let name: Ident = input.parse()?;
            input.parse::<TokenStream>()?;
            Ok(is_model.then(|| (quote::quote!(#visibility), name)))
        };
        if let Ok(Some((visibility, name))) = parser.parse2(item)
            && headings.iter().all(|(_, known)| *known != name)
        {
            headings.push((visibility, name));
        }
    }
    headings
}

/// The full form starts with an attribute, a visibility, `model` or `fn`; so does one with such a word misspelt.
fn is_full(tokens: &TokenStream) -> bool {
    let is_braced =
        |tree: &TokenTree| matches!(tree, TokenTree::Group(g) if g.delimiter() == Delimiter::Brace);
    let mut trees = tokens.clone().into_iter();
    match (trees.next(), trees.next()) {
        (Some(TokenTree::Punct(punct)), _) => punct.as_char() == '#',
        (Some(TokenTree::Ident(first)), Some(second)) => {
            let starts_item = ["model", "fn", "pub"].iter().any(|keyword| first == keyword);
            let starts_statement = habits::starts_statement(&first);
            match second {
                TokenTree::Ident(_) => {
                    starts_item || (!starts_statement && tokens.clone().into_iter().any(|t| is_braced(&t)))
                }
                TokenTree::Group(_) => starts_item,
                _ => false,
            }
        }
        _ => false,
    }
}

/// The tokens of each item, which ends with its body in braces, and what is left behind the last one.
fn items_of(tokens: TokenStream) -> (Vec<TokenStream>, Vec<TokenTree>) {
    let (mut items, mut item) = (Vec::new(), Vec::new());
    for tree in tokens {
        let ends = matches!(&tree, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
        item.push(tree);
        if ends {
            items.push(item.drain(..).collect());
        }
    }
    (items, item)
}

fn items(tokens: TokenStream, errors: &mut Diagnostics) -> Form {
    let (mut models, mut functions) = (Vec::new(), Vec::new());
    let (items, rest) = items_of(tokens);
    for tokens in items {
        match header.parse2(tokens.clone()) {
            Ok((Header::Model(mut model), tokens, end)) => {
                model.body = body(tokens, Some(end), errors);
                models.push(*model);
            }
            Ok((Header::Function { name, parameters }, tokens, end)) => {
                let body = body(tokens, Some(end), errors);
                functions.push(Function { name, parameters, body, broken: false });
            }
            Err(error) => {
                errors.push(error.into());
                functions.extend(broken_function.parse2(tokens).ok().flatten());
            }
        }
    }
    if let (Some(first), Some(last)) = (rest.first(), rest.last()) {
        let region = Region { start: first.span(), end: last.span() };
        errors.push(Diagnostic::new(region, "this item has no body").help(ITEMS));
    }
    Form::Full { models, functions }
}

/// The function that an item with a broken header would have defined.
fn broken_function(input: ParseStream<'_>) -> syn::Result<Option<Function>> {
    let is_model = input.call(Ident::parse_any)? == "model";
    let name = input.parse()?;
    input.parse::<TokenStream>()?;
    let function = Function { name, parameters: Vec::new(), body: Body::default(), broken: true };
    Ok((!is_model).then_some(function))
}

enum Header {
    Model(Box<Model>),
    Function { name: Ident, parameters: Vec<Ident> },
}

/// The part of an item before its body, the body's tokens, and the place where the body ends.
fn header(input: ParseStream<'_>) -> syn::Result<(Header, TokenStream, Span)> {
    let (attributes, runtime) = attributes(input)?;
    let visibility: syn::Visibility = input.parse()?;
    let start = input.span();
    let keyword = input.call(Ident::parse_any)?;
    let header = if keyword == "fn" {
        function(input)?
    } else if keyword == "model" {
        let name = named(input, "a model", "write `model Name(inputs) -> outputs { … }`")?;
        let dtype = if input.peek(Token![<]) { dtype(input)? } else { Dtype::F32 };
        if !input.peek(token::Paren) {
            return Err(Diagnostic::new(name.span(), format!("the model `{name}` has no inputs"))
                .help(format!("name what goes in: `model {name}(x) -> y {{ … }}`"))
                .into());
        }
        let list;
        let paren = parenthesized!(list in input);
        let inputs = declarations(&list, |input| variable(input, "an input"))?;
        if !input.peek(Token![->]) {
            let region = Region { start, end: paren.span.close() };
            return Err(Diagnostic::new(region, format!("the model `{name}` has no output"))
                .help("name what comes out: `-> y`, or `-> (mean, log_var)`")
                .into());
        }
        let arrow: Token![->] = input.parse()?;
        let outputs = if input.peek(token::Paren) {
            let list;
            parenthesized!(list in input);
            declarations(&list, |output| variable(output, "an output"))?
        } else if input.peek(token::Brace) {
            Vec::new()
        } else {
            vec![variable(input, "an output")?]
        };
        if outputs.is_empty() {
            return Err(Diagnostic::new(Region::of(&arrow), format!("the model `{name}` has no output"))
                .help("name what comes out: `-> y`, or `-> (mean, log_var)`")
                .into());
        }
        let body = Body::default();
        Header::Model(Box::new(Model { attributes, runtime, visibility, name, dtype, inputs, outputs, body }))
    } else {
        let text = keyword.to_string();
        let fact = format!("expected `model` or `fn`, found `{text}`");
        let meant = match text.as_str() {
            "def" | "func" | "fun" | "function" => Some("fn"),
            _ => nearest(&text, ["model", "fn"]),
        };
        return Err(match meant {
            Some(near) => Diagnostic::new(keyword.span(), fact).help(format!("did you mean `{near}`?")),
            None => Diagnostic::new(keyword.span(), fact).help(ITEMS),
        }
        .into());
    };
    if !input.peek(token::Brace) {
        return Err(Diagnostic::new(next(input), "the body was expected here, `{ … }`").help(ITEMS).into());
    }
    let braces;
    let brace = syn::braced!(braces in input);
    Ok((header, braces.parse()?, brace.span.close()))
}

/// `name(x, width)`, behind `fn`.
fn function(input: ParseStream<'_>) -> syn::Result<Header> {
    let name = named(input, "a function", "write `fn name(x) { … }`")?;
    if !input.peek(token::Paren) {
        return Err(Diagnostic::new(name.span(), format!("the function `{name}` has no arguments"))
            .help(format!("write `fn {name}(x) {{ … }}`"))
            .into());
    }
    let list;
    parenthesized!(list in input);
    let mut parameters = Vec::new();
    while !list.is_empty() {
        parameters.push(named(&list, "an argument", "write `fn name(x, width) { … }`")?);
        if list.peek(Token![:]) {
            return Err(Diagnostic::new(rest(&list), "a function's arguments have no shapes")
                .help("they have those of what a call gives")
                .into());
        }
        comma(&list, "a `,`")?;
    }
    if input.peek(Token![->]) {
        let arrow: Token![->] = input.parse()?;
        return Err(Diagnostic::new(Region::of(&arrow), "a function names no output")
            .help("its value is the expression at the end of its body, without a semicolon")
            .into());
    }
    Ok(Header::Function { name, parameters })
}

/// A name, which `what` needs.
fn named(input: ParseStream<'_>, what: &str, help: &str) -> syn::Result<Ident> {
    if input.peek(syn::Ident) {
        return input.parse();
    }
    if input.is_empty() {
        // syn marks it as an error at the end, which has no place until the caller gives it one.
        let text = Diagnostic::new(Region::none(), format!("{what} needs a name")).help(help).text();
        return Err(input.error(text));
    }
    if let Some(keyword) = habits::keyword(input) {
        return Err(keyword.into());
    }
    let fact = format!("{what} needs a name, and this is none");
    Err(Diagnostic::new(next(input), fact).help(help).into())
}

/// A comma between two entries of a list, which may end with one. Without it, `missing` is what should stand there.
fn comma(list: ParseStream<'_>, missing: &str) -> syn::Result<()> {
    if list.is_empty() {
        return Ok(());
    }
    if list.peek(Token![,]) {
        return list.parse::<Token![,]>().map(drop);
    }
    Err(Diagnostic::new(next(list), format!("`{}` does not continue the list", found(list)))
        .help(format!("{missing} is missing before it"))
        .into())
}

/// Declarations with commas between them.
fn declarations<T>(
    list: ParseStream<'_>,
    entry: impl Fn(ParseStream<'_>) -> syn::Result<T>,
) -> syn::Result<Vec<T>> {
    let mut entries = Vec::new();
    while !list.is_empty() {
        entries.push(entry(list)?);
        comma(list, "a `,`")?;
    }
    Ok(entries)
}

/// The place of the next token.
fn next(input: ParseStream<'_>) -> Region {
    match input.cursor().token_stream().into_iter().next() {
        Some(TokenTree::Group(group)) if group.delimiter() != Delimiter::None => {
            Region { start: group.span_open(), end: group.span_close() }
        }
        Some(tree) => tree.span().into(),
        None => input.span().into(),
    }
}

/// All that is left.
fn rest(input: ParseStream<'_>) -> Region {
    Region::of(&input.cursor().token_stream())
}

/// The next token as written; of brackets the first alone.
fn found(input: ParseStream<'_>) -> String {
    match input.cursor().token_stream().into_iter().next() {
        Some(TokenTree::Group(group)) => match group.delimiter() {
            Delimiter::Parenthesis => "(".to_owned(),
            Delimiter::Bracket => "[".to_owned(),
            Delimiter::Brace => "{".to_owned(),
            Delimiter::None => group.to_string(),
        },
        Some(tree) => tree.to_string(),
        None => String::new(),
    }
}

/// What stands before an item, and the path in `#[crate = path]`.
fn attributes(input: ParseStream<'_>) -> syn::Result<(Vec<syn::Attribute>, Option<TokenStream>)> {
    let (mut attributes, mut runtime) = (Vec::new(), None);
    while input.peek(Token![#]) {
        // `#[crate = path]` is no attribute for syn, for `crate` names no attribute.
        let ahead = input.fork();
        if let Ok(path) = crate_attribute(&ahead) {
            let region = Region::of(&path);
            crate_attribute(input)?;
            if runtime.replace(path).is_some() {
                return Err(Diagnostic::new(region, "the runtime's path is given twice")
                    .help("one `#[crate = path]` is enough")
                    .into());
            }
        } else if let Some(attribute) = is_crate_attribute(input) {
            return Err(Diagnostic::new(attribute, "the runtime crate has a path")
                .help("write `#[crate = ::nn_runtime]`")
                .into());
        } else {
            attributes.push(one_attribute(input)?);
        }
    }
    Ok((attributes, runtime))
}

/// The word `crate` at the start of an attribute, whatever follows.
fn is_crate_attribute(input: ParseStream<'_>) -> Option<Span> {
    let inside = |input: ParseStream<'_>| {
        input.parse::<Token![#]>()?;
        let content;
        bracketed!(content in input);
        let word = content.parse::<Token![crate]>()?;
        content.parse::<TokenStream>()?;
        Ok(word.span)
    };
    inside(&input.fork()).ok()
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
fn variable(input: ParseStream<'_>, what: &str) -> syn::Result<Variable> {
    let name = named(input, what, "write `x`, or `x: [16]` with a shape")?;
    let shape = if input.peek(Token![:]) {
        input.parse::<Token![:]>()?;
        if !input.peek(token::Bracket) {
            return Err(Diagnostic::new(next(input), format!("the shape of `{name}` is a list of sizes"))
                .help(format!("write `{name}: [16]`, or `{name}` alone for a scalar"))
                .into());
        }
        let list;
        bracketed!(list in input);
        Some(declarations(&list, size)?)
    } else {
        None
    };
    Ok(Variable { name, shape })
}

/// What the size of a batch is called elsewhere.
const BATCH: &[&str] = &["batch", "batch_size", "Batch", "bs", "BATCH", "BATCH_SIZE", "None"];

fn size(input: ParseStream<'_>) -> syn::Result<Size> {
    let trees = input.cursor().token_stream().into_iter();
    let written: TokenStream =
        trees.take_while(|tree| !matches!(tree, TokenTree::Punct(punct) if punct.as_char() == ',')).collect();
    let not_a_size = |help: &str| {
        let region = if written.is_empty() { next(input) } else { Region::of(&written) };
        let fact = "a size in a shape is a whole number above 0, written out";
        Err(Diagnostic::new(region, fact).help(help).into())
    };
    if let Ok(literal) = syn::parse2::<syn::LitInt>(written.clone()) {
        input.parse::<syn::LitInt>()?;
        return match literal.base10_parse::<u32>() {
            Ok(value) if value > 0 => Ok(Size { value: value as usize, region: literal.span().into() }),
            _ => not_a_size("a tensor has at least one element and at most 2^31"),
        };
    }
    let names_batch =
        |tree: &TokenTree| matches!(tree, TokenTree::Ident(name) if BATCH.iter().any(|batch| name == batch));
    if written.clone().into_iter().any(|tree| names_batch(&tree)) {
        return not_a_size(
            "the batch is the compiler's business: leave it out, a model describes one example",
        );
    }
    if written.clone().into_iter().any(|tree| matches!(tree, TokenTree::Ident(_))) {
        return not_a_size("write the number itself; if it is the size of the batch, leave it out");
    }
    not_a_size("write `[16]` for 16 numbers, and no shape at all for a single one")
}
