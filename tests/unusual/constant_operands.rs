// Constants where kernels want tensors: of calls, products and moves, alone and beside what varies.
nn_model! {
    pub model ConstantOperands(x: [3]) -> (p: [3], y: [4]) {
        param w: [3];
        zero = 0 * x;
        p = softmax(dense(x, 3));
        y = concat(one_hot(2, 3) * w, reshape(sum(x), [1])) + concat(softmax(zero + 2), reshape(dot(x + zero, zero + 0.5), [1]));
        loss cross_entropy(p, 1) + dot(softmax(zero), x * w) + sum(concat(zero + 1, w)^2) + logsumexp(zero * w);
    }
}
