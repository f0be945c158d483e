use nn_runtime::nn_model;

nn_model! {
    model Classes(x: [4]) -> p: [3] {
        p = softmax(dense(x, 5));
        loss cross_entropy(p, target);
    }
}

fn main() {}
