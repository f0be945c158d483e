// Scalars in, vectors and matrices inside, a scalar and a vector of one element out.
nn_model! {
    pub model ScalarToVector(x, z) -> (y, o: [1], l: [9]) {
        param w: [9], m: [9, 1], b: [1];
        l = x * w - z;
        o = l @ m + b;
        y = o[0] * x + sum(l) * z;
        loss mse(y, target) + mean(o^2) + mean(l * l);
    }
}
