// Convolutions of every kind: strides, paddings, groups, dilations, one pixel, more than one block.
nn_model! {
    pub model Convolutions(x: [2, 5, 4]) -> (a: [3, 5, 4], b: [2, 3, 2], c: [4, 4, 3], d: [2, 2, 2], e: [2, 5, 4], f: [3]) {
        a = conv2d(x, 3, kernel = 3, padding = same);
        b = relu(conv2d(a, 2, kernel = [3, 2], stride = 2, padding = (1, 1, 0, 0), bias = false));
        c = tanh(conv2d(x, 4, kernel = 2, groups = 2));
        d = conv2d(c, 2, kernel = [2, 2], dilation = (2, 1), padding = valid);
        e = conv2d(conv2d(x, 2, kernel = (1, 3), groups = 2, padding = [0, 1]), 2, kernel = 1);
        f = dense(flatten(conv2d(relu(a), 1, kernel = 5, padding = same, stride = (3, 1))), 3);
        loss mse(f, target) + mean(a^2) + mean(b) + mean(d^2) + mean(e^2);
    }
}
