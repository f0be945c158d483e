//! Kinks, ties, bounds, poles, infinities and NaN, against `PyTorch` (`tests/golden/torch_kinks.py`).

use super::*;

const GOLDEN: &str = include_str!("../../../../tests/golden/kinks.json");

/// Where we differ, and why.
fn differs(op: &str, x: f64, ours: f64, theirs: f64) -> bool {
    match op {
        // The result is NaN already; a mask that NaN does not pass costs nothing, and no one learns from it.
        "relu" => x.is_nan() && ours == 0.0,
        "abs" | "elu" if x.is_nan() => ours.is_nan(),
        // The derivative is made of the result, which is -α to the last digit here.
        "elu" => x == -100.0 && (ours - theirs).abs() < 1e-16,
        // Made of logsumexp itself, PyTorch's derivative loses the digits of large operands.
        "logsumexp" => x >= 1000.0 && ours == 1.5,
        _ => false,
    }
}

fn numbers(list: &serde_json::Value) -> Vec<f64> {
    let list = list.as_array().expect("a list of numbers");
    list.iter().map(|number| number.as_str().and_then(|text| text.parse().ok()).expect("a number")).collect()
}

fn operation(name: &str) -> (&'static Op, Attrs) {
    match name {
        "leaky_relu" => (&leaky_relu::LEAKY_RELU, Attrs::numbers(&[0.1])),
        "elu" => (&elu::ELU, Attrs::numbers(&[2.0])),
        "clamp" => (&clamp::CLAMP, Attrs::numbers(&[-1.0, 100.0])),
        "amax" => (&reduce_max::REDUCE_MAX, Attrs::axes([0])),
        "amin" => (&reduce_min::REDUCE_MIN, Attrs::axes([0])),
        "logsumexp" => (&logsumexp::LOGSUMEXP, Attrs::axes([0])),
        "softmax" => (&softmax::SOFTMAX, Attrs::axes([0])),
        name => {
            let named = |op: &&&Op| op.name == name && !matches!(op.kernel, Kernel::Call { .. });
            (ALL.iter().find(named).expect("an operation"), Attrs::default())
        }
    }
}

#[test]
fn conventions_are_those_of_pytorch() {
    let cases: serde_json::Value = serde_json::from_str(GOLDEN).expect("the golden file is JSON");
    let mut wrong = Vec::new();
    let mut count = 0;
    for case in cases.as_array().expect("cases") {
        let name = case["op"].as_str().expect("a name");
        let (op, attrs) = operation(name);
        let x: Vec<Vec<f64>> = case["x"].as_array().expect("operands").iter().map(numbers).collect();
        let shapes: Vec<Shape> = x.iter().map(|x| Shape::from([x.len()])).collect();
        let (graph, ids) = inputs(&shapes);
        let operands = terms(&graph, &ids);
        let y = operands[0].apply(op, attrs, &operands[1..]);
        let adjoints = pullback(y, y.filled(3.0, y.shape()), &operands);
        let tensors: Vec<Tensor> = x.iter().map(|x| tensor(&[x.len()], x.clone())).collect();
        let values = values(&graph, &tensors, &[]);
        let mut compare = |what: &str, id: Option<NodeId>, theirs: Vec<f64>| {
            for (i, theirs) in theirs.into_iter().enumerate() {
                let ours =
                    id.map_or(0.0, |id| values.example(id, 0).iter().nth(i).copied().unwrap_or(f64::NAN));
                let at: Vec<f64> = x.iter().filter_map(|x| x.get(i).copied()).collect();
                let near = (ours - theirs).abs() <= 1e-14 * theirs.abs();
                let same = ours == theirs || near || (ours.is_nan() && theirs.is_nan());
                count += 1;
                if !same && !differs(name, at[0], ours, theirs) {
                    wrong.push(format!("{what} of `{name}` at {at:?}: {ours}, and PyTorch has {theirs}"));
                }
            }
        };
        compare("value", Some(y.id), numbers(&case["value"]));
        let theirs: Vec<Vec<f64>> =
            case["gradients"].as_array().expect("lists").iter().map(numbers).collect();
        for (i, theirs) in theirs.into_iter().enumerate() {
            compare(&format!("gradient {i}"), adjoints[i].map(|adjoint| adjoint.id), theirs);
        }
    }
    assert!(count > 3000, "{count} numbers");
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
}
