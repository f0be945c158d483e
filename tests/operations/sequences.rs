// Sequences: attention, one head and several, and layers of normalised rows.
nn_model! {
    pub model Sequences(x: [4, 6], y: [3, 6]) -> (a: [4, 6], b: [3, 2], c: [4, 6]) {
        n = layer_norm(x);
        a = attention(dense(n, 6, bias = false), dense(n, 6), dense(n, 6), heads = 2, causal = true);
        b = attention(y, x, dense(x, 2));
        c = layer_norm(x + a, epsilon = 0.001);
        loss mse(b, target) + mean(a^2) + mean(c^3);
    }
}
