// Logistic regression on thirty features; the L2 penalty is just a term of the loss.
nn_model! {
    /// Logistic regression with an L2 penalty.
    pub model Logistic30(x: [30]) -> y {
        param w: [30] = zeros, b = 0;
        y = sigmoid(dot(x, w) + b);
        loss binary_cross_entropy(y, target) + 1e-2 * sum(w^2);
    }
}
