// A recurrent network: parameters outside of the loop, shared by all rounds, and the states put together.
nn_model! {
    /// `torch.nn.RNN` with one layer, and a dense layer on each of its states.
    pub model Rnn(x: [5, 3]) -> y: [5, 2] {
        param w: [3, 4], b: [4], u: [4, 4], c: [4];
        h = full(0, [4]);
        for t in 0..5 {
            h = tanh(x[t] @ w + b + h @ u + c);
            hs[t] = h;
        }
        y = dense(hs, 2);
        loss mse(y, target);
    }
}
