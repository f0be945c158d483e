// A stretched scalar that one formula takes in and another, which is full, does not.
nn_model! {
    pub model StretchedForTwo(x: [3], z: [3], i, j) -> (a: [3], b: [3], c: [3], d: [3], e: [3]) {
        param u: [3], v: [3], k;
        t = x * u + v;
        a = abs(t) - sign(z) * t + relu(t * z) - leaky_relu(x * v, 0.2) + -t;
        b = max(t, z * v) - min(t, z) + clamp(t, -0.3, 0.2) / (1 + z * z) - stop_gradient(x) * u;
        c = select(t > z, t * t, z * v) + select(t < z, u, v) + select(t >= k, 1, t) + select(u <= v, z, t * k);
        d = select(x == z, 1, t) + select(x != z, t, 0) + select(i == j, z, u) - select(i != 0, u * i, v);
        e = sqrt(1 + t^2) - t^3 + (2 + t)^-1 + 2 / (3 + t) - (t + 2)^-2 + t^1 * t^0;
        loss mean((a + b + c + d + e - target)^2);
    }
}
