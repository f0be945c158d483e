nn_model! {
    /// Dropout, label smoothing, example weights and weight decay in the loss.
    pub model Regularised(x: [8]) -> y: [4] {
        h = dropout(relu(dense(x, 16)), 0.25);
        y = softmax(dense(h, 4));
        loss weight * cross_entropy(y, target, label_smoothing = 0.1) + 1e-3 * sum(h.weight^2);
    }
}
