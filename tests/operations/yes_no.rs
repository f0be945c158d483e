// Yes or no for each of three questions: probabilities of a sigmoid, and of something else.
nn_model! {
    pub model YesNo(x: [6]) -> p: [3] {
        q = dense(x, 3);
        p = sigmoid(q);
        r = 1 / (1 + q^2) * 0.9 + 0.05;
        loss binary_cross_entropy(p, target) + binary_cross_entropy(r, target) + binary_cross_entropy(p, target, 0.1)
            + binary_cross_entropy(r, target, label_smoothing = 0.3);
    }
}
