// Products, layers, reductions and normalisations of vectors, with tails of every kind.
nn_model! {
    pub model Vectors(x: [17], s) -> (y: [3], l: [8], m) {
        param w: [17], v: [17, 8], k: [8], c;
        h = tanh(dense(x, 9));
        g = relu(dense(h, 8));
        q = dense(g, 3, bias = false);
        y = softmax(q) + log_softmax(q) * 0.1 + q * s;
        l = (x @ v) * sigmoid(k) + g - outer(k, k) @ g + broadcast(s, [8]);
        n = dense(x*w, 1);
        m = dot(x, w) + logsumexp(x*w) + max(x) * c + min(x*w) - mean(x*x) + sum(n) + sum(softplus(w)) * 0.1;
        loss mean(y^2) + sum(l * l) * 0.01 + huber(m, target, 0.7) + 1e-2 * sum(v^2);
    }
}
