// Convolutions and poolings: images across the lanes, dense layers in rows.
nn_model! {
    /// A small network of convolutions.
    pub model Images(x: [1, 8, 8]) -> p: [3] {
        c1 = relu(conv2d(x, 4, kernel = 3, padding = same));
        c2 = tanh(conv2d(max_pool2d(c1, 2), 6, kernel = 3));
        p = softmax(dense(flatten(c2), 3));
        loss cross_entropy(p, target);
    }
}
