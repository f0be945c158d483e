// Smooth functions of scalars: the lanes lowering.
nn_model! {
    pub model SmoothScalars(x, z) -> (a, b, c) {
        param u = 0.7, v = -0.4;
        t = x*u + v;
        p = t^2 + 0.5;
        a = exp(t) + log(p) - sqrt(p) / (1 + z^2) + gelu(t);
        b = sin(t) * cos(z*v) + tanh(t) - sigmoid(z*u) + 2 / p;
        c = softplus(t) + silu(z*u) + erf(t) - (-t)^3 + p^z;
        loss (a + b + c - target)^2;
    }
}
