//! Several classes: which iris is it? Softmax turns three scores into probabilities, and cross-entropy asks for the
//! probability of the right one.

use nn_runtime::prelude::*;

nn_model! {
    /// Multinomial logistic regression: three species from four measurements.
    pub model Iris(x: [4]) -> p: [3] {
        p = softmax(dense(x, 3));
        loss cross_entropy(p, target);
    }
}

fn main() -> nn_runtime::Result<()> {
    let table = Table::from_csv(concat!(env!("CARGO_MANIFEST_DIR"), "/data/iris.csv"))?;
    let features = ["sepal_length", "sepal_width", "petal_length", "petal_width"];
    let data = table.dataset(&features, Target::class("species"))?;
    let (train, test) = data.split(0.7, 7);
    let scaler = Scaler::standard().fit(&train)?;
    let (train, test) = (scaler.transform(&train)?, scaler.transform(&test)?);

    println!("{}", Iris::SUMMARY);
    let mut model = Iris::new(7);
    let history =
        Trainer::new(Sgd::new(0.2)).epochs(100).batch_size(16).seed(7).fit(&mut model, &train, &test)?;
    println!("{history}");

    // One flower, without any allocation: probabilities of the three species.
    let mut flower = [0.0; 4];
    flower.copy_from_slice(&test.inputs().row(0).to_vec());
    let probabilities = model.infer(&flower);
    for (species, probability) in test.classes().unwrap_or_default().iter().zip(probabilities) {
        println!("{species:>12} {probability:.3}");
    }
    println!("test accuracy {:.3}", evaluate(&model, &test)?.score());
    Ok(())
}
