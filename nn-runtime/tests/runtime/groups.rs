//! Clipped gradients and groups of parameters against `PyTorch`, update by update; see `tests/golden/README.md`.

use ndarray::Array2;
use nn_runtime::model::Model;
use nn_runtime::prelude::*;
use nn_runtime::{Callback, Clip, Error, Flow, Group, Result, Stepper, Training};
use serde_json::Value;

use crate::models::Linear;
use crate::threads::{Decayed, Narrow};
use crate::training::plane;

nn_model! {
    /// The network of `tests/golden/torch_training.py`.
    pub model Net<f64>(x: [3]) -> y: [2] {
        h = tanh(dense(x, 5));
        y = dense(h, 2);
        loss mse(y, target);
    }
}

/// The parameters after every update.
#[derive(Default)]
struct Steps(Vec<Vec<f64>>);

impl<M: Model<Scalar = f64>> Callback<M> for Steps {
    fn on_batch(&mut self, training: &mut Training<'_, M>) -> Result<Flow> {
        self.0.push(training.model().params_flat().to_vec());
        Ok(Flow::Continue(()))
    }
}

struct Torch {
    golden: Value,
    seen: usize,
}

impl Torch {
    fn numbers(value: &Value) -> Vec<f64> {
        match value {
            Value::Array(values) => values.iter().flat_map(Self::numbers).collect(),
            value => vec![value.as_f64().expect("a number")],
        }
    }

    fn check<O: Optimizer<f64>>(&mut self, name: &str, trainer: Trainer<O>) {
        self.seen += 1;
        let matrix = |key: &str, width: usize| {
            let values = Self::numbers(&self.golden[key]);
            Array2::from_shape_vec((values.len() / width, width), values).expect("whole rows")
        };
        let data = Dataset::new(matrix("inputs", 3), matrix("targets", 2)).expect("a dataset");
        let mut model = Net::new(0);
        model.params_flat_mut().copy_from_slice(&Self::numbers(&self.golden["start"]));
        let mut steps = Steps::default();
        trainer.epochs(50).full_batch().callback(&mut steps).fit(&mut model, &data, None).expect("it trains");
        let expected = self.golden["steps"][name].as_array().unwrap_or_else(|| panic!("{name} is missing"));
        assert_eq!(expected.len(), steps.0.len());
        for (i, (got, want)) in steps.0.iter().zip(expected).enumerate() {
            for (got, want) in got.iter().zip(Self::numbers(want)) {
                let error = (got - want).abs() / want.abs().max(1.0);
                assert!(error < 1e-10, "{name}, update {}: {got}, not {want}", i + 1);
            }
        }
    }
}

#[test]
fn updates_are_those_of_torch() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/training.json");
    let text = std::fs::read_to_string(path).expect("the golden file is there");
    let mut torch = Torch { golden: serde_json::from_str(&text).expect("golden files are JSON"), seen: 0 };
    torch.check("plain", Trainer::new(Sgd::new(0.3)));
    torch.check("clip_norm", Trainer::new(Sgd::new(0.3).momentum(0.9)).clip(Clip::Norm(0.5)));
    torch.check("clip_norm_adam", Trainer::new(Adam::new(0.05)).clip(Clip::Norm(0.01)));
    torch.check("clip_value", Trainer::new(Sgd::new(0.3)).clip(Clip::Value(0.05)));
    torch.check(
        "groups_sgd",
        Trainer::new(Sgd::new(0.1).momentum(0.9).weight_decay(0.01))
            .group(Group::new("*.bias").weight_decay(0.0))
            .group(Group::new("y.*").factor(0.2)),
    );
    torch.check(
        "groups_adamw",
        Trainer::new(AdamW::new(0.02).weight_decay(0.1))
            .clip(Clip::Norm(0.2))
            .group(Group::new("h.*").factor(3.0).weight_decay(0.3)),
    );
    torch.check(
        "groups_rmsprop",
        Trainer::new(RmsProp::new(0.01).weight_decay(0.1))
            .group(Group::new("y.bias").factor(0.0))
            .group(Group::new("?.bias").weight_decay(0.0)),
    );
    assert_eq!(torch.seen, torch.golden["steps"].as_object().expect("records").len());
}

#[test]
fn groups_without_parameters_are_refused() {
    let data = Dataset::new(Array2::zeros((4, 3)), Array2::zeros((4, 2))).unwrap();
    let fit = |groups: &[Group]| {
        let trainer = Trainer::new(Sgd::new(0.1));
        let trainer = groups.iter().fold(trainer, |trainer, group| trainer.group(group.clone()));
        trainer.fit(&mut Net::new(0), &data, None).unwrap_err()
    };
    assert_eq!(
        fit(&[Group::new("h.wieght")]).to_string(),
        "no parameter of `Net` matches `h.wieght` (did you mean `h.weight`?); its parameters are `h.weight`, \
         `h.bias`, `y.weight`, `y.bias`"
    );
    let error = fit(&[Group::new("zzz*")]);
    assert!(matches!(&error, Error::EmptyGroup { suggestion, .. } if suggestion.is_empty()), "{error}");
    let error = fit(&[Group::new("*"), Group::new("h.bias")]);
    assert!(
        error.to_string().starts_with("no parameter of `Net` is left by earlier groups for `h.bias`; its")
    );
    assert!(matches!(fit(&[Group::new("h.***")]), Error::Pattern { .. }));
    assert_eq!(
        fit(&[Group::new("h.*").factor(-1.0)]).to_string(),
        "the learning-rate factor of a group is -1, but must be finite and at least 0"
    );
    assert!(matches!(fit(&[Group::new("h.*").weight_decay(f64::NAN)]), Error::Setting(_)));
}

/// An optimiser without a weight decay.
struct Plain;

impl Optimizer<f64> for Plain {
    fn validate(&self) -> Result<(), nn_runtime::InvalidSetting> {
        Ok(())
    }

    fn learning_rate(&self) -> f64 {
        0.5
    }

    fn state_per_parameter(&self) -> usize {
        0
    }

    fn begin(&self, step: nn_runtime::Step) -> impl Fn(&mut [f64], &[f64], &mut [f64]) + Send + Sync {
        let rate = step.rate(0.5);
        move |parameters: &mut [f64], gradient: &[f64], _: &mut [f64]| {
            for (p, g) in parameters.iter_mut().zip(gradient) {
                *p -= rate * g;
            }
        }
    }
}

#[test]
fn a_decay_that_an_optimiser_would_ignore_is_refused() {
    let data = plane::<f64>(8);
    let trainer = Trainer::new(Plain).group(Group::new("w").weight_decay(0.1));
    let error = trainer.fit(&mut Linear::<f64>::new(1), &data, None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the weight decay of a group is 0.1, but must be left out: the optimiser has none"
    );
    // What it does heed works, as with any other.
    let fit = |optimizer: &dyn Fn(&mut Linear<f64>)| {
        let mut model = Linear::<f64>::new(1);
        optimizer(&mut model);
        model
    };
    let group = || Group::new("b").factor(0.25);
    let ours = fit(&|model| drop(Trainer::new(Plain).group(group()).fit(model, &data, None).unwrap()));
    let sgd = fit(&|model| drop(Trainer::new(Sgd::new(0.5)).group(group()).fit(model, &data, None).unwrap()));
    assert_eq!(ours, sgd);
}

/// One step, cut by groups and clipped, of a model with many parameters, on any number of threads.
fn step<M: Train<Scalar = f32>>(trainer: &Trainer<Adam>) -> Vec<f32> {
    let data = plane::<f32>(600);
    let fit = || {
        let mut model = M::new(3);
        trainer.clone().epochs(2).batch_size(500).fit(&mut model, &data, None).unwrap();
        model.params_flat().to_vec()
    };
    let bits = fit();
    #[cfg(feature = "rayon")]
    for threads in [1, 2, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(pool.install(fit), bits, "{threads} threads");
    }
    bits
}

#[test]
fn clipping_and_groups_give_the_same_bits_on_any_number_of_threads() {
    fn check<M: Train<Scalar = f32>>() {
        let plain = step::<M>(&Trainer::new(Adam::new(1e-3)));
        let alike = Trainer::new(Adam::new(1e-3)).group(Group::new("h2.*")).group(Group::new("*.bias"));
        assert_eq!(step::<M>(&alike), plain, "groups without settings change nothing");
        let far = Trainer::new(Adam::new(1e-3)).clip(Clip::Norm(1e9));
        assert_eq!(step::<M>(&far), plain, "a limit that is not reached changes nothing");
        let clipped = Trainer::new(Adam::new(1e-3)).clip(Clip::Norm(1e-9)).group(Group::new("h2.*"));
        assert_ne!(step::<M>(&clipped), plain);
    }
    check::<Narrow>();
    check::<Decayed>();
}

#[test]
fn a_gradient_without_a_norm_leaves_the_parameters_alone() {
    // The loss fits a single-precision number, its gradient does not.
    let inputs = Array2::from_elem((1, 2), 1e20_f32);
    let data = Dataset::new(inputs, Array2::from_elem((1, 1), -1e19)).unwrap();
    let mut model = Linear::<f32> { params: vec![0.0; 3] };
    let trainer = Trainer::new(Sgd::new(0.1)).clip(Clip::Norm(1.0));
    let error = trainer.fit(&mut model, &data, None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the norm of the gradient is not finite at epoch 1, batch 1, where the gradient of `w` is not finite; a \
         smaller learning rate or scaled inputs may help"
    );
    assert_eq!(model.params, [0.0; 3]);

    // Without clipping, the next loss tells.
    let error = Trainer::new(Sgd::new(0.1)).batch_size(1).fit(&mut model, &data, None).unwrap_err();
    assert!(matches!(error, Error::NonFiniteParameter { epoch: 1, batch: 1, parameter: "w" }), "{error}");
}

#[test]
fn a_step_that_makes_no_sense_is_not_taken() {
    let data = Dataset::new(Array2::from_elem((2, 2), 1e30_f32), Array2::zeros((2, 1))).unwrap();
    let mut model = Linear::<f32> { params: vec![1.0; 3] };
    let sgd = Sgd::new(0.1);
    let mut stepper = Stepper::new(&sgd, 2);
    assert!(!stepper.step(&mut model, &data.batch()).is_finite());
    assert_eq!((&model.params[..], stepper.updates()), ([1.0; 3].as_slice(), 0));

    let error = Trainer::new(sgd).fit(&mut model, &data, None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the loss is inf at epoch 1, batch 1, where the gradient of `w` is not finite; a smaller learning rate or \
         scaled inputs may help"
    );
    model.params[2] = f32::NAN;
    let error = Trainer::new(sgd).fit(&mut model, &data, None).unwrap_err();
    assert!(matches!(error, Error::NonFiniteParameter { epoch: 1, batch: 0, parameter: "b" }), "{error}");
}
