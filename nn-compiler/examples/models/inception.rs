// The structure of GoogLeNet, with dense layers in place of its convolutions.
nn_model! {
    /// Nine inception modules, each of four branches that are joined, and a second classifier halfway.
    pub model Inception(x: [224]) -> (y: [10], early: [10]) {
        stem = relu(dense(x, 192));
        stem = relu(dense(stem, 192));
        a3 = inception(stem, 64, 96, 128, 16, 32, 32);
        b3 = inception(a3, 128, 128, 192, 32, 96, 64);
        a4 = inception(b3, 192, 96, 208, 16, 48, 64);
        b4 = inception(a4, 160, 112, 224, 24, 64, 64);
        c4 = inception(b4, 128, 128, 256, 24, 64, 64);
        d4 = inception(c4, 112, 144, 288, 32, 64, 64);
        e4 = inception(d4, 256, 160, 320, 32, 128, 128);
        a5 = inception(e4, 256, 160, 320, 32, 128, 128);
        b5 = inception(a5, 384, 192, 384, 48, 128, 128);
        y = softmax(dense(dropout(b5, 0.4), 10));
        early = softmax(dense(relu(dense(a4, 128)), 10));
        loss cross_entropy(y, target) + 0.3 * cross_entropy(early, target);
    }

    fn inception(x, one, three_in, three, five_in, five, pool) {
        a = relu(dense(x, one));
        b = relu(dense(relu(dense(x, three_in)), three));
        c = relu(dense(relu(dense(x, five_in)), five));
        d = relu(dense(x, pool));
        concat(a, b, c, d)
    }
}
