// Every pointwise operation on scalars: the lanes lowering.
nn_model! {
    pub model Scalars(x, z) -> (a, b, c, d, e, f, g, h) {
        param u = 0.7, v = -0.4;
        t = x*u + v;
        p = abs(t) + 0.5;
        a = exp(t) + log(p) - sqrt(p) / (1 + z^2);
        b = sin(t) * cos(z*v) + tanh(t) - sigmoid(z*u);
        c = softplus(t) + relu(t) - leaky_relu(t*z, 0.1) + elu(t, 1.5) + gelu(t) + silu(z*u);
        d = max(t, z*v) - min(t, z) + clamp(t, -0.3, 0.6) + sign(z) * t;
        e = select(t > z, t*t, z*v) + select(t < z, u, v) * select(t >= 0, 1, t) + select(t <= 0.1, z, t);
        f = select(x == z, 1, t) + select(x != z, t, 0) + erf(t) - (-t)^3 + p^z + p^0.5;
        g = 2 / p - pow(p, 1.5) + stop_gradient(z) * u;
        h = (t - 1) * (1 - t) + 3*t;
        loss (a + b + c + d + e + f + g + h - target)^2;
    }
}
