//! A training step of a small GPT: `cargo bench -p nn-runtime --bench gpt -- --threads 2 --seconds 5`.
//!
//! Four blocks, width 128, four heads, 64 characters of 64 kinds, batches of 16, `AdamW`. One line of json is all the output:
//! milliseconds of a step, and the loss of a batch after some steps from the weights of a file, which other frameworks are
//! compared by. `peers/sequences` runs it.

use std::time::Instant;

use nn_runtime::model::Batch;
use nn_runtime::prelude::*;

nn_model! {
    /// Which character comes next, after each of 64.
    pub model Gpt(x: [64]) -> p: [64, 64] {
        param place: [64, 128] = normal(0, 0.02);
        h = embedding(x, 64, 128) + place;
        for layer in 0..4 {
            h = block(h);
        }
        p = softmax(dense(layer_norm(h), 64));
        loss cross_entropy(p, target);
    }

    /// Attention to the characters so far, then a layer of its own for each of them.
    fn block(x) {
        n = layer_norm(x);
        a = attention(dense(n, 128), dense(n, 128), dense(n, 128), heads = 4, causal = true);
        h = x + dense(a, 128);
        wide = gelu(dense(layer_norm(h), 512));
        h + dense(wide, 128)
    }
}

const BATCH: usize = 16;
const LENGTH: usize = 64;
/// Steps before the loss that is compared.
const CHECKED: usize = 16;

fn main() -> nn_runtime::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).map(String::as_str)
    };
    let threads: usize = value("--threads").and_then(|text| text.parse().ok()).unwrap_or(1);
    let seconds: f64 = value("--seconds").and_then(|text| text.parse().ok()).unwrap_or(3.0);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of threads");

    let mut model = Gpt::new(7);
    if let Some(path) = value("--save") {
        model.save(path)?;
    }
    let (inputs, targets) = batch();
    let optimizer = AdamW::new(1e-3).weight_decay(0.01);
    let mut stepper = nn_runtime::Stepper::new(&optimizer, BATCH);
    let (check, times) = pool.install(|| {
        let batch = Batch::new(&inputs, LENGTH, &targets, LENGTH);
        for _ in 0..CHECKED {
            stepper.step(&mut model, &batch);
        }
        let check = stepper.step(&mut model, &batch);
        let (start, mut times) = (Instant::now(), Vec::new());
        while times.len() < 5 || start.elapsed().as_secs_f64() < seconds {
            let step = Instant::now();
            stepper.step(&mut model, &batch);
            times.push(step.elapsed().as_secs_f64() * 1e3);
        }
        (check, times)
    });
    let mut times = times;
    times.sort_by(f64::total_cmp);
    println!(
        "{{\"peer\": \"ours\", \"threads\": {threads}, \"check\": {check}, \"best\": {:.3}, \"tenth\": {:.3}, \"median\": {:.3}}}",
        times[0],
        times[times.len() / 10],
        times[times.len() / 2]
    );
    Ok(())
}

/// A batch whose next characters can be foretold: each is a multiple of the one before, and some more.
fn batch() -> (Vec<f32>, Vec<f32>) {
    let text = |row: usize| {
        let mut code = row * 5 + 1;
        std::iter::repeat_with(move || {
            code = (code * 21 + 13) % 64;
            code as f32
        })
    };
    let rows = || (0..BATCH).map(text);
    let inputs = rows().flat_map(|text| text.take(LENGTH)).collect();
    let targets = rows().flat_map(|text| text.skip(1).take(LENGTH)).collect();
    (inputs, targets)
}
