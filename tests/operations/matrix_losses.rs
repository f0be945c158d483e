// Losses of matrices: the mean over all elements.
nn_model! {
    pub model MatrixLosses(x: [3, 4]) -> y: [3, 2] {
        y = dense(x, 2);
        loss mse(y, target) + 0.5 * mae(y, target) + huber(y, target, 0.3);
    }
}
