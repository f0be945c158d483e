// The same with scalars alone. Of the three masks, two are in the loss.
nn_model! {
    pub model DropoutLanes(x, z) -> p {
        param w, v, b;
        q = dropout(x * w, 0.5) + z * v + b;
        p = sigmoid(q);
        loss weight * binary_cross_entropy(p, target, label_smoothing = 0.2) + dropout(q^2, 0.25) * dropout(w, 0.75);
    }
}
