// A cross-entropy and a squared error with one target, in both orders.
nn_model! {
    pub model MixedLosses(x: [3]) -> y: [2] {
        y = sigmoid(dense(x, 2));
        loss 0.5 * mse(y, target) + binary_cross_entropy(y, target) + mean(abs(y - target));
    }
}
