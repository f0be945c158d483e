// Double precision, initialisers, a loss and a penalty written by hand.
nn_model! {
    /// A regression network in double precision.
    pub model Double<f64>(x: [3]) -> y {
        param w: [3, 4] = glorot_normal, b: [4] = 0;
        param v: [4] = uniform(-0.5, 0.5), c = 0;
        h = tanh(x @ w + b);
        y = dot(h, v) + c;
        loss (y - target)^2 + 1e-4 * sum(w^2);
    }
}
