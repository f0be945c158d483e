// Losses that share one target, and nothing but scalars.
nn_model! {
    pub model LossesLanes(x, z) -> p {
        param w, v, b;
        p = sigmoid(x*w + z*v + b);
        loss 0.5 * mse(p, target) + 0.1 * mae(p, target) + huber(p, target);
    }
}
