//! A recurrent network that reads Shakespeare's sonnets character by character, and then writes on.
//!
//! The cell is that of Cho et al., *Learning phrase representations using RNN encoder-decoder* (2014), as `PyTorch` has it:
//! its parameters are declared outside of the loop, and all rounds share them.
//!
//! `cargo run --release --example gru`

mod text;

use std::f64::consts::LN_2;

use nn_runtime::Clip;
use nn_runtime::prelude::*;
use nn_runtime::train::schedule::{Cosine, Schedule};
use text::Text;

/// Characters of a window, as the model declares them.
const LENGTH: usize = 32;

nn_model! {
    /// Which character comes next, after each of 32.
    pub model Gru(x: [32]) -> p: [32, 61] {
        param u: [128, 384], c: [384] = 0;
        // What each character says to the gates, for all of them at once.
        i = dense(embedding(x, 61, 32), 384);
        h = full(0, [128]);
        for t in 0..32 {
            h = gru(i[t], h, u, c);
            hs[t] = h;
        }
        p = softmax(dense(dropout(hs, 0.1), 61));
        loss cross_entropy(p, target);
    }

    /// One step: reset gate, update gate, and what is new.
    fn gru(i, h, u, c) {
        s = h @ u + c;
        r = sigmoid(i[0..128] + s[0..128]);
        z = sigmoid(i[128..256] + s[128..256]);
        n = tanh(i[256..384] + r * s[256..384]);
        (1 - z) * n + z * h
    }
}

fn main() -> nn_runtime::Result<()> {
    let text = Text::sonnets();
    let (train, valid) = text.windows(LENGTH, LENGTH / 2)?;
    let (epochs, batch) = (24, 32);
    let steps = (epochs * train.len().div_ceil(batch)) as u64;
    println!("{} windows to learn from, {} to judge by", train.len(), valid.len());

    let mut model = Gru::new(7);
    let history = Trainer::new(AdamW::new(4e-3).weight_decay(1e-2))
        .schedule(Cosine::new(steps).per_update().after_warm_up(50))
        .clip(Clip::Norm(1.0))
        .epochs(epochs)
        .batch_size(batch)
        .seed(7)
        .fit(&mut model, &train, &valid)?;
    println!("{history}");

    for temperature in [0.5, 0.8] {
        let written = text.sample(500, temperature, 7, |window: &[f32; LENGTH]| model.infer(window).concat());
        println!("--- written at temperature {temperature}:\n{written}\n");
    }
    let loss = evaluate(&model, &valid)?.loss;
    let [unigram, bigram] = text.baselines().map(|loss| loss / LN_2);
    println!("validation {:.2} bits per character (bigram {bigram:.2}, unigram {unigram:.2})", loss / LN_2);
    Ok(())
}
