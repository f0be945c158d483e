use nn_runtime::nn_model;

nn_model! {
    model Double<f64>(x: [4]) -> y {
        y = x[4];
    }
}

fn main() {}
