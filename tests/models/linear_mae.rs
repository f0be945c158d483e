// Linear regression with the mean absolute error.
nn_model! {
    /// Linear regression, robust to outliers.
    pub model LinearMae(x: [10]) -> y {
        param w: [10], b;
        y = dot(x, w) + b;
        loss mae(y, target);
    }
}
