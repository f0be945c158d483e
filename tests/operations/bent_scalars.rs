// Functions of scalars with bends, by cases, and what stops a derivative: the lanes lowering.
nn_model! {
    pub model BentScalars(x, z) -> (a, b, c, d) {
        param u = 0.7, v = -0.4;
        t = x*u + v;
        a = relu(t) - leaky_relu(t*z, 0.1) + elu(t, 1.5) + abs(t) + sign(z) * t + (t - 1) * (1 - t) + 3*t;
        b = max(t, z*v) - min(t, z) + clamp(t, -0.3, 0.6) + stop_gradient(z) * u;
        c = select(t > z, t*t, z*v) + select(t < z, u, v) * select(t >= 0, 1, t) + select(t <= 0.1, z, t);
        d = select(x == z, 1, t) + select(x != z, t, 0) + stop_gradient(x < z) * t + stop_gradient(x > 0) / 2;
        loss (a + b + c + d - target)^2;
    }
}
