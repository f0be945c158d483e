//! LeNet-5 on Fashion-MNIST: which piece of clothing is on a picture of 28×28 pixels?
//!
//! `cargo run --release --example lenet FOLDER`, where the folder holds the four IDX files. On Debian they come with
//! `apt install dataset-fashion-mnist`, in `/usr/share/datasets/fashion-mnist`. Without a folder, or with the word `digits`
//! in its place, a smaller network learns the digits of 8×8 pixels that are part of the examples. Pictures of the result
//! go into the folder `lenet`, or the one that is given second.

use std::path::{Path, PathBuf};

use nn_examples::{Outcome, clothes, digits, labels};
use nn_runtime::prelude::*;
use nn_runtime::train::schedule::OneCycle;
use nn_runtime::{ConfusionMatrix, plot};

nn_model! {
    /// `LeCun`, Bottou, Bengio and Haffner, *Gradient-based learning applied to document recognition* (1998), with what
    /// is usual today in place of its activations, its subsampling and its last layer.
    pub model LeNet(x: [784]) -> p: [10] {
        c1 = relu(conv2d(reshape(x, [1, 28, 28]), 6, kernel = 5, padding = 2));
        c3 = relu(conv2d(max_pool2d(c1, 2), 16, kernel = 5));
        h5 = relu(dense(flatten(max_pool2d(c3, 2)), 120));
        h6 = relu(dense(h5, 84));
        p = softmax(dense(h6, 10));
        loss cross_entropy(p, target);
    }

    /// The same idea for pictures of 8×8 pixels.
    pub model Small(x: [64]) -> p: [10] {
        c1 = relu(conv2d(reshape(x, [1, 8, 8]), 8, kernel = 3, padding = same));
        c2 = relu(conv2d(max_pool2d(c1, 2), 16, kernel = 3, padding = same));
        p = softmax(dense(flatten(max_pool2d(c2, 2)), 10));
        loss cross_entropy(p, target);
    }
}

/// How many of the worst mistakes are shown.
const MISTAKES: usize = 24;

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let data = arguments.next();
    let pictures = PathBuf::from(arguments.next().unwrap_or_else(|| "lenet".to_owned()));
    std::fs::create_dir_all(&pictures)?;
    let accuracy = match data.as_deref() {
        Some(folder) if folder != "digits" => {
            let [rest, test] = clothes(Path::new(folder))?;
            let trainer = Trainer::new(AdamW::new(4e-3).weight_decay(1e-2)).epochs(10).batch_size(64);
            run::<LeNet>(trainer, &rest, &test, &pictures)?
        }
        _ => {
            let (rest, test) = digits()?.split_stratified(0.8, 7)?;
            let trainer = Trainer::new(AdamW::new(1e-2).weight_decay(1e-2)).epochs(30).batch_size(32);
            run::<Small>(trainer, &rest, &test, &pictures)?
        }
    };
    println!("test accuracy {accuracy:.4}");
    Ok(())
}

/// Trains with one cycle of the learning rate, draws what helps to judge the result, and gives the accuracy on the test
/// data, which nothing else has looked at.
fn run<M: Train<Scalar = f32> + Inspect>(
    trainer: Trainer<AdamW>,
    rest: &Dataset,
    test: &Dataset,
    pictures: &Path,
) -> Outcome<f64> {
    let (train, valid) = rest.split_stratified(0.9, 7)?;
    println!("{}", M::SUMMARY);
    let mut model = M::new(7);
    let history = trainer.seed(7).schedule(OneCycle::new()).fit(&mut model, &train, &valid)?;
    println!("{history}");

    let matrix = ConfusionMatrix::of(&model, test)?;
    println!("{matrix}");
    history.save_svg(pictures.join("learning_curves.svg"))?;
    plot::confusion(&matrix).save_svg(pictures.join("confusion.svg"))?;
    filters(&model).save_svg(pictures.join("filters.svg"))?;
    mistakes(&model, test)?.save_svg(pictures.join("mistakes.svg"))?;
    println!("pictures are in {}", pictures.display());
    Ok(matrix.accuracy())
}

/// The weights of the first layer: what each of its channels looks for.
fn filters<M: Model<Scalar = f32>>(model: &M) -> plot::Figure {
    let first = M::PARAMS[0];
    let [.., height, width] = *first.shape else { unreachable!("the first layer is a convolution") };
    let weights = &model.params_flat()[first.offset..][..first.len()];
    let filters = weights.chunks(height * width).enumerate().map(|(channel, weights)| {
        (format!("channel {channel}"), weights.iter().map(|&weight| f64::from(weight)).collect())
    });
    plot::images(&format!("{}: filters of the first layer", M::NAME), [height, width], filters)
}

/// The pictures that the model is surest about and wrong, the worst first.
fn mistakes<M: Model<Scalar = f32>>(model: &M, test: &Dataset) -> Outcome<plot::Figure> {
    let probabilities = model.predict(test.inputs())?;
    let classes = test.classes().unwrap_or_default();
    let mut wrong = Vec::new();
    for (row, (p, label)) in probabilities.rows().into_iter().zip(labels(test)).enumerate() {
        let best = p.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(class, _)| class);
        if best != label {
            wrong.push((p[best], row, format!("{}\nfor {}", classes[best], classes[label])));
        }
    }
    wrong.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let [height, width] = *test.input_shape() else { unreachable!("pictures have rows and columns") };
    let title = format!(
        "{}: {} of {} pictures are wrong; those it is surest about",
        M::NAME,
        wrong.len(),
        test.len()
    );
    let worst = wrong.into_iter().take(MISTAKES).map(|(p, row, names)| {
        let pixels = test.inputs().row(row).iter().map(|&pixel| f64::from(pixel)).collect();
        (format!("{names}\n{:.1} % sure", 100.0 * p), pixels)
    });
    Ok(plot::images(&title, [height, width], worst))
}
