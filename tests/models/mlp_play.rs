// The small network of every playground: 2-8-8-1, tanh, one probability.
nn_model! {
    /// A classifier of points of the plane.
    pub model MlpPlay(x: [2]) -> y: [1] {
        h1 = tanh(dense(x, 8));
        h2 = tanh(dense(h1, 8));
        y = sigmoid(dense(h2, 1));
        loss binary_cross_entropy(y, target);
    }
}
