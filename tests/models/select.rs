// Functions by cases: comparisons, select, clamp, min, max, abs.
nn_model! {
    /// A piecewise function of each feature.
    pub model Select(x: [6]) -> y: [6] {
        param w: [6], b: [6], t;
        z = x * w + b;
        gated = select(z > t, z, 0.1 * z + t);
        bowl = select(abs(x) <= 1, x^2, 2 * abs(x) - 1);
        y = max(gated, clamp(2 * z, -1, 1)) + min(bowl, w) - select(x < 0, bowl * t, z);
        loss huber(y, target);
    }
}
