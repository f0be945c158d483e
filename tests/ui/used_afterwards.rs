use nn_runtime::prelude::*;

nn_model! {
    pub model Logistic(x1, x2) -> y {
        param w1, w2, b;
        y = sigmiod(x1*w1 + x2*w2 + b);
        loss binary_cross_entropy(y, target);
    }
}

fn main() -> nn_runtime::Result<()> {
    let data = Table::from_csv("iris.csv")?;
    let (train, valid) = data.dataset(&["a", "b"], Target::equals("c", "d"))?.split(0.8, 7);
    let mut model = Logistic::new(7);
    let history = Trainer::new(Sgd::new(0.5)).fit(&mut model, &train, &valid)?;
    println!("{history}{}", Logistic::EXPLANATION);
    model.save("logistic.safetensors")
}
