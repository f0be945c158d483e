//! Calls: operations with their arguments, layers with the parameters that they make, the user's functions.

use proc_macro2::Ident;

use super::{Builder, Scope, Value};
use crate::ast::{Argument, Expr, ExprKind};
use crate::diag::{Diagnostic, Region, nearest};
use crate::graph::{Attrs, NodeId, Number};
use crate::model::{Extra, Target};
use crate::ops::{self, Arg, Kernel, Op, TargetShape};
use crate::shape::Shape;

/// Libraries that people are used to call operations of.
const MODULES: &[&str] = &[
    "torch",
    "nn",
    "F",
    "np",
    "numpy",
    "jnp",
    "jax",
    "tf",
    "keras",
    "layers",
    "activations",
    "losses",
    "K",
    "math",
];

/// What arguments are called elsewhere.
const ALSO: &[(&str, &[&str])] = &[
    ("axis", &["dim", "dims", "axes"]),
    ("axes", &["perm", "dims", "order", "axis"]),
    ("units", &["out_features", "features", "neurons", "width", "hidden", "size"]),
    ("bias", &["use_bias"]),
    ("channels", &["out_channels", "filters", "features", "units", "width"]),
    ("kernel", &["kernel_size", "pool_size", "window", "size", "filter_size"]),
    ("stride", &["strides", "step", "subsample"]),
    ("padding", &["pad", "pads"]),
    ("dilation", &["dilation_rate", "rate", "dilations"]),
    ("groups", &["feature_group_count", "group", "num_groups"]),
    ("classes", &["num_classes", "depth"]),
    ("label_smoothing", &["smoothing", "label_smooth"]),
    ("epsilon", &["eps", "variance_epsilon"]),
    ("momentum", &["decay"]),
    ("p", &["prob", "rate", "probability", "drop"]),
    ("slope", &["negative_slope", "alpha"]),
    ("low", &["min", "a_min"]),
    ("high", &["max", "a_max"]),
    ("shape", &["size", "newshape"]),
];

impl Builder<'_> {
    /// A call of an operation or of a function.
    pub(super) fn call(&mut self, name: &Ident, arguments: &[Argument], region: Region) -> Option<Value> {
        let text = name.to_string();
        if let Some(module) = self.module(arguments) {
            let fact = format!("there is no `{module}` in a model");
            let help = match ops::known_as(&text) {
                Some(op) => format!("operations go by their name alone: {}", signature(op)),
                None => "operations and functions go by their name alone, without a module".to_owned(),
            };
            self.errors.push(Diagnostic::new(region, fact).help(help));
            return None;
        }
        if let Some(&function) = self.functions.get(&text) {
            return self.inline(function, arguments, region);
        }
        let positional = arguments.iter().filter(|argument| argument.name.is_none()).count();
        if let Some(op) = ops::find(&text, positional) {
            return self.operation(op, arguments, name.span().into(), region).map(Value::Node);
        }
        let known = ops::ALL.iter().filter(|op| !op.args.is_empty()).map(|op| op.name);
        let known = known.chain(self.functions.keys().map(String::as_str));
        let help = match ops::known_as(&text).map(|op| op.name).or_else(|| nearest(&text, known)) {
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
        self.called.insert(name.clone());
        let values = self.function_arguments(function, arguments, region)?;
        if self.calls.contains(&name) {
            let fact = format!("`{name}` calls itself without end");
            self.errors.push(
                Diagnostic::new(region, fact)
                    .help("functions are inlined; repeat with `for i in 0..4 { … }`"),
            );
            return None;
        }
        if function.broken || !self.spend(region) {
            self.broken |= function.broken;
            return None;
        }
        let feeds = self.feeds.clone();
        let variable = feeds.rsplit('.').next().unwrap_or_default();
        self.blocks.enter(self.graph.len(), format!("{variable}: {name}"));
        let path = feeds.split('.').map(str::to_owned).collect();
        self.scopes.push(Scope { path, ..Scope::default() });
        self.calls.push(name);
        for (parameter, value) in function.parameters.iter().zip(values) {
            self.bind(&parameter.to_string(), value, parameter.span().into());
        }
        for statement in &function.body.statements {
            self.statement(statement, false);
        }
        self.feeds.clone_from(&feeds);
        // A function without a value has been reported.
        self.broken |= function.body.tail.is_none();
        let value = function.body.tail.as_ref().and_then(|tail| self.value(tail));
        self.calls.pop();
        self.blocks.leave(self.graph.len());
        let names = self.scopes.pop().map(|scope| scope.names).unwrap_or_default();
        let unused = names.into_iter().filter(|(name, binding)| !binding.used && !name.starts_with('_'));
        self.unused.extend(unused.map(|(name, binding)| (name, binding.region)));
        self.feeds = feeds;
        value
    }

    /// What a call gives for each argument of a function.
    fn function_arguments(
        &mut self,
        function: &crate::ast::Function,
        arguments: &[Argument],
        region: Region,
    ) -> Option<Vec<Value>> {
        let name = function.name.to_string();
        let expected: Vec<String> = function.parameters.iter().map(ToString::to_string).collect();
        let help = format!("`{name}({})`", expected.join(", "));
        let mut values: Vec<Option<Value>> = vec![None; expected.len()];
        for (position, argument) in arguments.iter().enumerate() {
            let value = self.value(&argument.value).unwrap_or(Value::Poison);
            if function.broken {
                continue;
            }
            let slot = match &argument.name {
                None => position,
                Some(given) => {
                    let Some(slot) = expected.iter().position(|name| given == name) else {
                        let fact = format!("`{name}` has no argument `{given}`");
                        self.errors.push(Diagnostic::new(given.span(), fact).help(help));
                        return None;
                    };
                    slot
                }
            };
            match values.get_mut(slot) {
                Some(Some(_)) => {
                    let fact = format!("`{}` is given twice", expected[slot]);
                    self.errors.push(Diagnostic::new(argument.value.region, fact).help(help));
                    return None;
                }
                Some(place) => *place = Some(value),
                None => {}
            }
        }
        let given = arguments.len();
        if !function.broken && (given > expected.len() || values.iter().any(Option::is_none)) {
            let fact = format!("`{name}` takes {}, not {given}", count(expected.len()));
            self.errors.push(Diagnostic::new(region, fact).help(help));
            return None;
        }
        Some(values.into_iter().flatten().collect())
    }

    /// The library that a call goes through out of habit: `nn` in `nn.Linear(…)`, whose receiver comes first.
    fn module(&self, arguments: &[Argument]) -> Option<String> {
        let path = match &arguments.first()?.value.kind {
            ExprKind::Name(name) => name.to_string(),
            ExprKind::Field(path) => path.first()?.to_string(),
            _ => return None,
        };
        let is_bound = self.scope().names.contains_key(&path);
        (!is_bound && MODULES.contains(&path.as_str())).then_some(path)
    }

    fn operation(
        &mut self,
        op: &'static Op,
        arguments: &[Argument],
        name: Region,
        region: Region,
    ) -> Option<NodeId> {
        let slots = self.slots(op, arguments, region)?;
        let asymmetric =
            |arg: &Arg| matches!(arg, Arg::Target(_, shape) if *shape != TargetShape::LikePrediction);
        if let Some(first) = slots.first().and_then(|given| given.first())
            && op.args.iter().any(asymmetric)
            && is_target(first)
        {
            let fact = format!("`{}` takes the prediction first, then the target", op.name);
            self.errors.push(Diagnostic::new(first.region, fact).help(signature(op)));
            return None;
        }
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
        let mut rank = operands.first().map_or(0, |&first| self.graph[first].shape.len());
        // Scalars that are joined with others are vectors of one element.
        if op.args.iter().any(|arg| matches!(arg, Arg::Tensors(_))) {
            rank = rank.max(1);
        }
        let mut attrs = Attrs::default();
        for (arg, given) in op.args.iter().zip(&slots).filter(|(arg, _)| !arg.is_operand()) {
            self.attribute(&mut attrs, op, arg, given.first().copied(), rank, region)?;
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
                if !self.fits(&weight.shape, region) {
                    return None;
                }
                operands.push(self.new_param(
                    &owner,
                    Some(weight.name),
                    weight.shape,
                    weight.init,
                    name,
                    None,
                ));
            }
            for state in op.states.map_or_else(Vec::new, |states| states(&attrs, &shapes)) {
                let (suffix, init) = (Some(state.name), Some(state.init));
                operands.push(self.new_param(&owner, suffix, state.shape, init, name, None));
                if let Some(param) = self.params.last_mut() {
                    param.state = Some(state.rule);
                }
            }
        }
        if let Some(drop) = op.drop {
            let shapes: Vec<Shape> = operands.iter().map(|&id| self.graph[id].shape.clone()).collect();
            if let Err(mismatch) = (op.shape)(&attrs, &shapes) {
                self.mismatch(op, &mismatch, &operands, region);
                return None;
            }
            let (shape, drop) = (shapes[0].clone(), drop(&attrs));
            let name = self.mask_name();
            operands.push(self.extra(&name.clone(), Extra::Mask { name, shape, drop }, region));
        }
        self.apply_with(op, attrs, &operands, region)
    }

    /// `h1.mask` for a layer that feeds `h1`, with a number if another one does too.
    fn mask_name(&self) -> String {
        let known = |name: &String| {
            self.extras.iter().any(|extra| matches!(extra, Extra::Mask { name: known, .. } if known == name))
        };
        let names = (2..usize::MAX).map(|count| format!("{}_{count}.mask", self.feeds));
        let mut names = std::iter::once(format!("{}.mask", self.feeds)).chain(names);
        names.find(|name| !known(name)).unwrap_or_default()
    }

    /// The variable that the layer feeds, with a number if another layer feeds it too.
    fn layer_owner(&mut self, weights: &[ops::Weight]) -> String {
        let feeds = self.feeds.clone();
        let free = |owner: &String| {
            !weights.iter().any(|weight| self.taken.contains(&format!("{owner}.{}", weight.name)))
        };
        if free(&feeds) {
            return feeds;
        }
        // Counted on from the last one, so that a loop of a thousand layers doesn't try all numbers before.
        let first = self.next.get(&feeds).copied().unwrap_or(2);
        let mut numbers = (first..usize::MAX).map(|count| (count, format!("{feeds}_{count}")));
        let Some((count, owner)) = numbers.find(|(_, owner)| free(owner)) else { return feeds };
        self.next.insert(feeds, count + 1);
        owner
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
                    let help = argument_help(op, name, &argument.value);
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
        let missing: Vec<String> = op
            .args
            .iter()
            .zip(&slots)
            .filter(|(arg, given)| given.is_empty() && is_required(arg))
            .map(|(arg, _)| format!("`{}`", arg.name()))
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
        op: &Op,
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
                let from = attrs.sizes.len();
                for size in list(expr) {
                    attrs.sizes.push(self.size(size, name)?);
                }
                if !self.fits(&attrs.sizes[from..], expr.region) {
                    return None;
                }
            }
            (Arg::Window(_, axes, default), None) => {
                attrs.sizes.extend(default.into_iter().flat_map(|default| vec![default; axes]));
            }
            (Arg::Window(name, axes, default), Some(expr)) => {
                attrs.sizes.extend(self.window(expr, name, axes, default == Some(0))?);
            }
            (Arg::Steps(_, axes), None) => attrs.sizes.extend(vec![0; axes]),
            (Arg::Steps(name, axes), Some(expr)) => attrs.sizes.extend(self.window(expr, name, axes, false)?),
            (Arg::Padding(_, axes), None) => attrs.sizes.extend(vec![0; 2 * axes]),
            (Arg::Padding(name, axes), Some(expr)) => attrs.sizes.extend(self.padding(expr, name, axes)?),
            (Arg::Flag(_, default), None) => attrs.sizes.push(default.into()),
            (Arg::Flag(name, _), Some(expr)) => match &expr.kind {
                ExprKind::Name(flag) if flag == "true" || flag == "false" => {
                    attrs.sizes.push((flag == "true").into());
                }
                ExprKind::Text(_) => {
                    self.value(expr)?;
                }
                _ => {
                    let fact = format!("`{name}` is `true` or `false`");
                    let outer = match &expr.kind {
                        ExprKind::Name(other) => ops::known_as(&other.to_string()),
                        _ => None,
                    };
                    let help = match outer {
                        Some(outer) => {
                            format!("`{0}` goes around the call: `{0}({1}(…))`", outer.name, op.name)
                        }
                        None => format!("write `{name} = true` or `{name} = false`"),
                    };
                    self.errors.push(Diagnostic::new(expr.region, fact).help(help));
                    return None;
                }
            },
            (Arg::Axis(_, default), None) => {
                let axis = self.axis(op, default as f64, rank, region)?;
                attrs.axes.push(axis);
            }
            (Arg::Axes(_), None) => attrs.axes.extend(0..rank),
            (Arg::Order(_), None) => attrs.axes.extend((0..rank).rev()),
            (Arg::Axis(..) | Arg::Axes(_) | Arg::Order(_), Some(expr)) => {
                for axis in list(expr) {
                    let number = self.number_of(axis)?;
                    attrs.axes.push(self.axis(op, number, rank, axis.region)?);
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

    pub(super) fn size(&mut self, expr: &Expr, name: &str) -> Option<usize> {
        let size = self.whole(expr, &format!("`{name}`"))?;
        if size == 0 {
            let fact = format!("`{name}` is 0, and has to be above");
            self.errors.push(Diagnostic::new(expr.region, fact).help("a tensor has at least one element"));
            return None;
        }
        Some(size)
    }

    fn axis(&mut self, op: &Op, axis: f64, rank: usize, region: Region) -> Option<usize> {
        let at = if axis < 0.0 { axis + rank as f64 } else { axis };
        if at.fract() == 0.0 && at >= 0.0 && at < rank as f64 {
            return Some(at as usize);
        }
        let fact = match rank {
            0 => format!("`{}` works along an axis, and a scalar has none", op.name),
            _ => format!("there is no axis {axis}"),
        };
        let help = match rank {
            0 => {
                "give it several values: an input with a shape, as in `x: [16]`, or `concat(a, b)`".to_owned()
            }
            1 => "the only axis is 0, or -1 counted from the end".to_owned(),
            _ => format!("the axes are 0 to {}", rank - 1),
        };
        self.errors.push(Diagnostic::new(region, fact).help(help));
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
        if shape != TargetShape::LikePrediction && !self.may_be_probability(prediction, op) {
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

    /// Whether a prediction can hold probabilities. What comes straight from a layer, or from an activation without an
    /// upper bound, can't: other libraries have losses of the same name that take it, and here its logarithm is no number.
    fn may_be_probability(&mut self, prediction: NodeId, op: &Op) -> bool {
        let mut behind = prediction;
        while let Some((view, _)) = self.graph[behind].op()
            && matches!(view.kernel, Kernel::View | Kernel::Move(_))
            && let [operand] = self.graph.operand_ids(behind)
        {
            behind = *operand;
        }
        let Some((source, _)) = self.graph[behind].op() else { return true };
        if source.weights.is_none() && source.init.is_none() {
            return true;
        }
        let squashed = if op.args.iter().any(|arg| matches!(arg, Arg::Target(_, TargetShape::ClassIndex))) {
            "softmax"
        } else {
            "sigmoid"
        };
        let named = match self.graph[prediction].label.as_deref() {
            Some(label) if !label.contains('#') => format!("`{label}`"),
            _ => "this".to_owned(),
        };
        let fact = format!("`{}` takes probabilities, and {named} comes from `{}`", op.name, source.name);
        let help =
            format!("put `{squashed}(…)` around it; together they are computed without loss of digits");
        self.errors.push(Diagnostic::new(self.graph[prediction].region, fact).help(help));
        false
    }
}

fn is_target(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Name(name) if name == "target")
}

fn is_required(arg: &Arg) -> bool {
    match arg {
        Arg::Tensor(_) | Arg::Target(..) | Arg::Tensors(_) | Arg::Sizes(_) => true,
        Arg::Number(_, default) => default.is_none(),
        Arg::Size(_, default) | Arg::Window(_, _, default) => default.is_none(),
        _ => false,
    }
}

/// The entries of a list, or the expression alone.
pub(super) fn list(expr: &Expr) -> Vec<&Expr> {
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

/// What may be meant by an argument that an operation doesn't have.
fn argument_help(op: &Op, name: &Ident, value: &Expr) -> String {
    let name = name.to_string();
    let own = || op.args.iter().map(Arg::name);
    let meant = |arg: &&str| {
        let mut also = ALSO.iter().filter(|(known, _)| known == arg);
        also.any(|(_, others)| others.contains(&name.as_str()))
    };
    if let Some(near) = nearest(&name, own()).or_else(|| own().find(meant)) {
        return format!("did you mean `{near}`?");
    }
    let given = match &value.kind {
        ExprKind::Text(text) => Some(text.clone()),
        ExprKind::Name(name) => Some(name.to_string()),
        _ => None,
    };
    match given.and_then(|given| ops::known_as(&given)) {
        Some(outer) => format!("`{0}` goes around the call: `{0}({1}(…))`", outer.name, op.name),
        None => signature(op),
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
            Arg::Size(name, Some(default)) | Arg::Window(name, _, Some(default)) => {
                format!("{name} = {default}")
            }
            Arg::Steps(name, _) => format!("{name} = the window"),
            Arg::Padding(name, _) => format!("{name} = valid"),
            Arg::Flag(name, default) => format!("{name} = {default}"),
            Arg::Axis(name, default) => format!("{name} = {default}"),
            Arg::Axes(name) => format!("{name} = all"),
            Arg::Order(name) => format!("{name} = reversed"),
            other => other.name().to_owned(),
        })
        .collect();
    format!("`{}({})`", op.name, args.join(", "))
}
