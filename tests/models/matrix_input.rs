// A matrix per example: products from both sides, transpose, reductions over axes.
nn_model! {
    /// Mixes the rows and the columns of a matrix.
    pub model MatrixInput(x: [4, 6]) -> y: [3] {
        param a: [3, 4], w: [6, 3], u: [6], v: [4];
        mixed = a @ x @ w;
        gram = transpose(mixed) @ mixed;
        weighted = a @ (x @ u) + (v @ x) @ w;
        peaks = max(mixed, axis = 0) + mean(gram, axis = 1);
        y = weighted + peaks + sum(mixed, axis = 1) - mean(x) * sum(x, axis = [0, 1]);
        loss mse(y, target);
    }
}
