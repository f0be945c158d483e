// Indexing, slicing, concatenation, reshape and flatten; the loop variable is an index.
nn_model! {
    /// Takes a vector apart and puts it together again.
    pub model Slices(x: [12]) -> y: [4] {
        param w: [3, 4], b: [2];
        m = reshape(x, [3, 4]);
        row = m[1];
        tail = x[8..12];
        mixed = concat(row[0..2] + b, tail[2..4] * x[0], axis = 0);
        tall = concat(m[0..2], reshape(tail, [1, 4]), axis = 0);
        wide = concat(tall * w, m, axis = 1);
        diagonal = wide[0][0];
        for i in 1..3 {
            diagonal = diagonal + wide[i][i];
        }
        y = mixed * diagonal + flatten(wide)[10..14];
        loss mse(y, target);
    }
}
