// Multinomial logistic regression: one layer, softmax, a class index as target.
nn_model! {
    /// Softmax regression from four measurements to three species.
    pub model SoftmaxIris(x: [4]) -> p: [3] {
        p = softmax(dense(x, 3));
        loss cross_entropy(p, target);
    }
}
