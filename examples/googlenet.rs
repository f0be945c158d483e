//! `GoogLeNet`, whole.
//!
//! `cargo run --release --example googlenet` prints its modules beside the table of the paper and times a forward pass.

#[path = "googlenet/model.rs"]
mod model;

use std::time::Instant;

use model::GoogLeNet;
use nn_runtime::Predictor;
use nn_runtime::model::Batch;
use nn_runtime::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("{}", GoogLeNet::SUMMARY);
    let model = GoogLeNet::new(7);
    let image: Vec<f32> = (0..GoogLeNet::INPUT_LEN).map(|at| (at % 251) as f32 / 125.0 - 1.0).collect();
    let mut predictor = Predictor::<GoogLeNet>::new(1);
    let mut p = vec![0.0; GoogLeNet::OUTPUT_LEN];
    let mut times = Vec::new();
    for _ in 0..10 {
        let start = Instant::now();
        predictor.predict(&model, &Batch::inputs(&image, GoogLeNet::INPUT_LEN), &mut p);
        times.push(start.elapsed());
    }
    times.sort_unstable();
    println!("a forward pass of one image takes {:.1} ms", times[0].as_secs_f64() * 1e3);
    Ok(())
}
