//! Regression with an honest estimate: how far does diabetes progress in a year? Five-fold cross-validation, because 442
//! patients are too few to spare some for a test, of a linear model and of a small network.

use std::path::PathBuf;

use nn_runtime::prelude::*;
use nn_runtime::{CrossValidation, EarlyStopping, Scores, plot};

nn_model! {
    /// A weighted sum of ten measurements.
    pub model Linear(x: [10]) -> y {
        y = sum(dense(x, 1));
        loss mse(y, target);
    }

    /// A hidden layer between them.
    pub model Hidden(x: [10]) -> y {
        h = tanh(dense(x, 16));
        y = sum(dense(dropout(h, 0.1), 1));
        loss mse(y, target) + 0.02 * sum(h.weight^2);
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "regression".to_owned()));
    std::fs::create_dir_all(&folder)?;
    let table = Table::from_csv(concat!(env!("CARGO_MANIFEST_DIR"), "/data/diabetes.csv"))?;
    println!("{}", table.describe());
    let features: Vec<&str> = table.columns().filter(|column| *column != "progression").collect();
    let data: Dataset = table.dataset(&features, Target::column("progression"))?;

    let linear = validated(&data, Linear::new)?;
    let hidden = validated(&data, Hidden::new)?;
    println!("linear\n{linear}\nhidden layer\n{hidden}");

    // The pictures are of the last fold, whose patients the model has not seen.
    let folds = data.k_fold(5, 7)?;
    let (train, valid) = folds[4].of(&data)?;
    let pipeline = trained(Hidden::new(7), &train, &valid)?;
    let predictions = pipeline.predict(valid.inputs())?;
    let (predicted, unit) = (predictions.column(0), "progression");
    plot::predicted_against_true(predicted, valid.targets().column(0), unit)
        .save_svg(folder.join("predicted.svg"))?;
    plot::residuals(predicted, valid.targets().column(0), unit).save_svg(folder.join("residuals.svg"))?;
    println!("pictures are in {}", folder.display());
    let r2 = hidden.metric("r2").map_or(f64::NAN, |metric| metric.mean);
    println!("cross-validated R² {r2:.3}");
    Ok(())
}

/// Trains on each four fifths of the data, and measures on the fifth that was left out, in the units of the table.
fn validated<M: Train<Scalar = f32>>(
    data: &Dataset,
    new: fn(u64) -> M,
) -> nn_runtime::Result<CrossValidation> {
    cross_validate(data, &data.k_fold(5, 7)?, |fold, train, valid| {
        let pipeline = trained(new(fold as u64), train, valid)?;
        let measures = [Measure::RSquared, Measure::RootMeanSquaredError, Measure::MeanAbsoluteError];
        let evaluation = pipeline.evaluate_with(valid, &measures)?;
        let value = |measure| evaluation.get(measure).unwrap_or(f64::NAN);
        Ok(Scores::new()
            .with("r2", value(measures[0]))
            .with("rmse", value(measures[1]))
            .with("mae", value(measures[2])))
    })
}

fn trained<M: Train<Scalar = f32>>(
    mut model: M,
    train: &Dataset,
    valid: &Dataset,
) -> nn_runtime::Result<Pipeline<M>> {
    let scaler = Scaler::standard().with_targets().fit(train)?;
    let (train, valid) = (scaler.transform(train)?, scaler.transform(valid)?);
    Trainer::new(Adam::new(0.01))
        .epochs(150)
        .batch_size(32)
        .callback(EarlyStopping::new(20).restore_best())
        .fit(&mut model, &train, &valid)?;
    Pipeline::new(model, scaler)
}
