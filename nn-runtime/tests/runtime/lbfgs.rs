//! L-BFGS against `PyTorch`, iteration by iteration; see `tests/golden/README.md`.

use ndarray::{Array2, array};
use nn_runtime::model::Model;
use nn_runtime::prelude::*;
use nn_runtime::{Error, Lbfgs, Stop};
use serde_json::Value;

use crate::models::{Linear, Logistic};
use crate::threads::Narrow;
use crate::training::plane;

nn_model! {
    /// The network of `tests/golden/torch_lbfgs.py`.
    pub model Penalised<f64>(x: [3]) -> y: [2] {
        h = tanh(dense(x, 5));
        y = dense(h, 2);
        loss mse(y, target) + 0.01 * (sum(h.weight^2) + sum(y.weight^2));
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        value => vec![value.as_f64().expect("a number")],
    }
}

fn agrees_with_torch<M: Train<Scalar = f64>>(name: &str) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/lbfgs.json");
    let text = std::fs::read_to_string(path).expect("the golden file is there");
    let golden: Value = serde_json::from_str(&text).expect("golden files are JSON");
    let golden = &golden["models"][name];
    let matrix = |key: &str, width: usize| {
        let values = numbers(&golden[key]);
        Array2::from_shape_vec((values.len() / width, width), values).expect("whole rows")
    };
    let data = Dataset::new(matrix("inputs", M::INPUT_LEN), matrix("targets", M::TARGET_LEN)).unwrap();
    let start = || {
        let mut model = M::new(0);
        model.params_flat_mut().copy_from_slice(&numbers(&golden["start"]));
        model
    };
    let close = |model: &M, want: &[f64], bound: f64, what: &str| {
        for (got, want) in model.params_flat().iter().zip(want) {
            assert!((got - want).abs() <= bound * want.abs().max(1.0), "{name}, {what}: {got}, not {want}");
        }
    };
    let iterations = golden["iterations"].as_array().expect("rows");
    let losses = numbers(&golden["losses"]);
    for (i, want) in (1..).zip(iterations) {
        let mut model = start();
        let history = Lbfgs::new().iterations(i).fit(&mut model, &data, None).unwrap();
        close(&model, &numbers(want), 1e-6, &format!("iteration {i}"));
        assert!((history.last().unwrap().train_loss - losses[i - 1]).abs() < 1e-9);
    }
    let mut model = start();
    let lbfgs = Lbfgs::new().iterations(5000).tolerances(1e-10, 1e-16);
    let history = lbfgs.fit(&mut model, &data, &data).unwrap();
    let least = golden["least_loss"].as_f64().expect("a loss");
    let last = history.last().unwrap();
    assert!((last.train_loss - least).abs() < 1e-9, "{name}: {} after {}", last, history.epochs().len());
    assert_eq!(last.valid_loss.unwrap().to_bits(), evaluate(&model, &data).unwrap().loss.to_bits());
    close(&model, &numbers(&golden["minimum"]), 1e-4, "minimum");
    assert!(history.stopped().is_some(), "{} iterations", history.epochs().len());
}

#[test]
fn iterations_and_minima_are_those_of_torch() {
    agrees_with_torch::<Penalised>("network");
    agrees_with_torch::<Logistic<f64>>("logistic");
}

#[test]
fn a_parabola_takes_few_iterations() {
    let data = plane::<f64>(300);
    let mut model = Linear::<f64>::new(1);
    let history = Lbfgs::new().tolerances(1e-8, 1e-18).fit(&mut model, &data, None).unwrap();
    assert!(history.epochs().len() < 15, "{history}");
    let (_, gradient) = model.loss_and_gradient(data.inputs(), data.targets()).unwrap();
    assert!(gradient.iter().all(|g| g.abs() < 1e-6), "{gradient:?}");
    assert!(history.stopped().is_some_and(|stop| stop.to_string().starts_with("stopped early: ")));
    let falls = history.epochs().windows(2).all(|pair| pair[1].train_loss <= pair[0].train_loss);
    assert!(falls && history.epochs().iter().all(|epoch| epoch.rows % 300 == 0 && epoch.rows > 0));

    // There is nothing left to do.
    let again = Lbfgs::new().tolerances(1e-6, 1e-9).fit(&mut model, &data, None).unwrap();
    assert_eq!(again.epochs().len(), 0);
    let stop = Stop::early("no element of the gradient is above 1e-6");
    assert_eq!(again.stopped(), Some(&stop));
}

#[test]
fn single_precision_ends_where_it_can_see_nothing_more() {
    let (single, double) = (plane::<f32>(300), plane::<f64>(300));
    let mut model = Linear::<f32>::new(1);
    let history = Lbfgs::new().iterations(500).fit(&mut model, &single, None).unwrap();
    assert!(history.stopped().is_some() && history.epochs().len() < 60, "{history}");
    let mut exact = Linear::<f64>::new(1);
    Lbfgs::new().fit(&mut exact, &double, None).unwrap();
    for (&p, e) in model.params.iter().zip(&exact.params) {
        assert!((f64::from(p) - e).abs() < 1e-3, "{p} for {e}");
    }
}

#[test]
fn networks_and_threads() {
    let data = plane::<f32>(5000);
    let fit = || {
        let mut model = Narrow::new(2);
        let history = Lbfgs::new().iterations(12).fit(&mut model, &data, None).unwrap();
        (model.params_flat().to_vec(), history)
    };
    let whole = fit();
    let losses: Vec<f64> = whole.1.epochs().iter().map(|epoch| epoch.train_loss).collect();
    assert!(losses.last() < losses.first() && whole.1.stopped().is_none(), "{losses:?}");
    #[cfg(feature = "rayon")]
    for threads in [1, 2, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(pool.install(fit), whole, "{threads} threads");
    }
}

#[test]
fn what_cannot_be_minimised_is_refused() {
    let data = plane::<f64>(10);
    let fit = |lbfgs: Lbfgs| lbfgs.fit(&mut Linear::<f64>::new(1), &data, None).unwrap_err().to_string();
    assert_eq!(fit(Lbfgs::new().history(0)), "the length of the history is 0, but must be at least 1");
    assert_eq!(fit(Lbfgs::new().iterations(0)), "the number of iterations is 0, but must be at least 1");
    assert!(fit(Lbfgs::new().tolerances(-1.0, 0.0)).starts_with("the tolerance of the gradient is -1"));

    let mut model = Linear::<f64>::new(1);
    let (none, _) = data.split(0.0, 0);
    assert!(matches!(Lbfgs::new().fit(&mut model, &none, None), Err(Error::Empty { .. })));
    assert!(matches!(Lbfgs::new().fit(&mut model, &data, &none), Err(Error::Empty { .. })));
    let wide = Dataset::new(Array2::zeros((2, 3)), Array2::zeros((2, 1))).unwrap();
    assert!(matches!(Lbfgs::new().fit(&mut model, &wide, None), Err(Error::InputWidth { .. })));

    let far = Dataset::new(array![[1e200, 0.0]], array![[0.0]]).unwrap();
    model.params = vec![1.0; 3];
    let error = Lbfgs::new().fit(&mut model, &far, None).unwrap_err();
    assert!(matches!(error, Error::NonFiniteLoss { epoch: 1, batch: 1, .. }), "{error}");
    model.params[1] = f64::NAN;
    let error = Lbfgs::new().fit(&mut model, &data, None).unwrap_err();
    assert!(matches!(error, Error::NonFiniteParameter { parameter: "w", .. }), "{error}");
}
