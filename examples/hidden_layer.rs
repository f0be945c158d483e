//! A hidden layer: which digit is on a picture of 8×8 pixels? And how many parameters does that take?

use nn_runtime::prelude::*;

nn_model! {
    /// One hidden layer: 64 pixels, 32 hidden units, 10 digits.
    pub model Digits(x: [64]) -> p: [10] {
        h = relu(dense(x, 32));
        p = softmax(dense(h, 10));
        loss cross_entropy(p, target);
    }
}

fn main() -> nn_runtime::Result<()> {
    // Each unit has a weight for each of its inputs, and a bias.
    println!("{}", Digits::SUMMARY);
    println!("{} trainable parameters:", Digits::PARAM_COUNT);
    for param in Digits::PARAMS {
        let sizes: Vec<String> = param.shape.iter().map(ToString::to_string).collect();
        println!("  {:>9}: {:>7} = {}", param.name, sizes.join(" × "), param.len());
    }

    let table =
        Table::from_csv(concat!(env!("CARGO_MANIFEST_DIR"), "/data/digits.csv"))?.categorical("digit")?;
    let pixels: Vec<&str> = table.columns().filter(|column| *column != "digit").collect();
    let (train, test) = table.dataset(&pixels, Target::class("digit"))?.split(0.8, 7);
    let scaler = Scaler::min_max().fit(&train)?;
    let (train, test) = (scaler.transform(&train)?, scaler.transform(&test)?);

    let mut model = Digits::new(7);
    let history =
        Trainer::new(Sgd::new(0.2)).epochs(80).batch_size(32).seed(7).fit(&mut model, &train, &test)?;
    println!("{history}");
    println!("test accuracy {:.3}", evaluate(&model, &test)?.score());
    Ok(())
}
