//! Expressions: names, numbers, operators, indices.

use super::{Builder, Value, declaration};
use crate::ast::{Expr, ExprKind, Index};
use crate::diag::{Diagnostic, Region, nearest};
use crate::graph::{Attrs, Kind, NodeId};
use crate::model::{Extra, Target};
use crate::ops::{self, Mismatch, Op};
use crate::shape::Shape;

impl Builder<'_> {
    /// The value of an expression; `None` after a mistake, which has been reported.
    pub(super) fn value(&mut self, expr: &Expr) -> Option<Value> {
        let region = expr.region;
        match &expr.kind {
            ExprKind::Number(number) => Some(Value::Number(*number)),
            ExprKind::Text(text) => {
                let help = match ops::known_as(text) {
                    Some(op) => format!("`{0}` is an operation around a value: `{0}(…)`", op.name),
                    None => "a model computes with numbers; names stand without quotes".to_owned(),
                };
                self.errors.push(Diagnostic::new(region, "a text is no value").help(help));
                None
            }
            ExprKind::Name(name) => self.name(&name.to_string(), region),
            ExprKind::Field(path) => self.field(path, region),
            ExprKind::Negate(inner) => match self.value(inner)? {
                Value::Number(number) => Some(Value::Number(-number)),
                value => {
                    let id = self.node(value, region)?;
                    self.apply(&ops::neg::NEG, &[id], region).map(Value::Node)
                }
            },
            ExprKind::Binary(..) => self.binary(expr),
            ExprKind::Call(name, arguments) => self.call(name, arguments, region),
            ExprKind::Index(base, indices) => {
                if let Some((element, rest)) = self.element(base, indices)? {
                    return self.index(element, rest, region).map(Value::Node);
                }
                let base_region = base.region;
                let base = self.value(base).and_then(|base| self.node(base, base_region));
                self.index(base?, indices, region).map(Value::Node)
            }
            ExprKind::List(_) => {
                self.errors.push(Diagnostic::new(region, "a list is no value").help(
                    "lists are shapes and axes: `reshape(x, [2, 3])`; join tensors with `concat(a, b)`",
                ));
                None
            }
        }
    }

    fn name(&mut self, name: &str, region: Region) -> Option<Value> {
        if let Some(binding) = self.scope_mut().names.get_mut(name) {
            binding.used = true;
            let value = binding.value;
            if let Value::Node(id) = value
                && let Kind::Param(position) = self.graph[id].kind
            {
                self.params[position].used = true;
            }
            return self.whole_value(name, value, region);
        }
        if name == "target" {
            return self.target_like_output(region).map(Value::Node);
        }
        if name == "weight" && self.in_loss {
            return Some(Value::Node(self.extra(name, Extra::Weight, region)));
        }
        let mut known: Vec<&str> = self.scope().names.keys().map(String::as_str).collect();
        if self.in_loss {
            known.extend(["target", "weight"]);
        }
        let help = if name == "weight" {
            "`weight`, how much an example counts, belongs to the loss: `loss weight * mse(y, target);`"
                .to_owned()
        } else if let Some(near) = nearest(name, known.iter().copied()) {
            format!("did you mean `{near}`?")
        } else if let Some(op) = ops::known_as(name) {
            format!("an operation has brackets: `{}(…)`", op.name)
        } else if self.scopes.len() == 1 && self.declared.contains(name) {
            format!("`{name}` is bound only later; statements run from top to bottom")
        } else if self.scopes.len() > 1 && self.scopes[0].names.contains_key(name) {
            format!("a function sees its own names alone; hand `{name}` over as an argument")
        } else {
            format!("declare it as a parameter with `param {name};`, as an input in the header, or bind it")
        };
        self.errors.push(Diagnostic::new(region, format!("there is no `{name}` here")).help(help));
        None
    }

    /// `h1.weight`: a parameter that a layer made for itself.
    fn field(&mut self, path: &[proc_macro2::Ident], region: Region) -> Option<Value> {
        let name = path.iter().map(ToString::to_string).collect::<Vec<_>>().join(".");
        let full = self.path_of(&name);
        if let Some(param) = self.params.iter_mut().find(|param| param.name == full) {
            param.used = true;
            let node = param.node;
            if let Some(binding) = self.scope_mut().names.get_mut(&path[0].to_string()) {
                binding.used = true;
            }
            return Some(Value::Node(node));
        }
        // The owner's own mistake has been reported, or is to be.
        self.name(&path[0].to_string(), path[0].span().into())?;
        let (owner, last) = (path[0].to_string(), path[path.len() - 1].to_string());
        let prefix = format!("{}.", self.path_of(&owner));
        let known: Vec<&str> = self
            .params
            .iter()
            .filter(|param| param.name.starts_with(&prefix))
            .map(|param| param.name.as_str())
            .collect();
        let help = if let Some(near) = nearest(&full, known.iter().copied()) {
            format!("did you mean `{near}`?")
        } else if let Some(op) = ops::known_as(&last) {
            format!("an operation has brackets: `{owner}.{}()`", op.name)
        } else if ["shape", "size", "ndim", "len"].contains(&last.as_str()) {
            "sizes are literals in a model: write the number itself".to_owned()
        } else if known.is_empty() {
            format!(
                "no layer has made a parameter for `{owner}`; `h = dense(x, 64)` makes `h.weight` and `h.bias`"
            )
        } else {
            format!("it has {}", known.join(", "))
        };
        self.errors.push(Diagnostic::new(region, format!("`{owner}` has no `{last}`")).help(help));
        None
    }

    /// A chain of operators from its first value on: a sum of a thousand terms must not need a thousand calls deep.
    fn binary(&mut self, expr: &Expr) -> Option<Value> {
        let (mut chain, mut first) = (Vec::new(), expr);
        while let ExprKind::Binary(symbol, left, right) = &first.kind {
            chain.push((*symbol, &**right, first.region));
            first = left;
        }
        let mut value = self.value(first);
        let mut region = first.region;
        for (symbol, right, whole) in chain.into_iter().rev() {
            // Both sides, so that the mistakes of both are reported.
            let other = self.value(right);
            value = match (value, other) {
                (Some(a), Some(b)) => self.operator(symbol, (a, region), (b, right.region), whole),
                _ => None,
            };
            region = whole;
        }
        value
    }

    fn operator(
        &mut self,
        symbol: &str,
        (a, left): (Value, Region),
        (b, right): (Value, Region),
        region: Region,
    ) -> Option<Value> {
        let op = ops::by_symbol(symbol)?;
        if let (Value::Number(a), Value::Number(b)) = (a, b) {
            let scalar = |value| ndarray::arr0(value).into_dyn();
            let result = (op.shape)(&Attrs::default(), &[Shape::scalar(), Shape::scalar()]);
            return match result {
                Ok(_) => {
                    let value = (op.eval)(&Attrs::default(), &[scalar(a), scalar(b)]).first().copied()?;
                    let what = format!("`{}`", op.written());
                    self.is_number(value, &what, region).then_some(Value::Number(value))
                }
                Err(mismatch) => {
                    self.mismatch(op, &mismatch, &[], region);
                    None
                }
            };
        }
        let (a, b) = (self.node(a, left)?, self.node(b, right)?);
        self.apply(op, &[a, b], region).map(Value::Node)
    }

    /// A value as a node; a plain number becomes a scalar constant.
    pub(super) fn node(&mut self, value: Value, region: Region) -> Option<NodeId> {
        match value {
            Value::Node(id) => Some(id),
            Value::Number(number) => self
                .is_number(number, "the value", region)
                .then(|| self.graph.constant(number, Shape::scalar())),
            Value::Parts(_) | Value::Poison => None,
        }
    }

    /// A number that is known at compile time.
    pub(super) fn number_of(&mut self, expr: &Expr) -> Option<f64> {
        if let Value::Number(number) = self.value(expr)? {
            return self.is_number(number, "the value", expr.region).then_some(number);
        }
        self.errors.push(
            Diagnostic::new(expr.region, "this has to be a number that is known at compile time")
                .help("write the number itself"),
        );
        None
    }

    /// A whole number, not negative.
    pub(super) fn whole(&mut self, expr: &Expr, what: &str) -> Option<usize> {
        let number = self.number_of(expr)?;
        if number >= 0.0 && number.fract() == 0.0 && number <= f64::from(u32::MAX) {
            return Some(number as usize);
        }
        self.errors.push(
            Diagnostic::new(expr.region, format!("{what} is a whole number, not {number}"))
                .help("write a whole number such as 16"),
        );
        None
    }

    /// An operation on nodes of shapes that may have to be broadcast.
    pub(super) fn apply(&mut self, op: &'static Op, operands: &[NodeId], region: Region) -> Option<NodeId> {
        self.apply_with(op, Attrs::default(), operands, region)
    }

    /// The same with attributes.
    pub(super) fn apply_with(
        &mut self,
        op: &'static Op,
        attrs: Attrs,
        operands: &[NodeId],
        region: Region,
    ) -> Option<NodeId> {
        let mut operands = operands.to_vec();
        if matches!(op.kernel, ops::Kernel::Pointwise) && operands.len() > 1 {
            operands = self.broadcast(op, &operands, region)?;
        }
        let values = self.values(&operands);
        if let Some(fact) = (op.undefined)(&values) {
            let help = "a model has a value for every input; such a constant leaves it none";
            self.errors.push(Diagnostic::new(region, fact).help(help));
            return None;
        }
        let known = constant(op, &attrs, &values);
        if let Some(value) = known
            && !self.is_number(value, &format!("`{}`", op.written()), region)
        {
            return None;
        }
        match self.graph.apply(op, attrs, &operands, region) {
            Ok(id) => {
                let shape = self.graph[id].shape.clone();
                self.known.extend(known.map(|value| (id, value)));
                self.fits(&shape, region).then_some(id)
            }
            Err(mismatch) => {
                self.mismatch(op, &mismatch, &operands, region);
                None
            }
        }
    }

    /// The numbers that fill operands, where constants alone decide them.
    fn values(&self, operands: &[NodeId]) -> Vec<Option<f64>> {
        let value = |id: &NodeId| match self.graph[*id].kind {
            Kind::Constant(number) => Some(number.0),
            _ => self.known.get(id).copied(),
        };
        operands.iter().map(value).collect()
    }

    /// The operands stretched to the shape that they have in common.
    fn broadcast(&mut self, op: &Op, operands: &[NodeId], region: Region) -> Option<Vec<NodeId>> {
        let mut common = Shape::scalar();
        for &id in operands {
            let shape = &self.graph[id].shape;
            let Some(wider) = common.broadcast(shape) else {
                let fact =
                    format!("`{}` can't bring the shapes {} together", op.written(), self.shapes(operands));
                let mut mismatch = Mismatch::new(fact).help(
                    "sizes must be equal from the right, or 1: [3, 4] goes with [4], [1, 4] and [3, 1]",
                );
                mismatch.expected = self.fitting_parameter(operands);
                self.mismatch(op, &mismatch, operands, region);
                return None;
            };
            common = wider;
        }
        operands.iter().map(|&id| self.stretch(id, &common, region)).collect()
    }

    /// Of two operands that don't fit, the declared parameter and the shape in which it would.
    fn fitting_parameter(&self, operands: &[NodeId]) -> Option<(usize, Shape)> {
        let &[a, b] = operands else { return None };
        let is_param = |id: NodeId| self.params.iter().any(|param| param.declared && param.node == id);
        let (position, param, other) = match (is_param(a), is_param(b)) {
            (false, true) => (1, b, a),
            (true, false) => (0, a, b),
            _ => return None,
        };
        let (own, other) = (self.graph[param].shape.len(), &self.graph[other].shape);
        let rest = other.len().checked_sub(own)?;
        Some((position, other.iter().copied().skip(rest).collect()))
    }

    fn stretch(&mut self, id: NodeId, shape: &Shape, region: Region) -> Option<NodeId> {
        if self.graph[id].shape == *shape {
            return Some(id);
        }
        if let Kind::Constant(number) = self.graph[id].kind {
            return Some(self.graph.constant(number.0, shape.clone()));
        }
        let rank = self.graph[id].shape.len();
        let axes = (shape.len() - rank..shape.len()).collect();
        let attrs = Attrs { axes, sizes: shape.to_vec(), ..Attrs::default() };
        let stretched = self.graph.apply(&ops::broadcast::BROADCAST, attrs, &[id], region).ok()?;
        self.known.extend(self.known.get(&id).copied().map(|value| (stretched, value)));
        Some(stretched)
    }

    fn shapes(&self, operands: &[NodeId]) -> String {
        let shapes: Vec<String> = operands.iter().map(|&id| self.graph[id].shape.to_string()).collect();
        shapes.join(" and ")
    }

    /// Reports operands that don't fit. `{op}` in the fact is the operation as the user writes it; a help line that
    /// speaks of `{0}` and `{1}` gets the operands' names.
    pub(super) fn mismatch(&mut self, op: &Op, mismatch: &Mismatch, operands: &[NodeId], region: Region) {
        let named = |position: usize| {
            let label = operands.get(position).and_then(|&id| self.graph[id].label.as_deref());
            match (label, position) {
                (Some(label), _) => format!("`{label}`"),
                (None, 0) => "the left side".to_owned(),
                (None, 1) => "the right side".to_owned(),
                (None, _) => format!("operand {}", position + 1),
            }
        };
        let mut help =
            mismatch.help.clone().map(|help| help.replace("{0}", &named(0)).replace("{1}", &named(1)));
        if let Some((position, shape)) = &mismatch.expected
            && let Some(&id) = operands.get(*position)
            && let Some(param) = self.params.iter().find(|param| param.declared && param.node == id)
        {
            let declaration = format!("declare `{}`", declaration(&param.name, shape));
            help = Some(help.map_or(declaration.clone(), |help| format!("{help}; {declaration}")));
        }
        if help.is_none() {
            let mut known: Vec<String> = operands
                .iter()
                .filter_map(|&id| {
                    let node = &self.graph[id];
                    node.label.as_ref().map(|label| format!("`{label}` is {}", node.shape))
                })
                .collect();
            known.dedup();
            help = (!known.is_empty()).then(|| known.join(", "));
        }
        let mut diagnostic = Diagnostic::new(region, mismatch.fact.replace("{op}", op.written()));
        diagnostic.help = help;
        self.errors.push(diagnostic);
    }

    /// `target` in a formula of the user's own: in the shape of the output.
    fn target_like_output(&mut self, region: Region) -> Option<NodeId> {
        if let Some((_, id)) = self.target {
            return Some(id);
        }
        if !self.in_loss {
            self.errors.push(
                Diagnostic::new(region, "`target` belongs to the loss").help(
                    "use it there: `loss mse(y, target);`; what a model sees is an input in its header",
                ),
            );
            return None;
        }
        let first = *self.outputs.first()?;
        let shape = self.graph[first].shape.clone();
        if self.outputs.iter().any(|&id| self.graph[id].shape != shape) {
            self.errors.push(
                Diagnostic::new(region, "the outputs differ in shape, and so `target` has none of its own")
                    .help("use a loss that takes a prediction, such as `mse(y, target)`, first"),
            );
            return None;
        }
        self.set_target(Target::Values(shape), region)
    }

    /// What an example brings along in training.
    pub(super) fn extra(&mut self, label: &str, extra: Extra, region: Region) -> NodeId {
        let shape = extra.shape();
        let position = self.extras.iter().position(|known| *known == extra).unwrap_or_else(|| {
            self.extras.push(extra);
            self.extras.len() - 1
        });
        let id = self.graph.leaf(Kind::Extra(position), shape, region);
        self.graph.label(id, label);
        id
    }

    /// `target` with a meaning; it must be the same wherever it is used.
    pub(super) fn set_target(&mut self, target: Target, region: Region) -> Option<NodeId> {
        if let Some((known, id)) = &mut self.target {
            match (&*known, &target) {
                (Target::Binary(shape), Target::Values(wanted)) if shape == wanted => return Some(*id),
                // A probability is a number too, and that it is one is worth a check of the data.
                (Target::Values(shape), Target::Binary(wanted)) if shape == wanted => {
                    *known = target;
                    return Some(*id);
                }
                (known, target) if known == target => return Some(*id),
                _ => {}
            }
            let describe = |target: &Target| match target {
                Target::Values(shape) => format!("numbers in the shape {shape}"),
                Target::Binary(shape) => format!("probabilities in the shape {shape}"),
                Target::Class(count, shape) if shape.is_scalar() => format!("one of {count} classes"),
                Target::Class(count, shape) => format!("classes below {count} in the shape {shape}"),
            };
            let fact = format!("`target` can't be {} and {} at once", describe(known), describe(&target));
            self.errors.push(Diagnostic::new(region, fact).help("a model has one target"));
            return None;
        }
        let id = self.graph.leaf(Kind::Target, target.shape(), region);
        self.graph.label(id, "target");
        self.target = Some((target, id));
        Some(id)
    }

    /// `x[3, 0..4]`: a number takes an axis away, a range keeps a part of it.
    fn index(&mut self, base: NodeId, indices: &[Index], region: Region) -> Option<NodeId> {
        let shape = self.graph[base].shape.clone();
        if indices.len() > shape.len() {
            let (fact, help) = if shape.is_scalar() {
                ("a scalar has no elements to choose from".to_owned(), "use it as it is")
            } else {
                let given = indices.len();
                (
                    format!("{given} indices are too many for the shape {shape}"),
                    "one for each axis, from the first",
                )
            };
            self.errors.push(Diagnostic::new(region, fact).help(help));
            return None;
        }
        let (mut starts, mut lengths, mut dropped) = (Vec::new(), Vec::new(), Vec::new());
        for (axis, &size) in shape.iter().enumerate() {
            let (start, end) = match indices.get(axis) {
                None => (0, size),
                Some(Index::At(at)) => {
                    dropped.push(axis);
                    let at_region = at.region;
                    let position = self.number_of(at)?;
                    let start = self.position(position, size, size - 1, at_region)?;
                    (start, start + 1)
                }
                Some(Index::Range(from, to)) => {
                    let mut end_of = |end: &Option<Expr>, default: usize| match end {
                        None => Some(default),
                        Some(end) => {
                            let position = self.number_of(end)?;
                            self.position(position, size, size, end.region)
                        }
                    };
                    let (start, end) = (end_of(from, 0)?, end_of(to, size)?);
                    if end <= start {
                        let fact = format!("the slice {start}..{end} is empty");
                        self.errors.push(
                            Diagnostic::new(region, fact)
                                .help("a slice runs from its first number to below its second"),
                        );
                        return None;
                    }
                    (start, end)
                }
            };
            starts.push(start);
            lengths.push(end - start);
        }
        let attrs = Attrs { axes: dropped, sizes: [starts, lengths].concat(), ..Attrs::default() };
        self.apply_with(&ops::slice::SLICE, attrs, &[base], region)
    }

    /// A position on an axis; negative ones count from the end.
    fn position(&mut self, position: f64, size: usize, last: usize, region: Region) -> Option<usize> {
        let at = if position < 0.0 { position + size as f64 } else { position };
        if at.fract() == 0.0 && at >= 0.0 && at <= last as f64 {
            return Some(at as usize);
        }
        let fact = if position.fract() == 0.0 {
            format!("the index {position} is outside of an axis of {size} elements")
        } else {
            format!("an index is a whole number, not {position}")
        };
        let help = if last < size {
            format!("they count from 0 to {last}, or from the end: -1 is the last")
        } else {
            format!("a slice ends at {last} at most: its end is not included")
        };
        self.errors.push(Diagnostic::new(region, fact).help(help));
        None
    }
}

/// The value of a pointwise operation on constants alone.
fn constant(op: &Op, attrs: &Attrs, values: &[Option<f64>]) -> Option<f64> {
    let number = |value: &Option<f64>| value.map(|value| ndarray::arr0(value).into_dyn());
    let values: Vec<_> = values.iter().map(number).collect::<Option<_>>()?;
    let pointwise = matches!(op.kernel, ops::Kernel::Pointwise) && !values.is_empty();
    if pointwise { (op.eval)(attrs, &values).first().copied() } else { None }
}
