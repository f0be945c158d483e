//! Training and prediction for as long as one likes: `cargo run --release -p nn-runtime --example soak -- 30`.
//!
//! So many minutes of trainings, each from new data, with checkpoints, files of models and predictions of several threads
//! beside them. Prints the memory of the process every ten seconds, and fails if the last third needs more than the
//! first.

use std::fs;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use ndarray::Array2;
use nn_runtime::prelude::*;

nn_model! {
    /// A network of which every step uses all kinds of memory.
    model Soaked(x: [16]) -> y: [4] {
        h = relu(dense(x, 64));
        y = softmax(dense(h, 4));
        loss cross_entropy(y, target);
    }
}

/// Kilobytes that this process has in memory, where the system says so.
fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().strip_suffix(" kB")?.parse().ok()
}

/// Classes that are the signs of two sums.
fn data(round: usize) -> nn_runtime::Result<Dataset> {
    let inputs = Array2::from_shape_fn((2000, 16), |(i, j)| ((i * 16 + j + round) as f32 * 0.37).sin());
    let class = |row: ndarray::ArrayView1<'_, f32>| {
        usize::from(row[0] + row[1] > 0.0) + 2 * usize::from(row[2] - row[3] > 0.0)
    };
    let labels: Vec<usize> = inputs.rows().into_iter().map(class).collect();
    Dataset::with_classes(inputs, &labels, &["a", "b", "c", "d"])
}

fn round(number: usize, folder: &std::path::Path) -> nn_runtime::Result<f64> {
    let (train, valid) = data(number)?.split(0.8, number as u64);
    let mut model = Soaked::new(number as u64);
    let shared = model.clone();
    let history = std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..20).try_for_each(|_| shared.predict(valid.inputs()).map(drop)));
        }
        Trainer::new(Adam::new(0.01))
            .epochs(5)
            .batch_size(64)
            .seed(number as u64)
            .checkpoint(folder.join("checkpoint.safetensors"))
            .fit(&mut model, &train, &valid)
    })?;
    let path = folder.join("model.safetensors");
    model.save(&path)?;
    let loaded = Soaked::load(&path)?;
    Ok(f64::from(loaded.params_flat()[0]) + history.epochs().len() as f64)
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let minutes: f64 = std::env::args().nth(1).map_or(Ok(1.0), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let began = Instant::now();
    let (mut rounds, mut memory, mut next) = (0, Vec::new(), Duration::ZERO);
    while began.elapsed().as_secs_f64() < 60.0 * minutes {
        std::hint::black_box(round(rounds, folder.path())?);
        rounds += 1;
        if began.elapsed() >= next {
            next = began.elapsed() + Duration::from_secs(10);
            if let Some(kilobytes) = resident() {
                memory.push(kilobytes);
                println!("{:6.0} s {rounds:7} trainings {kilobytes:8} kB", began.elapsed().as_secs_f64());
            }
        }
    }
    println!("{rounds} trainings");
    let third = memory.len() / 3;
    if third == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    let most = |part: &[u64]| part.iter().copied().max().unwrap_or(0);
    let (first, last) = (most(&memory[..third]), most(&memory[memory.len() - third..]));
    println!("{first} kB at most in the first third, {last} kB in the last");
    // What the allocator keeps back moves by some pages.
    Ok(if last > first + first / 20 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
