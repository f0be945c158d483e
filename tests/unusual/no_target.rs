// A loss without a target, and one layer that serves two inputs.
nn_model! {
    pub model NoTarget(x: [3], z: [3]) -> y: [2] {
        param w: [3, 2];
        y = x @ w - tanh(z @ w);
        loss sum(y^2) + mean(abs(x @ w));
    }
}
