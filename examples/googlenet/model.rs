//! The network of Table 1 of Szegedy et al., *Going Deeper with Convolutions* (2014), and smaller ones of its modules.

use nn_runtime::prelude::*;

nn_model! {
    /// `GoogLeNet`: from 224×224 pixels in three colours to the probabilities of a thousand classes.
    ///
    /// Names are those of the table: `i3a.reduce3.weight` is the 1×1 convolution before the 3×3 one of inception (3a).
    pub model GoogLeNet(x: [3, 224, 224]) -> p: [1000] {
        s = stem(x);
        i3a = inception(s, 64, 96, 128, 16, 32, 32);
        i3b = inception(i3a, 128, 128, 192, 32, 96, 64);
        i4a = inception(max_pool2d(i3b, 3, stride = 2, ceil_mode = true), 192, 96, 208, 16, 48, 64);
        i4b = inception(i4a, 160, 112, 224, 24, 64, 64);
        i4c = inception(i4b, 128, 128, 256, 24, 64, 64);
        i4d = inception(i4c, 112, 144, 288, 32, 64, 64);
        i4e = inception(i4d, 256, 160, 320, 32, 128, 128);
        i5a = inception(max_pool2d(i4e, 3, stride = 2, ceil_mode = true), 256, 160, 320, 32, 128, 128);
        i5b = inception(i5a, 384, 192, 384, 48, 128, 128);
        linear = dense(dropout(global_avg_pool(i5b), 0.4), 1000);
        p = softmax(linear);
        aux1 = auxiliary(avg_pool2d(i4a, 5, stride = 3), 1000);
        aux2 = auxiliary(avg_pool2d(i4d, 5, stride = 3), 1000);
        loss cross_entropy(p, target)
            + 0.3 * (cross_entropy(softmax(aux1), target) + cross_entropy(softmax(aux2), target));
    }

    /// The same network for pictures of 64×64 pixels in one colour and ten classes. Where 14×14 pixels have become 4×4,
    /// the auxiliary classifiers average 3×3 of them.
    pub model Reduced(x: [1, 64, 64]) -> p: [10] {
        s = stem(x);
        i3a = inception(s, 64, 96, 128, 16, 32, 32);
        i3b = inception(i3a, 128, 128, 192, 32, 96, 64);
        i4a = inception(max_pool2d(i3b, 3, stride = 2, ceil_mode = true), 192, 96, 208, 16, 48, 64);
        i4b = inception(i4a, 160, 112, 224, 24, 64, 64);
        i4c = inception(i4b, 128, 128, 256, 24, 64, 64);
        i4d = inception(i4c, 112, 144, 288, 32, 64, 64);
        i4e = inception(i4d, 256, 160, 320, 32, 128, 128);
        i5a = inception(max_pool2d(i4e, 3, stride = 2, ceil_mode = true), 256, 160, 320, 32, 128, 128);
        i5b = inception(i5a, 384, 192, 384, 48, 128, 128);
        linear = dense(dropout(global_avg_pool(i5b), 0.4), 10);
        p = softmax(linear);
        aux1 = auxiliary(avg_pool2d(i4a, 3, stride = 1), 10);
        aux2 = auxiliary(avg_pool2d(i4d, 3, stride = 1), 10);
        loss cross_entropy(p, target)
            + 0.3 * (cross_entropy(softmax(aux1), target) + cross_entropy(softmax(aux2), target));
    }

    /// Four narrow modules for pictures of 28×28 pixels in one colour.
    pub model Narrow(x: [784]) -> p: [10] {
        c1 = relu(conv2d(reshape(x, [1, 28, 28]), 16, kernel = 3, padding = 1));
        i2a = inception(max_pool2d(c1, 2), 8, 8, 16, 4, 8, 8);
        i2b = inception(i2a, 16, 12, 24, 6, 12, 12);
        i3a = inception(max_pool2d(i2b, 2), 24, 24, 48, 8, 16, 16);
        i3b = inception(i3a, 32, 32, 64, 8, 24, 24);
        p = softmax(dense(dropout(global_avg_pool(i3b), 0.2), 10));
        loss cross_entropy(p, target);
    }

    /// All before the first module: from the image to 192 channels of an eighth of its height and width.
    fn stem(x) {
        c1 = relu(conv2d(x, 64, kernel = 7, stride = 2, padding = 3));
        n1 = local_response_norm(max_pool2d(c1, 3, stride = 2, ceil_mode = true), 5, alpha = 1e-4, beta = 0.75);
        reduce2 = relu(conv2d(n1, 64, kernel = 1));
        c2 = relu(conv2d(reduce2, 192, kernel = 3, padding = 1));
        n2 = local_response_norm(c2, 5, alpha = 1e-4, beta = 0.75);
        max_pool2d(n2, 3, stride = 2, ceil_mode = true)
    }

    /// Four ways side by side, whose channels are joined (Figure 2b): 1×1, 3×3 and 5×5 convolutions, the larger ones
    /// after a 1×1 one that reduces the channels, and a pooling with a 1×1 convolution after it.
    fn inception(x, wide1, narrow3, wide3, narrow5, wide5, pooled) {
        one = relu(conv2d(x, wide1, kernel = 1));
        reduce3 = relu(conv2d(x, narrow3, kernel = 1));
        three = relu(conv2d(reduce3, wide3, kernel = 3, padding = 1));
        reduce5 = relu(conv2d(x, narrow5, kernel = 1));
        five = relu(conv2d(reduce5, wide5, kernel = 5, padding = 2));
        pool = relu(conv2d(max_pool2d(x, 3, stride = 1, padding = 1), pooled, kernel = 1));
        concat(one, three, five, pool)
    }

    /// A classifier beside the network, which passes a gradient to its middle while it trains (section 5).
    fn auxiliary(x, classes) {
        c = relu(conv2d(x, 128, kernel = 1));
        h = dropout(relu(dense(flatten(c), 1024)), 0.7);
        linear = dense(h, classes);
        linear
    }
}
