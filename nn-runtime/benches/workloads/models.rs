//! The networks of the workloads.

use nn_runtime::nn_model;

nn_model! {
    /// 2-1: logistic regression.
    pub model Logreg2(x1, x2) -> y {
        param w1, w2, b;
        y = sigmoid(x1*w1 + x2*w2 + b);
        loss binary_cross_entropy(y, target);
    }

    /// 16-1: linear regression.
    pub model Linreg16(x: [16]) -> y {
        param w: [16], b;
        y = dot(x, w) + b;
        loss mse(y, target);
    }

    /// 2-8-8-1: the small network of every playground.
    pub model Play(x: [2]) -> y: [1] {
        h1 = tanh(dense(x, 8));
        h2 = tanh(dense(h1, 8));
        y = sigmoid(dense(h2, 1));
        loss binary_cross_entropy(y, target);
    }

    /// 16-64-32-32-5: a jet tagger.
    pub model Jet(x: [16]) -> y: [5] {
        h1 = relu(dense(x, 64));
        h2 = relu(dense(h1, 32));
        h3 = relu(dense(h2, 32));
        y = softmax(dense(h3, 5));
        loss cross_entropy(y, target);
    }

    /// 784-128-10: handwritten digits.
    pub model MnistSmall(x: [784]) -> y: [10] {
        h = relu(dense(x, 128));
        y = softmax(dense(h, 10));
        loss cross_entropy(y, target);
    }

    /// 784-512-512-10: the same, wider and deeper.
    pub model MnistBig(x: [784]) -> y: [10] {
        h1 = relu(dense(x, 512));
        h2 = relu(dense(h1, 512));
        y = softmax(dense(h2, 10));
        loss cross_entropy(y, target);
    }

    /// 24-8-2: `SimpleChains`' first example.
    pub model Chain24(x: [24]) -> y: [2] {
        h = tanh(dense(x, 8));
        y = dense(h, 2);
        loss mse(y, target);
    }

    /// 4-32-16-4: `SimpleChains` learns the exponential of 2 by 2 matrices with it.
    pub model Chain4(x: [4]) -> y: [4] {
        h1 = tanh(dense(x, 32));
        h2 = tanh(dense(h1, 16));
        y = dense(h2, 4);
        loss mse(y, target);
    }
}
