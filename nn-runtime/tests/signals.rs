//! Ctrl-C ends a training after its batch, and a process whose training is over.
#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, thread};

use nn_runtime::model::Model;
use nn_runtime::prelude::*;
use nn_runtime::{Callback, Flow, Result, Snapshot, Stop, Training};

#[path = "runtime/models.rs"]
#[allow(dead_code)] // the models that other tests use
mod models;

use models::Linear;

/// Where a child process finds its folder.
const FOLDER: &str = "NN_SIGNALS_FOLDER";

/// Says when the first batch is done, and lets the others take a while.
struct Say;

impl<M: Model> Callback<M> for Say {
    fn on_batch(&mut self, training: &mut Training<'_, M>) -> Result<Flow> {
        if training.updates() == 1 {
            println!("training");
        }
        thread::sleep(Duration::from_millis(1));
        Ok(Flow::Continue(()))
    }
}

/// What a child process does. On its own it is no test.
#[test]
fn child() {
    let Some(folder) = env::var_os(FOLDER).map(PathBuf::from) else { return };
    let data = Dataset::new(ndarray::Array2::ones((8, 2)), ndarray::Array2::ones((8, 1))).unwrap();
    let mut model = Linear::<f64>::new(1);
    let trainer = Trainer::new(Sgd::new(1e-9)).epochs(1_000_000_000).batch_size(4).stop_on_ctrl_c();
    let trainer = trainer.callback(Say).checkpoint(folder.join("run.safetensors"));
    let history = trainer.fit(&mut model, &data, None).unwrap();
    assert_eq!(history.stopped(), Some(&Stop::Interrupted));
    println!("over");
    thread::sleep(Duration::from_secs(1000));
}

/// Waits for a line of the child.
fn wait_for(line: &str, lines: &mut impl Iterator<Item = std::io::Result<String>>) {
    // The harness of the tests may write before it on the same line.
    assert!(lines.any(|found| found.unwrap().ends_with(line)), "no line says `{line}`");
}

fn interrupt(child: &Child) {
    let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

#[test]
fn ctrl_c_ends_the_training_and_then_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--test-threads", "1"])
        .env(FOLDER, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    wait_for("training", &mut lines);
    interrupt(&child);
    wait_for("over", &mut lines);
    // The batch that was worked on is not lost.
    let snapshot = Snapshot::<Linear<f64>>::load(folder.path().join("run.safetensors")).unwrap();
    assert!(snapshot.updates() >= 1);
    assert_eq!(snapshot.history().stopped(), Some(&Stop::Interrupted));
    // Nobody listens any more.
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
}
