//! How formulas are written: as plain text, as LaTeX, as Rust over lanes, as JavaScript.

use crate::shape::Dtype;

/// A way of writing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    /// Plain text, as in the model.
    Text,
    /// LaTeX in maths mode.
    Latex,
    /// A Rust expression over the runtime's lanes.
    Rust,
    /// A JavaScript expression over numbers, with the functions of a report's page.
    Js,
}

/// How tightly a formula's outermost operator binds; a looser operand of a tighter operator gets brackets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// `a < b`.
    Compare,
    /// `a + b`.
    Sum,
    /// `a * b`.
    Product,
    /// `-a`.
    Negation,
    /// `a ^ b`.
    Power,
    /// A name, a number, a call.
    Atom,
}

/// A formula and how tightly it binds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Formula {
    /// As written.
    pub text: String,
    /// The binding of the outermost operator.
    pub level: Level,
}

impl Formula {
    /// A name or anything else that never needs brackets.
    pub fn atom(text: impl Into<String>) -> Self {
        Self { text: text.into(), level: Level::Atom }
    }

    /// A formula of a given binding.
    pub fn new(text: impl Into<String>, level: Level) -> Self {
        Self { text: text.into(), level }
    }

    /// In brackets if it binds looser than `level`.
    pub fn at(&self, level: Level, style: Style) -> String {
        // In code a comparison is a call, whose level only says that it gives a truth value.
        let is_call = style.is_code() && self.level == Level::Compare;
        if self.level >= level || is_call {
            self.text.clone()
        } else if style == Style::Latex {
            format!(r"\left({}\right)", self.text)
        } else {
            format!("({})", self.text)
        }
    }
}

impl Style {
    /// Whether it is for a computer, which wants calls in place of signs that only a reader knows.
    pub fn is_code(self) -> bool {
        matches!(self, Self::Rust | Self::Js)
    }

    /// `a symbol b`, left-associative. `symbol` is the operator in text and code, `latex` in LaTeX.
    pub fn infix(self, x: &[Formula], symbol: &str, latex: &str, level: Level) -> Formula {
        // Code adds in the order in which it is written; on paper the order doesn't matter.
        let right = match level {
            Level::Compare => Level::Sum,
            Level::Sum if x[1].level == Level::Negation => Level::Power,
            Level::Sum if symbol == "+" && !self.is_code() => Level::Sum,
            Level::Sum => Level::Product,
            _ => Level::Power,
        };
        let left = level.max(Level::Sum);
        let symbol = if self == Self::Latex { latex } else { symbol };
        Formula::new(format!("{} {symbol} {}", x[0].at(left, self), x[1].at(right, self)), level)
    }

    /// `name(a, b, …)`, with the name upright in LaTeX.
    pub fn call<'a>(self, name: &str, args: impl IntoIterator<Item = &'a Formula>) -> Formula {
        self.function(name, &format!(r"\operatorname{{{}}}", name.replace('_', r"\_")), args)
    }

    /// `name(a, b, …)`, with a LaTeX command for the name: `\log`.
    pub fn function<'a>(
        self,
        name: &str,
        latex: &str,
        args: impl IntoIterator<Item = &'a Formula>,
    ) -> Formula {
        let args: Vec<&str> = args.into_iter().map(|arg| arg.text.as_str()).collect();
        Formula::atom(match self {
            Self::Latex => format!(r"{latex}\left({}\right)", args.join(", ")),
            _ => format!("{name}({})", args.join(", ")),
        })
    }

    /// `name(x)` for a function along some axes, which are shown unless they are the ones that a call leaves
    /// out.
    pub fn along(self, name: &str, x: &Formula, axes: &[usize], left_out: bool) -> Formula {
        match (self, axes) {
            _ if left_out => self.call(name, [x]),
            (Self::Latex, _) => {
                let axes: Vec<_> = axes.iter().map(ToString::to_string).collect();
                let name = name.replace('_', r"\_");
                self.function("", &format!(r"\operatorname{{{name}}}_{{{}}}", axes.join(", ")), [x])
            }
            (_, [axis]) => self.call(name, [x, &Formula::atom(format!("axis = {axis}"))]),
            _ => self.call(name, [x, &Formula::atom(format!("axis = {axes:?}"))]),
        }
    }

    /// `aᵀ`.
    pub fn transposed(self, x: &Formula) -> Formula {
        let mark = if self == Self::Latex { r"^\top" } else { "ᵀ" };
        Formula::new(format!("{}{mark}", x.at(Level::Atom, self)), Level::Power)
    }

    /// `base ^ exponent`.
    pub fn power(self, base: &Formula, exponent: &Formula) -> Formula {
        let base = base.at(Level::Atom, self);
        let text = match self {
            Self::Latex => format!("{base}^{{{}}}", exponent.text),
            _ => format!("{base} ^ {}", exponent.at(Level::Power, self)),
        };
        Formula::new(text, Level::Power)
    }

    /// `-a`.
    pub fn negate(self, x: &Formula) -> Formula {
        Formula::new(format!("-{}", x.at(Level::Power, self)), Level::Negation)
    }

    /// A number: whole ones without a fraction on paper, always a float in code.
    pub fn number(self, value: f64) -> Formula {
        let text = match self {
            Self::Rust | Self::Js => format!("{value:?}"),
            // Very small and very large numbers are unreadable as rows of zeros.
            Self::Text if value != 0.0 && !(1e-4..1e7).contains(&value.abs()) => format!("{value:e}"),
            Self::Text => format!("{value}"),
            Self::Latex => match format!("{value:?}").split_once('e') {
                Some((digits, exponent)) => {
                    format!(r"{} \cdot 10^{{{exponent}}}", digits.trim_end_matches(".0"))
                }
                None => format!("{value}"),
            },
        };
        Formula::new(text, if value.is_sign_negative() { Level::Negation } else { Level::Atom })
    }

    /// A variable. LaTeX sets trailing digits and everything after an underscore as an index.
    pub fn variable(self, name: &str) -> Formula {
        if self != Self::Latex {
            return Formula::atom(name);
        }
        let (head, dotted) = name.split_once('.').map_or((name, None), |(head, rest)| (head, Some(rest)));
        let stem = head.trim_end_matches(|c: char| c.is_ascii_digit());
        let (stem, index) = match stem.split_once('_') {
            Some((stem, rest)) => {
                (stem, format!("{rest}{}", &head[head.len().min(stem.len() + 1 + rest.len())..]))
            }
            None => (stem, head[stem.len()..].to_owned()),
        };
        let stem = if stem.chars().count() > 1 { format!(r"\mathrm{{{stem}}}") } else { stem.to_owned() };
        let index = match (index.is_empty(), dotted) {
            (true, None) => String::new(),
            (true, Some(rest)) => rest.to_owned(),
            (false, None) => index,
            (false, Some(rest)) => format!("{index}, {rest}"),
        };
        Formula::atom(if index.is_empty() {
            stem
        } else if index.chars().all(|c| c.is_ascii_digit()) {
            format!("{stem}_{{{index}}}")
        } else {
            format!(r"{stem}_{{\mathrm{{{}}}}}", index.replace('_', r"\_"))
        })
    }
}

/// A number as a literal of the given precision, shortest digits that give it back.
pub fn literal(value: f64, dtype: Dtype) -> f64 {
    match dtype {
        Dtype::F32 => format!("{:?}", value as f32).parse().unwrap_or(value),
        Dtype::F64 => value,
    }
}
