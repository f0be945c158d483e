// A probability of zero, of what all examples share, and of what nothing is learnt from.
nn_model! {
    pub model DropoutNothing(x: [3]) -> y: [2] {
        param w: [3, 2];
        y = dropout(x, 0) @ dropout(w, 0.5);
        loss mse(y, target);
    }
}
