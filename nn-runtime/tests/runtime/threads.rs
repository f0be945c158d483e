//! The bits do not depend on threads.

use nn_runtime::prelude::*;

use crate::models::Linear;
use crate::training::plane;

/// Parameters and losses of a short training, as bits.
fn fit<M: Train<Scalar = f32>>(rows: usize, batch: usize) -> Vec<u64> {
    let (train, valid) = plane::<f32>(rows).split(0.8, 1);
    let mut model = M::new(3);
    let trainer = Trainer::new(Sgd::new(0.1)).epochs(2).batch_size(batch).seed(4);
    let history = trainer.fit(&mut model, &train, &valid).unwrap();
    let losses = history.epochs().iter().flat_map(|e| [e.train_loss, e.valid_loss.unwrap_or(f64::NAN)]);
    model.params_flat().iter().map(|&p| f64::from(p)).chain(losses).map(f64::to_bits).collect()
}

type Light = Linear<f32, false>;
type Heavy = Linear<f32, true>;

#[test]
fn one_thread_and_several_give_the_same_bits() {
    for batch in [100, 1000, 2000, 2100] {
        let light = fit::<Light>(6000, batch);
        assert_eq!(fit::<Heavy>(6000, batch), light, "batches of {batch}");
        #[cfg(feature = "rayon")]
        for threads in [1, 2, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            assert_eq!(
                pool.install(|| fit::<Heavy>(6000, batch)),
                light,
                "{threads} threads, batches of {batch}"
            );
        }
    }
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
    let bits: Vec<u32> =
        fit::<Heavy>(3000, 1000)[..3].iter().map(|&b| (f64::from_bits(b) as f32).to_bits()).collect();
    assert_eq!(bits, [1_058_912_796, 3_211_683_662, 1_053_177_193]);
}
