// The same in lanes.
nn_model! {
    pub model WeightedLanes(x, weight) -> p {
        param w, b;
        p = sigmoid(x * w + b);
        loss (1 + weight) * binary_cross_entropy(p, target);
    }
}
