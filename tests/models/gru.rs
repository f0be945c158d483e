// A gated cell as a function, the gates' share of all inputs at once, and a class to be foretold at every place.
nn_model! {
    /// `torch.nn.GRU` with one layer, and the probabilities of three classes after each of its states.
    pub model Gru(x: [6, 3]) -> p: [6, 3] {
        param w: [3, 12], b: [12], u: [4, 12], c: [12];
        i = x @ w + b;
        h = full(0, [4]);
        for t in 0..6 {
            h = gru(i[t], h, u, c);
            hs[t] = h;
        }
        p = softmax(dense(hs, 3));
        loss cross_entropy(p, target);
    }

    fn gru(i, h, u, c) {
        s = h @ u + c;
        r = sigmoid(i[0..4] + s[0..4]);
        z = sigmoid(i[4..8] + s[4..8]);
        n = tanh(i[8..12] + r * s[8..12]);
        (1 - z) * n + z * h
    }
}
