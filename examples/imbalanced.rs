//! A skewed task: one example in fifty is a signal, and it lies among the background. Trained as they come, a model
//! learns to say no; with class weights it looks for the signal. The same data, the same network, twice.

use std::path::PathBuf;

use ndarray::Array2;
use nn_runtime::metrics::Scores;
use nn_runtime::prelude::*;
use nn_runtime::{ConfusionMatrix, EarlyStopping, plot};
use rand::{RngExt, SeedableRng};

nn_model! {
    /// Is it a signal? The weight of an example is a part of the loss.
    pub model Signal(x: [2]) -> p {
        h = tanh(dense(x, 16));
        p = sigmoid(sum(dense(h, 1)));
        loss weight * binary_cross_entropy(p, target);
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "imbalanced".to_owned()));
    std::fs::create_dir_all(&folder)?;
    let (rest, test) = events(10_000, 3).split_stratified(0.7, 7)?;
    let (train, valid) = rest.split_stratified(0.8, 7)?;

    let plain = fitted(&train, &valid)?;
    // n / (k nᵢ) for each row of a class with nᵢ of n rows: both classes weigh the same.
    let balanced = fitted(&train.clone().balanced()?, &valid.clone().balanced()?)?;
    println!("as they come\n{}", ConfusionMatrix::of(&plain, &test)?);
    println!("with class weights\n{}", ConfusionMatrix::of(&balanced, &test)?);
    println!("{}", report(&balanced, &test)?);

    let scores = Scores::of(&balanced, &test)?;
    plot::roc(&scores).save_svg(folder.join("roc.svg"))?;
    plot::precision_recall(&scores).save_svg(folder.join("precision_recall.svg"))?;
    plot::confusion(&ConfusionMatrix::of(&balanced, &test)?).save_svg(folder.join("confusion.svg"))?;
    plot::decision_boundary(&balanced, &test)?.save_svg(folder.join("boundary.svg"))?;
    println!("pictures are in {}", folder.display());
    let recall = |model| ConfusionMatrix::of(model, &test).map(|matrix| matrix.recall(Average::Binary));
    println!(
        "signals found: {:.3} as they come, {:.3} with class weights, ROC AUC {:.3}",
        recall(&plain)?,
        recall(&balanced)?,
        scores.roc_auc()
    );
    Ok(())
}

fn fitted(train: &Dataset, valid: &Dataset) -> nn_runtime::Result<Signal> {
    let mut model = Signal::new(7);
    Trainer::new(Adam::new(0.01))
        .epochs(60)
        .batch_size(64)
        .seed(7)
        .callback(EarlyStopping::new(10).restore_best())
        .fit(&mut model, train, valid)?;
    Ok(model)
}

/// A wide cloud of background, and a small one of signal at its edge.
fn events(count: usize, seed: u64) -> Dataset {
    let mut random = rand::rngs::StdRng::seed_from_u64(seed);
    // The sum of twelve uniform numbers is nearly normal.
    let mut normal = || (0..12).map(|_| random.random_range(-0.5..0.5_f32)).sum::<f32>();
    let mut inputs = Array2::zeros((count, 2));
    let mut targets = Array2::zeros((count, 1));
    for (row, mut x) in inputs.rows_mut().into_iter().enumerate() {
        let is_signal = row % 50 == 0;
        let (centre, width) = if is_signal { ([1.8, 1.0], 0.45) } else { ([0.0, 0.0], 1.2) };
        (x[0], x[1]) = (centre[0] + width * normal(), centre[1] + width * normal());
        targets[[row, 0]] = if is_signal { 1.0 } else { 0.0 };
    }
    match Dataset::new(inputs, targets) {
        Ok(data) => data,
        Err(error) => unreachable!("{error}"),
    }
}
