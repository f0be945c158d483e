//! A small transformer of the kind of GPT that reads Shakespeare's sonnets, and then writes on.
//!
//! Radford et al., *Language models are unsupervised multitask learners* (2019): embeddings of characters and of their
//! places, blocks of causal attention and of a layer of four times the width, each behind a normalisation and added to what
//! it was given, and at the end the probabilities of the next character at every place.
//!
//! `cargo run --release --example gpt`

mod text;

use nn_runtime::prelude::*;
use nn_runtime::train::schedule::{Cosine, Schedule};
use nn_runtime::{Clip, Group};
use text::Text;

/// Characters of a window, as the model declares them.
const LENGTH: usize = 64;

nn_model! {
    /// Which character comes next, after each of 64.
    pub model Gpt(x: [64]) -> p: [64, 61] {
        param place: [64, 96] = normal(0, 0.02);
        h = dropout(embedding(x, 61, 96) + place, 0.1);
        for layer in 0..3 {
            h = block(h, 96, 4);
        }
        p = softmax(dense(layer_norm(h), 61));
        loss cross_entropy(p, target);
    }

    /// Attention to the characters so far, then a layer of its own for each of them.
    fn block(x, width, heads) {
        n = layer_norm(x);
        a = attention(dense(n, width), dense(n, width), dense(n, width), heads = heads, causal = true);
        h = x + dropout(dense(a, width), 0.1);
        wide = gelu(dense(layer_norm(h), 4 * width));
        h + dropout(dense(wide, width), 0.1)
    }
}

fn main() -> nn_runtime::Result<()> {
    let text = Text::sonnets();
    let (train, valid) = text.windows(LENGTH, LENGTH / 4)?;
    let (epochs, batch) = (12, 16);
    let steps = (epochs * train.len().div_ceil(batch)) as u64;
    println!(
        "{} parameters, {} windows to learn from, {} to judge by",
        Gpt::PARAM_COUNT,
        train.len(),
        valid.len()
    );

    let mut model = Gpt::new(7);
    let history = Trainer::new(AdamW::new(2e-3).weight_decay(0.1))
        .schedule(Cosine::new(steps).per_update().after_warm_up(100))
        .group(Group::new("*.bias").weight_decay(0.0))
        .clip(Clip::Norm(1.0))
        .epochs(epochs)
        .batch_size(batch)
        .seed(7)
        .fit(&mut model, &train, &valid)?;
    println!("{history}");

    let written = text.sample(600, 0.8, 7, |window: &[f32; LENGTH]| model.infer(window).concat());
    println!("--- written at temperature 0.8:\n{written}\n");
    let loss = evaluate(&model, &valid)?.loss;
    let [_, bigram] = text.baselines();
    println!("validation loss {loss:.2} nats per character (bigram {bigram:.2})");
    Ok(())
}
