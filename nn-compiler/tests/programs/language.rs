//! Random models, well typed by construction.
//!
//! What is drawn is a list of steps, each a handful of numbers. A writer turns any such list into a model: a step's first
//! number says what kind of formula it becomes, and the others choose among the operands that fit, by shape and by role.
//! So every shorter list and every smaller number is a model too, and proptest can shrink what fails.

use nn_compiler::ops::Op;
use std::collections::BTreeSet;

use proptest::prelude::*;

/// The numbers of a step; a formula that needs more of them gets zeros.
const CHOICES: usize = 10;

/// What is drawn.
#[derive(Clone, Debug)]
pub(crate) struct Recipe {
    steps: Vec<[u8; CHOICES]>,
    /// How it ends: the outputs and the loss.
    end: [u8; CHOICES],
}

impl Recipe {
    /// A number of its own.
    pub(crate) fn number(&self) -> usize {
        self.end.iter().fold(0, |sum, &byte| sum * 31 + usize::from(byte))
    }
}

/// Recipes of so many steps at most.
pub(crate) fn recipes(longest: usize) -> impl Strategy<Value = Recipe> {
    let step = || proptest::array::uniform::<_, CHOICES>(any::<u8>());
    (prop::collection::vec(step(), 1..=longest), step()).prop_map(|(steps, end)| Recipe { steps, end })
}

/// A model's source; `heading` stands before its inputs: `model M<f64>`, or an attribute and that.
pub(crate) fn source(recipe: &Recipe, heading: &str, random: bool) -> String {
    let mut writer = Writer { random, ..Writer::default() };
    for step in &recipe.steps {
        writer.step(&mut Choices(step.iter()));
    }
    writer.finish(&mut Choices(recipe.end.iter()), heading)
}

/// Draws from the numbers of a step.
struct Choices<'a>(std::slice::Iter<'a, u8>);

impl Choices<'_> {
    fn below(&mut self, bound: usize) -> usize {
        usize::from(self.0.next().copied().unwrap_or(0)) % bound.max(1)
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    fn flag(&mut self) -> bool {
        self.below(2) == 1
    }

    /// Several decisions from one number.
    fn split(&mut self, bounds: &[usize]) -> Vec<usize> {
        let mut number = self.below(256);
        let digits = bounds.iter().map(|bound| {
            let digit = number % bound;
            number /= bound;
            digit
        });
        digits.collect()
    }
}

/// Where a value comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Origin {
    /// Inputs need not be reached by a gradient.
    Input,
    /// A parameter that is declared.
    Param,
    /// A variable: a name that can be bound again.
    Bound,
    /// A formula that is written out wherever it is used.
    Formula,
}

/// Something that a formula can use.
#[derive(Clone, Debug)]
struct Value {
    text: String,
    shape: Vec<usize>,
    /// Whether a gradient reaches the loss from it.
    used: bool,
    origin: Origin,
    /// Whether it depends on an input.
    varies: bool,
}

/// A formula and its shape.
type Typed = (String, Vec<usize>);

#[derive(Default)]
struct Writer {
    /// Whether elements may be dropped at random.
    random: bool,
    inputs: Vec<Typed>,
    params: Vec<Typed>,
    values: Vec<Value>,
    functions: Vec<String>,
    /// The last of them that fits any shape, because it has no layer.
    plain: Option<usize>,
    body: String,
    /// Names so far.
    names: usize,
    /// Whether the formula that is being written depends on an input.
    varies: bool,
}

const PER_AXIS: usize = 4;
const MOST_ELEMENTS: usize = 96;

fn count(shape: &[usize]) -> usize {
    shape.iter().product()
}

/// Whether a value of one shape stretches to another.
fn stretches(from: &[usize], to: &[usize]) -> bool {
    from.len() <= to.len() && from.iter().rev().zip(to.iter().rev()).all(|(a, b)| a == b || *a == 1)
}

/// `x: [2, 3]`, or `x` for a scalar.
fn declared((name, shape): &Typed) -> String {
    if shape.is_empty() { name.clone() } else { format!("{name}: {shape:?}") }
}

impl Writer {
    fn name(&mut self, letter: char) -> String {
        self.names += 1;
        format!("{letter}{}", self.names)
    }

    /// A new input or parameter.
    fn leaf(&mut self, shape: &[usize], is_input: bool) -> usize {
        let name = self.name(if is_input { 'x' } else { 'w' });
        let list = if is_input { &mut self.inputs } else { &mut self.params };
        list.push((name.clone(), shape.to_vec()));
        self.values.push(Value {
            text: name,
            shape: shape.to_vec(),
            used: false,
            origin: if is_input { Origin::Input } else { Origin::Param },
            varies: is_input,
        });
        self.values.len() - 1
    }

    fn shape(choices: &mut Choices<'_>, least: usize) -> Vec<usize> {
        let digits = choices.split(&[5 - least, PER_AXIS, PER_AXIS, PER_AXIS]);
        let rank = least + digits[0];
        // Not the largest tensors of the highest rank.
        (0..rank).map(|axis| 1 + digits[1 + axis % 3] % if rank > 3 { 3 } else { PER_AXIS }).collect()
    }

    /// A value that fits, most often one of those that are there, or a new leaf of this shape.
    fn pick(
        &mut self,
        choices: &mut Choices<'_>,
        fits: impl Fn(&[usize]) -> bool,
        shape: impl FnOnce(&mut Choices<'_>) -> Vec<usize>,
    ) -> usize {
        let fitting: Vec<usize> = (0..self.values.len()).filter(|&at| fits(&self.values[at].shape)).collect();
        let number = choices.below(256);
        let is_new = match (self.inputs.len(), self.params.len()) {
            (0, _) => Some(true),
            (inputs, params) if number % 4 == 3 && inputs + params < 7 => Some(number % 8 == 7),
            _ => None,
        };
        match is_new {
            None if !fitting.is_empty() => {
                // The newest first, so that long chains come about.
                let back = (number / 4) % fitting.len().min(4);
                fitting[fitting.len() - 1 - back]
            }
            other => {
                let shape = shape(choices);
                self.leaf(&shape, other.unwrap_or(number % 8 < 5))
            }
        }
    }

    /// A value of at least this rank, through which a gradient flows.
    fn any(&mut self, choices: &mut Choices<'_>, least: usize) -> Typed {
        let at = self.pick(choices, |shape| shape.len() >= least, |choices| Self::shape(choices, least));
        self.smooth(at)
    }

    /// A value of exactly this shape.
    fn exactly(&mut self, choices: &mut Choices<'_>, shape: &[usize]) -> Typed {
        let at = self.pick(choices, |other| other == shape, |_| shape.to_vec());
        self.smooth(at)
    }

    fn smooth(&mut self, at: usize) -> Typed {
        self.values[at].used = true;
        self.varies |= self.values[at].varies;
        (self.values[at].text.clone(), self.values[at].shape.clone())
    }

    /// A value through which none flows: for conditions and indices.
    fn blind(&mut self, choices: &mut Choices<'_>, shape: &[usize]) -> String {
        let at = self.pick(choices, |other| stretches(other, shape), |_| shape.to_vec());
        self.varies |= self.values[at].varies;
        self.values[at].text.clone()
    }

    /// An operand that stretches to a shape: a value, or a number.
    fn narrower(&mut self, choices: &mut Choices<'_>, shape: &[usize]) -> String {
        let digits = choices.split(&[6, 5, 3, 3]);
        if digits[0] == 5 {
            return ["0.5", "2", "-0.3", "1", "1.7"][digits[1]].to_owned();
        }
        let dropped = digits[1] % (shape.len() + 1);
        let narrow: Vec<usize> = shape[dropped..]
            .iter()
            .enumerate()
            .map(|(axis, &size)| if digits[2 + axis % 2] == 2 { 1 } else { size })
            .collect();
        let at = self.pick(choices, |other| stretches(other, shape), |_| narrow);
        self.smooth(at).0
    }

    /// `x` of a shape, and `w` that stretches to it.
    fn pair(&mut self, choices: &mut Choices<'_>) -> (Typed, String) {
        let x = self.any(choices, 0);
        let other = self.narrower(choices, &x.1);
        (x, other)
    }

    /// A new variable.
    fn bind(&mut self, formula: &str, shape: Vec<usize>) {
        let name = self.name('v');
        self.body.push_str(&format!("    {name} = {formula};\n"));
        let varies = self.varies;
        self.values.push(Value { text: name, shape, used: false, origin: Origin::Bound, varies });
    }

    /// A formula that is written out wherever it is used.
    fn inline(&mut self, formula: &str, shape: Vec<usize>) {
        if formula.len() > 60 {
            return self.bind(formula, shape);
        }
        let text = format!("({formula})");
        let varies = self.varies;
        self.values.push(Value { text, shape, used: false, origin: Origin::Formula, varies });
    }

    /// One more value.
    fn step(&mut self, choices: &mut Choices<'_>) {
        self.varies = false;
        let kind = choices.below(26);
        let (formula, shape) = match kind {
            0 | 1 => self.arithmetic(choices),
            2 | 3 => self.smooth_function(choices),
            4 | 5 => self.bent_function(choices),
            6 => self.two_sided(choices),
            7 => self.chosen(choices),
            8 | 9 => self.reduction(choices),
            10 => self.normalised(choices),
            11 | 12 => self.moved(choices),
            13 => self.part(choices),
            14 => self.joined(choices),
            15 | 16 => self.product(choices),
            17 | 18 => return self.layer(choices),
            19 => return self.table(choices),
            20 => return self.convolution(choices),
            21 => self.pooled(choices),
            22 => return self.attention(choices),
            23 => return self.call(choices),
            _ => return self.repeat(choices),
        };
        if count(&shape) > MOST_ELEMENTS {
            // What it was made of is still there; its sum takes its place.
            return self.bind(&format!("mean({formula})"), Vec::new());
        }
        if choices.below(3) == 2 { self.inline(&formula, shape) } else { self.bind(&formula, shape) }
    }

    fn arithmetic(&mut self, choices: &mut Choices<'_>) -> Typed {
        let ((x, shape), w) = self.pair(choices);
        let formula = match choices.below(8) {
            0 | 1 => format!("{x} + {w}"),
            2 => format!("{x} - {w}"),
            3 | 4 => format!("{x} * {w}"),
            5 => format!("{x} / (1.5 + {w}^2)"),
            6 => format!("{w} - {x} * 0.5"),
            _ => format!("-{x} * {w} + {x}"),
        };
        (formula, shape)
    }

    fn smooth_function(&mut self, choices: &mut Choices<'_>) -> Typed {
        let (x, shape) = self.any(choices, 0);
        let formula = match choices.below(18) {
            0 => format!("tanh({x})"),
            1 => format!("sigmoid({x})"),
            2 => format!("softplus({x})"),
            3 => format!("silu({x})"),
            4 => format!("gelu({x})"),
            5 => format!("erf({x})"),
            6 => format!("sin({x})"),
            7 => format!("cos({x} * 0.8)"),
            8 => format!("exp(-{x}^2)"),
            9 => format!("exp(tanh({x}))"),
            10 => format!("log(1 + exp({x} * 0.5))"),
            11 => format!("log(sigmoid({x}))"),
            12 => format!("log(0.5 + {x}^2)"),
            13 => format!("sqrt(0.3 + {x}^2)"),
            14 => format!("1 / (1 + exp(-{x}))"),
            15 => format!("log(1 - sigmoid({x}))"),
            16 => format!("({x}).elu()"),
            _ => format!("-(-{x}) * 1 + 0"),
        };
        (formula, shape)
    }

    fn bent_function(&mut self, choices: &mut Choices<'_>) -> Typed {
        let form = choices.below(8);
        if form >= 6 {
            let at = self.pick(choices, |_| true, |choices| Self::shape(choices, 0));
            self.varies |= self.values[at].varies;
            let (x, shape) = (self.values[at].text.clone(), self.values[at].shape.clone());
            let formula = if form == 6 { format!("sign({x})") } else { format!("stop_gradient({x}) * 0.5") };
            return (formula, shape);
        }
        let (x, shape) = self.any(choices, 0);
        let formula = match form {
            0 => format!("relu({x})"),
            1 => format!("abs({x})"),
            2 => format!("leaky_relu({x}, 0.1)"),
            3 => format!("elu({x}, 0.7)"),
            4 => format!("clamp({x}, -0.6, 0.7)"),
            _ => format!("max({x}, 0.1)"),
        };
        (formula, shape)
    }

    fn two_sided(&mut self, choices: &mut Choices<'_>) -> Typed {
        let ((x, shape), w) = self.pair(choices);
        let formula = match choices.below(9) {
            0 => format!("max({x}, {w})"),
            1 => format!("min({x}, {w})"),
            2 => format!("(1.5 + tanh({x}))^{w}"),
            3 => format!("{x}^2 * {w}"),
            4 => format!("{x}^3 - {w}"),
            5 => format!("(1.5 + tanh({x}))^-1 * {w}"),
            6 => format!("(2 + sin({x}))^-2.5 * {w}"),
            7 => format!("{x}^1 + {x}^0 * {w}"),
            _ => format!("max({x}, {w}) - min({w}, {x})"),
        };
        (formula, shape)
    }

    /// A choice between values. The condition passes no gradient on, and a comparison on its own has none.
    fn chosen(&mut self, choices: &mut Choices<'_>) -> Typed {
        let ((x, shape), w) = self.pair(choices);
        let (left, right) = (self.blind(choices, &shape), self.blind(choices, &shape));
        let compared = choices.one(&[">", "<", ">=", "<=", "==", "!="]);
        let formula = if choices.flag() {
            format!("stop_gradient({left} {compared} {right}) * {x} + {w}")
        } else {
            format!("select({left} {compared} {right}, {x}, {w})")
        };
        (formula, shape)
    }

    /// Some axes of a shape, and what is left without them.
    fn axes(choices: &mut Choices<'_>, shape: &[usize]) -> (String, Vec<usize>) {
        let mask = choices.below(1 << shape.len());
        let is_reduced = |axis: &usize| mask >> axis & 1 == 1;
        let left: Vec<usize> =
            (0..shape.len()).filter(|axis| !is_reduced(axis)).map(|axis| shape[axis]).collect();
        let axes: Vec<usize> = (0..shape.len()).filter(is_reduced).collect();
        match &axes[..] {
            [] => (String::new(), Vec::new()),
            [axis] if mask.is_multiple_of(3) => (format!(", axis = -{}", shape.len() - axis), left),
            [axis] => (format!(", axis = {axis}"), left),
            axes => (format!(", axis = {axes:?}"), left),
        }
    }

    fn reduction(&mut self, choices: &mut Choices<'_>) -> Typed {
        let (x, shape) = self.any(choices, 0);
        let (axes, left) = Self::axes(choices, &shape);
        let reduction = choices.one(&["sum", "mean", "max", "min", "logsumexp"]);
        match choices.below(8) {
            6 => (format!("log(sum(exp({x}){axes}))"), left),
            7 => (format!("dot({x}, {x})"), Vec::new()),
            _ => (format!("{reduction}({x}{axes})"), left),
        }
    }

    fn normalised(&mut self, choices: &mut Choices<'_>) -> Typed {
        let (x, shape) = self.any(choices, 1);
        let axis = choices.below(shape.len());
        let formula = match choices.below(6) {
            0 | 1 => format!("softmax({x}, axis = {axis})"),
            2 => format!("log_softmax({x}, axis = {axis})"),
            3 => format!("log(softmax({x}, axis = {axis}))"),
            4 => format!("softmax({x})"),
            _ => format!("log(softmax({x}))"),
        };
        (formula, shape)
    }

    fn moved(&mut self, choices: &mut Choices<'_>) -> Typed {
        let (x, shape) = self.any(choices, 0);
        let turned = |choices: &mut Choices<'_>| {
            let mut order: Vec<usize> = (0..shape.len()).collect();
            let digits = choices.split(&[4, 3, 2]);
            for at in 1..order.len() {
                order.swap(at, digits[3 - at.min(3)] % (at + 1));
            }
            order
        };
        match choices.below(7) {
            0 => (format!("transpose({x})"), shape.iter().rev().copied().collect()),
            1 | 2 => {
                let order = turned(choices);
                let moved = order.iter().map(|&axis| shape[axis]).collect();
                (format!("transpose({x}, {order:?})"), moved)
            }
            3 => {
                let order = turned(choices);
                let mut to: Vec<usize> = order.iter().map(|&axis| shape[axis]).collect();
                if to.len() < 4 && choices.flag() {
                    to.insert(choices.below(to.len() + 1), 1);
                }
                (format!("reshape({x}, {to:?})"), to)
            }
            4 => (format!("flatten({x})"), vec![count(&shape)]),
            _ if shape.len() < 4 && count(&shape) <= 24 => {
                let wide: Vec<usize> = [1 + choices.below(3)].into_iter().chain(shape).collect();
                (format!("broadcast({x}, {wide:?})"), wide)
            }
            _ if !shape.is_empty() => (format!("{x} * full(1.5, {shape:?})"), shape),
            _ => (format!("{x} * 1.5"), shape),
        }
    }

    fn part(&mut self, choices: &mut Choices<'_>) -> Typed {
        let (x, shape) = self.any(choices, 1);
        let mut left = Vec::new();
        let indices: Vec<String> = shape
            .iter()
            .map(|&size| {
                let [from, kind, more] = choices.split(&[4, 5, 4])[..] else { unreachable!("three bounds") };
                let (from, kind) = (from % size, if kind == 4 { 0 } else { kind });
                let to = from + 1 + more % (size - from);
                left.extend(match kind {
                    0 => None,
                    1 => Some(size),
                    2 => Some(size - from),
                    _ => Some(to - from),
                });
                match kind {
                    0 => format!("{from}"),
                    1 => "..".to_owned(),
                    2 => format!("-{}..", size - from),
                    _ => format!("{from}..{to}"),
                }
            })
            .collect();
        (format!("{x}[{}]", indices.join(", ")), left)
    }

    fn joined(&mut self, choices: &mut Choices<'_>) -> Typed {
        let (x, shape) = self.any(choices, 1);
        let axis = choices.below(shape.len());
        let alike = |other: &[usize]| {
            other.len() == shape.len() && (0..shape.len()).all(|at| at == axis || other[at] == shape[at])
        };
        let mut parts = vec![x];
        let mut size = shape[axis];
        for _ in 0..choices.below(3) {
            let at = self.pick(choices, alike, |choices| {
                let mut shape = shape.clone();
                shape[axis] = 1 + choices.below(3);
                shape
            });
            let (part, other) = self.smooth(at);
            parts.push(part);
            size += other[axis];
        }
        let mut joined = shape.clone();
        joined[axis] = size;
        (format!("concat({}, axis = {axis})", parts.join(", ")), joined)
    }

    fn product(&mut self, choices: &mut Choices<'_>) -> Typed {
        match choices.below(8) {
            0 => {
                let (x, shape) = self.any(choices, 0);
                let other = self.exactly(choices, &shape).0;
                (format!("dot({x}, {other})"), Vec::new())
            }
            1 => {
                let (m, n) = (1 + choices.below(PER_AXIS), 1 + choices.below(PER_AXIS));
                let (a, b) = (self.exactly(choices, &[m]).0, self.exactly(choices, &[n]).0);
                (format!("outer({a}, {b})"), vec![m, n])
            }
            2 => {
                // A matrix and its own transposition.
                let at = self.pick(
                    choices,
                    |shape| shape.len() == 2,
                    |choices| vec![1 + choices.below(4), 1 + choices.below(4)],
                );
                let (x, shape) = self.smooth(at);
                (format!("{x} @ transpose({x})"), vec![shape[0], shape[0]])
            }
            3 => {
                // From the left: a vector or a matrix times a matrix.
                let at = self.pick(
                    choices,
                    |shape| shape.len() == 2,
                    |choices| vec![1 + choices.below(4), 1 + choices.below(4)],
                );
                let (x, shape) = self.smooth(at);
                let left: Vec<usize> = if choices.flag() { vec![shape[0]] } else { vec![3, shape[0]] };
                let a = self.exactly(choices, &left).0;
                let result = left[..left.len() - 1].iter().copied().chain([shape[1]]).collect();
                (format!("{a} @ {x}"), result)
            }
            form => {
                let (x, shape) = self.any(choices, 1);
                let inner = shape[shape.len() - 1];
                let columns = 1 + choices.below(5);
                // Stacks of matrices meet matrices alone.
                if form < 6 || shape.len() > 2 {
                    let w = self.exactly(choices, &[inner, columns]).0;
                    let result = shape[..shape.len() - 1].iter().copied().chain([columns]).collect();
                    (format!("{x} @ {w}"), result)
                } else {
                    let w = self.exactly(choices, &[inner]).0;
                    (format!("{x} @ {w}"), shape[..shape.len() - 1].to_vec())
                }
            }
        }
    }

    fn layer(&mut self, choices: &mut Choices<'_>) {
        let (x, mut shape) = self.any(choices, 1);
        let axis = choices.below(shape.len());
        let formula = match choices.below(8) {
            0..=2 => {
                let units = 1 + choices.below(5);
                if let Some(last) = shape.last_mut() {
                    *last = units;
                }
                let bias = choices.one(&["", ", bias = false"]);
                choices.one(&["", "relu", "tanh"]).to_owned() + &format!("(dense({x}, {units}{bias}))")
            }
            3 => format!("layer_norm({x}, axis = {axis})"),
            4 => format!("layer_norm({x}, axis = {axis}, epsilon = 0.1)"),
            5 if shape.len() > 1 => {
                let channels = shape[0];
                let groups =
                    (1..=channels).rev().find(|groups| channels.is_multiple_of(*groups) && *groups < 3);
                format!("group_norm({x}, {})", groups.unwrap_or(1))
            }
            6 if self.random => format!("dropout({x}, 0.5) * 0.7"),
            _ => {
                let units = 1 + choices.below(3);
                if let Some(last) = shape.last_mut() {
                    *last = units;
                }
                format!("({x}).dense({units}).softplus()")
            }
        };
        self.bind_small(&formula, shape);
    }

    /// A variable, or its mean if it would be too large.
    fn bind_small(&mut self, formula: &str, shape: Vec<usize>) {
        if count(&shape) > MOST_ELEMENTS {
            self.bind(&format!("mean({formula})"), Vec::new());
        } else {
            self.bind(formula, shape);
        }
    }

    /// Rows of tables by number. Numbers come from inputs, and have no derivative.
    fn table(&mut self, choices: &mut Choices<'_>) {
        let form = choices.below(4);
        let width = 1 + choices.below(4);
        if form == 2 {
            return self.bind(&format!("embedding(2, 3, {width})"), vec![width]);
        }
        let at = self.leaf_input(choices);
        let index = format!("select({at} > 0, 1, {})", choices.one(&[0, 2]));
        match form {
            0 => {
                let v = self.exactly(choices, &[3]).0;
                self.bind(&format!("stop_gradient(one_hot({index}, 3)) * {v}"), vec![3]);
            }
            1 => self.bind(&format!("embedding(concat({index}, 2 - {index}), 3, {width})"), vec![2, width]),
            _ => self.bind(&format!("embedding({index}, entries = 3, width = {width})"), vec![width]),
        }
    }

    /// A scalar input, by its name.
    fn leaf_input(&mut self, choices: &mut Choices<'_>) -> String {
        let scalars: Vec<usize> = (0..self.values.len())
            .filter(|&at| self.values[at].origin == Origin::Input && self.values[at].shape.is_empty())
            .collect();
        let at =
            if scalars.is_empty() { self.leaf(&[], true) } else { scalars[choices.below(scalars.len())] };
        self.varies = true;
        self.values[at].text.clone()
    }

    /// An image: channels, rows, columns.
    fn image(&mut self, choices: &mut Choices<'_>, channels: &[usize]) -> Typed {
        let fits = |shape: &[usize]| {
            shape.len() == 3 && channels.contains(&shape[0]) && shape[1] >= 2 && shape[2] >= 2
        };
        let at = self.pick(choices, fits, |choices| {
            let digits = choices.split(&[8, 3, 3]);
            vec![channels[digits[0] % channels.len()], 2 + digits[1], 2 + digits[2]]
        });
        self.smooth(at)
    }

    fn convolution(&mut self, choices: &mut Choices<'_>) {
        let channels = 1 + choices.below(3);
        match choices.below(7) {
            0 => {
                let (x, shape) = self.image(choices, &[1, 2, 3]);
                let formula = format!("conv2d({x}, {channels}, kernel = 3, padding = same)");
                self.bind_small(&formula, vec![channels, shape[1], shape[2]]);
            }
            1 => {
                let (x, shape) = self.image(choices, &[1, 2, 3]);
                let formula = format!("conv2d({x}, {channels}, kernel = (2, 1), bias = false)");
                self.bind_small(&formula, vec![channels, shape[1] - 1, shape[2]]);
            }
            2 => {
                let (x, shape) = self.image(choices, &[2]);
                let formula = format!(
                    "conv2d({x}, {}, kernel = 2, stride = (1, 2), padding = 1, groups = 2)",
                    2 * channels
                );
                self.bind_small(&formula, vec![2 * channels, shape[1] + 1, shape[2] / 2 + 1]);
            }
            3 => {
                let (x, shape) = self.image(choices, &[1, 2]);
                let formula =
                    format!("conv2d({x}, {channels}, kernel = 2, dilation = 2, padding = (1, 1, 2, 0))");
                self.bind_small(&formula, vec![channels, shape[1], shape[2]]);
            }
            4 => {
                let (x, shape) = self.image(choices, &[1, 2]);
                let formula = format!("conv_transpose2d({x}, {channels}, kernel = (2, 3), stride = (2, 1))");
                self.bind_small(&formula, vec![channels, 2 * shape[1], shape[2] + 2]);
            }
            5 => {
                let (x, shape) = self.image(choices, &[2]);
                let formula = format!(
                    "conv_transpose2d({x}, {}, kernel = 2, stride = 2, padding = 1, output_padding = 1, groups = 2, bias = false)",
                    2 * channels
                );
                self.bind_small(&formula, vec![2 * channels, 2 * shape[1] - 1, 2 * shape[2] - 1]);
            }
            _ => {
                let at = self.pick(
                    choices,
                    |shape| shape.len() == 2 && shape[1] >= 3,
                    |choices| vec![1 + choices.below(3), 3 + choices.below(4)],
                );
                let (x, shape) = self.smooth(at);
                let (options, len) = choices.one(&[
                    (", kernel = 3, padding = 1", shape[1]),
                    (", kernel = 2, stride = 2", shape[1] / 2),
                    (", kernel = 2, dilation = 2, bias = false", shape[1] - 2),
                ]);
                self.bind_small(&format!("conv1d({x}, {channels}{options})"), vec![channels, len]);
            }
        }
    }

    fn pooled(&mut self, choices: &mut Choices<'_>) -> Typed {
        let (x, shape) = self.image(choices, &[1, 2, 3, 4]);
        let (c, h, w) = (shape[0], shape[1], shape[2]);
        match choices.below(8) {
            0 => (format!("max_pool2d({x}, 2)"), vec![c, h / 2, w / 2]),
            1 => {
                let formula = format!("max_pool2d({x}, kernel = (2, 1), stride = 1, padding = (1, 0, 0, 0))");
                (formula, vec![c, h, w])
            }
            2 => (format!("avg_pool2d({x}, 2)"), vec![c, h / 2, w / 2]),
            3 => {
                let formula = format!(
                    "avg_pool2d({x}, [3, 1], stride = 1, padding = [1, 0], count_include_pad = false)"
                );
                (formula, vec![c, h, w])
            }
            4 => (format!("global_avg_pool({x})"), vec![c]),
            5 => (format!("upsample({x}, scale = (2, 1))"), vec![c, 2 * h, w]),
            6 => (format!("pad({x}, (1, 0, 0, 2), value = -0.5)"), vec![c, h + 1, w + 2]),
            _ => (format!("local_response_norm({x}, 3, alpha = 0.5)"), shape),
        }
    }

    fn attention(&mut self, choices: &mut Choices<'_>) {
        let at = self.pick(
            choices,
            |shape| shape.len() == 2 && shape[1] % 2 == 0,
            |choices| vec![1 + choices.below(3), choices.one(&[2, 4])],
        );
        let (q, shape) = self.smooth(at);
        let (len, width) = (shape[0], shape[1]);
        let (k, v) = (self.exactly(choices, &shape).0, self.exactly(choices, &shape).0);
        let options = choices.one(&["", ", heads = 2", ", causal = true", ", heads = 2, causal = true"]);
        self.bind(&format!("attention({q}, {k}, {v}{options})"), vec![len, width]);
    }

    /// A function, defined here and called once or twice.
    fn call(&mut self, choices: &mut Choices<'_>) {
        let name = format!("f{}", self.functions.len());
        let form = choices.below(6);
        let (x, shape) = self.any(choices, usize::from(form >= 4));
        let y = self.exactly(choices, &shape).0;
        let bent = choices.one(&["tanh(a * 0.7)", "relu(a) - b", "a / (1 + b^2)", "max(a, b)", "sin(a) * b"]);
        let outer = match self.plain {
            // A function that calls another.
            Some(plain) if form != 1 => format!("f{plain}(h, b)"),
            Some(_) => "h * 0.5 + b".to_owned(),
            None => "h + a".to_owned(),
        };
        if form < 4 {
            self.plain = Some(self.functions.len());
        }
        let width = shape.last().copied().unwrap_or(1);
        let function = match form {
            0..=3 => format!("fn {name}(a, b) {{ h = {bent}; h = h * b; {outer} }}"),
            4 => format!("fn {name}(a, b) {{ h = tanh(dense(a, {width})); dense(h, {width}) + b }}"),
            _ => {
                format!("fn {name}(a, b) {{ for i in 0..2 {{ a = relu(dense(a, {width})) * 0.5 + b; }} a }}")
            }
        };
        let twice = choices.flag();
        self.functions.push(function);
        let formula =
            if twice { format!("{name}({x}, {y}) - {name}({y}, {x})") } else { format!("{name}({x}, {y})") };
        self.bind(&formula, shape);
    }

    /// A loop that binds a name again and again.
    fn repeat(&mut self, choices: &mut Choices<'_>) {
        let form = choices.below(5);
        let bound: Vec<usize> = (0..self.values.len())
            .filter(|&at| {
                self.values[at].origin == Origin::Bound && (form < 3 || !self.values[at].shape.is_empty())
            })
            .collect();
        let Some(&at) = bound.last() else {
            let (formula, shape) = self.smooth_function(choices);
            return self.bind(&formula, shape);
        };
        let (h, shape) = self.smooth(at);
        let rounds = 1 + choices.below(3);
        let body = match form {
            0 => format!("sin({h}) * 0.9 + {h}"),
            1 => {
                let w = self.narrower(choices, &shape);
                format!("{h} * 0.5 + tanh({w} * {h})")
            }
            2 => {
                let v = self.exactly(choices, &[rounds]).0;
                format!("{h} * {v}[i] + {h}")
            }
            3 => format!("{h} + relu(dense({h}, {}))", shape[shape.len() - 1]),
            _ => format!("softmax({h}) * {h}"),
        };
        self.body.push_str(&format!("    for i in 0..{rounds} {{ {h} = {body}; }}\n"));
        // What was bound before is hidden, and the result has the name.
        self.values[at].used = false;
        self.values[at].varies |= self.varies;
        let value = self.values.remove(at);
        self.values.push(value);
    }

    /// What an output has to be: a value that depends on an input.
    fn varying(&mut self, text: String, varies: bool) -> String {
        if varies {
            return text;
        }
        let x = self.leaf_input(&mut Choices([].iter()));
        format!("({text} + {x} * 0.5)")
    }

    /// A term of the loss in which a value counts.
    fn term(Value { text, shape, .. }: &Value) -> String {
        if shape.is_empty() { format!("0.3 * sin({text})") } else { format!("0.3 * mean(sin({text}))") }
    }

    /// Outputs, a loss, and in it everything that nothing else uses.
    fn finish(mut self, choices: &mut Choices<'_>, heading: &str) -> String {
        if !self.values.iter().any(|value| value.origin == Origin::Bound) {
            self.varies = false;
            let (formula, shape) = self.arithmetic(choices);
            self.bind(&formula, shape);
        }
        let form = choices.below(9);
        let last = self.values.iter().rposition(|value| value.origin == Origin::Bound).unwrap_or(0);
        let varies = self.values[last].varies;
        let (text, shape) = self.smooth(last);
        let text = self.varying(text, varies);
        let (main, loss) = match form {
            0 => (text.clone(), if shape.is_empty() { "(y - target)^2" } else { "mean((y - target)^2)" }),
            1 => (text.clone(), "mse(y, target)"),
            2 => (text.clone(), "mae(y, target)"),
            3 => (text.clone(), "huber(y, target, 0.6)"),
            4 => (format!("sigmoid({text})"), "binary_cross_entropy(y, target)"),
            5 => (format!("0.1 + 0.8 * sigmoid({text})"), "binary_cross_entropy(y, target, 0.2)"),
            6 => (format!("softmax(flatten({text}))"), "cross_entropy(y, target)"),
            7 => (
                format!("0.05 + softmax(flatten({text}))"),
                "cross_entropy(y, target, label_smoothing = 0.1)",
            ),
            _ => (text.clone(), ""),
        };
        let flat = vec![count(&shape)];
        let mut outputs: Vec<Typed> =
            vec![("y".to_owned(), if form == 6 || form == 7 { flat } else { shape })];
        let mut body = std::mem::take(&mut self.body);
        body.push_str(&format!("    y = {main};\n"));

        let is_open = |value: &Value| !value.used && value.origin != Origin::Input;
        let open: Vec<Value> = self.values.iter().filter(|value| is_open(value)).cloned().collect();
        let more = choices.below(3);
        for (at, value) in open.iter().rev().take(more).enumerate() {
            let name = ["second", "third"][at];
            let text = self.varying(format!("{} * 1", value.text), value.varies);
            body.push_str(&format!("    {name} = {text};\n"));
            outputs.push((name.to_owned(), value.shape.clone()));
        }
        let terms: Vec<String> = open.iter().map(Self::term).collect();
        if loss.is_empty() {
            // Without a loss the rest has to be an output.
            if !terms.is_empty() {
                let text = self.varying(terms.join(" + "), false);
                body.push_str(&format!("    rest = {text};\n"));
                outputs.push(("rest".to_owned(), Vec::new()));
            }
        } else {
            let weighted = if choices.below(4) == 3 { "weight * " } else { "" };
            let weighted = if self.random { weighted } else { "" };
            // Of outputs of several shapes, none is the target's without a loss that says so.
            let loss = if form == 0 && outputs.len() > 1 { "mse(y, target)" } else { loss };
            let terms = [&[loss.to_owned()], &terms[..]].concat().join(" + ");
            body.push_str(&format!("    loss {weighted}{terms};\n"));
        }
        let params: Vec<String> = self.params.iter().map(declared).collect();
        let inputs: Vec<String> = self.inputs.iter().map(declared).collect();
        let outputs: Vec<String> = outputs.iter().map(declared).collect();
        let functions = self.functions.join("\n");
        let params =
            if params.is_empty() { String::new() } else { format!("    param {};\n", params.join(", ")) };
        format!(
            "{functions}\n{heading}({}) -> ({}) {{\n{params}{body}}}\n",
            inputs.join(", "),
            outputs.join(", ")
        )
    }
}

/// The operations that a user can write.
pub(crate) fn writable() -> BTreeSet<&'static str> {
    // What looks at the whole batch is compared with PyTorch, and with differences of the whole loss, elsewhere.
    let sees_batch = |op: &Op| op.name == "batch_norm";
    let is_written = |op: &Op| !op.args.is_empty() || op.symbol.is_some();
    let ops = nn_compiler::ops::ALL.iter().filter(|op| is_written(op) && !sees_batch(op));
    ops.map(|op| op.name).collect()
}
