// Layers that see their batch: of channels, of features, one after the other, and of what does not vary.
nn_model! {
    pub model Normalisations(x: [3, 2, 2], z: [4]) -> (a: [3, 2, 2], b: [4], c: [2]) {
        param w: [2, 3];
        a = relu(batch_norm(x * 2, momentum = 0.3));
        b = batch_norm(batch_norm(z, epsilon = 0.01) * z + sum(a));
        c = sum(batch_norm(w), axis = 1) * sum(b);
        loss mse(b, target) + mean(a^2) + mean(c^2);
    }
}
