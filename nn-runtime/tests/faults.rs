//! What goes wrong outside of a program: full disks, folders that are none, files that vanish, data that is none.
#![cfg(all(feature = "train", unix))]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};

use ndarray::{Array2, array};
use nn_runtime::prelude::*;
use nn_runtime::{Callback, Checkpoint, Error, Flow, Training};

nn_model! {
    /// Too large for the disk of the child below.
    model Large(x: [16]) -> y: [3] {
        y = softmax(dense(relu(dense(x, 64)), 3));
        loss cross_entropy(y, target);
    }

    model Line(x: [2]) -> y {
        y = dense(x, 1)[0];
        loss mse(y, target);
    }
}

/// Where the child process finds its folder.
const FOLDER: &str = "NN_FAULTS_FOLDER";

/// Where the child process finds a folder in which nothing may be written.
const READ_ONLY: &str = "NN_FAULTS_READ_ONLY";

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = entries.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn classes() -> Dataset {
    let inputs = Array2::from_shape_fn((30, 16), |(i, j)| ((i * 16 + j) as f32).sin());
    let labels: Vec<usize> = (0..30).map(|i| i % 3).collect();
    Dataset::with_classes(inputs, &labels, &["a", "b", "c"]).unwrap()
}

/// What is true of every error here: it says what was done to which file.
fn names_the_file(error: &Error, path: &Path) {
    let text = error.to_string();
    assert!(text.contains(&path.display().to_string()) && text.contains("write"), "{text}");
}

/// What the child does, whose files cannot grow beyond a kilobyte. On its own it is no test.
#[test]
fn child() {
    let Some(folder) = env::var_os(FOLDER).map(PathBuf::from) else { return };
    let path = folder.join("model.safetensors");
    let error = Large::new(2).save(&path).unwrap_err();
    names_the_file(&error, &path);
    let run = folder.join("run.safetensors");
    let trainer = Trainer::new(Adam::new(0.01)).epochs(2).checkpoint(Checkpoint::new(&run));
    let error = trainer.fit(&mut Large::new(3), &classes(), None).unwrap_err();
    names_the_file(&error, &run);
}

#[test]
fn a_full_disk_loses_nothing_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let model = Large::new(1);
    model.save(&path).unwrap();
    // The shell ignores the signal of the limit, and so does what it becomes: writing fails instead.
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\" --exact child --test-threads 1"])
        .arg(env::current_exe().unwrap())
        .env(FOLDER, folder.path())
        // Not inherited: where it goes to a file, that could not grow either.
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(Large::load(&path).unwrap().params_flat(), model.params_flat(), "the old file is whole");
    assert_eq!(names(folder.path()), ["model.safetensors"]);
}

#[test]
fn folders_that_are_none_or_vanish() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "text").unwrap();
    for path in [file.join("model"), folder.path().join("missing/model"), folder.path().to_owned()] {
        names_the_file(&Large::new(1).save(&path).unwrap_err(), &path);
        let error = Trainer::new(Adam::new(0.01)).epochs(1).checkpoint(Checkpoint::new(&path));
        names_the_file(&error.fit(&mut Large::new(1), &classes(), None).unwrap_err(), &path);
        assert!(Large::load(&path).is_err());
    }
    assert_eq!(names(folder.path()), ["file"]);
}

/// What happens to the folder of a training's checkpoint after its first epoch.
struct Fault<F>(F);

impl<F: FnMut() + Send> Callback<Large> for Fault<F> {
    fn on_epoch(&mut self, training: &mut Training<'_, Large>) -> nn_runtime::Result<Flow> {
        if training.epoch() == 1 {
            (self.0)();
        }
        Ok(Flow::Continue(()))
    }
}

/// A checkpoint that is removed during a training is written again; where its folder is gone, the training ends with an
/// error that names the file, and the model has what it learnt.
#[test]
fn a_checkpoint_and_its_folder_vanish_during_a_training() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path().join("runs");
    fs::create_dir(&runs).unwrap();
    let path = runs.join("run.safetensors");
    let train = |fault: &mut (dyn FnMut() + Send)| {
        let mut model = Large::new(1);
        let trainer = Trainer::new(Adam::new(0.01)).epochs(4).checkpoint(Checkpoint::new(&path));
        let outcome = trainer.callback(Fault(fault)).fit(&mut model, &classes(), None);
        (outcome.map(|history| history.epochs().len()), model)
    };
    let (epochs, trained) = train(&mut || fs::remove_file(&path).unwrap_or_default());
    assert_eq!(epochs.unwrap(), 4);
    assert_eq!(names(&runs), ["run.safetensors"]);

    let (error, model) = train(&mut || fs::remove_dir_all(&runs).unwrap());
    names_the_file(&error.unwrap_err(), &path);
    assert!(!runs.exists(), "no folder is made that nobody asked for");
    assert_ne!(model.params_flat(), Large::new(1).params_flat());
    assert_ne!(model.params_flat(), trained.params_flat());
}

/// What the child below says where it may write in a read-only folder after all.
const EVERYWHERE: &str = "may write everywhere";

/// What the child does in a folder where nothing may be written. On its own it is no test.
#[test]
fn read_only_child() {
    let Some(folder) = env::var_os(READ_ONLY).map(PathBuf::from) else { return };
    let probe = folder.join("probe");
    if fs::write(&probe, "").is_ok() {
        // Else who comes next could write to it: the mode is that of the folder alone.
        fs::remove_file(&probe).unwrap();
        println!("{EVERYWHERE}");
        return;
    }
    let path = folder.join("model.safetensors");
    names_the_file(&Large::new(2).save(&path).unwrap_err(), &path);
    let run = folder.join("run.safetensors");
    let trainer = Trainer::new(Adam::new(0.01)).epochs(1).checkpoint(Checkpoint::new(&run));
    names_the_file(&trainer.fit(&mut Large::new(3), &classes(), None).unwrap_err(), &run);
    println!("refused");
}

/// Where nothing may be written, what is there stays. Root may write everywhere, and first lays that down.
#[test]
fn a_folder_is_read_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let model = Large::new(1);
    model.save(&path).unwrap();
    let set = |mode| fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
    set(0o555);
    let test = env::current_exe().unwrap();
    let child = |mut command: Command| {
        let arguments = ["--exact", "read_only_child", "--test-threads", "1", "--nocapture"];
        command.args(arguments).env(READ_ONLY, folder.path()).output()
    };
    let is_privileged = |said: &Output| String::from_utf8_lossy(&said.stdout).contains(EVERYWHERE);
    let mut said = child(Command::new(&test)).unwrap();
    if is_privileged(&said) {
        // The owner of the folder still, without the capability that overrides its mode.
        let mut without = Command::new("setpriv");
        without.args(["--bounding-set", "-all", "--inh-caps", "-all"]).arg(&test);
        match child(without) {
            Ok(output) if output.status.success() => said = output,
            Ok(output) => println!("no setpriv: {}", String::from_utf8_lossy(&output.stderr)),
            Err(error) => println!("no setpriv: {error}"),
        }
    }
    set(0o755);
    let text = String::from_utf8_lossy(&said.stdout);
    assert!(said.status.success(), "{text}");
    if is_privileged(&said) {
        println!("skipped: whoever runs this may write everywhere, and can't lay that down");
    } else {
        assert!(text.contains("refused"), "{text}");
    }
    assert_eq!(names(folder.path()), ["model.safetensors"]);
    assert_eq!(Large::load(&path).unwrap().params_flat(), model.params_flat(), "the old file is whole");
}

fn fit(data: &Dataset, epochs: usize, batch: usize, rate: f64) -> nn_runtime::Result<History> {
    Trainer::new(Sgd::new(rate)).epochs(epochs).batch_size(batch).fit(&mut Line::new(1), data, None)
}

/// Data that is none or little, and settings that are absurd: a result, or an error that says what is wrong.
#[test]
fn little_data_and_absurd_settings() {
    let some =
        Dataset::new(array![[1.0, 2.0], [3.0, 4.0], [-1.0, 0.5]], array![[1.0], [2.0], [3.0]]).unwrap();
    let one = some.select(&[1]).unwrap();
    assert!(fit(&one, 3, 32, 0.01).is_ok());
    assert!(fit(&some, 2, usize::MAX, 0.01).is_ok(), "a batch larger than the data is the data");
    for (what, outcome) in [
        ("no epochs", fit(&some, 0, 1, 0.1)),
        ("no rows in a batch", fit(&some, 1, 0, 0.1)),
        ("a rate of NaN", fit(&some, 1, 1, f64::NAN)),
        ("a negative rate", fit(&some, 1, 1, -1.0)),
        ("an infinite rate", fit(&some, 1, 1, f64::INFINITY)),
        ("a rate that explodes", fit(&some, 50, 1, 1e30)),
    ] {
        match outcome {
            Err(error) => assert!(!error.to_string().is_empty(), "{what}"),
            Ok(_) => panic!("{what} is accepted"),
        }
    }
    let none = Dataset::new(Array2::<f32>::zeros((0, 2)), Array2::zeros((0, 1)));
    assert!(none.and_then(|data| fit(&data, 1, 1, 0.1)).is_err(), "there is nothing to learn from");
    let nan = Dataset::new(array![[1.0, f32::NAN]], array![[1.0]]);
    assert!(nan.and_then(|data| fit(&data, 1, 1, 0.1)).is_err(), "NaN is no input");
    assert!(some.select(&[3]).is_err() && some.try_split(f64::NAN, 1).is_err());
    assert!(Dataset::with_classes(Array2::<f32>::zeros((1, 2)), &[5], &["a"]).is_err());
    assert!(some.k_fold(0, 1).is_err() && some.k_fold(4, 1).is_err() && some.time_folds(0).is_err());
    assert!(Scaler::standard().fit(&one).and_then(|scaler| scaler.transform(&some)).is_ok());
}

/// Threads predict with one model while another trains a clone of it: the same numbers all along.
#[test]
fn a_model_is_shared_while_its_clone_is_trained() {
    let (model, data) = (Large::new(7), classes());
    let expected = model.predict(data.inputs()).unwrap();
    let mut clone = model.clone();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..50).for_each(|_| assert_eq!(model.predict(data.inputs()).unwrap(), expected)));
        }
        Trainer::new(Adam::new(0.01)).epochs(20).fit(&mut clone, &data, None).unwrap();
    });
    assert_ne!(clone.params_flat(), model.params_flat());
}
