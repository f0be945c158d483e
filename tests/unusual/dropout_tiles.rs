// Dropout before and after wide layers, of matrices, and more than one for one variable.
nn_model! {
    pub model DropoutTiles(x: [5, 9]) -> y: [3] {
        h = dropout(x, 0.1).dense(40);
        h = dropout(dropout(tanh(h)), p = 0.3);
        y = dense(flatten(h), 3);
        loss weight * mse(y, target) + 0.1 * weight^2;
    }
}
