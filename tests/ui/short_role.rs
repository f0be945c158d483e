use nn_runtime::nn_model;

fn main() {
    let _model = nn_model!(y = sigmoid(x*w + c));
}
