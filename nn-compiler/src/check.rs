//! Verifies a graph: what every pass may rely on and has to keep.

use crate::graph::{Graph, Kind, Root};
use crate::ops::Kernel;
use crate::shape::Shape;

/// Panics with the name of the pass that broke an invariant.
///
/// # Panics
/// If an operand does not come before its user, a node's shape is not what its operation's rule gives, a
/// root's shape or scope is wrong, or a leaf occurs twice.
pub fn verify(graph: &Graph, pass: &str) {
    for id in graph.ids() {
        let node = &graph[id];
        let operands = graph.operands(id);
        assert!(
            operands.iter().all(|&operand| operand < id),
            "after `{pass}`: {node:?} comes before its operands"
        );
        if let Kind::Op(op, attrs) = &node.kind {
            let shapes: Vec<Shape> = operands.iter().map(|&operand| graph[operand].shape.clone()).collect();
            match (op.shape)(attrs, &shapes) {
                Ok(shape) => assert_eq!(shape, node.shape, "after `{pass}`: `{}` has a wrong shape", op.name),
                Err(mismatch) => panic!("after `{pass}`: `{}`: {}", op.name, mismatch.fact),
            }
            let varies = operands.iter().any(|&operand| graph[operand].varies);
            let expected = varies && !matches!(op.kernel, Kernel::Mean | Kernel::Statistic);
            assert_eq!(node.varies, expected, "after `{pass}`: `{}` varies where it should not", op.name);
        }
    }
    for &(root, id) in &graph.roots {
        let node = &graph[id];
        match root {
            Root::Loss => {
                assert!(node.shape.is_scalar() && !node.varies, "after `{pass}`: the loss is no mean scalar");
            }
            Root::ParamGradient(_) | Root::State(_) => {
                assert!(!node.varies, "after `{pass}`: a parameter's gradient varies with the example");
            }
            Root::Output(_) | Root::InputGradient(_) => {}
        }
    }
}
