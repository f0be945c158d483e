// A residual network of fifty layers.
nn_model! {
    /// Twenty-four residual blocks between two layers.
    pub model FiftyLayers(x: [64]) -> y: [10] {
        h = relu(dense(x, 64));
        for i in 0..24 {
            h = residual(h, 64);
        }
        y = softmax(dense(h, 10));
        loss cross_entropy(y, target);
    }

    fn residual(x, width) {
        h = relu(dense(x, width));
        relu(x + dense(h, width))
    }
}
