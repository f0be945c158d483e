//! Calls: operations with their arguments, layers with the parameters that they make, the user's functions.

use proc_macro2::Ident;

use super::{Builder, Scope, Value};
use crate::ast::{Argument, Expr, ExprKind};
use crate::diag::{Diagnostic, Region, nearest};
use crate::graph::{Attrs, NodeId, Number};
use crate::model::Target;
use crate::ops::{self, Arg, Op, TargetShape};
use crate::shape::Shape;

/// Deeper calls than this are a function that calls itself.
const DEEPEST: usize = 64;

impl Builder<'_> {
    /// A call of an operation or of a function.
    pub(super) fn call(&mut self, name: &Ident, arguments: &[Argument], region: Region) -> Option<Value> {
        let text = name.to_string();
        if let Some(&function) = self.functions.get(&text) {
            return self.inline(function, arguments, region);
        }
        let positional = arguments.iter().filter(|argument| argument.name.is_none()).count();
        if let Some(op) = ops::find(&text, positional) {
            return self.operation(op, arguments, name.span().into(), region).map(Value::Node);
        }
        let known = ops::ALL.iter().filter(|op| !op.args.is_empty()).map(|op| op.name);
        let known = known.chain(self.functions.keys().map(String::as_str));
        let help = match nearest(&text, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None if self.scope().names.contains_key(&text) => {
                format!("`{text}` is a value; a product needs its sign: `{text}*(…)`")
            }
            None => format!("define it beside the model: `fn {text}(x) {{ … }}`"),
        };
        let fact = format!("there is no operation or function `{text}`");
        self.errors.push(Diagnostic::new(name.span(), fact).help(help));
        None
    }

    /// A function's body in place of its call, with names of its own.
    fn inline(
        &mut self,
        function: &crate::ast::Function,
        arguments: &[Argument],
        region: Region,
    ) -> Option<Value> {
        let name = function.name.to_string();
        let expected: Vec<String> = function.parameters.iter().map(ToString::to_string).collect();
        let mut values: Vec<Option<Value>> = vec![None; expected.len()];
        let mut wrong = false;
        for (position, argument) in arguments.iter().enumerate() {
            let slot = match &argument.name {
                None => Some(position),
                Some(given) => expected.iter().position(|name| given == name),
            };
            let value = self.value(&argument.value);
            match slot.and_then(|slot| values.get_mut(slot)) {
                Some(place) => *place = Some(value.unwrap_or(Value::Poison)),
                None => wrong = true,
            }
        }
        if wrong || values.iter().any(Option::is_none) {
            let fact =
                format!("`{name}` takes {} and gets {}", count(expected.len()), count(arguments.len()));
            self.errors
                .push(Diagnostic::new(region, fact).help(format!("`{name}({})`", expected.join(", "))));
            return None;
        }
        if self.calls.len() >= DEEPEST {
            let fact = format!("`{name}` calls itself without end");
            self.errors.push(
                Diagnostic::new(region, fact)
                    .help("functions are inlined; repeat with `for i in 0..4 { … }`"),
            );
            return None;
        }
        let feeds = self.feeds.clone();
        let mut scope = Scope { path: vec![feeds.clone()], ..Scope::default() };
        scope.path = feeds.split('.').map(str::to_owned).collect();
        self.scopes.push(scope);
        self.calls.push(name);
        for (parameter, value) in function.parameters.iter().zip(values) {
            let text = parameter.to_string();
            self.bind(&text, value.unwrap_or(Value::Poison), parameter.span().into());
        }
        for statement in &function.body.statements {
            self.statement(statement, false);
        }
        self.feeds.clone_from(&feeds);
        let value = function.body.tail.as_ref().and_then(|tail| self.value(tail));
        self.calls.pop();
        self.scopes.pop();
        self.feeds = feeds;
        value
    }

    fn operation(
        &mut self,
        op: &'static Op,
        arguments: &[Argument],
        name: Region,
        region: Region,
    ) -> Option<NodeId> {
        let slots = self.slots(op, arguments, region)?;
        let mut operands: Vec<NodeId> = Vec::new();
        let mut failed = false;
        for (arg, given) in op.args.iter().zip(&slots).filter(|(arg, _)| arg.is_operand()) {
            for value in given {
                let operand = match arg {
                    Arg::Target(_, shape) if is_target(value) => operands
                        .first()
                        .copied()
                        .and_then(|prediction| self.target_for(prediction, *shape, op, value.region)),
                    _ => self.value(value).and_then(|operand| self.node(operand, value.region)),
                };
                match operand {
                    Some(operand) => operands.push(operand),
                    None => failed = true,
                }
            }
        }
        if failed {
            return None;
        }
        let rank = operands.first().map_or(0, |&first| self.graph[first].shape.len());
        let mut attrs = Attrs::default();
        for (arg, given) in op.args.iter().zip(&slots).filter(|(arg, _)| !arg.is_operand()) {
            self.attribute(&mut attrs, arg, given.first().copied(), rank, region)?;
        }
        if let Some(weights) = op.weights {
            let shapes: Vec<Shape> = operands.iter().map(|&id| self.graph[id].shape.clone()).collect();
            // A layer that doesn't fit its input says so before it makes parameters.
            if let Err(mismatch) = (op.shape)(&attrs, &shapes) {
                self.mismatch(op, &mismatch, &operands, region);
                return None;
            }
            let owner = self.layer_owner(&weights(&attrs, &shapes));
            for weight in weights(&attrs, &shapes) {
                operands.push(self.new_param(
                    &owner,
                    Some(weight.name),
                    weight.shape,
                    weight.init,
                    name,
                    None,
                ));
            }
        }
        self.apply_with(op, attrs, &operands, region)
    }

    /// The variable that the layer feeds, with a number if another layer feeds it too.
    fn layer_owner(&self, weights: &[ops::Weight]) -> String {
        let taken = |owner: &str| {
            weights.iter().any(|weight| {
                let name = format!("{owner}.{}", weight.name);
                self.params.iter().any(|param| param.name == name)
            })
        };
        let feeds = &self.feeds;
        std::iter::once(feeds.clone())
            .chain((2..usize::MAX).map(|count| format!("{feeds}_{count}")))
            .find(|owner| !taken(owner))
            .unwrap_or_default()
    }

    /// Which argument of the call belongs to which argument of the operation.
    fn slots<'e>(
        &mut self,
        op: &Op,
        arguments: &'e [Argument],
        region: Region,
    ) -> Option<Vec<Vec<&'e Expr>>> {
        let mut slots: Vec<Vec<&Expr>> = vec![Vec::new(); op.args.len()];
        let mut position = 0;
        for argument in arguments {
            let slot = if let Some(name) = &argument.name {
                let known = op.args.iter().position(|arg| name == arg.name());
                if known.is_none() {
                    let names: Vec<&str> = op.args.iter().map(Arg::name).collect();
                    let help = match nearest(&name.to_string(), names.iter().copied()) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => signature(op),
                    };
                    let fact = format!("`{}` has no argument `{name}`", op.name);
                    self.errors.push(Diagnostic::new(name.span(), fact).help(help));
                    return None;
                }
                known
            } else {
                let slot = (position < op.args.len()).then_some(position);
                if !matches!(op.args.get(position), Some(Arg::Tensors(_))) {
                    position += 1;
                }
                slot
            };
            let Some(slot) = slot else {
                let fact = format!("`{}` takes at most {}", op.name, count(op.args.len()));
                self.errors.push(Diagnostic::new(argument.value.region, fact).help(signature(op)));
                return None;
            };
            if !slots[slot].is_empty() && !matches!(op.args[slot], Arg::Tensors(_)) {
                let fact = format!("`{}` is given twice", op.args[slot].name());
                self.errors.push(Diagnostic::new(argument.value.region, fact).help(signature(op)));
                return None;
            }
            slots[slot].push(&argument.value);
        }
        let missing: Vec<&str> = op
            .args
            .iter()
            .zip(&slots)
            .filter(|(arg, given)| given.is_empty() && is_required(arg))
            .map(|(arg, _)| arg.name())
            .collect();
        if missing.is_empty() {
            return Some(slots);
        }
        let fact = format!("`{}` needs {}", op.name, missing.join(" and "));
        self.errors.push(Diagnostic::new(region, fact).help(signature(op)));
        None
    }

    fn attribute(
        &mut self,
        attrs: &mut Attrs,
        arg: &Arg,
        given: Option<&Expr>,
        rank: usize,
        region: Region,
    ) -> Option<()> {
        match (*arg, given) {
            (Arg::Number(_, default), None) => attrs.numbers.extend(default.map(Number)),
            (Arg::Number(..), Some(expr)) => attrs.numbers.push(Number(self.number_of(expr)?)),
            (Arg::Size(_, default), None) => attrs.sizes.extend(default),
            (Arg::Size(name, _), Some(expr)) => attrs.sizes.push(self.size(expr, name)?),
            (Arg::Sizes(name), Some(expr)) => {
                for size in list(expr) {
                    attrs.sizes.push(self.size(size, name)?);
                }
            }
            (Arg::Flag(_, default), None) => attrs.sizes.push(default.into()),
            (Arg::Flag(name, _), Some(expr)) => match &expr.kind {
                ExprKind::Name(flag) if flag == "true" || flag == "false" => {
                    attrs.sizes.push((flag == "true").into());
                }
                _ => {
                    let fact = format!("`{name}` is `true` or `false`");
                    self.errors.push(Diagnostic::new(expr.region, fact));
                    return None;
                }
            },
            (Arg::Axis(_, default), None) => {
                let axis = self.axis(default as f64, rank, region)?;
                attrs.axes.push(axis);
            }
            (Arg::Axes(_), None) => attrs.axes.extend(0..rank),
            (Arg::Order(_), None) => attrs.axes.extend((0..rank).rev()),
            (Arg::Axis(..) | Arg::Axes(_) | Arg::Order(_), Some(expr)) => {
                for axis in list(expr) {
                    let number = self.number_of(axis)?;
                    attrs.axes.push(self.axis(number, rank, axis.region)?);
                }
                if matches!(arg, Arg::Axes(_)) {
                    attrs.axes.sort_unstable();
                    attrs.axes.dedup();
                }
            }
            _ => {}
        }
        Some(())
    }

    fn size(&mut self, expr: &Expr, name: &str) -> Option<usize> {
        let size = self.whole(expr, &format!("`{name}`"))?;
        if size == 0 {
            self.errors.push(Diagnostic::new(expr.region, format!("`{name}` is above 0")));
            return None;
        }
        Some(size)
    }

    fn axis(&mut self, axis: f64, rank: usize, region: Region) -> Option<usize> {
        let at = if axis < 0.0 { axis + rank as f64 } else { axis };
        if at.fract() == 0.0 && at >= 0.0 && at < rank as f64 {
            return Some(at as usize);
        }
        let help = match rank {
            0 => "a scalar has no axes: give the model's input a shape, `x: [16]`".to_owned(),
            1 => "the only axis is 0".to_owned(),
            _ => format!("the axes are 0 to {}", rank - 1),
        };
        self.errors.push(Diagnostic::new(region, format!("there is no axis {axis}")).help(help));
        None
    }

    /// The target of a loss, in the shape that its prediction implies.
    fn target_for(
        &mut self,
        prediction: NodeId,
        shape: TargetShape,
        op: &Op,
        region: Region,
    ) -> Option<NodeId> {
        if !self.in_loss {
            let fact = "`target` belongs to the loss";
            self.errors
                .push(Diagnostic::new(region, fact).help(format!("write `loss {}(y, target);`", op.name)));
            return None;
        }
        let predicted = self.graph[prediction].shape.clone();
        let target = match shape {
            TargetShape::LikePrediction => Target::Values(predicted),
            TargetShape::Probability => Target::Binary(predicted),
            TargetShape::ClassIndex => Target::Class(predicted.last().copied().unwrap_or(1)),
        };
        self.set_target(target, region)
    }
}

fn is_target(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Name(name) if name == "target")
}

fn is_required(arg: &Arg) -> bool {
    match arg {
        Arg::Tensor(_) | Arg::Target(..) | Arg::Tensors(_) | Arg::Sizes(_) => true,
        Arg::Number(_, default) => default.is_none(),
        Arg::Size(_, default) => default.is_none(),
        _ => false,
    }
}

/// The entries of a list, or the expression alone.
fn list(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        ExprKind::List(entries) => entries.iter().collect(),
        _ => vec![expr],
    }
}

fn count(arguments: usize) -> String {
    match arguments {
        1 => "1 argument".to_owned(),
        n => format!("{n} arguments"),
    }
}

/// How an operation is called: `dense(x, units, bias = true)`.
fn signature(op: &Op) -> String {
    let args: Vec<String> = op
        .args
        .iter()
        .map(|arg| match arg {
            Arg::Tensors(name) => format!("{name}, …"),
            Arg::Number(name, Some(default)) => format!("{name} = {default}"),
            Arg::Size(name, Some(default)) => format!("{name} = {default}"),
            Arg::Flag(name, default) => format!("{name} = {default}"),
            Arg::Axis(name, default) => format!("{name} = {default}"),
            Arg::Axes(name) => format!("{name} = all"),
            Arg::Order(name) => format!("{name} = reversed"),
            other => other.name().to_owned(),
        })
        .collect();
    format!("`{}({})`", op.name, args.join(", "))
}
