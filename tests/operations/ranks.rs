// Tensors of rank 3 and 4: every pattern of broadcasting between what varies, parameters and constants.
nn_model! {
    pub model Ranks(x: [2, 1, 3, 2], z: [4, 1, 2], r: [3, 1], s) -> (y: [2, 4, 3, 2], q: [4, 3, 2]) {
        param a: [2, 4, 3, 2], b: [1, 3, 1], c: [2], d: [2, 1, 1, 1], k;
        p = x * z + a * s - r;
        shared = b * c + d * k + 0.5 * a;
        y = p * shared + x * d + 2 * z - k;
        q = z * r * b + y[0] - y[1] * s + 1;
        loss mse(y, target) + mean(q^2) + 0.01 * sum((b * c)^2);
    }
}
