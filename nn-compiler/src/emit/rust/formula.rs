//! Formulas of fused pointwise operations, as Rust and as the comment above it.

use crate::graph::{Kind, NodeId};
use crate::notation::{Formula, Style, literal};
use crate::ops::Kernel;
use crate::schedule::{Function, Step};
use crate::shape::{Dtype, Shape};

/// The formula of a step's result, as far as the step computes it itself; `name` says what other values are
/// called.
pub(super) fn of_step(
    function: &Function,
    step: &Step,
    dtype: Dtype,
    style: Style,
    name: &impl Fn(NodeId) -> String,
) -> Formula {
    let mut inside = step.fused.clone();
    inside.push(step.result);
    write(function, &inside, step.result, dtype, style, name)
}

/// The formula of a node that is part of a step.
pub(super) fn write(
    function: &Function,
    inside: &[NodeId],
    id: NodeId,
    dtype: Dtype,
    style: Style,
    name: &impl Fn(NodeId) -> String,
) -> Formula {
    let graph = &function.graph;
    match &graph[id].kind {
        Kind::Constant(number) => style.number(literal(number.0, dtype)),
        Kind::Op(op, attrs) if inside.contains(&id) => {
            let operands: Vec<Formula> = graph
                .operands(id)
                .into_iter()
                .map(|operand| write(function, inside, operand, dtype, style, name))
                .collect();
            match op.kernel {
                // Stretching a scalar and reshaping are not written in Rust; sums and means are what the
                // line around the formula does.
                Kernel::Move(_) | Kernel::View if style == Style::Rust => operands[0].clone(),
                Kernel::Mean => operands[0].clone(),
                _ => {
                    let shapes: Vec<Shape> =
                        graph.operands(id).iter().map(|&operand| graph[operand].shape.clone()).collect();
                    (op.notation)(style, attrs, &operands, &shapes)
                }
            }
        }
        Kind::Op(op, _) if matches!(op.kernel, Kernel::View) => {
            write(function, inside, graph.operands(id)[0], dtype, style, name)
        }
        _ => Formula::atom(name(id)),
    }
}
