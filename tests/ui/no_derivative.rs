use nn_runtime::nn_model;

nn_model! {
    model Step(x: [4]) -> y {
        param w: [4];
        y = dot(x, w) > 0;
        loss mse(y, target);
    }
}

fn main() {}
