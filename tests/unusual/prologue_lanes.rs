// Parameters are transformed before the first example; the transformed ones are used again after the last.
nn_model! {
    pub model PrologueLanes(x) -> y {
        param w, v, b;
        positive = softplus(w);
        ratio = positive / (1 + v^2);
        y = x * ratio + positive * b;
        loss mse(y, target) + 0.1 * ratio^2 + positive;
    }
}
