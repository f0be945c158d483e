//! Training on more rows than fit into memory: `cargo run --release --example streaming -- 10` makes ten gigabytes of
//! them on the fly, and tells how much memory that took.

use std::ops::ControlFlow;
use std::time::Instant;

use nn_runtime::prelude::*;
use nn_runtime::{Order, Source, Stepper, Stream};

nn_model! {
    /// A small network that has to find out on which of its inputs the target depends.
    pub model Needle(x: [64]) -> y: [1] {
        h = relu(dense(x, 32));
        y = dense(h, 1);
        loss mse(y, target);
    }
}

const BATCH: usize = 256;

/// Uniform numbers from -1 to 1, fast enough not to be what is measured: xorshift, as by Marsaglia (2003).
fn noise(state: &mut u64) -> f32 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 40) as f32 / (1 << 23) as f32 - 1.0
}

/// The largest amount of memory that the process has had so far, in MiB, where the system tells.
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok().map(|kib: f64| kib / 1024.0)
}

fn main() -> nn_runtime::Result<()> {
    let gigabytes: f64 = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(0.1);
    let rows = (gigabytes * 1e9 / (64.0 * 4.0)) as usize;
    // y = x0² - x1 x2; the other inputs are noise.
    let data = Stream::<f32>::from_fn(64, 1, move |_epoch| {
        let (mut state, mut row) = (0x9E37_79B9_7F4A_7C15, 0);
        Ok(move |x: &mut [f32], y: &mut [f32]| {
            x.fill_with(|| noise(&mut state));
            y[0] = x[0] * x[0] - x[1] * x[2];
            row += 1;
            Ok(row <= rows)
        })
    })?
    .with_rows(rows);

    let adam = Adam::new(1e-3);
    let mut model = Needle::new(7);
    let mut stepper = Stepper::new(&adam, BATCH);
    let (mut seen, mut sum, mut last) = (0, 0.0, 0.0);
    let start = Instant::now();
    data.epoch(Order::shuffled(7, 1), BATCH, 0, &mut |batch| {
        seen += batch.len();
        sum += f64::from(stepper.step(&mut model, batch)) * batch.len() as f64;
        let tenth = (rows / 10).max(1);
        if seen / tenth > (seen - batch.len()) / tenth {
            last = sum / tenth as f64;
            println!("{:>4.0} %  loss {last:.5}", 100.0 * seen as f64 / rows as f64);
            sum = 0.0;
        }
        Ok(ControlFlow::Continue(()))
    })?;
    let seconds = start.elapsed().as_secs_f64();
    println!("{seen} rows, {gigabytes} GB in {seconds:.1} s: {:.0} MB/s", 1e3 * gigabytes / seconds);
    match peak_memory() {
        Some(mib) => println!("loss {last:.5}, at most {mib:.0} MiB of memory"),
        None => println!("loss {last:.5}"),
    }
    Ok(())
}
