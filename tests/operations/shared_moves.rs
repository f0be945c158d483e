// The same of parameters, and constants among what is joined.
nn_model! {
    pub model SharedMoves(x: [4]) -> (y: [4], z: [7]) {
        param w: [3, 4], t: [2, 4, 3], v: [4], k;
        a = transpose(t, [0, 2, 1])[1] * w + transpose(t)[0..3, 0..4, 0];
        b = concat(w, reshape(v, [1, 4]), axis = 0) @ x;
        c = flatten(t)[4..8] * v[3] + broadcast(k, [4]);
        y = b * c + a[2] - a[0] * x + reshape(w, [4, 3])[1..2, 0..1][0] * x;
        z = concat(x * k, broadcast(1, [2]), v[1..2]) + concat(broadcast(k, [3]), y);
        loss mse(y, target) + mean(z^2);
    }
}
