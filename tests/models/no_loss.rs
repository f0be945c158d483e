// No loss: a function with gradients, here in method style and with a vector output.
nn_model! {
    /// A vector field on three coordinates.
    pub model NoLoss(x: [3]) -> y: [4] {
        h = x.dense(6).tanh();
        y = h.dense(4);
    }
}
