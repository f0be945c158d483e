// Products of parameters with each other, once for the batch.
nn_model! {
    pub model SharedProducts(x: [4]) -> y: [3] {
        param a: [3, 5], b: [5, 4], u: [5], v: [3], t: [2, 3, 5];
        m = a @ b;
        n = outer(v, u) @ b + (a + outer(a @ u, u)) @ b;
        k = dot(u, u) + u @ (b @ transpose(b) @ u);
        s = sum(t @ b, axis = 0);
        y = (m + n) @ x + (s @ x) * k + (v @ m) @ x;
        loss mse(y, target) + 0.01 * dot(m, n);
    }
}
