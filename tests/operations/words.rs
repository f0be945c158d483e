// Rows of tables, by indices that the examples bring along. They are in the loss alone: an index has no derivative.
nn_model! {
    pub model Words(x: [3]) -> y: [4] {
        y = dense(x, 4) + dense(embedding(1, 3, 2), 4);
        word = select(x[0] > 0, 1, 2);
        pair = embedding(concat(word, 2 - word), entries = 3, width = 4);
        loss mse(y, target) + mean((embedding(word, 3, 4) * y - sum(pair, axis = 0))^2);
    }
}
