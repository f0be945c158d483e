// Linear regression on ten features: a vector input, a vector parameter and `dot`.
nn_model! {
    /// Linear regression.
    pub model Linear(x: [10]) -> y {
        param w: [10], b;
        y = dot(x, w) + b;
        loss mse(y, target);
    }
}
