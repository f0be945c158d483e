// A function used twice, with parameters of its own each time, and an unrolled loop.
nn_model! {
    /// A plain stack of layers followed by two residual blocks.
    pub model Residual(x: [6]) -> y: [3] {
        h = tanh(dense(x, 8));
        for i in 0..3 {
            h = relu(dense(h, 8));
        }
        r = residual(h, 8);
        s = residual(r, 8);
        y = softmax(dense(s, 3));
        loss cross_entropy(y, target);
    }

    fn residual(x, width) {
        h = relu(dense(x, width));
        x + dense(h, width)
    }
}
