//! Tensors that are put together element by element: `ys[t] = …;` in a loop.
//!
//! Elements are bound in any order, and again if need be. Where the tensor itself is used, its elements are joined along a
//! new first axis, and there must be no hole; `ys[t - 1]` is the element alone.

use proc_macro2::Ident;

use super::{Builder, LONGEST, Value};
use crate::ast::{Expr, ExprKind, Index};
use crate::diag::{Diagnostic, Region};
use crate::graph::{Attrs, Kind, NodeId};
use crate::ops;
use crate::shape::Shape;

impl Builder<'_> {
    /// Binds an element.
    pub(super) fn part(&mut self, name: &Ident, index: &Expr, value: &Expr) {
        let (text, region) = (name.to_string(), Region::from(name.span()));
        self.feeds = self.path_of(&text);
        let at = self.whole(index, "the index of a part").filter(|&at| self.is_near(at, index.region));
        let node = self.value(value).and_then(|found| self.node(found, value.region));
        let (Some(at), Some(node)) = (at, node) else {
            if !self.scope().names.contains_key(&text) {
                self.bind(&text, Value::Poison, region);
            }
            return;
        };
        if !matches!(self.graph[node].kind, Kind::Input(_) | Kind::Param(_)) {
            let label = self.feeds.clone();
            self.graph.label(node, label);
        }
        let parts = match self.scope().names.get(&text).map(|binding| binding.value) {
            Some(Value::Parts(parts)) => parts,
            Some(Value::Poison) => return,
            Some(_) => {
                let fact = format!("`{text}` has a value already, and the parts of a value don't change");
                let help = format!("collect parts under a name of their own: `{text}s[{at}] = …;`");
                self.errors.push(Diagnostic::new(region, fact).help(help));
                return;
            }
            None => {
                self.parts.push(Vec::new());
                let parts = self.parts.len() - 1;
                self.bind(&text, Value::Parts(parts), region);
                parts
            }
        };
        let known = self.parts[parts].iter().enumerate().find_map(|(at, part)| Some((at, (*part)?)));
        if let Some((first, known)) = known
            && self.graph[known].shape != self.graph[node].shape
        {
            let shape = |id: NodeId| match &self.graph[id].shape {
                shape if shape.is_scalar() => "is a scalar".to_owned(),
                shape => format!("has the shape {shape}"),
            };
            let fact = format!("`{text}[{at}]` {}, and `{text}[{first}]` {}", shape(node), shape(known));
            self.errors
                .push(Diagnostic::new(value.region, fact).help("the elements of a tensor have one shape"));
            return;
        }
        let len = self.parts[parts].len().max(at + 1);
        self.parts[parts].resize(len, None);
        self.parts[parts][at] = Some(node);
    }

    /// What a name stands for in an expression: a tensor that is put together as a whole, nothing after a mistake.
    pub(super) fn whole_value(&mut self, name: &str, value: Value, region: Region) -> Option<Value> {
        match value {
            Value::Parts(parts) => self.joined(name, parts, region).map(Value::Node),
            Value::Poison => None,
            _ => Some(value),
        }
    }

    /// The elements, one after the other along a new axis.
    fn joined(&mut self, name: &str, parts: usize, region: Region) -> Option<NodeId> {
        let parts = self.parts[parts].clone();
        let Some(elements) = parts.iter().copied().collect::<Option<Vec<NodeId>>>() else {
            let hole = parts.iter().position(Option::is_none).unwrap_or_default();
            let fact = format!("`{name}[{hole}]` has no value here");
            let help =
                format!("all elements from `{name}[0]` to `{name}[{}]` have to be bound", parts.len() - 1);
            self.errors.push(Diagnostic::new(region, fact).help(help));
            return None;
        };
        let rows = elements.into_iter().map(|element| {
            let row: Shape = std::iter::once(1).chain(self.graph[element].shape.iter().copied()).collect();
            self.apply_with(&ops::reshape::RESHAPE, Attrs::sizes(row.to_vec()), &[element], region)
        });
        let rows: Vec<NodeId> = rows.collect::<Option<_>>()?;
        let whole = self.apply_with(&ops::concat::CONCAT, Attrs::axes([0]), &rows, region)?;
        let label = self.path_of(name);
        self.graph.label(whole, label);
        Some(whole)
    }

    /// Of `ys[t - 1, …]`, the element and the indices within it, where `ys` is put together; nothing where it is another
    /// value. `None` after a mistake, which has been reported.
    #[allow(clippy::option_option, reason = "a mistake is something else than another value")]
    pub(super) fn element<'e>(
        &mut self,
        base: &Expr,
        indices: &'e [Index],
    ) -> Option<Option<(NodeId, &'e [Index])>> {
        let (ExprKind::Name(name), [Index::At(index), rest @ ..]) = (&base.kind, indices) else {
            return Some(None);
        };
        let name = name.to_string();
        let Some(binding) = self.scope_mut().names.get_mut(&name) else { return Some(None) };
        let Value::Parts(parts) = binding.value else { return Some(None) };
        binding.used = true;
        let at = self.number_of(index)?;
        let len = self.parts[parts].len();
        let found = if at < 0.0 { at + len as f64 } else { at };
        let element = (found.fract() == 0.0 && found >= 0.0 && found < len as f64)
            .then(|| self.parts[parts][found as usize])
            .flatten();
        let Some(element) = element else {
            let fact = format!("`{name}[{at}]` has no value here");
            let help = format!("bind it before, as in `{name}[{at}] = …;`");
            self.errors.push(Diagnostic::new(index.region, fact).help(help));
            return None;
        };
        Some(Some((element, rest)))
    }

    /// Whether an element has a place among those that a model may have.
    fn is_near(&mut self, at: usize, region: Region) -> bool {
        if at < LONGEST {
            return true;
        }
        let fact = format!("the index {at} is too large");
        self.errors
            .push(Diagnostic::new(region, fact).help(format!("at most {LONGEST} elements are put together")));
        false
    }
}
