// Two outputs and a loss written by hand: Gaussian negative log-likelihood, up to its constant.
nn_model! {
    /// Predicts a value and how uncertain it is.
    pub model TwoOutputs(x: [3]) -> (mean, log_var) {
        h = tanh(dense(x, 8));
        out = dense(h, 2);
        mean = out[0];
        log_var = out[1];
        loss 0.5 * (log_var + (target - mean)^2 * exp(-log_var));
    }
}
