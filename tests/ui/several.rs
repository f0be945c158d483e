use nn_runtime::nn_model;

nn_model! {
    model Wrong(x: [4]) -> y {
        param w: [3], v;
        h = relu(x + w);
        g = dense(x, unit = 3);
        y = sum(hh);
    }
}

fn main() {}
