use nn_runtime::nn_model;

nn_model! {
    /// The sizes of the product do not agree.
    pub model Jet(x: [16]) -> y {
        param w1: [10, 64], b1: [64];
        h1 = relu(x @ w1 + b1);
        y = sum(h1);
    }
}

fn main() {}
