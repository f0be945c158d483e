//! What the emitter has to get right beside numbers: types, names, and one example as part of a batch.

use nn_runtime::prelude::*;

nn_model! {
    /// Truth values beside what is trained.
    model Compared(x, z) -> (more, both, y) {
        param w = 3;
        more = x > z;
        both = (x > 0) * (z > 0);
        y = w * x;
        loss mse(y, target);
    }

    /// Inputs and outputs of several ranks.
    model Ranks(x: [2, 3], s) -> (m: [3, 2], v: [3], t) {
        param w: [3, 3];
        p = x @ w;
        m = transpose(p) * s;
        v = p[0] + p[1];
        t = sum(p) - s;
    }
}

#[test]
fn truth_values_are_numbers_outside() {
    let model = Compared::new(0);
    assert_eq!(model.infer(2.0, 1.0), (1.0, 1.0, 6.0));
    assert_eq!(model.infer(-2.0, 1.0), (0.0, 0.0, -6.0));
}

#[test]
fn one_example_is_a_row_of_a_batch() {
    let model = Ranks::new(3);
    let rows = ndarray::Array2::from_shape_fn((40, 7), |(i, j)| (i as f32 * 0.3 - j as f32).sin());
    let predicted = model.predict(rows.view()).expect("the rows fit the model");
    for (row, predicted) in rows.outer_iter().zip(predicted.outer_iter()) {
        let x = std::array::from_fn(|i| std::array::from_fn(|j| row[i * 3 + j]));
        let (m, v, t) = model.infer(&x, row[6]);
        let flat: Vec<f32> = m.as_flattened().iter().chain(&v).copied().chain([t]).collect();
        for (ours, theirs) in flat.iter().zip(predicted) {
            assert!((ours - theirs).abs() <= 1e-6, "{flat:?} {predicted}");
        }
    }
}
