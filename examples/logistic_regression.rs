//! Logistic regression: is a tumour malignant? First the model of the slide on two features, written as on paper,
//! then the same on all thirty.

use nn_runtime::prelude::*;

nn_model! {
    /// Logistic regression on two features.
    pub model Logistic(x1, x2) -> y {
        param w1, w2, b;
        y = sigmoid(x1*w1 + x2*w2 + b);
        loss binary_cross_entropy(y, target);
    }

    /// Logistic regression on thirty features. The penalty keeps the weights small where they don't help.
    pub model Logistic30(x: [30]) -> y {
        param w: [30], b;
        y = sigmoid(dot(x, w) + b);
        loss binary_cross_entropy(y, target) + 1e-3 * sum(w^2);
    }
}

fn main() -> nn_runtime::Result<()> {
    let table = Table::from_csv(concat!(env!("CARGO_MANIFEST_DIR"), "/data/breast_cancer.csv"))?;
    let malignant = || Target::equals("diagnosis", "malignant");

    // What the compiler made of the first model: the chain rule step by step, and the code that computes it.
    println!("{}", Logistic::EXPLANATION);
    println!("{}", Logistic::RUST);

    let two = table.dataset(&["mean_radius", "mean_texture"], malignant())?;
    let (train, test) = two.split(0.8, 7);
    let scaler = Scaler::standard().fit(&train)?;
    let mut model = Logistic::new(7);
    let history = Trainer::new(Sgd::new(0.5)).epochs(60).batch_size(32).seed(7).fit(
        &mut model,
        &scaler.transform(&train)?,
        &scaler.transform(&test)?,
    )?;
    println!("{history}");
    println!("two features: {}", evaluate(&model, &scaler.transform(&test)?)?);

    let features: Vec<&str> = table.columns().filter(|column| *column != "diagnosis").collect();
    let (train, test) = table.dataset(&features, malignant())?.split(0.8, 7);
    let scaler = Scaler::standard().fit(&train)?;
    let mut model = Logistic30::new(7);
    let history = Trainer::new(Sgd::new(0.1)).epochs(100).batch_size(32).seed(7).fit(
        &mut model,
        &scaler.transform(&train)?,
        &scaler.transform(&test)?,
    )?;
    println!("{history}");

    // The scaler belongs to the model: saved together, it is applied to whatever is predicted later.
    let pipeline = Pipeline::new(model, scaler)?;
    let path = std::env::temp_dir().join("logistic_regression.safetensors");
    pipeline.save(&path)?;
    let restored = Pipeline::<Logistic30>::load(&path)?;
    let evaluation = restored.evaluate(&test)?;
    println!("thirty features: {evaluation}");
    println!("test accuracy {:.3}", evaluation.score());
    Ok(())
}
