// Matrices and tensors of rank 3: products from both sides, axes, moves.
nn_model! {
    pub model Matrices(x: [3, 5], z: [2, 3, 4]) -> (y: [3, 3], t: [4, 3, 2], r: [10], o: [4]) {
        param a: [5, 3], b: [3, 3], u: [5], e: [3, 1];
        p = x @ a;
        y = transpose(p) @ p + b @ p + outer(x @ u, sum(x, axis = 1)) + e;
        t = transpose(z) * sum(z) + transpose(transpose(z, [2, 0, 1]), [0, 2, 1]);
        r = concat(flatten(x[0..2, 1..4]), x[2, 0..4] * u[0..4]);
        o = sum(z, axis = [0, 1]) + max(z[0], axis = 0) - min(z[1], axis = 0) + mean(z, axis = [0, 1])
            + logsumexp(z, axis = [0, 1]) + reshape(z, [6, 4])[3];
        loss mean(y^2) + mean(t^2) + mean(r * r) + mse(o, target);
    }
}
