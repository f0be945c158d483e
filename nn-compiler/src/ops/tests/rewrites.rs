//! Each rewrite on an expression that it takes, and on all that it may leave alone.

use super::*;

/// Expressions that the rewrite of this name takes, made of matrices `[2, 3]`.
fn examples<'g>(rewrite: &str, a: Term<'g>, b: Term<'g>) -> Vec<Term<'g>> {
    let shape = a.shape();
    let slice =
        |x: Term<'g>, axes: &[usize], sizes: &[usize]| x.apply(&slice::SLICE, pairs(axes, sizes), &[]);
    let softmax = |x: Term<'g>, axis| x.apply(&softmax::SOFTMAX, Attrs::axes([axis]), &[]);
    match rewrite {
        "a + 0 = a, 0 + a = a" => vec![a + 0.0, 0.0 + a],
        "a + (-b) = a - b, (-a) + b = b - a" => vec![a + (-b), -a + b, -a + (-b)],
        "a - 0 = a, 0 - b = -b" => vec![a - 0.0, 0.0 - b],
        "a - (-b) = a + b" => vec![a - (-b)],
        "(-a) - b = -(a + b)" => vec![-a - b],
        "a * 1 = a, 1 * b = b" => vec![a * 1.0, 1.0 * b],
        "a * (-1) = -a, (-1) * b = -b" => vec![a * -1.0, -1.0 * b],
        "(-a) * b = -(a * b), a * (-b) = -(a * b)" => vec![-a * b, a * (-b), -a * (-b)],
        "a / 1 = a" => vec![a / 1.0],
        "(-a) / b = -(a / b)" => vec![-a / b],
        "1 / (1 + exp(-z)) = sigmoid(z)" => {
            let (decay, growth) = ((-a).map(&exp::EXP), a.map(&exp::EXP));
            vec![1.0 / (1.0 + decay), 1.0 / (decay + 1.0), 1.0 / (1.0 + growth)]
        }
        "-(-x) = x" => vec![-(-a)],
        "-(a - b) = b - a" => vec![-(a - b)],
        "x ^ n by repeated multiplication" => [3.0, 0.0, -2.0].map(|n| a.zip(&pow::POW, n)).into(),
        "x ^ 1 = x, x ^ 0 = 1" => vec![a.powi(1), a.powi(0)],
        "select(c, a, a) = a" => vec![b.select(a, b)],
        "select(1, a, b) = a, select(0, a, b) = b" => {
            [1.0, 0.0].map(|condition| a.select(a.filled(condition, a.shape()), b)).into()
        }
        "log(exp z) = z" => vec![a.map(&exp::EXP).map(&log::LOG)],
        "log(sigmoid z) = -softplus(-z)" => vec![a.map(&sigmoid::SIGMOID).map(&log::LOG)],
        "log(1 - sigmoid z) = -softplus(z)" => vec![(1.0 - a.map(&sigmoid::SIGMOID)).map(&log::LOG)],
        "log(1 + exp z) = softplus(z)" => {
            let growth = a.map(&exp::EXP);
            vec![(1.0 + growth).map(&log::LOG), (growth + 1.0).map(&log::LOG)]
        }
        "log(softmax z) = log_softmax(z)" => vec![softmax(a, 1).map(&log::LOG), softmax(a, 0).map(&log::LOG)],
        "log(softmax(z)[i]) = log_softmax(z)[i]" => {
            vec![slice(softmax(a, 1), &[0], &[1, 0, 1, 2]).map(&log::LOG)]
        }
        "log(sum(exp z)) = logsumexp(z)" => {
            [&[1][..], &[0, 1]].map(|axes| a.map(&exp::EXP).sum(axes).map(&log::LOG)).into()
        }
        "stop_gradient(x) = x, once there are derivatives" => vec![a.stop_gradient()],
        "a sum of single elements is a reshape" => vec![a.reshape(&Shape::from([2, 1, 3])).sum(&[1])],
        "the sum of n repetitions of x is n * x" => {
            let repeated = a.broadcast(&Shape::from([4, 2, 5, 3]), &[1, 3]);
            vec![repeated.sum(&[0, 2]), repeated.sum(&[2]), repeated.sum(&[0])]
        }
        "the sum of a mean over the batch is the mean of the sums" => {
            vec![a.map(&batch_statistic::BATCH_STATISTIC).sum(&[1])]
        }
        "the statistic of what doesn't vary is itself" => {
            vec![a.filled(2.0, shape).map(&batch_statistic::BATCH_STATISTIC)]
        }
        "a broadcast constant is a constant" => vec![a.filled(2.0, Shape::scalar()).broadcast(&shape, &[])],
        "a broadcast that repeats nothing is a reshape" => {
            vec![a.broadcast(&Shape::from([2, 1, 3]), &[0, 2])]
        }
        "a broadcast of a broadcast is one" => {
            let wide = a.sum(&[1]).broadcast(&shape, &[0]);
            vec![wide.broadcast(&Shape::from([2, 4, 3]), &[0, 2])]
        }
        "broadcast axes are said" => vec![a.apply(&broadcast::BROADCAST, Attrs::sizes([4, 2, 3]), &[])],
        "a transposed constant is a constant" => vec![a.filled(2.0, shape).permute(&[1, 0])],
        "a transposition of axes of size 1 is a reshape" => {
            vec![a.reshape(&Shape::from([2, 1, 3])).permute(&[1, 0, 2])]
        }
        "a transposition of a transposition is one" => {
            let turned = a.reshape(&Shape::from([1, 2, 3])).permute(&[1, 2, 0]);
            vec![turned.permute(&[1, 0, 2]), turned.permute(&[1, 2, 0]), turned.permute(&[2, 0, 1])]
        }
        "(a ⊗ b)ᵀ = b ⊗ a" => {
            let outer = a.sum(&[0]).contract(b, &[], &[]);
            vec![outer.permute(&[1, 2, 0])]
        }
        "a reshaped constant is a constant" => vec![a.filled(2.0, shape).reshape(&Shape::from([6]))],
        "a reshape to the same shape is none" => {
            vec![a.apply(&reshape::RESHAPE, Attrs::sizes([2, 3]), &[])]
        }
        "a reshape of a reshape is one" => {
            vec![a.reshape(&Shape::from([6])).reshape(&Shape::from([3, 2]))]
        }
        "one tensor alone is itself" => vec![a.apply(&concat::CONCAT, Attrs::axes([0]), &[])],
        "a part of a constant is a constant" => vec![slice(a.filled(2.0, shape), &[1], &[0, 1, 2, 1])],
        "the whole is a reshape" => {
            let column = a.sum(&[1]).reshape(&Shape::from([2, 1]));
            vec![a.block(&[0, 0], &[2, 3]), slice(column, &[1], &[0, 0, 2, 1])]
        }
        "no zeros around" => vec![a.apply(&pad::PAD, Attrs::sizes([0, 0, 2, 3]), &[])],
        "the mean of what doesn't vary is itself" => vec![a.filled(2.0, shape).map(&batch_mean::BATCH_MEAN)],
        "binary_cross_entropy(sigmoid z, t) = mean(softplus(z) - t * z)" => {
            vec![a.map(&sigmoid::SIGMOID).zip(&binary_cross_entropy::BINARY_CROSS_ENTROPY, b)]
        }
        "cross_entropy(softmax z, t) = logsumexp(z) - z[t]" => {
            let class = a.filled(1.0, Shape::scalar());
            vec![softmax(a.sum(&[0]), 0).zip(&cross_entropy::CROSS_ENTROPY, class)]
        }
        "cross_entropy(softmax z, t, ε) = logsumexp(z) - z[t] + ε (z[t] - mean z)" => {
            let (p, class) = (softmax(a.sum(&[0]), 0), a.filled(1.0, Shape::scalar()));
            vec![p.apply(&cross_entropy::CROSS_ENTROPY, Attrs::numbers(&[0.3]), &[class])]
        }
        "dropout(x, 1) = x" => {
            vec![a.apply(&dropout::DROPOUT, Attrs::numbers(&[0.3]), &[a.filled(1.0, a.shape())])]
        }
        other => panic!("the rewrite `{other}` has no example"),
    }
}

#[test]
fn rewrites_keep_the_meaning() {
    let shape = Shape::from([2, 3]);
    let operands = [sample(&shape, Real, 3), sample(&shape, Real, 4)];
    for &op in ALL {
        for rewrite in op.rewrites {
            let (graph, ids) = inputs(&[shape.clone(), shape.clone()]);
            let x = terms(&graph, &ids);
            for before in examples(rewrite.name, x[0], x[1]) {
                let (root, attrs) = before.op().expect(rewrite.name);
                assert_eq!(root, op, "an example of `{}`", rewrite.name);
                let after = (rewrite.apply)(&attrs, &before.operands());
                let after = after.unwrap_or_else(|| panic!("`{}` doesn't take its example", rewrite.name));
                assert_ne!(after.id, before.id, "`{}` changes nothing", rewrite.name);
                let values = values(&graph, &operands, &[]);
                let expected = values.example(before.id, 0);
                assert_close(values.example(after.id, 0), expected, 1e-14, rewrite.name);
            }
        }
    }
}

#[test]
fn rewrites_that_match_by_chance_keep_the_meaning() {
    for &op in ALL {
        for case in cases(op) {
            let (graph, ids) = inputs(&shapes(&case));
            let x = terms(&graph, &ids);
            let y = x[0].apply(op, case.attrs.clone(), &x[1..]);
            let operands = samples(&case);
            for rewrite in op.rewrites {
                if let Some(after) = (rewrite.apply)(&case.attrs, &x) {
                    let values = values(&graph, &operands, &[]);
                    let what = format!("`{}` of `{}`", rewrite.name, op.name);
                    assert_close(values.example(after.id, 0), values.example(y.id, 0), 1e-14, &what);
                }
            }
        }
    }
}

#[test]
fn near_misses_are_left_alone() {
    let shape = Shape::from([2, 3]);
    let (graph, ids) = inputs(&[shape.clone(), shape]);
    let (a, b) = (Term::new(&graph, ids[0]), Term::new(&graph, ids[1]));
    let (growth, gate) = (a.map(&exp::EXP), a.map(&sigmoid::SIGMOID));
    let total = a.broadcast(&Shape::from([4, 2, 3]), &[1, 2]).sum(&[1]);
    for term in [
        // NaN and infinities times 0 are not 0.
        a * 0.0,
        a.zip(&pow::POW, 0.5),
        a.zip(&pow::POW, 65.0),
        a.zip(&pow::POW, b),
        (2.0 + growth).map(&log::LOG),
        (2.0 - gate).map(&log::LOG),
        1.0 / (2.0 + growth),
        2.0 / (1.0 + growth),
        b / (1.0 + growth),
        total,
        a.contract(b, &[0], &[0]).permute(&[1, 0]),
        a.block(&[0, 1], &[2, 2]),
    ] {
        let (op, attrs) = term.op().expect("an operation");
        for rewrite in op.rewrites {
            let taken = (rewrite.apply)(&attrs, &term.operands()).is_some();
            assert!(!taken, "`{}` takes what it should leave", rewrite.name);
        }
    }
}

#[test]
fn the_largest_whole_power_is_repeated_multiplication() {
    let (graph, ids) = inputs(&[Shape::from([3])]);
    let x = Term::new(&graph, ids[0]);
    let power = x.zip(&pow::POW, 64.0);
    let taken =
        pow::POW.rewrites.iter().find_map(|rewrite| (rewrite.apply)(&Attrs::default(), &power.operands()));
    assert_eq!(taken.map(|term| term.id), Some(x.powi(64).id));
}

#[test]
fn stable_forms_hold_where_the_written_ones_fail() {
    let scalar = Shape::scalar();
    let (graph, ids) = inputs(&[scalar, Shape::from([3])]);
    let (x, z) = (Term::new(&graph, ids[0]), Term::new(&graph, ids[1]));
    let class = x.filled(2.0, Shape::scalar());
    let one = x.filled(1.0, Shape::scalar());
    let probabilities = z.apply(&softmax::SOFTMAX, Attrs::axes([0]), &[]);
    let stable = |term: Term<'_>| {
        let (op, attrs) = term.op().expect("an operation");
        let mut rewrites = op.rewrites.iter().filter(|rewrite| rewrite.stage == Stage::Stabilise);
        rewrites.find_map(|rewrite| (rewrite.apply)(&attrs, &term.operands())).map(|term| term.id)
    };
    let inputs = [ndarray::arr0(-800.0).into_dyn(), ndarray::arr1(&[0.0, 1000.0, -1000.0]).into_dyn()];
    // Logarithm of a probability of e⁻⁸⁰⁰; a loss of 2000 with its derivative softmax(z) - one_hot(2).
    let cases = [
        (x.map(&sigmoid::SIGMOID).map(&log::LOG), x, -800.0, vec![1.0]),
        ((1.0 - x.map(&sigmoid::SIGMOID)).map(&log::LOG), x, 0.0, vec![0.0]),
        (1.0 / (1.0 + (-x).map(&exp::EXP)), x, 0.0, vec![0.0]),
        (
            x.map(&sigmoid::SIGMOID).zip(&binary_cross_entropy::BINARY_CROSS_ENTROPY, one),
            x,
            800.0,
            vec![-1.0],
        ),
        (probabilities.zip(&cross_entropy::CROSS_ENTROPY, class), z, 2000.0, vec![0.0, 1.0, -1.0]),
    ];
    for (written, variable, expected, slope) in cases {
        let name = written.op().expect("an operation").0.name;
        let y = Term::new(&graph, stable(written).expect(name));
        let adjoint = pullback(y, one, &[variable])[0].expect(name);
        let values = values(&graph, &inputs, &[]);
        assert_close(values.example(y.id, 0), &ndarray::arr0(expected).into_dyn(), 1e-15, name);
        let actual: Vec<f64> = values.example(adjoint.id, 0).iter().copied().collect();
        assert_eq!(actual, slope, "{name}");
    }
}
