//! Trainings that are killed at any moment go on from their checkpoints, and end with the bits of one that was not.
//!
//! `NN_KILLS` says how often: 50 times, unless told otherwise.
#![cfg(feature = "train")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, fs, thread};

use ndarray::Array2;
use nn_runtime::model::Model;
use nn_runtime::prelude::*;
use nn_runtime::schedule::Plateau;
use nn_runtime::{Callback, Checkpoint, EarlyStopping, Flow, Result, Snapshot, Training};

nn_model! {
    /// Small, so that most of the time goes into checkpoints.
    pub model Small(x: [2]) -> y: [1] {
        y = dense(tanh(dense(x, 8)), 1);
        loss mse(y, target);
    }
}

/// Where a child process finds its folder.
const FOLDER: &str = "NN_KILLS_FOLDER";

/// Lets every update take a while, so that there is time to kill the process.
struct Slow(Duration);

impl<M: Model> Callback<M> for Slow {
    fn on_batch(&mut self, _training: &mut Training<'_, M>) -> Result<Flow> {
        thread::sleep(self.0);
        Ok(Flow::Continue(()))
    }
}

/// The training of the children, with everything that has a state.
fn train(checkpoint: Option<Checkpoint>, pause: Duration) -> (Small, History) {
    let wave = |i: usize| (i as f32 * 0.37).sin();
    let inputs = Array2::from_shape_fn((60, 2), |(i, j)| wave(2 * i + 31 * j));
    let targets = Array2::from_shape_fn((60, 1), |(i, _)| wave(2 * i) * wave(2 * i + 31));
    let (train, valid) = Dataset::new(inputs, targets).unwrap().split(0.8, 1);
    let mut model = Small::new(5);
    let trainer = Trainer::new(Adam::new(0.02))
        .epochs(120)
        .batch_size(4)
        .seed(9)
        .schedule(Plateau::new(0.7, 3))
        .callback(EarlyStopping::new(1000).restore_best())
        .callback(Slow(pause));
    let history = match checkpoint {
        Some(checkpoint) => trainer.checkpoint(checkpoint).fit_or_resume(&mut model, &train, &valid),
        None => trainer.fit(&mut model, &train, &valid),
    };
    (model, history.unwrap())
}

fn checkpoint(folder: &Path) -> PathBuf {
    folder.join("run.ckpt.safetensors")
}

/// What a child process does. On its own it is no test.
#[test]
fn child() {
    let Some(folder) = env::var_os(FOLDER).map(PathBuf::from) else { return };
    let every = Checkpoint::new(checkpoint(&folder)).every_batches(3);
    let (model, history) = train(Some(every), Duration::from_micros(300));
    model.save(folder.join("model.safetensors")).unwrap();
    fs::write(folder.join("history.json"), serde_json::to_string(&history).unwrap()).unwrap();
}

/// Numbers that look random.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (x ^ (x >> 27)) % bound
    }
}

#[test]
fn a_training_that_is_killed_ends_with_the_same_bits() {
    let kills: u32 = env::var("NN_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(50);
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        Command::new(env::current_exe().unwrap())
            .args(["--exact", "child", "--test-threads", "1"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    let path = checkpoint(folder.path());
    let (mut random, mut hits, mut updates) = (Random(1), 0, Vec::new());
    for _ in 0..kills {
        let mut child = start();
        thread::sleep(Duration::from_micros(random.below(60_000)));
        child.kill().unwrap();
        if !child.wait().unwrap().success() {
            hits += 1;
        }
        // Whatever happened, there is a whole checkpoint or none yet.
        if path.exists() {
            updates.push(Snapshot::<Small>::load(&path).unwrap().updates());
        }
    }
    assert!(updates.is_sorted(), "{updates:?}");
    assert!(start().wait().unwrap().success());
    println!("{hits} of {kills} kills hit; updates at the checkpoints after them: {updates:?}");

    let (expected, history) = train(None, Duration::ZERO);
    let model = Small::load(folder.path().join("model.safetensors")).unwrap();
    let bits = |model: &Small| model.params_flat().iter().map(|p| p.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&model), bits(&expected));
    let text = fs::read_to_string(folder.path().join("history.json")).unwrap();
    assert_eq!(serde_json::from_str::<History>(&text).unwrap(), history);
    // Nothing is left of the processes that were killed.
    let mut left: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["history.json", "model.safetensors", "run.ckpt.safetensors"]);
}
