// An input that only the loss reads: the weight of the example.
nn_model! {
    pub model Weighted(x: [3], weight) -> p: [4] {
        p = softmax(dense(x, 4));
        loss (1 + weight) * cross_entropy(p, target);
    }
}
