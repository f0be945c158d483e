// Scalars stand one after the other as vectors of one element.
nn_model! {
    pub model ScalarsJoined(x: [3], s) -> y: [6] {
        param w, v: [6];
        y = tanh(concat(s, x * w, w, s * w)) * v + erf(concat(s)[0]) * erf(v);
        loss mse(y, target);
    }
}
