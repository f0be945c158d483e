// Elementary functions, powers and their precedence, logsumexp, log_softmax, outer.
nn_model! {
    /// A formula of everything.
    pub model Functions(x: [5]) -> y: [5] {
        param w: [5], k;
        bell = exp(-x^2 / 2);
        wave = sin(w * x) + cos(x - k);
        power = (1 + x^2)^(k / 2) - x^3 / 6;
        root = sqrt(x^2 + 1) + log(2 + x^2);
        table = sigmoid(outer(x, w));
        scores = log_softmax(w * x) - logsumexp(table, axis = 0);
        y = bell * wave + tanh(power) / root + 0.1 * scores;
        loss mse(y, target);
    }
}
