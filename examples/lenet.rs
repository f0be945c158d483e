//! LeNet-5 on Fashion-MNIST: which piece of clothing is on a picture of 28×28 pixels?
//!
//! `cargo run --release --example lenet FOLDER`, where the folder holds the four IDX files. On Debian they come with
//! `apt install dataset-fashion-mnist`, in `/usr/share/datasets/fashion-mnist`. Without a folder, a smaller network learns
//! the digits of 8×8 pixels that are part of the examples.

use std::path::{Path, PathBuf};

use nn_runtime::ConfusionMatrix;
use nn_runtime::prelude::*;

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

/// The pictures and labels of each part, as the package names them.
const FILES: [[&str; 2]; 2] = [
    ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"],
    ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"],
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let accuracy = match std::env::args().nth(1) {
        Some(folder) => of_clothing(Path::new(&folder))?,
        None => of_digits()?,
    };
    println!("test accuracy {accuracy:.4}");
    Ok(())
}

/// LeNet-5 on the files of a folder.
fn of_clothing(folder: &Path) -> Result<f64, Box<dyn std::error::Error>> {
    let mut parts = Vec::new();
    for names in FILES {
        let [images, labels] = names.map(|name| find(folder, name));
        parts.push(Dataset::from_idx(images?, labels?)?);
    }
    let [rest, test] = <[Dataset; 2]>::try_from(parts).map_err(|_| "there are two parts")?;
    let (train, valid) = rest.split_stratified(0.9, 7)?;
    println!("{}", LeNet::SUMMARY);
    let scaler = Preprocessor::new().min_max(nn_runtime::Columns::All).fit(&train)?;
    let (train, valid, test) =
        (scaler.transform(&train)?, scaler.transform(&valid)?, scaler.transform(&test)?);
    let mut model = LeNet::new(7);
    let trainer = Trainer::new(Sgd::new(0.05).momentum(0.9)).epochs(10).batch_size(64).seed(7);
    println!("{}", trainer.fit(&mut model, &train, &valid)?);
    Ok(ConfusionMatrix::of(&model, &test)?.accuracy())
}

/// A file of the folder, packed or not.
fn find(folder: &Path, name: &str) -> Result<PathBuf, String> {
    let candidates = [name.to_owned(), format!("{name}.gz")].map(|name| folder.join(name));
    let found = candidates.into_iter().find(|path| path.exists());
    found.ok_or_else(|| {
        format!(
            "there is no {name} in {}: `apt install dataset-fashion-mnist` puts it into \
             /usr/share/datasets/fashion-mnist",
            folder.display()
        )
    })
}

/// The small network on the digits that are part of the examples.
fn of_digits() -> Result<f64, Box<dyn std::error::Error>> {
    let table =
        Table::from_csv(concat!(env!("CARGO_MANIFEST_DIR"), "/data/digits.csv"))?.categorical("digit")?;
    let pixels: Vec<&str> = table.columns().filter(|column| *column != "digit").collect();
    let all: Dataset = table.dataset(&pixels, Target::class("digit"))?;
    let (rest, test) = all.split_stratified(0.8, 7)?;
    let (train, valid) = rest.split_stratified(0.85, 7)?;
    println!("{}", Small::SUMMARY);
    let scaler = Preprocessor::new().min_max(nn_runtime::Columns::All).fit(&train)?;
    let (train, valid, test) =
        (scaler.transform(&train)?, scaler.transform(&valid)?, scaler.transform(&test)?);
    let mut model = Small::new(7);
    let trainer = Trainer::new(Sgd::new(0.05).momentum(0.9)).epochs(30).batch_size(32).seed(7);
    println!("{}", trainer.fit(&mut model, &train, &valid)?);
    Ok(ConfusionMatrix::of(&model, &test)?.accuracy())
}
