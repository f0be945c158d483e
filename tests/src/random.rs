//! Models of random shapes: every family of operations on tensors of rank 0 to 4, with operands that broadcast in
//! random ways, reductions over random axes, slices, orders and blocks of random sizes. Some are compiled by the macro
//! (the build script writes them), many more run through the interpreter.

use std::fmt::Write;

/// As many as the macro compiles; each takes rustc about a second.
pub const COMPILED: usize = 4;

/// The source of a model of random shapes, the same for the same number.
pub fn source(name: &str, number: usize) -> String {
    let mut model = Model { random: Random(number as u64 + 1), ..Model::default() };
    for at in 0..4 {
        let formula = model.formula((number + at * 3) % 10);
        writeln!(model.body, "y{at} = {formula};").expect("a string can be written");
    }
    let Model { inputs, params, body, .. } = model;
    format!(
        "model {name}({}) -> (y0, y1, y2, y3) {{\n{}{body}}}",
        inputs.join(", "),
        params.iter().map(|param| format!("param {param};\n")).collect::<String>()
    )
}

/// Two shapes of at least one axis that broadcast with each other, the same for the same number.
pub fn broadcasting(number: usize) -> (Vec<usize>, Vec<usize>) {
    let mut random = Random(number as u64 + 1);
    let shape = random.shape(1);
    let one = |narrow: Vec<usize>| if narrow.is_empty() { vec![1] } else { narrow };
    let (a, b) = (one(random.narrower(&shape)), one(random.narrower(&shape)));
    if random.below(2) == 0 { (shape, b) } else { (a, b) }
}

/// A small generator of its own, so that the models never change.
#[derive(Default)]
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % bound
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// Sizes of a tensor of a rank from `least` to 4, of not too many elements.
    fn shape(&mut self, least: usize) -> Vec<usize> {
        let rank = least + self.below(5 - least);
        (0..rank).map(|_| 1 + self.below(if rank > 2 { 3 } else { 5 })).collect()
    }

    /// A shape that broadcasts to this one: without some leading axes, with 1 in place of some sizes.
    fn narrower(&mut self, shape: &[usize]) -> Vec<usize> {
        let dropped = self.below(shape.len() + 1);
        shape[dropped..].iter().map(|&size| if self.below(3) == 0 { 1 } else { size }).collect()
    }

    fn order(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for at in (1..count).rev() {
            order.swap(at, self.below(at + 1));
        }
        order
    }
}

#[derive(Default)]
struct Model {
    random: Random,
    inputs: Vec<String>,
    params: Vec<String>,
    body: String,
}

impl Model {
    /// A new operand. The first one of a formula varies with the example.
    fn operand(&mut self, shape: &[usize], must_vary: bool) -> String {
        let is_input = must_vary || self.random.below(2) == 0;
        let list = if is_input { &mut self.inputs } else { &mut self.params };
        let name = format!("{}{}", if is_input { "x" } else { "w" }, list.len());
        list.push(if shape.is_empty() { name.clone() } else { format!("{name}: {shape:?}") });
        name
    }

    fn formula(&mut self, family: usize) -> String {
        match family {
            0 => {
                let shape = self.random.shape(0);
                let (a, b) = self.broadcast(&shape);
                let (c, d) = (self.random.narrower(&shape), self.random.one_of(&["+", "-", "*"]));
                let c = self.operand(&c, false);
                format!("({a} {d} {b}) / (2 + {c}*{c}) - {b} * {c}")
            }
            1 => {
                let shape = self.random.shape(0);
                let (a, b) = self.broadcast(&shape);
                match self.random.below(4) {
                    0 => format!("max({a}, {b}) * 2 - min({b}, {a})"),
                    1 => format!("select({a} > {b}, {a} * {b}, {b})"),
                    2 => format!("(2.5 + {a}) ^ {b} + {a} ^ 3"),
                    _ => format!("clamp({a} - {b}, -0.3, 0.4) + abs({b} + {a})"),
                }
            }
            2 | 3 => {
                let shape = self.random.shape(1);
                let x = self.operand(&shape, true);
                let count = 1 + self.random.below(shape.len());
                let axes = self.random.order(shape.len())[..count].to_vec();
                let reduction = self.random.one_of(&["sum", "mean", "max", "min", "logsumexp"]);
                let other = self.random.one_of(&["softmax", "log_softmax"]);
                let axis = self.random.below(shape.len());
                format!("{reduction}({x} * 2, axis = {axes:?}) + mean({other}({x}, axis = {axis}) ^ 2)")
            }
            4 => {
                let shape = self.random.shape(2);
                let x = self.operand(&shape, true);
                let order = self.random.order(shape.len());
                let moved: Vec<usize> = order.iter().map(|&axis| shape[axis]).collect();
                let narrow = self.random.narrower(&moved);
                let w = self.operand(&narrow, false);
                format!("transpose({x}, {order:?}) * {w}")
            }
            5 => {
                let shape = self.random.shape(1);
                let x = self.operand(&shape, true);
                let indices: Vec<String> = shape
                    .iter()
                    .map(|&size| {
                        let from = self.random.below(size);
                        let to = from + 1 + self.random.below(size - from);
                        match self.random.below(4) {
                            0 => format!("{from}"),
                            1 => "..".to_owned(),
                            2 => format!("-{}..", size - from),
                            _ => format!("{from}..{to}"),
                        }
                    })
                    .collect();
                format!("tanh({x}[{}]) * 1.5", indices.join(", "))
            }
            6 => {
                let shape = self.random.shape(1);
                let axis = self.random.below(shape.len());
                let operands: Vec<String> = (0..2 + self.random.below(2))
                    .map(|at| {
                        let mut own = shape.clone();
                        own[axis] = 1 + self.random.below(4);
                        self.operand(&own, at == 0)
                    })
                    .collect();
                format!("sin(concat({}, axis = {axis}))", operands.join(", "))
            }
            7 => {
                let (rows, inner, columns) =
                    (1 + self.random.below(4), 1 + self.random.below(5), 1 + self.random.below(5));
                let left = [2, rows, inner];
                let right = [inner, columns];
                let (from, to) = (self.random.below(3), 1 + self.random.below(2));
                let (a, b) = (self.operand(&left[from..], true), self.operand(&right[..to], false));
                format!("{a} @ {b}")
            }
            8 => {
                let shape = self.random.shape(1);
                let x = self.operand(&shape, true);
                let order = self.random.order(shape.len());
                let to: Vec<usize> = order.iter().map(|&axis| shape[axis]).collect();
                let narrow = self.random.narrower(&to);
                let w = self.operand(&narrow, false);
                format!("reshape(exp({x}), {to:?}) - {w}")
            }
            _ => {
                let (m, n) = (1 + self.random.below(5), 1 + self.random.below(5));
                let (a, b) = (self.operand(&[m], true), self.operand(&[n], false));
                let units = 1 + self.random.below(6);
                format!("dense(outer({a}, {b}), {units}) + dot({b}, {b}) * sum({a})")
            }
        }
    }

    /// Two operands of which at least one has the shape itself.
    fn broadcast(&mut self, shape: &[usize]) -> (String, String) {
        let narrow = self.random.narrower(shape);
        if self.random.below(2) == 0 {
            (self.operand(shape, true), self.operand(&narrow, false))
        } else {
            (self.operand(&narrow, true), self.operand(shape, false))
        }
    }
}
