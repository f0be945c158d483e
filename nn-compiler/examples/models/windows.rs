// Windows of all kinds: strides, dilation, groups, padding on some sides, and both poolings.
nn_model! {
    /// A small convolutional network.
    pub model Windows(x: [2, 9, 8]) -> p: [3] {
        h1 = relu(conv2d(x, 4, kernel = 3, stride = 2, padding = (1, 0, 2, 1)));
        h2 = max_pool2d(h1, 2, stride = 1, padding = 1);
        h3 = tanh(conv2d(h2, 6, kernel = 2, groups = 2, dilation = 2));
        h4 = avg_pool2d(h3, 2, stride = 1, padding = 1, count_include_pad = false);
        h5 = avg_pool2d(h4, 2, ceil_mode = true);
        p = softmax(dense(global_avg_pool(h5), 3));
        loss cross_entropy(p, target);
    }
}
