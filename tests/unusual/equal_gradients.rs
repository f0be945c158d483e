// Parameters whose gradients are one value, of one or of several shapes.
nn_model! {
    pub model EqualGradients(x: [6]) -> y: [6] {
        param a: [6], b: [6], m: [2, 3], n: [3, 2], t: [3, 2];
        y = x + a + b + flatten(m) + flatten(n) + flatten(transpose(t));
        loss mse(y, target);
    }
}
