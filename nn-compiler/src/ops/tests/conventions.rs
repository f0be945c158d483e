//! Kinks, ties, bounds and special values: where a derivative is a convention, it is `PyTorch`'s.

use super::*;

/// The result for vectors, and the gradient of its sum with respect to each; empty where nothing is
/// contributed.
fn value_and_gradients(op: &'static Op, attrs: Attrs, operands: &[&[f64]]) -> (Vec<f64>, Vec<Vec<f64>>) {
    let shapes: Vec<Shape> = operands.iter().map(|x| Shape::from([x.len()])).collect();
    let (graph, ids) = inputs(&shapes);
    let x = terms(&graph, &ids);
    let y = x[0].apply(op, attrs, &x[1..]);
    let adjoints = pullback(y, y.filled(1.0, y.shape()), &x);
    let operands: Vec<Tensor> = operands.iter().map(|x| tensor(&[x.len()], x.to_vec())).collect();
    let values = values(&graph, &operands, &[]);
    let flat = |id| values.example(id, 0).iter().copied().collect::<Vec<f64>>();
    let gradients = adjoints.iter().map(|adjoint| adjoint.map_or_else(Vec::new, |adjoint| flat(adjoint.id)));
    (flat(y.id), gradients.collect())
}

#[track_caller]
fn check(op: &'static Op, numbers: &[f64], x: &[f64], value: &[f64], gradient: &[f64]) {
    let (actual, gradients) = value_and_gradients(op, Attrs::numbers(numbers), &[x]);
    assert_eq!(format!("{actual:?}"), format!("{value:?}"), "`{}` of {x:?}", op.name);
    assert_eq!(
        format!("{:?}", gradients[0]),
        format!("{gradient:?}"),
        "derivative of `{}` at {x:?}",
        op.name
    );
}

const NAN: f64 = f64::NAN;
const INF: f64 = f64::INFINITY;

#[test]
fn kinks() {
    check(&relu::RELU, &[], &[-1.0, 0.0, 2.0, NAN], &[0.0, 0.0, 2.0, NAN], &[0.0, 0.0, 1.0, 0.0]);
    check(&abs::ABS, &[], &[-1.0, 0.0, 2.0], &[1.0, 0.0, 2.0], &[-1.0, 0.0, 1.0]);
    check(&leaky_relu::LEAKY_RELU, &[0.1], &[-1.0, 0.0, 2.0], &[-0.1, 0.0, 2.0], &[0.1, 0.1, 1.0]);
    check(&elu::ELU, &[2.0], &[-INF, 0.0, 800.0], &[-2.0, 0.0, 800.0], &[0.0, 2.0, 1.0]);
    check(
        &clamp::CLAMP,
        &[0.0, 1.0],
        &[-1.0, 0.0, 0.5, 1.0, 2.0],
        &[0.0, 0.0, 0.5, 1.0, 1.0],
        &[0.0, 0.0, 1.0, 0.0, 0.0],
    );
    check(&clamp::CLAMP, &[0.0, 1.0], &[NAN], &[NAN], &[0.0]);
    check(&sqrt::SQRT, &[], &[0.0, 4.0], &[0.0, 2.0], &[INF, 0.25]);
    check(&sign::SIGN, &[], &[-3.0, 0.0, 2.0, NAN], &[-1.0, 0.0, 1.0, NAN], &[]);
    check(&stop_gradient::STOP_GRADIENT, &[], &[-3.0], &[-3.0], &[]);
    check(&pow::POWI, &[2.0], &[0.0, -3.0], &[0.0, 9.0], &[0.0, -6.0]);
    check(&pow::POWI, &[0.0], &[0.0, NAN], &[1.0, 1.0], &[]);
}

#[test]
fn ties_share() {
    for op in [&max::MAX, &min::MIN] {
        let (value, gradients) =
            value_and_gradients(op, Attrs::default(), &[&[1.0, 3.0, 2.0], &[1.0, 2.0, NAN]]);
        let expected = if *op == max::MAX { [1.0, 3.0] } else { [1.0, 2.0] };
        assert_eq!(value[..2], expected);
        assert!(value[2].is_nan());
        assert_eq!([gradients[0][0], gradients[1][0]], [0.5, 0.5]);
        assert_eq!(gradients[0][1] + gradients[1][1], 1.0);
    }
    for (op, sign) in [(&reduce_max::REDUCE_MAX, 1.0), (&reduce_min::REDUCE_MIN, -1.0)] {
        let x = [2.0, 7.0, 7.0, 1.0, 7.0].map(|x: f64| sign * x);
        let (value, gradients) = value_and_gradients(op, Attrs::axes([0]), &[&x]);
        assert_eq!(value, [sign * 7.0]);
        let third = 1.0 / 3.0;
        assert_eq!(gradients[0], [0.0, third, third, 0.0, third]);
        let (value, _) = value_and_gradients(op, Attrs::axes([0]), &[&[1.0, NAN, 3.0]]);
        assert!(value[0].is_nan());
    }
}

#[test]
fn powers_at_zero() {
    let (value, gradients) =
        value_and_gradients(&pow::POW, Attrs::default(), &[&[0.0, 0.0, 5.0, 0.0], &[0.0, 2.0, 0.0, -1.0]]);
    assert_eq!(value, [1.0, 0.0, 1.0, INF]);
    assert_eq!(gradients[0], [0.0, 0.0, 0.0, -INF]);
    assert_eq!(gradients[1], [0.0, 0.0, 5.0_f64.ln(), -INF]);
}

#[test]
fn what_is_not_selected_stays_out() {
    let operands: [&[f64]; 3] = [&[1.0, 0.0], &[2.0, NAN], &[NAN, 3.0]];
    let (value, gradients) = value_and_gradients(&select::SELECT, Attrs::default(), &operands);
    assert_eq!(value, [2.0, 3.0]);
    assert_eq!(gradients, [vec![], vec![1.0, 0.0], vec![0.0, 1.0]]);
}

#[test]
fn comparisons_with_nan_are_false() {
    for op in [&compare::GT, &compare::LT, &compare::GE, &compare::LE, &compare::EQ, &compare::NE] {
        let (value, _) = value_and_gradients(op, Attrs::default(), &[&[1.0, NAN], &[NAN, NAN]]);
        let expected = if *op == compare::NE { 1.0 } else { 0.0 };
        assert_eq!(value, [expected, expected], "{}", op.name);
    }
}

#[test]
fn exponentials_do_not_overflow() {
    let axes = || Attrs::axes([0]);
    let (value, gradients) = value_and_gradients(&logsumexp::LOGSUMEXP, axes(), &[&[1000.0, 1000.0]]);
    assert_eq!((value[0], &gradients[0][..]), (1000.0 + 2.0_f64.ln(), &[0.5, 0.5][..]));
    for (x, expected) in [([-INF, -INF], -INF), ([INF, 0.0], INF), ([0.0, -INF], 0.0)] {
        assert_eq!((logsumexp::LOGSUMEXP.eval)(&axes(), &[tensor(&[2], x.to_vec())]).sum(), expected);
    }
    let (value, _) = value_and_gradients(&softmax::SOFTMAX, axes(), &[&[-1000.0, 0.0, 1000.0]]);
    assert_eq!(value, [0.0, 0.0, 1.0]);
    check(&softplus::SOFTPLUS, &[], &[-INF, 1000.0, NAN], &[0.0, 1000.0, NAN], &[0.0, 1.0, NAN]);
    check(&sigmoid::SIGMOID, &[], &[-INF, INF], &[0.0, 1.0], &[0.0, 0.0]);
}

#[test]
fn losses_at_their_edges() {
    let none = Attrs::default;
    let (_, gradients) = value_and_gradients(&mae::MAE, none(), &[&[1.0, 3.0], &[1.0, 2.0]]);
    assert_eq!(gradients, [[0.0, 0.5], [-0.0, -0.5]]);
    // At an error of exactly δ both branches agree.
    let (value, gradients) =
        value_and_gradients(&huber::HUBER, Attrs::numbers(&[2.0]), &[&[2.0, -5.0], &[0.0, 0.0]]);
    assert_eq!((value[0], &gradients[0][..]), (1.0 + 4.0, &[1.0, -1.0][..]));
    // A wrong certainty costs 100, with a steep but finite way back.
    let (value, gradients) =
        value_and_gradients(&binary_cross_entropy::BINARY_CROSS_ENTROPY, none(), &[&[0.0], &[1.0]]);
    assert_eq!(value, [100.0]);
    assert_eq!(gradients, [[-1e12], [100.0]]);
}

#[test]
fn classes_that_do_not_exist_are_nan() {
    for class in [-1.0, 0.5, 3.0, NAN] {
        let class = ndarray::arr0(class).into_dyn();
        let hot = (one_hot::ONE_HOT.eval)(&Attrs::sizes([3]), std::slice::from_ref(&class));
        assert!(hot.iter().all(|element| element.is_nan()));
        let p = tensor(&[3], vec![0.2, 0.3, 0.5]);
        assert!((cross_entropy::CROSS_ENTROPY.eval)(&Attrs::default(), &[p, class]).sum().is_nan());
    }
}
