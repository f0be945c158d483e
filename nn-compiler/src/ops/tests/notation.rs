//! How formulas are written: brackets only where they are needed, and always there.

use super::*;

/// A node's formula, with inputs called `a`, `b`, `c`.
fn write(term: Term<'_>, graph: &RefCell<Graph>, style: Style) -> Formula {
    let kind = graph.borrow()[term.id].kind.clone();
    match kind {
        Kind::Input(position) => style.variable(["a", "b", "c"][position]),
        Kind::Constant(number) => style.number(number.0),
        Kind::Op(op, attrs) => {
            let x = term.operands();
            let formulas: Vec<Formula> = x.iter().map(|&operand| write(operand, graph, style)).collect();
            let shapes: Vec<Shape> = x.iter().map(|operand| operand.shape()).collect();
            (op.notation)(style, &attrs, &formulas, &shapes)
        }
        other => panic!("{other:?} has no name here"),
    }
}

#[test]
fn pointwise_formulas() {
    let (graph, ids) = inputs(&[(); 3].map(|()| Shape::scalar()));
    let [a, b, c] = terms(&graph, &ids)[..] else { unreachable!("three inputs") };
    for (term, text, latex, rust) in [
        (a + b + c, "a + b + c", "a + b + c", "a + b + c"),
        (a + (b + c), "a + b + c", "a + b + c", "a + (b + c)"),
        (a - (b - c), "a - (b - c)", r"a - \left(b - c\right)", "a - (b - c)"),
        (a - (-b), "a - (-b)", r"a - \left(-b\right)", "a - (-b)"),
        (a * (b + c), "a * (b + c)", r"a \cdot \left(b + c\right)", "a * (b + c)"),
        (a / (b * c), "a / (b * c)", r"\frac{a}{b \cdot c}", "a / (b * c)"),
        (-(a * b), "-(a * b)", r"-\left(a \cdot b\right)", "-(a * b)"),
        (a * -2.0, "a * (-2)", r"a \cdot \left(-2\right)", "a * (-2.0)"),
        ((-a).powi(2), "(-a) ^ 2", r"\left(-a\right)^{2}", "powi(-a, 2)"),
        (-a.powi(2), "-a ^ 2", "-a^{2}", "-powi(a, 2)"),
        (a.powi(-1), "a ^ (-1)", "a^{-1}", "powi(a, -1)"),
        (a.zip(&pow::POW, b.zip(&pow::POW, c)), "a ^ b ^ c", "a^{b^{c}}", "pow(a, pow(b, c))"),
        (a.zip(&pow::POW, b).powi(2), "(a ^ b) ^ 2", r"\left(a^{b}\right)^{2}", "powi(pow(a, b), 2)"),
        (1.0 - a.map(&sigmoid::SIGMOID), "1 - sigmoid(a)", r"1 - \sigma\left(a\right)", "1.0 - sigmoid(a)"),
        ((a + b).map(&exp::EXP), "exp(a + b)", "e^{a + b}", "exp(a + b)"),
        (a.map(&relu::RELU), "relu(a)", r"\operatorname{relu}\left(a\right)", "max(a, 0.0)"),
        (
            a.zip(&gate::GATE, b + c),
            "(b + c) * (a > 0)",
            r"\left(b + c\right) \cdot \mathbb{1}_{a > 0}",
            "select(gt(a, 0.0), b + c, 0.0)",
        ),
        (
            b.select(a.zip(&compare::GE, 0.0), c),
            "select(a >= 0, b, c)",
            r"\begin{cases} b & \text{if } a \geq 0 \\ c & \text{otherwise} \end{cases}",
            "select(ge(a, 0.0), b, c)",
        ),
        (a.zip(&compare::GT, b) * c, "(a > b) * c", r"\left(a > b\right) \cdot c", "gt(a, b) * c"),
        (
            a.apply(&clamp::CLAMP, Attrs::numbers(&[-1.0, 0.5]), &[]),
            "clamp(a, -1, 0.5)",
            r"\operatorname{clamp}\left(a, -1, 0.5\right)",
            "min(max(a, -1.0), 0.5)",
        ),
    ] {
        assert_eq!(write(term, &graph, Style::Text).text, text);
        assert_eq!(write(term, &graph, Style::Latex).text, latex);
        assert_eq!(write(term, &graph, Style::Rust).text, rust);
    }
}

#[test]
fn products_moves_and_reductions() {
    let (graph, ids) = inputs(&[Shape::from([3]), Shape::from([3, 4]), Shape::from([4, 3])]);
    let [a, b, c] = terms(&graph, &ids)[..] else { unreachable!("three inputs") };
    let slice = |attrs| b.apply(&slice::SLICE, attrs, &[]);
    for (term, text, latex) in [
        (a.contract(b, &[0], &[0]), "a @ b", r"a \, b"),
        (a.contract(c, &[0], &[1]), "a @ cᵀ", r"a \, c^\top"),
        (b.contract(a, &[0], &[0]), "bᵀ @ a", r"b^\top \, a"),
        (b.contract(b, &[0], &[0]), "bᵀ @ b", r"b^\top \, b"),
        ((b + b).contract(c, &[0], &[1]), "(b + b)ᵀ @ cᵀ", r"\left(b + b\right)^\top \, c^\top"),
        (a.contract(a + a, &[0], &[0]), "a · (a + a)", r"a \cdot \left(a + a\right)"),
        ((a + a).contract(a, &[], &[]), "(a + a) ⊗ a", r"\left(a + a\right) \otimes a"),
        (
            a.contract(b.broadcast(&Shape::from([3, 4, 2]), &[0, 1]), &[0], &[0]),
            "contract(a, broadcast(b, [3, 4, 2]))",
            r"\operatorname{contract}\left(a, \operatorname{broadcast}\left(b, [3, 4, 2]\right)\right)",
        ),
        (b.contract(b, &[0, 1], &[0, 1]), "dot(b, b)", r"\operatorname{dot}\left(b, b\right)"),
        (b.contract(c, &[0, 1], &[1, 0]), "contract(b, c)", r"\operatorname{contract}\left(b, c\right)"),
        (b.permute(&[1, 0]), "bᵀ", r"b^\top"),
        (b.sum(&[0, 1]), "sum(b)", r"\operatorname{sum}\left(b\right)"),
        (b.sum(&[1]), "sum(b, axis = 1)", r"\operatorname{sum}_{1}\left(b\right)"),
        (a.mean(), "mean(a)", r"\operatorname{mean}\left(a\right)"),
        (
            b.apply(&log_softmax::LOG_SOFTMAX, Attrs::axes([0]), &[]),
            "log_softmax(b, axis = 0)",
            r"\operatorname{log\_softmax}_{0}\left(b\right)",
        ),
        (
            b.apply(&softmax::SOFTMAX, Attrs::axes([1]), &[]),
            "softmax(b)",
            r"\operatorname{softmax}\left(b\right)",
        ),
        (
            // What the derivative of a scalar's `logsumexp` is made of.
            a.sum(&[0]).apply(&softmax::SOFTMAX, Attrs::axes([]), &[]),
            "softmax(sum(a))",
            r"\operatorname{softmax}\left(\operatorname{sum}\left(a\right)\right)",
        ),
        (slice(pairs(&[0], &[2, 0, 1, 4])), "b[2]", r"b\left[2\right]"),
        (slice(pairs(&[], &[0, 0, 3, 4])), "b[..]", r"b\left[..\right]"),
        (slice(pairs(&[], &[0, 1, 3, 2])), "b[.., 1..3]", r"b\left[.., 1..3\right]"),
        (slice(pairs(&[1], &[0, 1, 2, 1])), "b[0..2, 1]", r"b\left[0..2, 1\right]"),
        // Stretching from the right goes without saying.
        (a.broadcast(&Shape::from([4, 3]), &[1]), "a", "a"),
        (
            a.broadcast(&Shape::from([3, 4]), &[0]),
            "broadcast(a, [3, 4])",
            r"\operatorname{broadcast}\left(a, [3, 4]\right)",
        ),
    ] {
        assert_eq!(write(term, &graph, Style::Text).text, text);
        assert_eq!(write(term, &graph, Style::Latex).text, latex);
    }
}

#[test]
fn layers_are_written_as_on_the_slide() {
    let (graph, ids) = inputs(&[Shape::from([3]), Shape::from([3, 4]), Shape::from([4])]);
    let [a, b, c] = terms(&graph, &ids)[..] else { unreachable!("three inputs") };
    let dense = |attrs, others: &[Term<'_>]| {
        let layer = graph.borrow_mut().apply(
            &dense::DENSE,
            attrs,
            &std::iter::once(a).chain(others.iter().copied()).map(|term| term.id).collect::<Vec<_>>(),
            Region::none(),
        );
        write(Term::new(&graph, layer.expect("a dense layer")), &graph, Style::Text).text
    };
    assert_eq!(dense(Attrs::sizes([4, 1]), &[b, c]), "a @ b + c");
    assert_eq!(dense(Attrs::sizes([4, 0]), &[b]), "a @ b");
}
