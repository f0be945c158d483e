//! `cross_entropy(p, target)`: `-log(p[target])`, for the class that the target names.

use ndarray::arr0;

use super::{
    Arg, Kernel, Mismatch, Op, Rewrite, Stage, TargetShape, Vjp, log::LOG, one_hot::ONE_HOT,
    softmax::SOFTMAX, softmax_cross_entropy::SOFTMAX_CROSS_ENTROPY,
};
use crate::graph::Attrs;
use crate::shape::Shape;
use crate::term::Term;

/// The cross-entropy of a vector of class probabilities and a class index. Of a softmax it is computed from
/// the softmax's operand `z`, exactly, and the derivative there is `softmax(z) - one_hot(target)`. NaN if the
/// index is not a whole number below the number of classes.
pub static CROSS_ENTROPY: Op = Op {
    name: "cross_entropy",
    also: &[
        "cross_entropy_loss",
        "nll_loss",
        "categorical_crossentropy",
        "sparse_categorical_crossentropy",
        "crossentropy",
    ],
    args: &[Arg::Tensor("prediction"), Arg::Target("target", TargetShape::ClassIndex)],
    shape: |_, shapes| {
        if shapes[0].len() != 1 {
            return Err(Mismatch::new(format!(
                "`cross_entropy` takes a vector of probabilities, not {}",
                shapes[0]
            ))
            .help(
                "one example has one probability for each class; for yes or no use `binary_cross_entropy`",
            ));
        }
        if !shapes[1].is_scalar() {
            return Err(Mismatch::new(format!(
                "`cross_entropy` takes the index of a class, not {}",
                shapes[1]
            )));
        }
        Ok(Shape::scalar())
    },
    vjp: Vjp::Expansion,
    eval: |_, x| {
        let class = x[1].sum();
        let index = (0..x[0].len()).find(|&index| index as f64 == class);
        arr0(index.map_or(f64::NAN, |index| -x[0][index].ln())).into_dyn()
    },
    kernel: Kernel::Composite(|_, x| -pick(x[0], x[1]).map(&LOG)),
    notation: |style, _, x, _| style.call("cross_entropy", x),
    rewrites: &[Rewrite {
        name: "cross_entropy(softmax z, t) = logsumexp(z) - z[t]",
        stage: Stage::Stabilise,
        apply: |_, x| {
            let z = x[0].operands_of(&SOFTMAX)?[0];
            Some(z.apply(&SOFTMAX_CROSS_ENTROPY, Attrs::default(), &[x[1]]))
        },
    }],
    flops: 0,
    ..Op::POINTWISE
};

/// The element with the index that `class` holds.
fn pick<'g>(x: Term<'g>, class: Term<'g>) -> Term<'g> {
    let hot = class.apply(&ONE_HOT, Attrs::sizes(x.shape().to_vec()), &[]);
    hot.contract(x, &[0], &[0])
}
