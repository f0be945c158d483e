// A hidden layer, an output by `dot`, and the Huber loss with a threshold of its own.
nn_model! {
    /// Robust regression.
    pub model Huber(x: [5]) -> y {
        param w: [6], b;
        h = relu(dense(x, 6));
        y = dot(h, w) + b;
        loss huber(y, target, 0.5);
    }
}
