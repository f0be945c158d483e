//! Training as one would do it in earnest: which digit is on a picture of 8×8 pixels?
//!
//! Scaling fitted on the training part, a stratified split, dropout and label smoothing, `AdamW` with one cycle of the
//! learning rate, early stopping, checkpoints and a training that goes on from one, and every picture that helps to judge
//! the result, in the folder `train_well` or the one that is given.

use std::fs;
use std::path::PathBuf;

use nn_runtime::metrics::ClassScores;
use nn_runtime::prelude::*;
use nn_runtime::tensorboard::TensorBoard;
use nn_runtime::train::schedule::OneCycle;
use nn_runtime::{Checkpoint, ConfusionMatrix, EarlyStopping, plot};

nn_model! {
    /// Two hidden layers that forget a fifth of what they see, while they learn.
    pub model Digits(x: [64]) -> p: [10] {
        h1 = dropout(relu(dense(x, 128)), 0.2);
        h2 = dropout(relu(dense(h1, 64)), 0.2);
        p = softmax(dense(h2, 10));
        loss cross_entropy(p, target, label_smoothing = 0.05);
    }
}

const EPOCHS: usize = 60;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "train_well".to_owned()));
    fs::create_dir_all(&folder)?;
    let file = |name: &str| folder.join(name);

    let table =
        Table::from_csv(concat!(env!("CARGO_MANIFEST_DIR"), "/data/digits.csv"))?.categorical("digit")?;
    let pixels: Vec<&str> = table.columns().filter(|column| *column != "digit").collect();
    let all: Dataset = table.dataset(&pixels, Target::class("digit"))?;
    // Three parts: to learn from, to stop by, and to judge by once.
    let (rest, test) = all.split_stratified(0.8, 7)?;
    let (train, valid) = rest.split_stratified(0.85, 7)?;
    println!("{} images to learn from, {} to stop by, {} to judge by", train.len(), valid.len(), test.len());
    let scaler = Preprocessor::new().min_max(nn_runtime::Columns::All).fit(&train)?;
    let (train, valid, test) =
        (scaler.transform(&train)?, scaler.transform(&valid)?, scaler.transform(&test)?);

    let checkpoint = file("digits.ckpt.safetensors");
    let trainer = || {
        Trainer::new(AdamW::new(8e-3).weight_decay(1e-2))
            .schedule(OneCycle::new())
            .epochs(EPOCHS)
            .batch_size(32)
            .seed(7)
            .measures([Measure::F1(Average::Macro), Measure::LogLoss])
            .checkpoint(Checkpoint::new(&checkpoint).every_epochs(5).with_scaler(&scaler))
            .callback(EarlyStopping::new(25).restore_best())
    };
    // A training that is stopped in its tenth epoch, as by a power cut …
    let mut model = Digits::new(7);
    let stopped = trainer().callback(StopAfter(10)).fit(&mut model, &train, &valid)?;
    println!(
        "{} epochs, then {}",
        stopped.epochs().len(),
        stopped.stopped().map_or_else(String::new, ToString::to_string)
    );
    // … goes on where it was, to the same bits as if nothing had happened.
    let mut model = Digits::new(0);
    let history = trainer()
        .resume(&checkpoint)
        .callback(TensorBoard::create(file("tensorboard"))?)
        .fit(&mut model, &train, &valid)?;
    println!("{history}");
    fs::remove_file(&checkpoint)?;

    let matrix = ConfusionMatrix::of(&model, &test)?;
    println!("{}", report(&model, &test)?);
    history.save_csv(file("history.csv"))?;
    history.save_json(file("history.json"))?;
    history.save_svg(file("learning_curves.svg"))?;
    plot::metric_curves(&history, &["accuracy", "f1_macro"]).save_svg(file("metrics.svg"))?;
    plot::confusion(&matrix).save_svg(file("confusion.svg"))?;
    let names: Vec<String> = test.classes().unwrap_or_default().to_vec();
    plot::roc_of_classes(&ClassScores::of(&model, &test)?, &names).save_svg(file("roc.svg"))?;
    plot::weights(&model).save_svg(file("weights.svg"))?;
    let (_, gradient) = model.loss_and_gradient(train.inputs(), train.targets())?;
    plot::gradients::<Digits>(&gradient).save_svg(file("gradients.svg"))?;

    let pipeline = Pipeline::new(model, scaler)?;
    pipeline.save(file("digits.safetensors"))?;
    println!("pictures, history and model are in {}", folder.display());
    println!("test accuracy {:.3}", matrix.accuracy());
    Ok(())
}

/// Ends a training after some epochs, as if somebody had pressed Ctrl-C.
struct StopAfter(usize);

impl<M: Model> nn_runtime::Callback<M> for StopAfter {
    fn on_epoch(
        &mut self,
        training: &mut nn_runtime::Training<'_, M>,
    ) -> nn_runtime::Result<nn_runtime::Flow> {
        let is_over = training.epoch() >= self.0;
        Ok(if is_over {
            nn_runtime::Flow::Break(nn_runtime::Stop::Interrupted)
        } else {
            nn_runtime::Flow::Continue(())
        })
    }
}
