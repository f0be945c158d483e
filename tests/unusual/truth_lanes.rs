// Truth values and products as outputs, and before the first example.
nn_model! {
    pub model TruthLanes(x, z) -> (above, product, negated) {
        param w, v;
        above = stop_gradient(x > z);
        product = (x + w) * (z - 1) * (v * stop_gradient(w > 0));
        negated = -(x * (z + v));
    }
}
