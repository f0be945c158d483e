//! Every record against its own reference semantics: shapes, derivatives, expansions, movements, runs.

mod conventions;
mod errors;
mod kinks;
mod notation;
mod rewrites;

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::*;
use crate::diag::Region;
use crate::graph::Kind;
use crate::interpret::{Bindings, Example, Values, evaluate};
use crate::window::SAME;

/// Where an operation is tried: away from kinks, poles and ties, so that finite differences hold.
#[derive(Clone, Copy)]
enum Domain {
    /// Both signs, no closer to 0 than 0.2, and no two elements alike.
    Real,
    /// From 0.3 to 2.3.
    Positive,
    /// From 0.1 to 0.9.
    Probability,
    /// This number, which is no quantity: an index, a condition.
    Fixed(f64),
    /// As `Real`, but only which is larger counts.
    Order,
}

/// An application of an operation.
struct Case {
    attrs: Attrs,
    operands: Vec<(Shape, Domain)>,
}

use Domain::{Fixed, Order, Positive, Probability, Real};

fn case(attrs: Attrs, operands: &[(&[usize], Domain)]) -> Case {
    Case {
        attrs,
        operands: operands.iter().map(|&(shape, domain)| (Shape::from(shape.to_vec()), domain)).collect(),
    }
}

/// The operation on some shapes, all elements real and in one attribute.
fn on(attrs: Attrs, shapes: &[&[usize]]) -> Case {
    let operands: Vec<(&[usize], Domain)> = shapes.iter().map(|&shape| (shape, Real)).collect();
    case(attrs, &operands)
}

/// Pointwise, on a scalar, a vector and a matrix.
fn everywhere(attrs: &Attrs, domains: &[Domain]) -> Vec<Case> {
    let shapes: [&[usize]; 3] = [&[], &[3], &[2, 4]];
    let operands = |shape| domains.iter().map(|&domain| (shape, domain)).collect::<Vec<_>>();
    shapes.into_iter().map(|shape| case(attrs.clone(), &operands(shape))).collect()
}

fn pairs(axes: &[usize], sizes: &[usize]) -> Attrs {
    Attrs { axes: axes.to_vec(), sizes: sizes.to_vec(), ..Attrs::default() }
}

fn cases(op: &Op) -> Vec<Case> {
    let none = Attrs::default();
    let numbers = Attrs::numbers;
    let reductions = || {
        vec![
            on(Attrs::axes([]), &[&[]]),
            on(Attrs::axes([0]), &[&[5]]),
            on(Attrs::axes([0]), &[&[3, 4]]),
            on(Attrs::axes([1]), &[&[2, 3, 4]]),
            on(Attrs::axes([1, 2]), &[&[2, 3, 4]]),
            on(Attrs::axes([0, 2]), &[&[2, 3, 4]]),
        ]
    };
    match op.name {
        "pow" => everywhere(&none, &[Positive, Real]),
        "log" | "sqrt" => everywhere(&none, &[Positive]),
        "powi" => [3.0, 2.0, 1.0, 0.0, -1.0, -2.0, 7.0]
            .iter()
            .flat_map(|&exponent| everywhere(&numbers(&[exponent]), &[Real]))
            .collect(),
        "leaky_relu" => everywhere(&numbers(&[0.1]), &[Real]),
        "elu" => [1.0, 0.7].iter().flat_map(|&alpha| everywhere(&numbers(&[alpha]), &[Real])).collect(),
        "clamp" => everywhere(&numbers(&[-0.1, 0.15]), &[Real])
            .into_iter()
            .chain(everywhere(&numbers(&[-5.0, 0.1]), &[Real]))
            .collect(),
        "select" => [0.0, 1.0, -2.0]
            .iter()
            .flat_map(|&condition| everywhere(&none, &[Fixed(condition), Real, Real]))
            .collect(),
        "max" | "min" if op.takes(1) => reductions(),
        "sum" | "mean" | "logsumexp" => reductions(),
        "softmax" | "log_softmax" => vec![
            on(Attrs::axes([0]), &[&[4]]),
            on(Attrs::axes([0]), &[&[3, 2]]),
            on(Attrs::axes([1]), &[&[2, 3, 2]]),
            on(Attrs::axes([1, 2]), &[&[2, 3, 2]]),
        ],
        "softmax_cross_entropy" | "softmax_error" => {
            vec![
                case(none, &[(&[4], Real), (&[], Fixed(2.0))]),
                case(Attrs::default(), &[(&[1], Real), (&[], Fixed(0.0))]),
                case(Attrs::default(), &[(&[3, 4], Real), (&[3], Fixed(2.0))]),
                case(Attrs::default(), &[(&[2, 1, 3], Real), (&[2, 1], Fixed(1.0))]),
            ]
        }
        "full" => vec![on(Attrs::sizes([2, 3]), &[&[]]), on(Attrs::sizes([4]), &[&[]])],
        "normalise" => [(0, &[4][..]), (1, &[3, 4]), (1, &[2, 2, 2])]
            .map(|(row, shape)| case(Attrs::axes([row]), &[(shape, Real), (&[], Fixed(0.1))]))
            .into(),
        "normalise_input" => [(0, &[4][..]), (1, &[3, 4])]
            .map(|(row, shape)| case(Attrs::axes([row]), &[(shape, Real), (&[], Fixed(0.1)), (shape, Real)]))
            .into(),
        "one_hot" => {
            [&[][..], &[3], &[2, 2]].map(|shape| case(Attrs::sizes([4]), &[(shape, Fixed(2.0))])).into()
        }
        "lookup" => [&[][..], &[3], &[2, 2]]
            .map(|shape| case(Attrs::default(), &[(shape, Fixed(1.0)), (&[4, 2], Real)]))
            .into(),
        "lookup_weight" => vec![
            case(Attrs::sizes([4]), &[(&[], Fixed(1.0)), (&[2], Real)]),
            case(Attrs::sizes([4]), &[(&[3], Fixed(1.0)), (&[3, 2], Real)]),
            case(Attrs::sizes([3]), &[(&[2, 2], Fixed(0.0)), (&[2, 2, 3], Real)]),
        ],
        "contract" => vec![
            on(pairs(&[], &[]), &[&[2], &[3]]),
            on(pairs(&[0], &[0]), &[&[3], &[3]]),
            on(pairs(&[0], &[0]), &[&[3], &[3, 2]]),
            on(pairs(&[0], &[0]), &[&[3], &[3, 2, 4]]),
            on(pairs(&[0], &[1]), &[&[3], &[2, 3]]),
            on(pairs(&[1], &[0]), &[&[2, 3], &[3, 4]]),
            on(pairs(&[0], &[1]), &[&[3, 2], &[4, 3]]),
            on(pairs(&[0, 2], &[2, 0]), &[&[2, 3, 4], &[4, 5, 2]]),
            on(pairs(&[0, 1], &[2, 1]), &[&[2, 3, 2], &[3, 3, 2]]),
            on(pairs(&[0, 1], &[0, 1]), &[&[2, 3], &[2, 3]]),
            on(pairs(&[0, 1], &[1, 0]), &[&[2, 3], &[3, 2]]),
        ],
        "matmul" => vec![
            on(none.clone(), &[&[3], &[3]]),
            on(none.clone(), &[&[3], &[3, 2]]),
            on(none.clone(), &[&[2, 3], &[3]]),
            on(none.clone(), &[&[2, 3], &[3, 4]]),
            on(none.clone(), &[&[2, 2, 3], &[3, 4]]),
        ],
        "dot" => [&[][..], &[3], &[2, 3]].map(|shape| on(none.clone(), &[shape, shape])).into(),
        "outer" => vec![on(none, &[&[2], &[3]])],
        "dense" => vec![
            on(Attrs::sizes([2, 1]), &[&[3], &[3, 2], &[2]]),
            on(Attrs::sizes([2, 0]), &[&[3], &[3, 2]]),
            on(Attrs::sizes([2, 1]), &[&[], &[1, 2], &[2]]),
            on(Attrs::sizes([2, 1]), &[&[4, 3], &[3, 2], &[2]]),
        ],
        "convolve" => products().map(|(attrs, x, w, _)| on(attrs, &[&x, &w])).into(),
        "convolve_input" => products().map(|(attrs, x, w, y)| on(with(&attrs, &x), &[&y, &w])).into(),
        "convolve_weight" => products().map(|(attrs, x, w, y)| on(with(&attrs, &w[2..]), &[&x, &y])).into(),
        "max_pool2d" => max_pools().map(|(attrs, x, _)| on(attrs, &[&x])).into(),
        // What is looked up by is no quantity: its order is all that counts.
        "max_pool_input" => max_pools().map(|(attrs, x, y)| case(attrs, &[(&x, Order), (&y, Real)])).into(),
        "max_pool_at" => max_pools().map(|(attrs, x, _)| case(attrs, &[(&x, Order), (&x, Real)])).into(),
        "avg_pool2d" => avg_pools().map(|(attrs, x, _)| on(attrs, &[&x])).into(),
        "avg_pool_input" => avg_pools().map(|(attrs, x, y)| on(with(&attrs, &x[1..]), &[&y])).into(),
        "global_avg_pool" => vec![on(none, &[&[2, 3, 4]]), on(Attrs::default(), &[&[1, 1, 1]])],
        "attention" => vec![
            on(Attrs::sizes([1, 0]), &[&[2, 3], &[4, 3], &[4, 2]]),
            on(Attrs::sizes([2, 0]), &[&[1, 4], &[3, 4], &[3, 2]]),
            on(Attrs::sizes([2, 1]), &[&[3, 4], &[3, 4], &[3, 6]]),
            on(Attrs::sizes([1, 1]), &[&[2, 2], &[4, 2], &[4, 1]]),
        ],
        "attention_weights" => vec![
            on(Attrs::sizes([4, 0]), &[&[2, 3, 4]]),
            on(Attrs::sizes([1, 1]), &[&[1, 3, 3]]),
            on(Attrs::sizes([2, 1]), &[&[2, 2, 4]]),
            on(Attrs::sizes([2, 1]), &[&[1, 4, 2]]),
        ],
        "attention_weights_input" => vec![
            on(Attrs::sizes([4]), &[&[2, 3, 4], &[2, 3, 4]]),
            on(Attrs::sizes([1]), &[&[1, 2, 1], &[1, 2, 1]]),
        ],
        "contract_each" => vec![
            on(Attrs::sizes([1, 0, 2, 3, 0, 2, 0, 1, 3]), &[&[3, 2, 4], &[5, 2, 4]]),
            on(Attrs::sizes([0, 1, 2, 2, 0, 3, 1, 0, 3]), &[&[2, 3, 4], &[4, 2, 5]]),
            on(Attrs::sizes([0, 2, 1, 0, 3, 2, 0, 3, 1]), &[&[2, 3, 4], &[2, 5, 3]]),
            on(Attrs::sizes([1, 0, 2, 2, 0, 3, 3, 0, 1]), &[&[3, 2, 1], &[1, 2, 4]]),
        ],
        "layer_norm" => vec![
            on(Attrs { axes: vec![0], ..numbers(&[1e-5]) }, &[&[5], &[5], &[5]]),
            on(Attrs { axes: vec![1], ..numbers(&[0.1]) }, &[&[2, 3, 2], &[3, 2], &[3, 2]]),
        ],
        "batch_norm" => {
            let attrs = numbers(&[0.1, 0.2]);
            [&[2, 3, 2][..], &[3, 4], &[3]]
                .map(|x| on(attrs.clone(), &[x, &x[..1], &x[..1], &x[..1], &x[..1]]))
                .into()
        }
        "group_norm" => vec![
            on(Attrs { sizes: vec![2], ..numbers(&[1e-5]) }, &[&[4, 2, 3], &[4], &[4]]),
            on(Attrs { sizes: vec![3], ..numbers(&[0.1]) }, &[&[3, 4], &[3], &[3]]),
        ],
        "local_response_norm" => [1, 4, 5]
            .map(|size| on(Attrs { sizes: vec![size], ..numbers(&[0.3, 0.75, 1.0]) }, &[&[6, 2, 1]]))
            .into(),
        "upsample" => vec![on(Attrs::sizes([2, 2]), &[&[2, 3, 2]]), on(Attrs::sizes([1, 3]), &[&[1, 2, 2]])],
        "embedding" => vec![
            case(Attrs::sizes([4, 3]), &[(&[], Fixed(2.0)), (&[4, 3], Real)]),
            case(Attrs::sizes([2, 3]), &[(&[3], Fixed(1.0)), (&[2, 3], Real)]),
        ],
        "conv1d" => vec![
            on(Attrs::sizes([2, 3, 1, 0, 0, 1, 1, 1]), &[&[2, 5], &[2, 2, 3], &[2]]),
            on(Attrs::sizes([4, 2, 2, 1, 2, 2, 3, 0]), &[&[2, 6], &[4, 1, 2]]),
        ],
        "conv_transpose2d" => vec![
            on(
                Attrs::sizes([2, 3, 2, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1]),
                &[&[3, 2, 2], &[3, 2, 3, 2], &[2]],
            ),
            on(Attrs::sizes([4, 2, 3, 2, 3, 1, 0, 1, 2, 1, 0, 2, 2, 1, 0]), &[&[2, 2, 3], &[2, 2, 2, 3]]),
        ],
        "conv2d" => vec![
            on(Attrs::sizes([2, 3, 2, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1]), &[&[2, 4, 3], &[2, 2, 3, 2], &[2]]),
            on(Attrs::sizes([4, 2, 2, 2, 1, 1, 0, 2, 1, 2, 1, 2, 0]), &[&[2, 3, 3], &[4, 1, 2, 2]]),
            on(
                Attrs::sizes([1, 4, 3, 2, 3, SAME, SAME, SAME, SAME, 1, 1, 1, 1]),
                &[&[1, 5, 4], &[1, 1, 4, 3], &[1]],
            ),
        ],
        "broadcast" => vec![
            on(pairs(&[], &[3]), &[&[]]),
            on(pairs(&[], &[2, 3]), &[&[3]]),
            on(pairs(&[0], &[3, 2]), &[&[3]]),
            on(pairs(&[0, 2], &[2, 4, 3]), &[&[2, 3]]),
            on(pairs(&[1, 2], &[2, 4, 3]), &[&[4, 1]]),
            on(pairs(&[], &[4, 3]), &[&[4, 1]]),
        ],
        "transpose" => vec![
            on(Attrs::axes([]), &[&[]]),
            on(Attrs::axes([1, 0]), &[&[2, 3]]),
            on(Attrs::axes([1, 2, 0]), &[&[2, 3, 4]]),
        ],
        "reshape" => vec![
            on(Attrs::sizes([3, 2]), &[&[2, 3]]),
            on(Attrs::sizes([1, 1]), &[&[]]),
            on(Attrs::sizes([]), &[&[1]]),
        ],
        "concat" => vec![
            on(Attrs::axes([0]), &[&[2], &[3], &[1]]),
            on(Attrs::axes([0]), &[&[2, 3], &[1, 3]]),
            on(Attrs::axes([1]), &[&[2, 3], &[2, 1], &[2, 2]]),
            on(Attrs::axes([1]), &[&[2, 3]]),
            on(Attrs::axes([0]), &[&[], &[3], &[]]),
            on(Attrs::axes([0]), &[&[]]),
        ],
        "slice" => vec![
            on(Attrs::sizes([1, 3]), &[&[5]]),
            on(pairs(&[0], &[4, 1]), &[&[5]]),
            on(pairs(&[0], &[1, 0, 1, 3]), &[&[2, 3]]),
            on(pairs(&[1], &[0, 2, 1, 2, 1, 2]), &[&[2, 3, 4]]),
            on(pairs(&[0, 2], &[1, 0, 3, 1, 3, 1]), &[&[2, 3, 4]]),
        ],
        "pad" if !op.args.is_empty() => vec![
            on(Attrs { sizes: vec![1, 0, 2, 3], ..numbers(&[0.0]) }, &[&[2, 2, 3]]),
            on(Attrs { sizes: vec![0, 2, 0, 1], ..numbers(&[-1.5]) }, &[&[1, 2]]),
            on(Attrs { sizes: vec![1, 1, 1, 0], ..numbers(&[2.0]) }, &[&[1, 2, 1, 2]]),
        ],
        "pad" => vec![
            on(Attrs { sizes: vec![1, 5], ..numbers(&[0.7]) }, &[&[3]]),
            on(Attrs::sizes([1, 5]), &[&[3]]),
            on(Attrs::sizes([0, 1, 2, 3]), &[&[1, 2]]),
            on(Attrs::sizes([1, 1, 3, 4]), &[&[1, 2]]),
            on(Attrs::sizes([]), &[&[]]),
        ],
        "mse" | "mae" => everywhere(&none, &[Real, Real]),
        "huber" => everywhere(&numbers(&[0.37]), &[Real, Real]),
        "binary_cross_entropy" => [0.0, 0.2]
            .iter()
            .flat_map(|&smoothing| everywhere(&numbers(&[smoothing]), &[Probability, Probability]))
            .collect(),
        "cross_entropy" => [0.0, 0.2]
            .iter()
            .flat_map(|&smoothing| {
                let of = |p: &[usize], target: &[usize]| {
                    case(numbers(&[smoothing]), &[(p, Probability), (target, Fixed(2.0))])
                };
                [of(&[4], &[]), of(&[2, 4], &[2]), of(&[2, 3, 3], &[2, 3])]
            })
            .collect(),
        "dropout" => {
            [0.0, 2.0].iter().flat_map(|&mask| everywhere(&numbers(&[0.5]), &[Real, Fixed(mask)])).collect()
        }
        _ if op.args.is_empty() => everywhere(&none, &vec![Real; if *op == gate::GATE { 2 } else { 1 }]),
        _ => everywhere(&none, &vec![Real; op.args.iter().filter(|arg| arg.is_operand()).count()]),
    }
}

/// A convolution: attributes, and the shapes of image, weight and result.
type Products = (Attrs, [usize; 3], [usize; 4], [usize; 3]);

fn products() -> [Products; 4] {
    let attrs = |sizes: [usize; 9]| Attrs::sizes(sizes);
    [
        (attrs([1, 1, 0, 0, 0, 0, 1, 1, 1]), [2, 3, 4], [3, 2, 2, 3], [3, 2, 2]),
        (attrs([2, 3, 1, 2, 0, 1, 1, 1, 1]), [1, 4, 5], [2, 1, 3, 2], [2, 3, 2]),
        (attrs([1, 2, 1, 1, 3, 0, 2, 2, 1]), [4, 4, 2], [2, 2, 2, 3], [2, 4, 2]),
        // The last pixels are in no window.
        (attrs([3, 2, 0, 0, 0, 0, 3, 1, 1]), [3, 5, 4], [3, 1, 1, 1], [3, 2, 2]),
    ]
}

/// Largest elements of windows: attributes, and the shapes of image and result.
fn max_pools() -> [(Attrs, [usize; 3], [usize; 3]); 4] {
    let attrs = |sizes: [usize; 11]| Attrs::sizes(sizes);
    [
        (attrs([2, 2, 0, 0, 0, 0, 0, 0, 1, 1, 0]), [2, 4, 4], [2, 2, 2]),
        (attrs([3, 2, 2, 1, 1, 1, 1, 0, 1, 1, 0]), [1, 5, 4], [1, 3, 4]),
        (attrs([2, 3, 2, 2, 0, 0, 0, 1, 1, 1, 1]), [1, 5, 4], [1, 3, 2]),
        (attrs([2, 2, 1, 3, 0, 0, 0, 0, 2, 3, 1]), [2, 4, 5], [2, 2, 2]),
    ]
}

/// Means of windows: attributes, and the shapes of image and result.
fn avg_pools() -> [(Attrs, [usize; 3], [usize; 3]); 4] {
    let attrs = |sizes: [usize; 10]| Attrs::sizes(sizes);
    [
        (attrs([2, 2, 0, 0, 0, 0, 0, 0, 0, 1]), [2, 4, 4], [2, 2, 2]),
        (attrs([3, 2, 2, 1, 1, 1, 1, 0, 0, 1]), [1, 5, 4], [1, 3, 4]),
        (attrs([3, 2, 2, 1, 1, 1, 1, 0, 0, 0]), [1, 5, 4], [1, 3, 4]),
        (attrs([3, 3, 2, 2, 1, 1, 1, 1, 1, 1]), [1, 4, 6], [1, 3, 4]),
    ]
}

fn with(attrs: &Attrs, sizes: &[usize]) -> Attrs {
    Attrs::sizes([&attrs.sizes[..], sizes].concat())
}

/// Numbers from 0 below 1 that look random and are the same in every run: the golden ratio's multiples.
fn fractions(seed: usize) -> impl Iterator<Item = f64> {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    (1..).map(move |i| (f64::from(i) * GOLDEN + seed as f64 * 0.754_877_666_246_692_8).fract())
}

fn sample(shape: &Shape, domain: Domain, seed: usize) -> Tensor {
    let mut fractions = fractions(seed);
    let mut next = || fractions.next().unwrap_or_default();
    let elements = (0..shape.count()).map(|_| match domain {
        Real | Order => {
            let (magnitude, sign) = (0.2 + 1.6 * next(), next());
            if sign < 0.5 { -magnitude } else { magnitude }
        }
        Positive => 0.3 + 2.0 * next(),
        Probability => 0.1 + 0.8 * next(),
        Fixed(value) => value,
    });
    tensor(shape, elements.collect())
}

fn samples(case: &Case) -> Vec<Tensor> {
    let operands = case.operands.iter().enumerate();
    operands.map(|(seed, (shape, domain))| sample(shape, *domain, seed)).collect()
}

/// A graph under construction with one input for each operand.
fn inputs(shapes: &[Shape]) -> (RefCell<Graph>, Vec<NodeId>) {
    let mut graph = Graph::default();
    let leaf = |(i, shape): (usize, &Shape)| graph.leaf(Kind::Input(i), shape.clone(), Region::none());
    let ids = shapes.iter().enumerate().map(leaf).collect();
    (RefCell::new(graph), ids)
}

fn terms<'g>(graph: &'g RefCell<Graph>, ids: &[NodeId]) -> Vec<Term<'g>> {
    ids.iter().map(|&id| Term::new(graph, id)).collect()
}

/// The values of a graph for one example.
fn values(graph: &RefCell<Graph>, inputs: &[Tensor], cotangents: &[Tensor]) -> Values {
    let example = Example { inputs: inputs.to_vec(), cotangents: cotangents.to_vec(), ..Example::default() };
    evaluate(&graph.borrow(), &Bindings { params: Vec::new(), examples: vec![example] })
}

/// The adjoints of some nodes, given that of `y`. What has no rule is differentiated by way of its expansion.
fn pullback<'g>(y: Term<'g>, d: Term<'g>, to: &[Term<'g>]) -> Vec<Option<Term<'g>>> {
    let mut adjoints = BTreeMap::from([(y.id, (y, d))]);
    let mut found: Vec<Option<Term<'g>>> = vec![None; to.len()];
    while let Some((id, (y, d))) = adjoints.pop_last() {
        if let Some(position) = to.iter().position(|leaf| leaf.id == id) {
            found[position] = Some(d);
            continue;
        }
        let Some((op, attrs)) = y.op() else { continue };
        let x = y.operands();
        let contributions = match (&op.vjp, op.kernel) {
            (Vjp::Rule(rule), _) => rule(&Site { attrs, x: x.clone(), y }, d),
            (Vjp::Expansion, Kernel::Composite(expand)) => pullback(expand(&attrs, &x), d, &x),
            (Vjp::Expansion, _) => panic!("`{}` has neither a rule nor an expansion", op.name),
            (Vjp::Zero | Vjp::None { .. }, _) => continue,
        };
        assert_eq!(contributions.len(), x.len(), "`{}` has a contribution for each operand", op.name);
        for (operand, contribution) in x.into_iter().zip(contributions) {
            let Some(contribution) = contribution else { continue };
            assert_eq!(contribution.shape(), operand.shape(), "an adjoint of `{}`", op.name);
            let sum = adjoints.get(&operand.id).map_or(contribution, |&(_, sum)| sum + contribution);
            adjoints.insert(operand.id, (operand, sum));
        }
    }
    found
}

/// The derivative of the result's product with a cotangent, by finite differences of fourth order.
fn differences(op: &Op, attrs: &Attrs, x: &[Tensor], cotangent: &Tensor, operand: usize) -> Tensor {
    const STEP: f64 = 1e-3;
    let elements = (0..x[operand].len()).map(|element| {
        let at = |shift: f64| {
            let mut moved = x.to_vec();
            if let Some(value) = moved[operand].iter_mut().nth(element) {
                *value += shift;
            }
            ((op.eval)(attrs, &moved) * cotangent).sum()
        };
        (8.0 * (at(STEP) - at(-STEP)) - (at(2.0 * STEP) - at(-2.0 * STEP))) / (12.0 * STEP)
    });
    tensor(x[operand].shape(), elements.collect())
}

#[track_caller]
fn assert_close(actual: &Tensor, expected: &Tensor, tolerance: f64, what: &str) {
    assert_eq!(actual.shape(), expected.shape(), "{what}");
    for (a, e) in actual.iter().zip(expected) {
        let close = (a - e).abs() <= tolerance * (1.0 + e.abs()) || a == e || (a.is_nan() && e.is_nan());
        assert!(close, "{what}: {actual} is not {expected}");
    }
}

fn shapes(case: &Case) -> Vec<Shape> {
    case.operands.iter().map(|(shape, _)| shape.clone()).collect()
}

#[test]
fn shape_rules_foretell_values() {
    for &op in ALL {
        for case in cases(op) {
            let expected = (op.shape)(&case.attrs, &shapes(&case)).expect(op.name);
            let value = (op.eval)(&case.attrs, &samples(&case));
            assert_eq!(value.shape(), &expected[..], "`{}` with {:?}", op.name, case.attrs);
            assert!(value.iter().all(|element| element.is_finite()), "`{}`: {value}", op.name);
        }
    }
}

#[test]
fn derivatives_agree_with_finite_differences() {
    for &op in ALL.iter().filter(|op| !matches!(op.vjp, Vjp::Zero | Vjp::None { .. })) {
        for case in cases(op) {
            let (graph, ids) = inputs(&shapes(&case));
            let x = terms(&graph, &ids);
            let y = x[0].apply(op, case.attrs.clone(), &x[1..]);
            let shape = y.shape();
            let seed = graph.borrow_mut().leaf(Kind::Cotangent(0), shape, Region::none());
            let adjoints = pullback(y, Term::new(&graph, seed), &x);
            let operands = samples(&case);
            let cotangent = sample(&y.shape(), Real, 9);
            let values = values(&graph, &operands, std::slice::from_ref(&cotangent));
            for (position, adjoint) in adjoints.into_iter().enumerate() {
                let what =
                    format!("`{}` with {:?} on {:?}, operand {position}", op.name, case.attrs, shapes(&case));
                if matches!(case.operands[position].1, Fixed(_) | Order) {
                    assert!(adjoint.is_none(), "{what}");
                    continue;
                }
                let expected = differences(op, &case.attrs, &operands, &cotangent, position);
                let actual = adjoint.map_or_else(
                    || Tensor::zeros(operands[position].shape()),
                    |adjoint| values.example(adjoint.id, 0).clone(),
                );
                assert_close(&actual, &expected, 1e-8, &what);
            }
        }
    }
}

#[test]
fn expansions_mean_what_they_stand_for() {
    for &op in ALL {
        let Kernel::Composite(expand) = op.kernel else { continue };
        for case in cases(op) {
            let (graph, ids) = inputs(&shapes(&case));
            let expansion = expand(&case.attrs, &terms(&graph, &ids));
            assert!(expansion.op().is_none_or(|(other, _)| other != op), "`{}` expands into itself", op.name);
            let operands = samples(&case);
            let values = values(&graph, &operands, &[]);
            let expected = (op.eval)(&case.attrs, &operands);
            assert_close(values.example(expansion.id, 0), &expected, 1e-13, op.name);
        }
    }
}

#[test]
fn movements_move_as_the_semantics_say() {
    for &op in ALL {
        let Kernel::Move(movement) = op.kernel else { continue };
        for case in cases(op) {
            let movement = movement(&case.attrs, &shapes(&case));
            let operands = samples(&case);
            let expected = (op.eval)(&case.attrs, &operands);
            let fill = movement.fill.map_or(f64::NAN, |number| number.0);
            let mut elements = vec![fill; expected.len()];
            for copy in &movement.copies {
                let source: Vec<f64> = operands[copy.operand].iter().copied().collect();
                for place in ndarray::indices(copy.sizes.clone()) {
                    let index = |start: usize, strides: &[usize]| {
                        start
                            + strides.iter().enumerate().map(|(axis, step)| place[axis] * step).sum::<usize>()
                    };
                    elements[index(copy.to, &copy.to_strides)] = source[index(copy.from, &copy.from_strides)];
                }
            }
            assert_close(&tensor(expected.shape(), elements), &expected, 0.0, op.name);
        }
    }
}

#[test]
fn runs_of_axes_are_what_reductions_see() {
    for &op in ALL {
        let Kernel::Call { sizes, .. } = op.kernel else { continue };
        for case in cases(op).into_iter().filter(|case| sum::are_adjacent(&case.attrs.axes)) {
            let shapes = shapes(&case);
            let result = (op.shape)(&case.attrs, &shapes).expect(op.name);
            match sizes(&case.attrs, &shapes)[..] {
                // Products and copies have sizes of their own.
                _ if op.products.is_some() => {}
                [outer, row] if shapes[0] == result => assert_eq!(outer * row, result.count(), "{}", op.name),
                // Classes, of the result or of what it is a number for, alone or of so many places; or all elements.
                [classes] | [_, classes] if result.last() == Some(&classes) => {}
                [_, classes] => assert_eq!(shapes[0].last(), Some(&classes), "{}", op.name),
                [n] if shapes[0].count() == n && shapes[0] == result => {}
                [classes] => assert!(result[..] == [classes] || shapes[0][..] == [classes], "{}", op.name),
                [outer, len, inner] => {
                    let x = &samples(&case)[0];
                    let as_run = x.to_shape((outer, len, inner)).expect(op.name).into_dyn().into_owned();
                    let of_run = (op.eval)(&Attrs::axes([1]), &[as_run]);
                    let expected = (op.eval)(&case.attrs, std::slice::from_ref(x));
                    let of_run = tensor(&result, of_run.iter().copied().collect());
                    assert_close(&of_run, &expected, 1e-15, op.name);
                }
                ref other => panic!("`{}` is called with {other:?}", op.name),
            }
        }
    }
}

#[test]
fn calls_reach_every_operation() {
    for &op in ALL.iter().filter(|op| !op.args.is_empty()) {
        let operands = op.args.iter().filter(|arg| arg.is_operand()).count();
        assert_eq!(find(op.name, operands), Some(op));
    }
    assert_eq!(find("max", 2), Some(&max::MAX));
    assert_eq!(find("max", 1), Some(&reduce_max::REDUCE_MAX));
    assert_eq!(find("concat", 5), Some(&concat::CONCAT));
    // With attributes by position, no count fits, and the name decides.
    assert_eq!(find("dense", 3), Some(&dense::DENSE));
    // What only the compiler makes can't be called.
    assert_eq!(find("gate", 2), None);
}

#[test]
fn layers_make_a_weight_and_a_bias_that_starts_at_zero() {
    let weights = dense::DENSE.weights.expect("a layer has parameters");
    let made = |bias| {
        let weights = weights(&Attrs::sizes([2, bias]), &[Shape::from([5, 3])]);
        let made = weights.into_iter().map(|weight| (weight.name, weight.shape, weight.init));
        made.collect::<Vec<_>>()
    };
    let weight = ("weight", Shape::from([3, 2]), None);
    let zeros = Some(crate::model::Init::Constant(0.0));
    assert_eq!(made(1), [weight.clone(), ("bias", Shape::from([2]), zeros)]);
    assert_eq!(made(0), [weight]);
}

#[test]
fn what_has_no_derivative_says_what_to_do() {
    for op in ALL {
        if let Vjp::None { help } = op.vjp {
            assert!(!help.is_empty(), "`{}`", op.name);
        }
    }
}
