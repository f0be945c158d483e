// One hidden layer on images of 8 by 8 pixels.
nn_model! {
    /// Reads handwritten digits.
    pub model Digits(x: [64]) -> y: [10] {
        h = relu(dense(x, 32));
        y = softmax(dense(h, 10));
        loss cross_entropy(y, target);
    }
}
