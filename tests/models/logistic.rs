// Logistic regression on two named scalars, the first model of the documentation.
nn_model! {
    /// Logistic regression on two features.
    pub model Logistic(x1, x2) -> y {
        param w1, w2, b;
        y = sigmoid(x1*w1 + x2*w2 + b);
        loss binary_cross_entropy(y, target);
    }
}
