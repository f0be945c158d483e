// A wide layer: parameters on the heap, rows of many cache lines.
nn_model! {
    pub model Wide(x: [784]) -> y: [10] {
        h = relu(dense(x / 28, 128));
        y = softmax(dense(h, 10));
        loss cross_entropy(y, target);
    }
}
