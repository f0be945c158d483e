// Variables with the names of what the emitted code calls and binds.
nn_model! {
    pub model Names(s: [3], rows, inputs: [2]) -> (outputs: [3], q: [2], J) {
        param params: [3, 3], shared: [3], x_t: [2], sums, tile, stride: [3, 3], simd, real;
        workspace = s @ params + shared * rows;
        exp = relu(workspace) * sums;
        d_s = exp @ transpose(stride);
        outputs = d_s + tile * per_row(exp);
        q = inputs * x_t + simd;
        copy = softplus(x_t) * q;
        lanes = sum(copy) * real;
        d_outputs = tanh(lanes);
        J = d_outputs + mean(q) + split(rows);
        loss mse(outputs, target) + mean(q * q) + J^2 + 0.1 * sum(prepared(x_t));
    }

    fn per_row(size) {
        means = size * 2;
        means - size
    }

    fn split(results) {
        from = results;
        to = from * 3;
        to
    }

    fn prepared(slices) {
        matrix = slices^2;
        matrix
    }
}
