//! Arguments of windows: sizes for each axis, and what is assumed around an image.

use super::Builder;
use super::call::list;
use crate::ast::{Expr, ExprKind};
use crate::diag::{Diagnostic, nearest};
use crate::window::SAME;

/// The most that any of them may be: far more than an image has, and little enough for all arithmetic.
const MOST: usize = 65_535;

impl Builder<'_> {
    /// One number for all of the axes, or a list with one for each.
    pub(super) fn window(
        &mut self,
        expr: &Expr,
        name: &str,
        axes: usize,
        may_be_0: bool,
    ) -> Option<Vec<usize>> {
        let mut sizes = Vec::new();
        for size in list(expr) {
            sizes.push(if may_be_0 {
                self.whole(size, &format!("`{name}`"))?
            } else {
                self.size(size, name)?
            });
        }
        self.has_limits(&sizes, expr, name)?;
        match sizes[..] {
            [size] => Some(vec![size; axes]),
            _ if sizes.len() == axes => Some(sizes),
            _ => {
                let fact =
                    format!("`{name}` has {} sizes here, and there are {}", sizes.len(), counted(axes));
                let help = if axes == 1 {
                    format!("write one number: `{name} = 3`")
                } else {
                    format!("write one for both, or height and width: `{name} = 3`, `{name} = [3, 5]`")
                };
                self.errors.push(Diagnostic::new(expr.region, fact).help(help));
                None
            }
        }
    }

    /// That none of the numbers is out of all proportion.
    fn has_limits(&mut self, numbers: &[usize], expr: &Expr, name: &str) -> Option<()> {
        let Some(large) = numbers.iter().find(|&&number| number > MOST) else { return Some(()) };
        let fact = format!("`{name}` is {large}, and at most {MOST} makes sense");
        self.errors.push(Diagnostic::new(expr.region, fact).help(format!("write less: `{name} = 3`")));
        None
    }

    /// What is assumed before and after each of the axes.
    pub(super) fn padding(&mut self, expr: &Expr, name: &str, axes: usize) -> Option<Vec<usize>> {
        const WORDS: [&str; 2] = ["same", "valid"];
        match &expr.kind {
            ExprKind::Name(word) if word == "same" => return Some(vec![SAME; 2 * axes]),
            ExprKind::Name(word) if word == "valid" => return Some(vec![0; 2 * axes]),
            ExprKind::Text(word) if WORDS.contains(&word.as_str()) => {
                let fact = format!("`{word}` stands without quotes");
                self.errors.push(Diagnostic::new(expr.region, fact).help(format!("write `{name} = {word}`")));
                return None;
            }
            ExprKind::Name(word) if !self.scope().names.contains_key(&word.to_string()) => {
                let word = word.to_string();
                let fact = format!("`{word}` is no padding");
                let help = match nearest(&word, WORDS) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "`same`, `valid`, or a number".to_owned(),
                };
                self.errors.push(Diagnostic::new(expr.region, fact).help(help));
                return None;
            }
            _ => {}
        }
        let mut sides = Vec::new();
        for side in list(expr) {
            sides.push(self.whole(side, &format!("`{name}`"))?);
        }
        self.has_limits(&sides, expr, name)?;
        match sides[..] {
            [side] => Some(vec![side; 2 * axes]),
            _ if sides.len() == 2 * axes => Some(sides),
            _ if sides.len() == axes => Some(sides.iter().flat_map(|&side| [side; 2]).collect()),
            _ => {
                let fact =
                    format!("`{name}` has {} numbers here, and there are {}", sides.len(), counted(axes));
                let help = if axes == 1 {
                    format!("`same`, `valid`, one number, or before and after: `{name} = (1, 2)`")
                } else {
                    format!(
                        "`same`, `valid`, one number, or above, below, left and right: `{name} = (1, 1, 2, 2)`"
                    )
                };
                self.errors.push(Diagnostic::new(expr.region, fact).help(help));
                None
            }
        }
    }
}

fn counted(axes: usize) -> &'static str {
    if axes == 1 { "one axis" } else { "two axes" }
}
