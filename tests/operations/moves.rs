// Every change of place or shape of what varies, up to rank 4.
nn_model! {
    pub model Moves(v: [17], m: [3, 4], t: [2, 3, 4], f: [2, 3, 2, 2], i)
        -> (a: [4, 3, 2], b: [3, 4, 2], c: [2, 2, 3, 2], d: [22], e: [3, 9], g: [5], h: [2, 3, 2], o: [4], p: [2, 4, 4]) {
        param w: [4, 3], k;
        a = transpose(t) * transpose(k * t, [2, 1, 0]) + reshape(t, [4, 3, 2]);
        b = transpose(t, [1, 2, 0]) * k - broadcast(reshape(m, [3, 4, 1]), [3, 4, 2]);
        c = transpose(f) + transpose(f, [0, 2, 1, 3]) - transpose(f * k, [3, 0, 1, 2])[0..2, 0..2, 0..3, 0..2];
        d = concat(v * k, v[3..8]) + concat(flatten(m), flatten(f[1])[0..10] * v[16]);
        e = concat(m, transpose(w), m[0..3, 1..2] * k, axis = 1);
        g = v[0..5] + t[1, 2][0] * v[12..17] - m[2][1..2] * k + f[0, 1, 1, 0];
        h = f[0..2, 0..3, 1] + t[0..2, 0..3, 2..4] * k - reshape(m, [2, 3, 2]);
        o = stop_gradient(one_hot(select(i > 0, 2, 0), 4)) * v[1..5] * k + m[1] + t[1][2];
        p = concat(t, reshape(f[0..2, 0..1, 0..2, 0..2] * k, [2, 1, 4]), axis = 1);
        loss mse(g, target) + sum(a^2) + sum(b^2) + sum(c^2) + sum(d^2) + sum(e^2) + sum(h^2) + sum(o^2) + sum(p^2);
    }
}
