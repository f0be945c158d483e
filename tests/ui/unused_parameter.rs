use nn_runtime::nn_model;

nn_model! {
    model Line(x) -> y {
        param w, b;
        y = w*x;
        loss mse(y, target);
    }
}

fn main() {}
