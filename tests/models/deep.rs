// Three hidden layers, five smooth and bent activations, a rebound name and a penalty on layer weights.
nn_model! {
    /// Two positive quantities from eight features.
    pub model Deep(x: [8]) -> y: [2] {
        x = x / 2;
        h1 = gelu(dense(x, 12));
        h2 = silu(dense(h1, 10));
        left = elu(dense(h2, 6));
        right = leaky_relu(dense(h2, 6), 0.1);
        h3 = concat(left, right, axis = 0);
        y = softplus(dense(h3, 2));
        loss mse(y, target) + 1e-3 * (sum(h1.weight^2) + sum(h2.weight^2));
    }
}
