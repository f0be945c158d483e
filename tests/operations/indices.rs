// Inputs that only name something, of which elements are taken, and an input behind `stop_gradient`.
nn_model! {
    pub model Indices(x: [3], z: [4]) -> (a: [5], b) {
        i = stop_gradient(floor_of(x));
        a = dense(one_hot(i[0], 3), 5) + one_hot(i[1], 5) * sum(z);
        b = sum(embedding(i, 3, 2)) * z[0];
    }

    fn floor_of(x) {
        select(x > 0, 1, 0) + select(x > 0.5, 1, 0)
    }
}
