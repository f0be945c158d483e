//! `cross_entropy(p, target)`: `-log(p[target])`, for the class that the target names; of several rows of probabilities
//! with a class each, the mean.
//!
//! `attrs.numbers` holds the label smoothing ε: the target is then `1 - ε` for the class and `ε / classes` for each of
//! all classes (Szegedy et al., *Rethinking the Inception architecture*, 2016, section 7).

use ndarray::arr0;

use super::{
    Arg, Kernel, Mismatch, Op, Rewrite, Stage, TargetShape, Vjp, log::LOG, mean, one_hot::ONE_HOT,
    softmax::SOFTMAX, softmax_cross_entropy::SOFTMAX_CROSS_ENTROPY,
};
use crate::graph::Attrs;
use crate::shape::Shape;
use crate::term::Term;

/// The cross-entropy of class probabilities along the last axis and a class index for each place on the others, averaged
/// over the places. Operands: `p: […, classes]` and `target: […]`. Of a softmax it is computed from the softmax's operand
/// `z`, exactly, and the derivative there is `softmax(z) - one_hot(target)`, divided by the number of places. NaN if an
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
    args: &[
        Arg::Tensor("prediction"),
        Arg::Target("target", TargetShape::ClassIndex),
        Arg::Number("label_smoothing", Some(0.0)),
    ],
    shape: |attrs, shapes| {
        smoothing_in_range(attrs)?;
        let Some((_, places)) = shapes[0].split_last() else {
            return Err(Mismatch::new(format!(
                "`cross_entropy` takes a vector of probabilities, not {}",
                shapes[0]
            ))
            .help(
                "one example has one probability for each class; for yes or no use `binary_cross_entropy`",
            ));
        };
        if shapes[1][..] != *places {
            let fact = match places {
                [] => format!("`cross_entropy` takes the index of a class, not {}", shapes[1]),
                _ => {
                    format!("`cross_entropy` of {} takes a class for each row, not {}", shapes[0], shapes[1])
                }
            };
            return Err(Mismatch::new(fact));
        }
        Ok(Shape::scalar())
    },
    vjp: Vjp::Expansion,
    eval: |attrs, x| {
        let smoothing = smoothing(attrs);
        let of_all = if smoothing == 0.0 { 0.0 } else { smoothing * mean::of_all(&x[0].mapv(f64::ln)).sum() };
        let right = x[0].rows().into_iter().zip(&x[1]).map(|(p, &class)| {
            let index = (0..p.len()).find(|&index| index as f64 == class);
            index.map_or(f64::NAN, |index| -p[index].ln())
        });
        let mean = right.sum::<f64>() / x[1].len() as f64;
        arr0((1.0 - smoothing) * mean - of_all).into_dyn()
    },
    kernel: Kernel::Composite(|attrs, x| {
        let (of_class, smoothing) = (pick(x[0], x[1]).map(&LOG).mean(), smoothing(attrs));
        if smoothing == 0.0 {
            return -of_class;
        }
        -((1.0 - smoothing) * of_class + smoothing * x[0].map(&LOG).mean())
    }),
    notation: |style, attrs, x, _| match smoothing(attrs) {
        0.0 => style.call("cross_entropy", x),
        smoothing => style.call("cross_entropy", [&x[0], &x[1], &style.number(smoothing)]),
    },
    rewrites: &[
        Rewrite {
            name: "cross_entropy(softmax z, t) = logsumexp(z) - z[t]",
            stage: Stage::Stabilise,
            apply: |attrs, x| {
                let z = logits(x[0])?;
                (smoothing(attrs) == 0.0)
                    .then(|| z.apply(&SOFTMAX_CROSS_ENTROPY, Attrs::default(), &[x[1]]).mean())
            },
        },
        Rewrite {
            name: "cross_entropy(softmax z, t, ε) = logsumexp(z) - z[t] + ε (z[t] - mean z)",
            stage: Stage::Stabilise,
            apply: |attrs, x| {
                let (z, smoothing) = (logits(x[0])?, smoothing(attrs));
                (smoothing != 0.0).then(|| {
                    let loss = z.apply(&SOFTMAX_CROSS_ENTROPY, Attrs::default(), &[x[1]]).mean();
                    loss + smoothing * (pick(z, x[1]).mean() - z.mean())
                })
            },
        },
    ],
    flops: 0,
    ..Op::POINTWISE
};

/// The label smoothing, which is none where nothing is said.
pub(super) fn smoothing(attrs: &Attrs) -> f64 {
    attrs.numbers.first().map_or(0.0, |smoothing| smoothing.0)
}

/// Refuses a label smoothing outside of its range.
///
/// # Errors
/// If it is negative, or 1 or more.
pub(super) fn smoothing_in_range(attrs: &Attrs) -> Result<(), Mismatch> {
    let smoothing = smoothing(attrs);
    if (0.0..1.0).contains(&smoothing) {
        return Ok(());
    }
    let fact = format!("label smoothing is at least 0 and below 1, not {smoothing}");
    Err(Mismatch::new(fact).help("0.1 is usual; 0, or nothing, leaves the labels as they are"))
}

/// What a softmax along the last axis is taken of.
fn logits(p: Term<'_>) -> Option<Term<'_>> {
    let z = p.operands_of(&SOFTMAX)?[0];
    let (_, attrs) = p.op()?;
    (attrs.axes == [p.shape().len() - 1]).then_some(z)
}

/// The element of each row with the index that `class` holds.
fn pick<'g>(x: Term<'g>, class: Term<'g>) -> Term<'g> {
    let last = class.shape().len();
    let hot = class.apply(&ONE_HOT, Attrs::sizes([x.shape()[last]]), &[]);
    if last == 0 { hot.contract(x, &[0], &[0]) } else { (hot * x).sum(&[last]) }
}
