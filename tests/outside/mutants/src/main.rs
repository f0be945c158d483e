//! Puts every mutant into sources at once: `a + b` becomes `if crate::mutant::on(7) { a - b } else { a + b }`, so that one
//! build serves them all, and a variable of the environment says which of them is on.
//!
//! `mutants LIST WITHOUT FILE…` rewrites the files in place and prints `number, file, line, replacement` of each to the
//! list, separated by tabs. `WITHOUT` is a file of the numbers of mutants that do not compile, which are left out; the
//! others keep their numbers.

use std::collections::HashSet;
use std::error::Error;
use std::fmt::Write as _;
use std::{env, fs};

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{BinOp, Expr, Lit, UnOp, parse_quote};

/// Fields of an operation's record that are no mathematics: names, notation, what it costs.
const NO_MATHS: [&str; 8] = ["name", "also", "args", "notation", "undefined", "flops", "products", "written"];

/// Functions that are not either.
const NO_FUNCTIONS: [&str; 4] = ["fmt", "notation", "help", "describe"];

/// The other operator.
fn other(op: &BinOp) -> Option<BinOp> {
    Some(match op {
        BinOp::Add(_) => parse_quote!(-),
        BinOp::Sub(_) => parse_quote!(+),
        BinOp::Mul(_) => parse_quote!(/),
        BinOp::Div(_) => parse_quote!(*),
        BinOp::AddAssign(_) => parse_quote!(-=),
        BinOp::SubAssign(_) => parse_quote!(+=),
        BinOp::MulAssign(_) => parse_quote!(/=),
        BinOp::Gt(_) => parse_quote!(>=),
        BinOp::Ge(_) => parse_quote!(>),
        BinOp::Lt(_) => parse_quote!(<=),
        BinOp::Le(_) => parse_quote!(<),
        BinOp::Eq(_) => parse_quote!(!=),
        BinOp::Ne(_) => parse_quote!(==),
        BinOp::And(_) => parse_quote!(||),
        BinOp::Or(_) => parse_quote!(&&),
        _ => return None,
    })
}

/// The other number.
fn number(digits: &str) -> Option<&'static str> {
    Some(match digits {
        "0.0" => "1.0",
        "0.5" => "0.25",
        "1.0" => "2.0",
        "2.0" => "3.0",
        _ => return None,
    })
}

/// The other comparison, operation or function of lanes.
fn name(of: &str) -> Option<&'static str> {
    Some(match of {
        "GE" => "GT",
        "GT" => "LT",
        "LE" => "GE",
        "LT" => "GT",
        "EQ" => "NE",
        "NE" => "EQ",
        "MAX" => "MIN",
        "MIN" => "MAX",
        "SIN" => "COS",
        "COS" => "SIN",
        "simd_gt" => "simd_lt",
        "simd_lt" => "simd_gt",
        "simd_ge" => "simd_lt",
        "simd_eq" => "simd_ne",
        _ => return None,
    })
}

struct Mutator<'a> {
    file: &'a str,
    next: usize,
    without: &'a HashSet<usize>,
    /// Whether what is evaluated at compile time is around.
    is_const: bool,
    list: String,
}

impl Mutator<'_> {
    /// The expression, or the mutant where it is on.
    fn choice(&mut self, expr: &mut Expr, mutant: Expr, what: &str, span: Span) {
        let number = self.next;
        self.next += 1;
        if self.without.contains(&number) {
            return;
        }
        let _ = writeln!(self.list, "{number}\t{}\t{}\t{what}", self.file, span.start().line);
        let original = expr.clone();
        *expr = parse_quote!((if crate::mutant::on(#number) { #mutant } else { #original }));
    }

    fn within(&mut self, is_const: bool, visit: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.is_const, is_const);
        visit(self);
        self.is_const = before;
    }
}

fn skipped(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident("cfg") || attribute.path().is_ident("test"))
}

impl VisitMut for Mutator<'_> {
    fn visit_item_mod_mut(&mut self, module: &mut syn::ItemMod) {
        if !skipped(&module.attrs) {
            visit_mut::visit_item_mod_mut(self, module);
        }
    }

    fn visit_item_fn_mut(&mut self, item: &mut syn::ItemFn) {
        if !skipped(&item.attrs) && !NO_FUNCTIONS.iter().any(|name| item.sig.ident == name) {
            let is_const = item.sig.constness.is_some();
            self.within(is_const, |this| this.visit_block_mut(&mut item.block));
        }
    }

    fn visit_impl_item_fn_mut(&mut self, item: &mut syn::ImplItemFn) {
        if !skipped(&item.attrs) && !NO_FUNCTIONS.iter().any(|name| item.sig.ident == name) {
            let is_const = item.sig.constness.is_some();
            self.within(is_const, |this| this.visit_block_mut(&mut item.block));
        }
    }

    fn visit_item_static_mut(&mut self, item: &mut syn::ItemStatic) {
        self.within(true, |this| this.visit_expr_mut(&mut item.expr));
    }

    fn visit_item_const_mut(&mut self, _: &mut syn::ItemConst) {}

    fn visit_impl_item_const_mut(&mut self, _: &mut syn::ImplItemConst) {}

    fn visit_trait_item_const_mut(&mut self, _: &mut syn::TraitItemConst) {}

    fn visit_type_mut(&mut self, _: &mut syn::Type) {}

    fn visit_generic_argument_mut(&mut self, _: &mut syn::GenericArgument) {}

    fn visit_pat_mut(&mut self, _: &mut syn::Pat) {}

    fn visit_expr_repeat_mut(&mut self, repeat: &mut syn::ExprRepeat) {
        self.visit_expr_mut(&mut repeat.expr);
    }

    fn visit_expr_closure_mut(&mut self, closure: &mut syn::ExprClosure) {
        self.within(false, |this| this.visit_expr_mut(&mut closure.body));
    }

    fn visit_field_value_mut(&mut self, field: &mut syn::FieldValue) {
        let is_maths = match &field.member {
            syn::Member::Named(name) => !NO_MATHS.iter().any(|skipped| name == skipped),
            syn::Member::Unnamed(_) => true,
        };
        if is_maths {
            visit_mut::visit_field_value_mut(self, field);
        }
    }

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        // The original as it is: mutants hold no other mutants.
        let original = expr.clone();
        match expr {
            // Let chains stay what they are.
            Expr::Let(_) => return,
            Expr::Binary(binary) if matches!(binary.op, BinOp::And(_)) && has_let(&original) => {
                visit_mut::visit_expr_mut(self, expr);
                return;
            }
            _ => visit_mut::visit_expr_mut(self, expr),
        }
        if self.is_const {
            return;
        }
        let span = original.span();
        match &original {
            Expr::Binary(binary) => {
                if let Some(op) = other(&binary.op) {
                    let what = quote::quote!(#op).to_string();
                    let mutant = Expr::Binary(syn::ExprBinary { op, ..binary.clone() });
                    self.choice(expr, mutant, &what, binary.op.span());
                }
                let is_adjoint = matches!(&*binary.left, Expr::Path(path) if path.path.is_ident("d"));
                if is_adjoint && matches!(binary.op, BinOp::Mul(_)) {
                    self.choice(expr, (*binary.right).clone(), "without d", span);
                }
            }
            Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) && !matches!(*unary.expr, Expr::Lit(_)) => {
                self.choice(expr, (*unary.expr).clone(), "no minus", span);
            }
            Expr::Lit(literal) => {
                if let Lit::Float(float) = &literal.lit
                    && let Some(changed) = number(float.base10_digits())
                {
                    let text = format!("{changed}{}", float.suffix());
                    if let Ok(mutant) = syn::parse_str(&text) {
                        self.choice(expr, mutant, changed, span);
                    }
                }
            }
            Expr::Reference(reference) => {
                if let Expr::Path(path) = &*reference.expr
                    && let Some(last) = path.path.segments.last()
                    && let Some(changed) = name(&last.ident.to_string())
                {
                    // By its full name: what is not imported is known all the same.
                    let other = syn::Ident::new(changed, last.ident.span());
                    let module = match changed {
                        "MAX" | "MIN" | "SIN" | "COS" => syn::Ident::new(&changed.to_lowercase(), last.ident.span()),
                        _ => syn::Ident::new("compare", last.ident.span()),
                    };
                    self.choice(expr, parse_quote!(&crate::ops::#module::#other), changed, span);
                }
            }
            Expr::MethodCall(call) => {
                if let Some(changed) = name(&call.method.to_string()) {
                    let method = syn::Ident::new(changed, call.method.span());
                    let mutant = Expr::MethodCall(syn::ExprMethodCall { method, ..call.clone() });
                    self.choice(expr, mutant, changed, call.method.span());
                }
            }
            Expr::Index(index) => {
                let is_x = match &*index.expr {
                    Expr::Path(path) => path.path.is_ident("x"),
                    Expr::Field(field) => matches!(&field.member, syn::Member::Named(name) if name == "x"),
                    _ => false,
                };
                let digits = match &*index.index {
                    Expr::Lit(syn::ExprLit { lit: Lit::Int(at), .. }) => at.base10_digits().to_owned(),
                    _ => String::new(),
                };
                let changed: Option<Expr> = match digits.as_str() {
                    "0" => Some(parse_quote!(1)),
                    "1" => Some(parse_quote!(0)),
                    _ => None,
                };
                if let (true, Some(at)) = (is_x, changed) {
                    let what = if digits == "0" { "x[1]" } else { "x[0]" };
                    let mutant = Expr::Index(syn::ExprIndex { index: Box::new(at), ..index.clone() });
                    self.choice(expr, mutant, what, span);
                }
            }
            Expr::Field(field) => {
                let is_at = matches!(&*field.base, Expr::Path(path) if path.path.is_ident("at"));
                if is_at && matches!(&field.member, syn::Member::Named(name) if name == "y") {
                    self.choice(expr, parse_quote!(at.x[0]), "at.x[0]", span);
                }
            }
            _ => {}
        }
    }

    // What is assigned to, borrowed or called is a place or a name; only its parts may change.
    fn visit_expr_assign_mut(&mut self, assign: &mut syn::ExprAssign) {
        self.visit_expr_mut(&mut assign.right);
    }

    fn visit_expr_reference_mut(&mut self, reference: &mut syn::ExprReference) {
        if !matches!(*reference.expr, Expr::Index(_) | Expr::Field(_) | Expr::Path(_)) {
            visit_mut::visit_expr_reference_mut(self, reference);
        }
    }

    fn visit_expr_binary_mut(&mut self, binary: &mut syn::ExprBinary) {
        let assigns = matches!(
            binary.op,
            BinOp::AddAssign(_) | BinOp::SubAssign(_) | BinOp::MulAssign(_) | BinOp::DivAssign(_)
        );
        if !assigns {
            self.visit_expr_mut(&mut binary.left);
        }
        self.visit_expr_mut(&mut binary.right);
    }
}

fn has_let(expr: &Expr) -> bool {
    match expr {
        Expr::Let(_) => true,
        Expr::Binary(binary) if matches!(binary.op, BinOp::And(_)) => has_let(&binary.left) || has_let(&binary.right),
        _ => false,
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [list, without, files @ ..] = &arguments[..] else {
        return Err("usage: mutants LIST WITHOUT FILE…".into());
    };
    let without: HashSet<usize> =
        fs::read_to_string(without).unwrap_or_default().split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    let (mut next, mut lines) = (1, String::new());
    for path in files {
        let text = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
        let mut file = syn::parse_file(&text).map_err(|error| format!("{path}: {error}"))?;
        let mut mutator = Mutator { file: path, next, without: &without, is_const: false, list: String::new() };
        mutator.visit_file_mut(&mut file);
        next = mutator.next;
        lines += &mutator.list;
        fs::write(path, prettyplease::unparse(&file)).map_err(|error| format!("{path}: {error}"))?;
    }
    fs::write(list, lines)?;
    Ok(())
}
