// The same of scalars: the sum over the batch is two parameters' gradient.
nn_model! {
    pub model EqualLanes(x) -> y {
        param a, b, w, v;
        y = x * (w + v) + a + b;
        loss (y - target)^2;
    }
}
