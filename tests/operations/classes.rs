// Losses on probabilities and classes.
nn_model! {
    pub model Classes(x: [6]) -> p: [5] {
        p = softmax(dense(x, 5));
        loss cross_entropy(p, target) + 0.5 * cross_entropy(p, target, 0.2) + cross_entropy(0.1 + 0.5 * p, target, 0.1) + 0.1 * sum(softmax(x) * one_hot(x[0] * 0 + 2, 6)) ;
    }
}
