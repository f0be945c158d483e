//! `GoogLeNet`: Szegedy et al., *Going Deeper with Convolutions* (2014), whole, and smaller networks of its modules that
//! train in minutes.
//!
//! ```sh
//! cargo run --release --example googlenet                   # its modules beside the paper's table, and a forward pass
//! cargo run --release --example googlenet overfit [FOLDER]  # 64 pictures by heart, with all nine modules
//! cargo run --release --example googlenet train FOLDER      # four narrow modules on all of Fashion-MNIST
//! ```
//!
//! A folder holds the IDX files of Fashion-MNIST: see `lenet`. Without one, `overfit` takes digits.

#[path = "googlenet/exchange.rs"]
mod exchange;
#[path = "googlenet/model.rs"]
mod model;
#[path = "googlenet/table.rs"]
mod table;
#[path = "googlenet/train.rs"]
mod train;

use std::path::Path;
use std::time::Instant;

use model::GoogLeNet;
use nn_examples::Outcome;
use nn_runtime::Predictor;
use nn_runtime::model::Batch;
use nn_runtime::prelude::*;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => {
            println!("{}", table::text());
            println!("a forward pass of one picture takes {:.1} ms", 1e3 * forward());
        }
        ["overfit"] => train::by_heart(None)?,
        ["overfit", folder] => train::by_heart(Some(Path::new(folder)))?,
        ["train", folder] => train::narrow(Path::new(folder))?,
        // What `tests/outside/googlenet.py` compares with PyTorch.
        ["exchange", folder] => exchange::run(Path::new(folder))?,
        _ => return Err("usage: googlenet [overfit [FOLDER] | train FOLDER]".into()),
    }
    Ok(())
}

/// The least of the seconds that forward passes of one picture take.
fn forward() -> f64 {
    let model = GoogLeNet::new(7);
    let picture: Vec<f32> = (0..GoogLeNet::INPUT_LEN).map(|at| (at % 251) as f32 / 125.0 - 1.0).collect();
    let mut predictor = Predictor::<GoogLeNet>::new(1);
    let mut p = vec![0.0; GoogLeNet::OUTPUT_LEN];
    let pass = |_| {
        let start = Instant::now();
        predictor.predict(&model, &Batch::inputs(&picture, GoogLeNet::INPUT_LEN), &mut p);
        start.elapsed().as_secs_f64()
    };
    (0..20).map(pass).fold(f64::INFINITY, f64::min)
}
