// Products and negated products where a plain value is wanted, and inputs with the names of emitted locals.
nn_model! {
    pub model LazyValues(inputs, outputs) -> (a, b, d) {
        param W = 0.6, v = -0.3;
        p = (1 + W) * (v - 2);
        a = (1 + inputs) * (p - outputs);
        b = -(inputs * W);
        d = p * v * outputs;
        loss (1 + p) * (a - target) + b + d * inputs;
    }
}
