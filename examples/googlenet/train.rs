//! Networks of inception modules that train in minutes.

use std::path::Path;
use std::time::Instant;

use ndarray::Array2;
use nn_examples::{Outcome, clothes, digits, labels};
use nn_runtime::prelude::*;
use nn_runtime::train::schedule::{Constant, OneCycle, WarmUp};
use nn_runtime::{Callback, ConfusionMatrix, Flow, Stop, Training};

use super::model::{Narrow, Reduced};

/// Pictures to learn by heart.
const PICTURES: usize = 64;
/// Their height and width, enlarged.
const SIDE: usize = 64;

/// Trains all nine modules on 64 pictures, until none of them is mistaken for another.
pub(crate) fn by_heart(folder: Option<&Path>) -> Outcome<()> {
    let images = match folder {
        Some(folder) => clothes(folder)?.into_iter().next().ok_or("there are two parts")?,
        None => digits()?,
    };
    let train = enlarged(&images.select(&(0..PICTURES).collect::<Vec<_>>())?)?;
    let mut model = Reduced::new(7);
    let start = Instant::now();
    let history = Trainer::new(Adam::new(3e-4))
        .schedule(WarmUp::new(20, Constant))
        .epochs(100)
        .batch_size(16)
        .seed(7)
        .callback(NoMistakes)
        .fit(&mut model, &train, None)?;
    println!("{history}");
    let errors = train.len() as f64 * (1.0 - ConfusionMatrix::of(&model, &train)?.accuracy());
    println!(
        "{} parameters, {} epochs, {:.0} s: {errors:.0} of {PICTURES} pictures are mistaken",
        Reduced::PARAM_COUNT,
        history.epochs().len(),
        start.elapsed().as_secs_f64()
    );
    if errors > 0.5 { Err("the training error is not zero".into()) } else { Ok(()) }
}

/// The pictures at 64×64 pixels, each as the nearest one of the smaller picture.
fn enlarged(images: &Dataset) -> Outcome<Dataset> {
    let [height, width] = *images.input_shape() else { return Err("pictures have rows and columns".into()) };
    let inputs = Array2::from_shape_fn((images.len(), SIDE * SIDE), |(row, at)| {
        let (y, x) = (at / SIDE * height / SIDE, at % SIDE * width / SIDE);
        images.inputs()[[row, y * width + x]]
    });
    let classes: Vec<&str> = images.classes().unwrap_or_default().iter().map(String::as_str).collect();
    Ok(Dataset::with_classes(inputs, &labels(images), &classes)?)
}

/// Ends a training once every row is classified rightly.
struct NoMistakes;

impl<M: Model> Callback<M> for NoMistakes {
    fn on_epoch(&mut self, training: &mut Training<'_, M>) -> nn_runtime::Result<Flow> {
        let accuracy = training.history().last().and_then(|epoch| epoch.metric("accuracy"));
        Ok(match accuracy {
            Some(1.0) => Flow::Break(Stop::early("no picture is mistaken any more")),
            _ => Flow::Continue(()),
        })
    }
}

/// Trains the narrow network on Fashion-MNIST, a tenth of which is kept to look at while it does.
pub(crate) fn narrow(folder: &Path) -> Outcome<()> {
    let [rest, test] = clothes(folder)?;
    let (train, valid) = rest.split_stratified(0.9, 7)?;
    println!("{}", Narrow::SUMMARY);
    let mut model = Narrow::new(7);
    let start = Instant::now();
    let history = Trainer::new(AdamW::new(5e-3).weight_decay(1e-2))
        .schedule(OneCycle::new())
        .epochs(10)
        .batch_size(64)
        .seed(7)
        .fit(&mut model, &train, &valid)?;
    println!("{history}");
    println!("trained for {:.0} s", start.elapsed().as_secs_f64());
    let matrix = ConfusionMatrix::of(&model, &test)?;
    println!("{matrix}");
    println!("test accuracy {:.4}", matrix.accuracy());
    Ok(())
}
