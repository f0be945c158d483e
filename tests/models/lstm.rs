// A cell with two states, which begin as parameters; what is known after the last place counts.
nn_model! {
    /// `torch.nn.LSTM` with one layer, and a dense layer on its last state.
    pub model Lstm(x: [6, 3]) -> y: [2] {
        param w: [3, 16], b: [16], u: [4, 16], c: [16], h0: [4], m0: [4];
        h = h0;
        m = m0;
        for t in 0..6 {
            s = x[t] @ w + b + h @ u + c;
            m = sigmoid(s[4..8]) * m + sigmoid(s[0..4]) * tanh(s[8..12]);
            h = sigmoid(s[12..16]) * tanh(m);
        }
        y = dense(h, 2);
        loss mse(y, target);
    }
}
