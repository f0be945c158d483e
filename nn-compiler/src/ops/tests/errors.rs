//! What shape rules say when operands don't fit.

use super::*;

#[track_caller]
fn refuses(op: &Op, attrs: &Attrs, shapes: &[&[usize]], fact: &str) -> Mismatch {
    let shapes: Vec<Shape> = shapes.iter().map(|shape| Shape::from(shape.to_vec())).collect();
    let mismatch = (op.shape)(attrs, &shapes).expect_err("the shapes don't fit");
    assert_eq!(mismatch.fact, fact);
    mismatch
}

#[test]
fn products() {
    let none = Attrs::default();
    let mismatch = refuses(
        &matmul::MATMUL,
        &none,
        &[&[16], &[10, 64]],
        "`@` needs the inner sizes to agree: [16] @ [10, 64]",
    );
    assert_eq!(mismatch.help.as_deref(), Some("{1} has 10 rows and {0} has 16 elements"));
    assert_eq!(mismatch.expected, Some((1, Shape::from([16, 64]))));
    refuses(&matmul::MATMUL, &none, &[&[], &[3]], "`@` takes vectors and matrices: [] @ [3]");
    refuses(
        &matmul::MATMUL,
        &none,
        &[&[3], &[3, 2, 2]],
        "`@` takes a vector or a matrix on its right: [3] @ [3, 2, 2]",
    );
    refuses(&outer::OUTER, &none, &[&[3], &[3, 2]], "`outer` takes two vectors, not [3] and [3, 2]");
    refuses(&dot::DOT, &none, &[&[3], &[2]], "`{op}` needs equal shapes, not [3] and [2]");
    let swapped = pairs(&[1, 0], &[0, 1]);
    refuses(
        &contract::CONTRACT,
        &swapped,
        &[&[2, 3], &[3, 2]],
        "the axes [1, 0] of [2, 3] don't pair with the axes [0, 1] of [3, 2]",
    );
    // An axis pairs once, and with one of its size.
    let twice = "the axes [0, 0] of [2, 3] don't pair with the axes [0, 1] of [2, 2]";
    refuses(&contract::CONTRACT, &pairs(&[0, 0], &[0, 1]), &[&[2, 3], &[2, 2]], twice);
    let sizes = "the axes [0] of [3] don't pair with the axes [0] of [4]";
    refuses(&contract::CONTRACT, &pairs(&[0], &[0]), &[&[3], &[4]], sizes);
    let weight = "a dense layer of [3] needs a parameter [3, 2], not [2, 2]";
    refuses(&dense::DENSE, &Attrs::sizes([2, 0]), &[&[3], &[2, 2]], weight);
}

#[test]
fn moves() {
    let mismatch =
        refuses(&reshape::RESHAPE, &Attrs::sizes([4]), &[&[2, 3]], "[2, 3] does not reshape to [4]");
    assert_eq!(mismatch.help.as_deref(), Some("the one has 6 elements, the other 4"));
    refuses(&broadcast::BROADCAST, &Attrs::sizes([4]), &[&[3]], "[3] does not broadcast to [4]");
    refuses(&broadcast::BROADCAST, &Attrs::sizes([3]), &[&[2, 3]], "[2, 3] does not broadcast to [3]");
    refuses(
        &broadcast::BROADCAST,
        &pairs(&[1, 0], &[2, 3]),
        &[&[3, 2]],
        "[3, 2] does not broadcast to [2, 3]",
    );
    let twice = "[2, 2] does not broadcast to [2, 2]";
    refuses(&broadcast::BROADCAST, &pairs(&[0, 0], &[2, 2]), &[&[2, 2]], twice);
    refuses(
        &transpose::TRANSPOSE,
        &Attrs::axes([0, 0]),
        &[&[2, 3]],
        "[0, 0] is not an order of the axes of [2, 3]",
    );
    refuses(
        &concat::CONCAT,
        &Attrs::axes([0]),
        &[&[2, 3], &[2, 4]],
        "[2, 3] and [2, 4] don't join along axis 0",
    );
    refuses(&concat::CONCAT, &Attrs::axes([1]), &[&[], &[]], "there is no axis 1 in [1]");
    refuses(&concat::CONCAT, &Attrs::axes([0]), &[&[], &[2, 3]], "[1] and [2, 3] don't join along axis 0");
    refuses(&slice::SLICE, &Attrs::sizes([3, 3]), &[&[5]], "`3..6` is outside of axis 0 of [5]");
    refuses(&slice::SLICE, &pairs(&[0], &[5, 1]), &[&[5]], "`5` is outside of axis 0 of [5]");
    refuses(&slice::SLICE, &Attrs::sizes([3, 0]), &[&[5]], "`3..3` is empty");
    refuses(&pad::PAD, &Attrs::sizes([3, 5]), &[&[3]], "[3] at [3] is not a block of [5]");
}

#[test]
fn others() {
    let none = Attrs::default();
    let mismatch = refuses(&add::ADD, &none, &[&[3], &[4]], "`{op}` needs equal shapes, not [3] and [4]");
    assert_eq!(mismatch.expected, Some((1, Shape::from([3]))));
    refuses(&sum::SUM, &Attrs::axes([2]), &[&[2, 3]], "there is no axis 2 in [2, 3]");
    refuses(&sum::SUM, &Attrs::axes([1, 0]), &[&[2, 3]], "the axes [1, 0] are not ascending");
    refuses(&sum::SUM, &Attrs::axes([1, 1]), &[&[2, 3]], "the axes [1, 1] are not ascending");
    refuses(&softmax::SOFTMAX, &Attrs::axes([0]), &[&[]], "there is no axis 0 in []");
    refuses(
        &softmax::SOFTMAX,
        &Attrs::axes([0, 2]),
        &[&[2, 3, 4]],
        "`softmax` takes adjacent axes, not [0, 2]",
    );
    refuses(
        &clamp::CLAMP,
        &Attrs::numbers(&[1.0, 0.0]),
        &[&[3]],
        "the low bound 1 is above the high bound 0",
    );
    let equal = Attrs::numbers(&[1.0, 1.0]);
    assert!((clamp::CLAMP.shape)(&equal, &[Shape::from([3])]).is_ok(), "equal bounds leave one value");
    for p in [1.0, -0.1] {
        let fact = format!("`dropout` drops with a probability of at least 0 and below 1, not {p}");
        refuses(&dropout::DROPOUT, &Attrs::numbers(&[p]), &[&[3], &[3]], &fact);
        let fact = format!("label smoothing is at least 0 and below 1, not {p}");
        refuses(&cross_entropy::CROSS_ENTROPY, &Attrs::numbers(&[p]), &[&[3], &[]], &fact);
        refuses(&binary_cross_entropy::BINARY_CROSS_ENTROPY, &Attrs::numbers(&[p]), &[&[3], &[3]], &fact);
    }
    refuses(&huber::HUBER, &Attrs::numbers(&[0.0]), &[&[3], &[3]], "`huber` needs a positive `delta`, not 0");
    refuses(&mse::MSE, &none, &[&[3], &[]], "`{op}` needs equal shapes, not [3] and []");
    refuses(
        &cross_entropy::CROSS_ENTROPY,
        &none,
        &[&[], &[]],
        "`cross_entropy` takes a vector of probabilities, not []",
    );
    refuses(
        &cross_entropy::CROSS_ENTROPY,
        &none,
        &[&[3], &[3]],
        "`cross_entropy` takes the index of a class, not [3]",
    );
    refuses(
        &cross_entropy::CROSS_ENTROPY,
        &none,
        &[&[4, 3], &[3]],
        "`cross_entropy` of [4, 3] takes a class for each row, not [3]",
    );
}
