// Parameters transformed before use: kept positive, normalised, and tied between two layers.
nn_model! {
    /// An autoencoder whose decoder is the transpose of its encoder.
    pub model Shared(x: [6]) -> y: [6] {
        param w: [6, 4], scale: [6], b: [4], c: [6] = 0;
        positive = softplus(scale);
        unit = w / sqrt(sum(w^2, axis = 0));
        code = tanh((x * positive) @ unit + b);
        y = (code @ transpose(unit)) / positive + c;
        loss mse(y, target) + 1e-2 * mean(abs(w));
    }
}
