use nn_runtime::model::Pullback;
use nn_runtime::nn_model;

nn_model! {
    model Step(x: [4]) -> y {
        param w: [4];
        y = dot(x, w) > 0;
    }
}

fn derive<M: Pullback>(_: &M) {}

fn main() {
    derive(&Step::new(1));
}
