// Outputs that are an input, the same once more, parts and other shapes of it. There is nothing to train.
nn_model! {
    pub model Identity(x: [4], s) -> (y: [4], again: [4], part: [2], matrix: [2, 2], t) {
        y = x;
        again = x;
        part = x[1..3];
        matrix = reshape(x, [2, 2]);
        t = s;
    }
}
