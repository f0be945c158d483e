// The same of scalars.
nn_model! {
    pub model PenaltyLanes(x, z) -> (y, other) {
        param w, v, u, e, c;
        y = x * w;
        other = z * v;
        loss mse(y, target) + 0.5 * v^2 + u + exp(e) + c * w;
    }
}
