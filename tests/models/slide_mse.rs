// The lecture's first network again, now with the mean squared error.
nn_model! {
    /// A weighted sum of two inputs.
    pub model SlideMse(x1, x2) -> y {
        param w1, w2;
        y = x1*w1 + x2*w2;
        loss mse(y, target);
    }
}
