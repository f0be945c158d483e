//! Trainings that are interrupted, and go on as if nothing had happened.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use nn_runtime::model::Model;
use nn_runtime::prelude::*;
use nn_runtime::schedule::{Plateau, Schedule};
use nn_runtime::{
    Callback, Checkpoint, Clip, EarlyStopping, Error, Flow, Group, Memory, Result, Snapshot, Stop, Training,
};
use proptest::prelude::*;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use tempfile::TempDir;

use crate::models::{Classifier, Linear};
use crate::threads::{Decayed, Narrow};
use crate::training::plane;

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.ckpt.safetensors");
    (folder, path)
}

/// Interrupts after so many updates of one process.
struct Interrupt {
    after: u64,
    seen: u64,
}

impl<M: Model> Callback<M> for Interrupt {
    fn on_batch(&mut self, _training: &mut Training<'_, M>) -> Result<Flow> {
        self.seen += 1;
        Ok(if self.seen == self.after { Flow::Break(Stop::Interrupted) } else { Flow::Continue(()) })
    }
}

/// Counts updates and sums up losses, and keeps both.
#[derive(Default, Clone, Debug, PartialEq)]
struct Total {
    updates: f64,
    losses: f64,
}

impl<M: Model> Callback<M> for Total {
    fn on_batch(&mut self, training: &mut Training<'_, M>) -> Result<Flow> {
        self.updates += 1.0;
        assert_eq!(self.updates, training.updates() as f64);
        self.losses += training.loss();
        Ok(Flow::Continue(()))
    }

    fn save(&self, memory: &mut Memory) {
        memory.numbers("total", vec![self.updates, self.losses, f64::NEG_INFINITY]);
    }

    fn restore(&mut self, memory: &Memory) -> Result<()> {
        match memory.get_numbers("total") {
            Some(&[updates, losses, f64::NEG_INFINITY]) => {
                (self.updates, self.losses) = (updates, losses);
                Ok(())
            }
            _ => Err(Error::callback("three numbers, of which one is infinite")),
        }
    }
}

/// What a training ends with.
#[derive(Debug, PartialEq)]
struct Outcome {
    parameters: Vec<u32>,
    history: History,
    total: Total,
    best: Option<(usize, f64)>,
}

/// A training with everything that has a state, which may be interrupted.
fn fit<M: Train<Scalar = f32>>(
    optimizer: impl Optimizer<f32>,
    checkpoint: Option<&Path>,
    after: u64,
) -> Result<Outcome> {
    let (train, valid) = plane::<f32>(90).split(0.7, 1);
    // Not the parameters that the training began with: they come from the checkpoint.
    let mut model = M::new(if checkpoint.is_some_and(Path::exists) { 77 } else { 3 });
    let (mut total, mut stopping) = (Total::default(), EarlyStopping::new(4).min_delta(1e-3).restore_best());
    let trainer = Trainer::new(optimizer)
        .epochs(9)
        .batch_size(10)
        .seed(11)
        .clip(Clip::Norm(1.0))
        .group(Group::new("*b*").factor(0.5).weight_decay(0.0))
        .schedule(Plateau::new(0.5, 1).threshold(0.05).after_warm_up(5))
        .callback(&mut total)
        .callback(&mut stopping)
        .callback(Interrupt { after, seen: 0 });
    let history = match checkpoint {
        Some(checkpoint) => trainer.checkpoint(checkpoint).fit_or_resume(&mut model, &train, &valid)?,
        None => trainer.fit(&mut model, &train, &valid)?,
    };
    let parameters = model.params_flat().iter().map(|p| p.to_bits()).collect();
    Ok(Outcome { parameters, history, best: stopping.best(), total })
}

#[allow(clippy::needless_pass_by_value)] // the tables read better
fn goes_on<M: Train<Scalar = f32>>(optimizer: impl Optimizer<f32> + Clone) {
    let whole = fit::<M>(optimizer.clone(), None, 0).unwrap();
    for after in [1, 5, 7, 13] {
        let (folder, path) = folder();
        let mut lives = 0;
        let outcome = loop {
            lives += 1;
            let outcome = fit::<M>(optimizer.clone(), Some(&path), after).unwrap();
            match outcome.history.stopped() {
                Some(Stop::Interrupted) => {
                    // The last batch is not lost.
                    let snapshot = Snapshot::<M>::load(&path).unwrap();
                    assert_eq!(snapshot.updates(), after * lives);
                    assert_eq!(snapshot.history(), &outcome.history);
                }
                _ => break outcome,
            }
        };
        assert!(lives > 2, "{lives} lives");
        assert_eq!(outcome, whole, "interrupted after each {after} updates");
        // Nothing more happens to what is over, and nothing is left beside it.
        let again = fit::<M>(optimizer.clone(), Some(&path), after).unwrap();
        assert_eq!(again, whole);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

#[test]
fn every_optimiser_goes_on_with_the_same_bits() {
    goes_on::<Linear<f32>>(Sgd::new(0.1));
    goes_on::<Linear<f32>>(Sgd::new(0.05).momentum(0.9).nesterov().weight_decay(0.01));
    goes_on::<Linear<f32>>(RmsProp::new(0.05).momentum(0.5));
    goes_on::<Linear<f32>>(Adagrad::new(0.3));
    goes_on::<Linear<f32>>(Lion::new(0.01));
    goes_on::<Linear<f32>>(Nadam::new(0.1));
}

#[test]
fn state_of_more_than_one_panel_goes_on_with_the_same_bits() {
    const { assert!(Narrow::PARAM_COUNT > 4096 && Decayed::PARAM_COUNT > 4096) };
    goes_on::<Narrow>(Adam::new(0.01));
    goes_on::<Decayed>(AdamW::new(0.01));
}

/// The file of a training in its second epoch, with all kinds of tensors.
fn interrupted(path: &Path) -> Vec<u8> {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    let make = || {
        let (_folder, path) = folder();
        let history = fit::<Linear<f32>>(Adam::new(0.1), Some(&path), 9).unwrap().history;
        assert_eq!((history.stopped(), history.epochs().len()), (Some(&Stop::Interrupted), 1));
        fs::read(path).unwrap()
    };
    let bytes = BYTES.get_or_init(make).clone();
    fs::write(path, &bytes).unwrap();
    bytes
}

#[test]
fn other_programs_can_read_a_checkpoint() {
    let (_folder, path) = folder();
    let bytes = interrupted(&path);
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut names = file.names();
    names.sort_unstable();
    assert_eq!(
        names,
        ["best/b", "best/w", "optim/0/b", "optim/0/w", "optim/1/b", "optim/1/w", "param/b", "param/w"]
    );
    for name in names {
        assert_eq!(file.tensor(name).unwrap().dtype(), Dtype::F32, "{name}");
    }
    assert_eq!(file.tensor("param/w").unwrap().shape(), [2]);
    let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
    let entry = &metadata.metadata().as_ref().unwrap()["nn-checkpoint"];
    let json: serde_json::Value = serde_json::from_str(&entry[9..]).unwrap();
    assert_eq!((&json["version"], &json["model"]), (&1.into(), &"Linear".into()));
    assert_eq!(json["training"]["setup"]["optimizer"], "Adam");
    assert_eq!(json["training"]["callbacks"]["total"][2], "-inf");
}

#[test]
fn a_snapshot_is_used_without_going_on() {
    let (_folder, path) = folder();
    let (train, valid) = plane::<f64>(40).split(0.5, 1);
    let scaler = Scaler::standard().fit(&train).unwrap();
    let (train, valid) = (scaler.transform(&train).unwrap(), scaler.transform(&valid).unwrap());
    let mut model = Linear::<f64>::new(1);
    let trainer = Trainer::new(Sgd::new(0.6)).epochs(30).early_stopping(40);
    let trainer = trainer.checkpoint(Checkpoint::new(&path).every_epochs(7).with_scaler(&scaler));
    let history = trainer.fit(&mut model, &train, &valid).unwrap();

    let snapshot = Snapshot::<Linear<f64>>::load(&path).unwrap();
    assert_eq!(snapshot.history(), &history);
    assert_eq!((snapshot.scaler(), snapshot.updates()), (Some(&scaler), 30));
    assert_eq!(snapshot.best(), Some(model));
    let last = evaluate(&snapshot.model(), &valid).unwrap().loss;
    assert_eq!(history.last().unwrap().valid_loss, Some(last));
}

#[test]
fn more_epochs_are_those_of_one_long_training() {
    let (_folder, path) = folder();
    let data = plane::<f64>(30);
    let fit = |epochs, resume: bool, model: &mut Linear<f64>| {
        let trainer = Trainer::new(Adam::new(0.1)).epochs(epochs).batch_size(8).early_stopping(100);
        let trainer = if resume { trainer.resume(&path) } else { trainer.checkpoint(path.as_path()) };
        trainer.fit(model, &data, None).unwrap()
    };
    let mut parts = Linear::new(1);
    fit(4, false, &mut parts);
    let history = fit(9, true, &mut parts);
    let mut whole = Linear::new(1);
    assert_eq!(fit(9, false, &mut whole), history);
    assert_eq!(whole, parts);
}

fn read(bytes: &[u8], path: &Path) -> Error {
    fs::write(path, bytes).unwrap();
    let error = Snapshot::<Linear<f32>>::load(path).unwrap_err();
    assert!(error.to_string().contains("run.ckpt.safetensors"), "{error}");
    error
}

fn is_damage(error: &Error) -> bool {
    matches!(error, Error::Corrupt { .. } | Error::Checksum { .. } | Error::NotACheckpoint { .. })
}

#[test]
fn a_checkpoint_that_is_cut_anywhere_is_refused() {
    let (_folder, path) = folder();
    let bytes = interrupted(&path);
    for len in 0..bytes.len() {
        let error = read(&bytes[..len], &path);
        assert!(matches!(error, Error::Corrupt { .. }), "cut to {len} bytes: {error}");
    }
    assert!(is_damage(&read(&[&bytes[..], b"more"].concat(), &path)));
}

#[test]
fn a_checkpoint_with_a_wrong_bit_is_refused_wherever_it_is() {
    let (_folder, path) = folder();
    let mut bytes = interrupted(&path);
    for at in 0..bytes.len() {
        // Each of the eight, again and again.
        let bit = 1 << (at * 5 % 8);
        bytes[at] ^= bit;
        let error = read(&bytes, &path);
        assert!(is_damage(&error), "byte {at}, bit {bit}: {error}");
        bytes[at] ^= bit;
    }
    // Put together again, it is whole.
    fs::write(&path, &bytes).unwrap();
    Snapshot::<Linear<f32>>::load(&path).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_checkpoint_that_was_overwritten_in_places_is_refused(
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        swap in any::<bool>(),
    ) {
        let (_folder, path) = folder();
        let bytes = interrupted(&path);
        let mut damaged = bytes.clone();
        for (at, byte) in places {
            damaged[at.index(bytes.len())] = byte;
        }
        if swap {
            let half = bytes.len() / 2;
            damaged.rotate_left(half);
        }
        if damaged != bytes {
            let error = read(&damaged, &path);
            prop_assert!(is_damage(&error), "{}", error);
        }
    }

    #[test]
    fn any_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let (_folder, path) = folder();
        prop_assert!(is_damage(&read(&bytes, &path)));
    }
}

/// The bytes of a checkpoint with another text behind the checksum, which fits.
fn rewritten(bytes: &[u8], change: impl Fn(&str) -> String) -> Vec<u8> {
    let file = SafeTensors::deserialize(bytes).unwrap();
    let (_, metadata) = SafeTensors::read_metadata(bytes).unwrap();
    let text = change(&metadata.metadata().as_ref().unwrap()["nn-checkpoint"][9..]);
    let mut tensors: Vec<(String, TensorView<'_>)> = file.tensors();
    tensors.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut sum = crc32fast::Hasher::new();
    sum.update(text.as_bytes());
    for (name, tensor) in &tensors {
        sum.update(format!("{name} {:?} {:?}", tensor.dtype(), tensor.shape()).as_bytes());
        sum.update(tensor.data());
    }
    let entry = format!("{:08x} {text}", sum.finalize());
    safetensors::serialize(tensors, Some([("nn-checkpoint".to_owned(), entry)].into_iter().collect()))
        .unwrap()
}

#[test]
fn files_of_something_else_are_refused_by_what_they_are() {
    let (_folder, path) = folder();
    let bytes = interrupted(&path);
    assert_eq!(rewritten(&bytes, str::to_owned).len(), bytes.len(), "the checksum is as documented");

    let error = read(&rewritten(&bytes, |text| text.replacen("\"version\":1", "\"version\":9", 1)), &path);
    assert!(error.to_string().ends_with("is a checkpoint of version 9, but this program reads version 1"));
    let error = read(&rewritten(&bytes, |text| text.replacen("\"Linear\"", "\"Plane\"", 1)), &path);
    assert!(matches!(&error, Error::ModelName { found, .. } if found == "Plane"), "{error}");
    let error = read(&rewritten(&bytes, |text| text.replacen("\"slots\":2", "\"slots\":3", 1)), &path);
    assert!(
        matches!(&error, Error::Tensors { missing, .. } if missing == "`optim/2/b`, `optim/2/w`"),
        "{error}"
    );
    // What is only claimed is not allocated.
    for claim in ["17", "1152921504606846976", "18446744073709551615"] {
        let slots = format!("\"slots\":{claim}");
        let error = read(&rewritten(&bytes, |text| text.replacen("\"slots\":2", &slots, 1)), &path);
        let Error::Corrupt { source, .. } = &error else { panic!("{error}") };
        assert_eq!(
            source.to_string(),
            format!("it claims {claim} numbers of state for each parameter in 8 tensors")
        );
    }
    let error = read(&rewritten(&bytes, |_| "{\"version\":1}".to_owned()), &path);
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");

    Linear::<f32>::new(1).save(&path).unwrap();
    let error = Snapshot::<Linear<f32>>::load(&path).unwrap_err();
    assert!(error.to_string().ends_with("is a safetensors file, but no checkpoint of a training"), "{error}");

    fs::write(&path, &bytes).unwrap();
    let error = Snapshot::<Linear<f64>>::load(&path).unwrap_err();
    assert!(matches!(error, Error::TensorType { expected: "F64", .. }), "{error}");
    assert!(matches!(Snapshot::<Classifier<f32>>::load(&path), Err(Error::ModelName { .. })));
    assert!(matches!(Linear::<f32>::load(&path), Err(Error::Tensors { .. })), "no model on its own");
    fs::remove_file(&path).unwrap();
    assert!(matches!(Snapshot::<Linear<f32>>::load(&path), Err(Error::File { action: "read", .. })));
}

/// What is said behind the name of the file.
fn refused<O: Optimizer<f64>, S: Schedule>(trainer: Trainer<O, S>, data: &Dataset<f64>) -> String {
    let mut model = Linear::<f64>::new(5);
    let error = trainer.fit(&mut model, data, None).unwrap_err().to_string();
    assert_eq!(model, Linear::new(5), "the model is left alone: {error}");
    error.split_once("safetensors` ").unwrap_or(("", &error)).1.to_owned()
}

#[test]
fn a_training_that_would_go_on_differently_is_refused() {
    let (_folder, path) = folder();
    let data = plane::<f64>(30);
    let adam = || Trainer::new(Adam::new(0.1)).epochs(2).batch_size(8).seed(3);
    adam().checkpoint(path.as_path()).fit(&mut Linear::<f64>::new(1), &data, None).unwrap();
    let resumed = || adam().resume(&path);
    assert_eq!(
        refused(resumed().seed(4), &data),
        "is of a training with the seed 3; the seed cannot become the seed 4"
    );
    assert_eq!(
        refused(resumed().batch_size(9), &data),
        "is of a training with batches of 8 rows; the batch size cannot become batches of 9 rows"
    );
    assert_eq!(
        refused(resumed(), &plane(31)),
        "is of a training with 30 rows; the training data cannot become 31 rows"
    );
    let other = Trainer::new(AdamW::new(0.1)).epochs(2).batch_size(8).seed(3).resume(&path);
    assert_eq!(refused(other, &data), "is of a training with `Adam`; the optimiser cannot become `AdamW`");
    let error = refused(resumed().schedule(Plateau::new(0.1, 3)), &data);
    assert!(error.ends_with("the schedule cannot go on from what it remembered"), "{error}");

    let error = Trainer::new(Adam::new(0.1)).fit_or_resume(&mut Linear::<f64>::new(1), &data, None);
    assert!(matches!(error, Err(Error::NoCheckpoint)));
    for checkpoint in [Checkpoint::new(&path).every_epochs(0), Checkpoint::new(&path).every_batches(0)] {
        let error = adam().checkpoint(checkpoint).fit(&mut Linear::<f64>::new(1), &data, None);
        assert!(matches!(error, Err(Error::Setting(_))));
    }
    let nowhere = adam().checkpoint("/no/such/folder/run.safetensors");
    let error = nowhere.fit(&mut Linear::<f64>::new(1), &data, None);
    assert!(matches!(error, Err(Error::File { action: "write", .. })));
}

/// Keeps something under a name.
struct Keep(&'static str, usize);

impl<M: Model> Callback<M> for Keep {
    fn save(&self, memory: &mut Memory) {
        memory.parameters(self.0, vec![0.0; self.1]);
    }
}

#[test]
fn what_callbacks_remember_has_a_name_and_a_length() {
    let (_folder, path) = folder();
    let data = plane::<f64>(10);
    for (first, second) in [
        (Keep("mean", 3), Keep("mean", 3)),
        (Keep("param", 3), Keep("mean", 3)),
        (Keep("a/b", 3), Keep("mean", 3)),
        (Keep("", 3), Keep("mean", 3)),
        (Keep("mean", 2), Keep("other", 3)),
    ] {
        let trainer = Trainer::new(Sgd::new(0.1)).callback(first).callback(second);
        let error = trainer.checkpoint(path.as_path()).fit(&mut Linear::<f64>::new(1), &data, None);
        assert!(matches!(error, Err(Error::MemoryName { .. })));
    }
    assert!(!path.exists());
}
