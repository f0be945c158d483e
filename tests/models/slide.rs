// The lecture's first network with the loss of its first slide, the signed error.
nn_model! {
    /// A weighted sum of two inputs.
    pub model Slide(x1, x2) -> y {
        param w1, w2;
        y = x1*w1 + x2*w2;
        loss y - target;
    }
}
