use nn_runtime::nn_model;

nn_model! {
    model Right(x) -> y {
        param w;
        y = w*x;
        loss mse(y, target);
    }

    model Wrong(x) -> y {
        param w;
        y = w*x2;
        loss mse(y, target);
    }
}

fn main() {
    let _ = Right::new(1);
    let _ = Wrong::new(1);
}
