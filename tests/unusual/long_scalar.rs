// More scalar operations than are put in lanes.
nn_model! {
    pub model LongScalar(x, z) -> y {
        param w, v, b;
        h = x * w + z * v;
        for i in 0..40 {
            h = h * h * 0.1 + x * w - z * b * h / 2;
        }
        y = h;
        loss mse(y, target);
    }
}
