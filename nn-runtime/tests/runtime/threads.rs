//! The bits do not depend on threads.

use nn_runtime::prelude::*;
use nn_runtime::{Gradients, Stepper};

use crate::models::Linear;
use crate::training::plane;

nn_model! {
    /// Its products are cut among the threads.
    pub model Wide(x: [2]) -> y: [1] {
        h1 = relu(dense(x, 256));
        h2 = relu(dense(h1, 256));
        y = dense(h2, 1);
        loss mse(y, target);
    }

    /// Its batches are cut.
    pub model Narrow(x: [2]) -> y: [1] {
        h1 = tanh(dense(x, 64));
        h2 = tanh(dense(h1, 64));
        y = dense(h2, 1);
        loss mse(y, target);
    }

    /// Not worth a second thread.
    pub model Line(x1, x2) -> y {
        param w1, w2, b;
        y = x1*w1 + x2*w2 + b;
        loss mse(y, target);
    }

    /// The gradient is not what is summed.
    pub model Decayed(x: [2]) -> y: [1] {
        h1 = tanh(dense(x, 200));
        h2 = tanh(dense(h1, 200));
        y = dense(h2, 1);
        loss mse(y, target) + 1e-4 * sum(h2.weight^2);
    }
}

/// Parameters and losses of a short training, as bits.
fn fit<M: Train<Scalar = f32>>(optimizer: impl Optimizer<f32>, rows: usize, batch: usize) -> Vec<u64> {
    let (train, valid) = plane::<f32>(rows).split(0.8, 1);
    let mut model = M::new(3);
    let trainer = Trainer::new(optimizer).epochs(2).batch_size(batch).seed(4);
    let history = trainer.fit(&mut model, &train, &valid).unwrap();
    let losses = history.epochs().iter().flat_map(|e| [e.train_loss, e.valid_loss.unwrap_or(f64::NAN)]);
    model.params_flat().iter().map(|&p| f64::from(p)).chain(losses).map(f64::to_bits).collect()
}

fn threads_give_the_same_bits<M: Train<Scalar = f32>>(rows: usize, batches: &[usize]) {
    for &batch in batches {
        let outside = fit::<M>(Adam::new(1e-3), rows, batch);
        #[cfg(feature = "rayon")]
        for threads in [1, 2, 3, 8] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let bits = pool.install(|| fit::<M>(Adam::new(1e-3), rows, batch));
            assert!(bits == outside, "{}, {threads} threads, batches of {batch}", M::NAME);
        }
        assert!(fit::<M>(Adam::new(1e-3), rows, batch) == outside, "{}, batches of {batch}", M::NAME);
    }
}

type Light = Linear<f32, false>;
type Heavy = Linear<f32, true>;

#[test]
fn one_thread_and_several_give_the_same_bits() {
    threads_give_the_same_bits::<Heavy>(6000, &[100, 1000, 2000, 2100]);
    threads_give_the_same_bits::<Line>(3000, &[100, 2000]);
    threads_give_the_same_bits::<Narrow>(3000, &[100, 1000, 2400]);
}

#[test]
fn wide_models_give_the_same_bits_on_one_thread_and_several() {
    const { assert!(Wide::IS_WIDE && !Narrow::IS_WIDE && !Line::IS_WIDE) };
    threads_give_the_same_bits::<Wide>(1000, &[128, 300, 800]);
}

#[test]
fn gradients_that_are_computed_after_the_sums_give_the_same_bits() {
    const { assert!(!Decayed::HAS_PLAIN_SUMS && Narrow::HAS_PLAIN_SUMS) };
    threads_give_the_same_bits::<Decayed>(1000, &[128, 800]);
}

/// A step divides the sums panel by panel; the gradient is what it is as a whole.
#[test]
fn a_step_takes_the_gradient_that_is_given() {
    fn check<M: Train<Scalar = f32>>() {
        let data = plane::<f32>(700);
        let batch = data.batch();
        let (mut model, sgd) = (M::new(5), Sgd::new(0.5));
        let before = model.params_flat().to_vec();
        let mut gradients = Gradients::new(700);
        let (loss, gradient) = gradients.loss_and_gradient(&model, &batch);
        let want: Vec<f32> = before.iter().zip(gradient).map(|(p, g)| p - g * 0.5).collect();
        let mut stepper = Stepper::new(&sgd, 700);
        assert_eq!(stepper.step(&mut model, &batch), loss);
        assert_eq!(model.params_flat(), want);
        // What is left of a step does not get into the next one.
        model.params_flat_mut().copy_from_slice(&before);
        assert_eq!(stepper.step(&mut model, &batch.slice(0..700)), loss);
        assert_eq!(model.params_flat(), want);
    }
    check::<Wide>();
    check::<Narrow>();
    check::<Line>();
    check::<Heavy>();
    check::<Decayed>();
}

#[test]
fn predictions_are_the_same_on_several_threads() {
    let data = plane::<f32>(5000);
    let (light, heavy) = (Light::new(1), Heavy::new(1));
    assert_eq!(light.predict(data.inputs()).unwrap(), heavy.predict(data.inputs()).unwrap());
}

/// Recorded once. Additions and products alone: the same on every machine, with and without the feature `rayon`.
#[test]
fn the_bits_are_those_of_every_build() {
    let bits: Vec<u32> = fit::<Heavy>(Sgd::new(0.1), 3000, 1000)[..3]
        .iter()
        .map(|&b| (f64::from_bits(b) as f32).to_bits())
        .collect();
    assert_eq!(bits, [1_058_912_797, 3_211_683_662, 1_053_177_193]);
}
