//! Linear regression: how far diabetes has progressed after a year, from ten measurements. Once with the mean squared
//! error, whose best constant is the mean, and once with the mean absolute error, whose best constant is the median.

use nn_runtime::prelude::*;

nn_model! {
    /// ŷ = x · w + b with the mean squared error.
    pub model Linear(x: [10]) -> y {
        param w: [10], b;
        y = dot(x, w) + b;
        loss mse(y, target);
    }

    /// The same line with the mean absolute error, which outliers pull less.
    pub model LinearAbsolute(x: [10]) -> y {
        param w: [10], b;
        y = dot(x, w) + b;
        loss mae(y, target);
    }
}

const FEATURES: [&str; 10] = ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"];

fn main() -> nn_runtime::Result<()> {
    let table = Table::from_csv(concat!(env!("CARGO_MANIFEST_DIR"), "/data/diabetes.csv"))?;
    let (train, test) = table.dataset(&FEATURES, Target::column("progression"))?.split(0.8, 7);

    // Normalisation puts every feature on one scale. It is fitted on the training part alone: the test part
    // stands for data that nobody has seen yet. The target is scaled too, and predictions are scaled back.
    let scaler = Scaler::standard().with_targets().fit(&train)?;
    let (scaled_train, scaled_test) = (scaler.transform(&train)?, scaler.transform(&test)?);

    let mut squared = Linear::new(7);
    let trainer = Trainer::new(Sgd::new(0.05)).epochs(300).batch_size(32).seed(7);
    let history = trainer.fit(&mut squared, &scaled_train, &scaled_test)?;
    println!("{history}");
    println!("{}", Linear::SUMMARY);
    for (feature, weight) in FEATURES.iter().zip(squared.params.w) {
        println!("{feature:>4} {weight:8.4}");
    }
    let squared = Pipeline::new(squared, scaler.clone())?.evaluate(&test)?;

    let mut absolute = LinearAbsolute::new(7);
    let trainer = Trainer::new(Sgd::new(0.02)).epochs(300).batch_size(32).seed(7);
    trainer.fit(&mut absolute, &scaled_train, &scaled_test)?;
    let absolute = Pipeline::new(absolute, scaler)?.evaluate(&test)?;

    println!("\ntrained with the mean squared error:  {squared}");
    println!("trained with the mean absolute error: {absolute}");
    println!("test R² {:.3} with mse, {:.3} with mae", squared.score(), absolute.score());
    Ok(())
}
