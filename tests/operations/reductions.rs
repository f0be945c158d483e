// Every reduction and normalisation of what varies, over every kind of axes.
nn_model! {
    pub model Reductions(v: [17], m: [3, 8], t: [2, 3, 4], f: [2, 3, 2, 3])
        -> (s: [6], a: [8], b: [3], c: [2, 4], d: [3, 3], e: [3, 8], g: [2, 3, 4], h: [2, 3, 2, 3]) {
        param w: [17], k;
        p = v * w;
        s = concat(reshape(sum(p) + mean(p), [1]), reshape(max(p) * k, [1]), reshape(min(p), [1]),
            reshape(logsumexp(p), [1]), reshape(sum(t), [1]) * k, reshape(logsumexp(f), [1]));
        a = sum(m, axis = 0) * k + mean(m, axis = 0) - max(m, axis = 0) + min(m, axis = -2) + logsumexp(m, axis = 0);
        b = sum(m, axis = 1) + mean(m, axis = 1) * k - max(m, axis = -1) + min(m, axis = 1) - logsumexp(m * k, axis = 1);
        c = sum(t, axis = 1) - mean(t, axis = 1) + max(t * k, axis = 1) + min(t, axis = 1) + logsumexp(t, axis = 1);
        d = sum(f, axis = [0, 2]) + mean(f * k, axis = [0, 2]) + max(f, axis = [0, 2]) - min(f, axis = [2, 0])
            + logsumexp(f * k, axis = [0, 2]);
        e = softmax(m * k) + softmax(m, axis = 0) * log_softmax(m) - log_softmax(m * k, axis = 0);
        g = softmax(t * k, axis = 1) - log_softmax(t, axis = 1) * softmax(t, axis = 0);
        h = softmax(f) * log_softmax(f * k, axis = 2) + softmax(f, axis = 1);
        loss mse(s, target) + mean(a^2) + mean(b^2) + mean(c^2) + mean(d^2) + sum(e^2) + sum(g^3) + sum(h^2);
    }
}
