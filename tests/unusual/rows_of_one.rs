// A matrix of one row is a row too: its product takes the weight that was transposed before the examples.
nn_model! {
    pub model RowsOfOne(x: [1], z: [3]) -> y: [1, 4] {
        y = dense(outer(x, z), 4) + dot(z, z) * sum(x);
        loss mse(y, target);
    }
}
