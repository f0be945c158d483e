// The mean absolute error of a matrix.
nn_model! {
    pub model Absolute(x: [4]) -> y: [2, 2] {
        y = reshape(dense(x, 4), [2, 2]);
        loss mae(y, target);
    }
}
