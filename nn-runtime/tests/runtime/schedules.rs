//! Every schedule against `PyTorch`, over its whole run; see `tests/golden/README.md`.

use nn_runtime::prelude::*;
use nn_runtime::schedule::{
    Constant, Cosine, Exponential, OneCycle, Plateau, Schedule, StepDecay, Time, WarmUp,
};
use nn_runtime::{Callback, Flow, Result, Training};
use serde_json::Value;

use crate::models::Linear;
use crate::training::plane;

struct Torch {
    golden: Value,
    seen: usize,
}

impl Torch {
    fn read() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/schedules.json");
        let text = std::fs::read_to_string(path).expect("the golden file is there");
        Self { golden: serde_json::from_str(&text).expect("golden files are JSON"), seen: 0 }
    }

    fn numbers(value: &Value) -> Vec<f64> {
        value.as_array().expect("numbers").iter().map(|x| x.as_f64().expect("a number")).collect()
    }

    /// One step of the clock for each rate; `per_update` says which clock.
    fn check(&mut self, name: &str, per_update: bool, mut schedule: impl Schedule) {
        self.seen += 1;
        let rate = self.golden["learning_rate"].as_f64().expect("a rate");
        let (rates, losses) =
            (Self::numbers(&self.golden["rates"][name]), Self::numbers(&self.golden["losses"]));
        let total = rates.len() as u64;
        schedule.validate(per_update.then_some(total)).expect("settings that make sense");
        for (t, want) in (0..).zip(rates) {
            // The other clock stands still.
            let time = if per_update { Time::new(t, 0).of(total) } else { Time::new(0, t) };
            let got = rate * schedule.factor(time);
            assert!((got - want).abs() <= 1e-12 * want, "{name}, step {t}: {got}, not {want}");
            schedule.observe(losses[t as usize]);
        }
    }
}

#[test]
fn rates_are_those_of_torch() {
    let mut torch = Torch::read();
    torch.check("constant", false, Constant);
    torch.check("step", false, StepDecay::new(30, 0.1));
    torch.check("step_slow", true, StepDecay::new(7, 0.9).per_update());
    torch.check("exponential", false, Exponential::new(0.95));
    torch.check("cosine", false, Cosine::new(80).floor(0.1));
    torch.check("restarts", false, Cosine::new(50).warm_restarts(1));
    torch.check("restarts_growing", true, Cosine::new(10).warm_restarts(2).floor(0.01).per_update());
    torch.check("one_cycle", true, OneCycle::new());
    torch.check("one_cycle_linear", true, OneCycle::new().rise(0.45).linear().divisors(10.0, 100.0));
    torch.check("one_cycle_three", true, OneCycle::new().updates(200).rise(0.37).three_phases());
    torch.check("warm_up", true, WarmUp::new(13, Constant));
    torch.check(
        "warm_up_exponential",
        true,
        WarmUp::new(40, Exponential::new(0.97).per_update()).start(0.01),
    );
    torch.check("plateau", false, Plateau::new(0.1, 10));
    let absolute = Plateau::new(0.5, 2).absolute_threshold(0.01).cooldown(3).floor(0.05);
    torch.check("plateau_absolute", false, absolute);
    assert_eq!(torch.seen, torch.golden["rates"].as_object().expect("records").len());
}

/// Restored from its state in the middle of a run, a plateau goes on as if nothing had happened.
#[test]
fn a_plateau_goes_on_from_its_state() {
    let losses = Torch::numbers(&Torch::read().golden["losses"]);
    let new = || Plateau::new(0.5, 2).cooldown(3).after_warm_up(1);
    for cut in [0, 1, 50, 130] {
        let mut whole = new();
        let mut second = new();
        for (i, &loss) in losses.iter().enumerate() {
            if i == cut {
                assert!(second.restore(&whole.state()));
            }
            whole.observe(loss);
            if i >= cut {
                second.observe(loss);
            }
        }
        assert_eq!(whole, second);
        assert!(whole.factor(Time::new(5, 0)) < 0.1);
    }
    for nonsense in [vec![], vec![1.0; 3], vec![1.0, 1.0, 0.5, 0.0], vec![2.0, 1.0, 0.0, 0.0]] {
        assert!(!new().restore(&nonsense), "{nonsense:?}");
    }
    assert!(Constant.restore(&[]) && !Constant.restore(&[1.0]));
}

#[test]
fn settings_out_of_range_are_refused() {
    #[allow(clippy::needless_pass_by_value)] // the table reads better
    fn setting(schedule: impl Schedule) -> String {
        schedule.validate(Some(10)).map_or_else(|error| error.to_string(), |()| String::new())
    }
    for (schedule, text) in [
        (setting(StepDecay::new(0, 0.1)), "the period of the schedule is 0, but must be at least 1"),
        (
            setting(StepDecay::new(1, 1.5)),
            "the gamma of the schedule is 1.5, but must be above 0 and at most 1",
        ),
        (
            setting(Exponential::new(f64::NAN)),
            "the gamma of the schedule is NaN, but must be above 0 and at most 1",
        ),
        (setting(Cosine::new(0)), "the period of the schedule is 0, but must be at least 1"),
        (setting(Cosine::new(1).floor(2.0)), "the floor of the schedule is 2, but must be from 0 to 1"),
        (
            setting(Cosine::new(1).warm_restarts(0)),
            "the growth of the schedule's periods is 0, but must be at least 1",
        ),
        (
            setting(OneCycle::new().rise(1.0)),
            "the rising part of the cycle is 1, but must be above 0 and below 1",
        ),
        (
            setting(OneCycle::new().rise(0.6).three_phases()),
            "the rising part of the cycle is 0.6, but must be above 0 and at most 0.5 of three phases",
        ),
        (
            setting(OneCycle::new().divisors(0.0, 1.0)),
            "the divisor at the start of the cycle is 0, but must be finite and above 0",
        ),
        (
            setting(Constant.after_warm_up(0)),
            "the number of updates of the warm-up is 0, but must be at least 1",
        ),
        (
            setting(Plateau::new(0.1, 3).threshold(-1.0)),
            "the threshold of the schedule is -1, but must be finite and at least 0",
        ),
    ] {
        assert_eq!(schedule, text);
    }
    let uncounted = OneCycle::new().validate(None).unwrap_err().to_string();
    assert!(uncounted.ends_with("give it to `OneCycle::updates`"), "{uncounted}");
    let short = setting(OneCycle::new().after_warm_up(9));
    assert!(short.starts_with("the number of updates of the cycle is 1, but"), "{short}");
}

/// The learning rate of every update.
#[derive(Default)]
struct Rates(Vec<f64>);

impl<M: Model> Callback<M> for Rates {
    fn on_batch(&mut self, training: &mut Training<'_, M>) -> Result<Flow> {
        self.0.push(training.learning_rate());
        Ok(Flow::Continue(()))
    }
}

#[test]
fn a_trainer_follows_its_schedule() {
    let data = plane::<f64>(10);
    let mut rates = Rates::default();
    let mut model = Linear::<f64>::new(1);
    let schedule = StepDecay::new(2, 0.5).after_warm_up(2);
    let trainer = Trainer::new(Sgd::new(0.3)).epochs(3).batch_size(4).schedule(schedule);
    let history = trainer.callback(&mut rates).fit(&mut model, &data, None).unwrap();
    let expected = [0.1, 0.2, 0.3, 0.3, 0.3, 0.3, 0.15, 0.15, 0.15];
    approx::assert_abs_diff_eq!(rates.0[..], expected[..], epsilon = 1e-15);
    assert_eq!(history.last().unwrap().learning_rate, 0.15);

    // A rate of zero moves nothing, and half of a rate is half of a step.
    let fit = |rate: f64, factor: f64| {
        let mut model = Linear::<f64>::new(1);
        let trainer = Trainer::new(Sgd::new(rate)).epochs(2).schedule(move |_: Time| factor);
        trainer.fit(&mut model, &data, None).unwrap();
        model
    };
    assert_eq!(fit(0.3, 0.0), Linear::new(1));
    assert_eq!(fit(0.5, 0.25), fit(0.125, 1.0));

    let trainer = Trainer::new(Sgd::new(0.3)).schedule(|_: Time| -1.0);
    let error = trainer.fit(&mut model, &data, None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the schedule's factor of the learning rate is -1, but must be finite and at least 0"
    );
    let trainer = Trainer::new(Sgd::new(0.3)).schedule(Exponential::new(0.0));
    assert!(trainer.fit(&mut model, &data, None).is_err());
}

/// The loss that a plateau sees is that of the validation data.
#[test]
fn a_plateau_watches_the_validation_loss() {
    let data = plane::<f64>(50);
    let mut model = Linear::<f64>::new(1);
    let trainer = Trainer::new(Sgd::new(0.3)).epochs(300).full_batch().schedule(Plateau::new(0.5, 3));
    let history = trainer.fit(&mut model, &data, &data).unwrap();
    let mut plateau = Plateau::new(0.5, 3);
    for epoch in history.epochs() {
        assert_eq!(epoch.learning_rate, 0.3 * plateau.factor(Time::new(0, 0)));
        plateau.observe(epoch.valid_loss.unwrap());
    }
    assert!(history.last().unwrap().learning_rate < 0.3);
}
