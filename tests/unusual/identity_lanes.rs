// The same of scalars: one output twice, one that is an input, one that is its negative.
nn_model! {
    pub model IdentityLanes(x, z) -> (a, b, c, d) {
        a = x * z;
        b = a;
        c = z;
        d = -x;
    }
}
