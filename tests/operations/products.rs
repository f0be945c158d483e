// Every product between what varies and parameters: vectors, matrices and stacks of them, from both sides.
nn_model! {
    pub model Products(v: [5], m: [3, 5], n: [5, 4], t: [2, 3, 5], s)
        -> (a: [17], b: [3], c: [3, 4], d: [2, 3, 4], e: [5, 3], f: [3, 3], g, h: [2, 3, 6]) {
        param w: [5, 17], u: [5], p: [5, 4], q: [3, 3], o: [3], k;
        a = v @ w + dense(s, 17) - dense(v * k, 17, bias = false);
        b = m @ u + m @ v + q @ (m @ v) + (o @ q) * k - o @ (m @ n @ transpose(p) @ transpose(m));
        c = m @ p + m @ n - q @ (m @ n) + outer(o, v @ p) - outer(m @ u, v @ n) * k;
        d = t @ p - t @ n * k;
        e = transpose(m) @ q + outer(v, o) + transpose(m * k);
        f = m @ transpose(m) - outer(o, o) + outer(m @ v, o);
        g = dot(v, u) + v @ u - dot(v, v) * k + dot(m, outer(o, u)) + dot(s, k) + dot(o, o);
        h = dense(t, 6) + dense(t * k, 6, bias = false);
        loss mean(a^2) + mse(b, target) + mean(c^2) + mean(d^2) + mean(e^2) + mean(f^2) + 0.1 * g^2 + mean(h^2);
    }
}
