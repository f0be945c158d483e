// Rows of one element, of less than a vector, of exactly one, and just past one and two.
nn_model! {
    pub model Sizes(o: [1], t: [3], e: [8], s: [17], l: [33]) -> (a: [1], b: [3], c: [8], d: [17], f: [33]) {
        param wo: [1], wt: [3], we: [8], ws: [17], wl: [33], k;
        a = o * wo + k * o;
        b = t * wt - t / (2 + wt) * o;
        c = e * we * k + e - dense(t, 8) + we;
        d = relu(s * ws) + s * sum(ws * ws) + dense(l, 17);
        f = l * wl - dense(s, 33) * o + dense(o, 33, bias = false);
        loss mean(a^2) + mean(b^2) + mean(c^2) + 0.1 * mean(d^2) + mse(f, target);
    }
}
