// The same of parameters: computed once before the tiles, differentiated once after.
nn_model! {
    pub model SharedReductions(x: [3]) -> y: [3] {
        param w: [17], m: [3, 8], t: [2, 3, 4];
        k = sum(w) + mean(w^2) * max(w) - min(w) * logsumexp(w);
        a = sum(m, axis = 1) - mean(m, axis = 1) * max(m, axis = 1) + min(m, axis = 1) / logsumexp(m, axis = 1);
        b = sum(t, axis = [0, 2]) + max(t, axis = [0, 2]) * mean(t, axis = [2, 0]) - logsumexp(t, axis = [0, 2]);
        c = sum(softmax(m, axis = 0) * log_softmax(m), axis = 1) + sum(softmax(t, axis = 1)[1], axis = 1);
        y = x * a + b * k - c * x[0];
        loss mse(y, target) + 0.1 * sum(log_softmax(t, axis = 0)^2) + 0.1 * max(m);
    }
}
