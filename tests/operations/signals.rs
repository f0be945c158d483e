// Signals, and images that grow.
nn_model! {
    pub model Signals(x: [2, 7], i: [2, 3, 2]) -> (a: [4, 4], b: [2], c: [2, 5, 3], d: [2, 6, 4], e: [3, 4, 5]) {
        a = conv1d(x, 4, kernel = 3, stride = 2, padding = 1, groups = 2);
        b = conv1d(tanh(conv1d(x, 2, 2, dilation = 3)), 1, kernel = 3, bias = false).flatten();
        c = conv_transpose2d(i, 2, kernel = (3, 2), padding = 0, stride = 1);
        d = upsample(i) * 2 + pad(pad(i, (1, 0, 1, 1), value = -0.5), padding = [1, 0])[0..2, 0..6, 0..4];
        e = conv_transpose2d(i, 3, kernel = 2, stride = (1, 2), output_padding = (0, 1));
        loss mse(b, target) + mean(a^2) + mean(c^2) + mean(d^2) + mean(e^2);
    }
}
