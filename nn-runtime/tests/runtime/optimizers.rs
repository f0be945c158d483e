//! Every optimiser against `PyTorch`, step by step; see `tests/golden/README.md`.

use nn_runtime::kernels::{Level, Real, with_level};
use nn_runtime::{Adagrad, Adam, AdamW, Lion, Nadam, Optimizer, RmsProp, Sgd, Step};
use serde_json::Value;

/// What is done with an optimiser of any type.
trait Visit<T: Real> {
    fn visit(&mut self, name: &str, optimizer: impl Optimizer<T>);
}

/// The optimisers of `tests/golden/torch_optimizers.py`.
fn each<T: Real>(visitor: &mut impl Visit<T>) {
    visitor.visit("sgd", Sgd::new(0.05));
    visitor.visit("sgd_decay", Sgd::new(0.05).weight_decay(0.1));
    visitor.visit("momentum", Sgd::new(0.05).momentum(0.9));
    visitor.visit("nesterov", Sgd::new(0.05).momentum(0.8).nesterov().weight_decay(0.1));
    visitor.visit("adam", Adam::new(0.01));
    visitor.visit("adam_decay", Adam::new(0.1).betas(0.7, 0.95).epsilon(1e-3).weight_decay(0.1));
    visitor.visit("adamw", AdamW::new(0.01));
    visitor.visit("adamw_decay", AdamW::new(0.1).betas(0.7, 0.95).epsilon(1e-3).weight_decay(0.3));
    visitor.visit("nadam", Nadam::new(0.01));
    visitor.visit("nadam_decay", Nadam::new(0.1).betas(0.7, 0.95).epsilon(1e-3).weight_decay(0.1));
    visitor.visit("rmsprop", RmsProp::new(0.01));
    visitor.visit(
        "rmsprop_momentum",
        RmsProp::new(0.01).alpha(0.99).epsilon(1e-3).momentum(0.9).weight_decay(0.1),
    );
    visitor.visit("adagrad", Adagrad::new(0.1));
    visitor.visit("adagrad_decay", Adagrad::new(0.1).epsilon(1e-3).weight_decay(0.1));
    visitor.visit("lion", Lion::new(0.01));
    visitor.visit("lion_decay", Lion::new(0.01).betas(0.8, 0.95).weight_decay(0.3));
}

/// Numbers for parameters and gradients that are different everywhere.
fn numbers<T: Real>(seed: usize, n: usize) -> Vec<T> {
    (0..n).map(|i| T::from_f64(((i * 7919 + seed * 104_729) % 2003) as f64 / 500.0 - 2.0)).collect()
}

/// The golden record, which is as long as a whole line or shorter.
struct Torch {
    golden: Value,
    copies: usize,
    tolerance: f64,
    seen: Vec<String>,
}

impl Torch {
    fn new(copies: usize, tolerance: f64) -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/optimizers.json");
        let text = std::fs::read_to_string(path).expect("the golden file is there");
        let golden = serde_json::from_str(&text).expect("golden files are JSON");
        Self { golden, copies, tolerance, seen: Vec::new() }
    }

    /// The numbers of a row, as often as there are copies.
    fn row<T: Real>(&self, row: &Value) -> Vec<T> {
        let row = row.as_array().expect("a row");
        let row: Vec<T> = row.iter().map(|x| T::from_f64(x.as_f64().expect("a number"))).collect();
        row.repeat(self.copies)
    }
}

impl<T: Real> Visit<T> for Torch {
    fn visit(&mut self, name: &str, optimizer: impl Optimizer<T>) {
        self.seen.push(name.to_owned());
        assert_eq!(optimizer.validate(), Ok(()), "{name}");
        let mut parameters: Vec<T> = self.row(&self.golden["start"]);
        let mut state = vec![T::ZERO; optimizer.state_per_parameter() * parameters.len()];
        let gradients = self.golden["gradients"].as_array().expect("rows");
        let steps = self.golden["steps"][name].as_array().unwrap_or_else(|| panic!("{name} is missing"));
        assert_eq!((gradients.len(), steps.len()), (50, 50));
        for (step, (gradient, want)) in (1..).zip(gradients.iter().zip(steps)) {
            optimizer.update(step, &mut parameters, &self.row(gradient), &mut state);
            for (i, (got, want)) in parameters.iter().zip(self.row::<f64>(want)).enumerate() {
                let error = (got.to_f64() - want).abs() / want.abs().max(1.0);
                assert!(error <= self.tolerance, "{name}, step {step}, parameter {i}: {got}, not {want}");
            }
        }
    }
}

#[test]
fn steps_are_those_of_torch() {
    for level in Level::available() {
        with_level(level, || {
            // Shorter than a line; lines and a rest.
            for copies in [1, 9] {
                let mut torch = Torch::new(copies, 1e-12);
                each::<f64>(&mut torch);
                let all = torch.golden["steps"].as_object().expect("records").len();
                assert_eq!(torch.seen.len(), all, "{:?}", torch.seen);
                each::<f32>(&mut Torch::new(copies, 3e-6));
            }
        });
    }
}

/// A few steps of any optimiser over some number of parameters, and over the ranges of `cuts`.
struct Ranges<'a> {
    n: usize,
    cuts: &'a [usize],
}

impl<T: Real> Visit<T> for Ranges<'_> {
    fn visit(&mut self, name: &str, optimizer: impl Optimizer<T>) {
        let n = self.n;
        let per_parameter = optimizer.state_per_parameter();
        let mut whole = numbers::<T>(0, n);
        let mut parts = whole.clone();
        let mut state = vec![T::ZERO; per_parameter * n];
        let bounds: Vec<usize> = [0].iter().chain(self.cuts).chain([&n]).copied().collect();
        let mut states: Vec<Vec<T>> =
            bounds.windows(2).map(|b| vec![T::ZERO; per_parameter * (b[1] - b[0])]).collect();
        for step in 1..5 {
            let gradient = numbers::<T>(step, n);
            optimizer.update(step as u64, &mut whole, &gradient, &mut state);
            let update = optimizer.begin(Step::new(step as u64));
            for (b, state) in bounds.windows(2).zip(&mut states) {
                update(&mut parts[b[0]..b[1]], &gradient[b[0]..b[1]], state);
            }
        }
        assert_eq!(whole, parts, "{name}, {n} parameters cut at {:?}", self.cuts);
        for part in 0..per_parameter {
            let joined: Vec<T> = bounds
                .windows(2)
                .zip(&states)
                .flat_map(|(b, state)| state[part * (b[1] - b[0])..][..b[1] - b[0]].to_vec())
                .collect();
            assert_eq!(joined, state[part * n..][..n], "{name}: the state");
        }
    }
}

#[test]
fn ranges_give_the_bits_of_the_whole() {
    for level in Level::available() {
        with_level(level, || {
            for (n, cuts) in [
                (3, [1, 2].as_slice()),
                (33, &[16, 32]),
                (48, &[16, 32]),
                (100, &[1, 17, 18, 50, 83]),
                (1000, &[160, 320, 992]),
            ] {
                each::<f32>(&mut Ranges { n, cuts });
                each::<f64>(&mut Ranges { n, cuts });
            }
        });
    }
}

/// The bits of the parameters after a few steps at one level.
struct Bits(Vec<u64>);

impl<T: Real> Visit<T> for Bits {
    fn visit(&mut self, _: &str, optimizer: impl Optimizer<T>) {
        let mut parameters = numbers::<T>(0, 100);
        let mut state = vec![T::ZERO; optimizer.state_per_parameter() * 100];
        for step in 1..5 {
            optimizer.update(step as u64, &mut parameters, &numbers::<T>(step, 100), &mut state);
        }
        self.0.extend(parameters.iter().map(|p| p.to_f64().to_bits()));
    }
}

#[test]
fn every_level_gives_the_same_bits() {
    let at = |level| {
        with_level(level, || {
            let mut bits = Bits(Vec::new());
            each::<f32>(&mut bits);
            each::<f64>(&mut bits);
            bits.0
        })
    };
    for level in Level::available() {
        assert!(at(level) == at(Level::baseline()), "{level:?}");
    }
}
