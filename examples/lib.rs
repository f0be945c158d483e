//! Examples of `nn_model!` on real data, each a file of its own beside this one:
//! `cargo run --release --example logistic_regression`. Here is what several of them share.

use std::path::{Path, PathBuf};

use nn_runtime::prelude::*;

/// What is on the pictures of Fashion-MNIST, by label.
pub const CLOTHES: [&str; 10] =
    ["T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot"];

/// The pictures and labels of each part of Fashion-MNIST, as the Debian package names them.
const FILES: [[&str; 2]; 2] = [
    ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"],
    ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"],
];

/// What examples end with when they fail.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// The 60000 pictures of Fashion-MNIST to learn from and the 10000 to judge by, of 28×28 pixels from 0 to 1: Xiao, Rasul
/// and Vollgraf (2017). A folder holds the four IDX files, packed or not.
///
/// # Errors
/// If a file is not there, with where to get it, or cannot be read.
pub fn clothes(folder: &Path) -> Outcome<[Dataset; 2]> {
    let read = |[images, labels]: [&str; 2]| -> Outcome<Dataset> {
        Ok(Dataset::from_idx(find(folder, images)?, find(folder, labels)?)?)
    };
    Ok([scaled(&read(FILES[0])?, &CLOTHES)?, scaled(&read(FILES[1])?, &CLOTHES)?])
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

/// The 1797 digits of 8×8 pixels that are part of the examples, from 0 to 1.
///
/// # Errors
/// If the file is not where it was when the examples were built.
pub fn digits() -> Outcome<Dataset> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/digits.csv");
    let table = Table::from_csv(path)?.categorical("digit")?;
    let pixels: Vec<&str> = table.columns().filter(|column| *column != "digit").collect();
    let digits: Dataset = table.dataset(&pixels, Target::class("digit"))?;
    scaled(&digits.with_input_shape(&[8, 8])?, &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"])
}

/// Pixels by the largest that there is: they start at 0 everywhere, so nothing has to be fitted.
fn scaled(images: &Dataset, classes: &[&str]) -> Outcome<Dataset> {
    let most = images.inputs().iter().fold(1.0_f32, |most, &pixel| most.max(pixel));
    let inputs = images.inputs().mapv(|pixel| pixel / most);
    Ok(Dataset::with_classes(inputs, &labels(images), classes)?.with_input_shape(images.input_shape())?)
}

/// The class of each row.
pub fn labels(images: &Dataset) -> Vec<usize> {
    images.targets().iter().map(|&class| class as usize).collect()
}
