// A parameter and an output that only a penalty and nothing touches; gradients that are parameters,
// constants and values from before the first example.
nn_model! {
    pub model PenaltyAlone(x: [3], z: [2]) -> (y: [2], other: [3]) {
        param v: [3], u: [2], e: [4], k: [2, 2], c;
        y = dense(x, 2);
        other = x * v + sum(z);
        loss mse(y, target) + 0.5 * sum(v^2) + sum(u) + sum(exp(e)) + mean(k * k) + c * sum(y.weight^2);
    }
}
