// Broadcasting between scalars, vectors, matrices and tensors of rank three; several inputs.
nn_model! {
    /// Combines inputs and parameters of every rank.
    pub model Broadcast(x: [3, 4], s, v: [4], c: [3, 1]) -> y: [2, 3] {
        param a: [2, 3, 4], d: [2, 1, 1], k: [4];
        m = x * v + c - s;
        q = a * m + d;
        r = tanh(q) * broadcast(k, [3, 4]) + c * k;
        y = sum(r, axis = 2) / 4 + mean(m, axis = 1);
        loss mse(y, target);
    }
}
