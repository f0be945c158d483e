// Rows of tables, by classes that the examples bring along.
nn_model! {
    pub model Words(x: [3]) -> y: [4] {
        word = stop_gradient(select(x[0] > 0, 1, 2));
        both = concat(word, 2 - word);
        y = dense(embedding(word, 3, 2), 4) + sum(embedding(both, entries = 3, width = 4), axis = 0) * x[1];
        loss mse(y, target);
    }
}
