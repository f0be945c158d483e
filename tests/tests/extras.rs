//! What examples bring along in training: weights and the masks of `dropout`, from a dataset through the trainer.

use nn_runtime::model::{Batch, Extra, Model, Noise, Train};
use nn_runtime::prelude::*;
use nn_runtime::{Error, Gradients};
use nn_tests::case::noise;
use nn_tests::f32s::jet::Jet;
use nn_tests::f32s::regularised::Regularised;
use nn_tests::f64s;

fn dataset(rows: usize) -> Dataset {
    let inputs = noise(1, rows * 8).iter().map(|&x| x as f32).collect();
    let inputs = ndarray::Array2::from_shape_vec((rows, 8), inputs).expect("whole rows");
    let labels: Vec<usize> = inputs
        .rows()
        .into_iter()
        .map(|row| (2.0 * (row[0] + row[1] + 1.0)).clamp(0.0, 3.0) as usize)
        .collect();
    Dataset::with_classes(inputs, &labels, &["a", "b", "c", "d"]).expect("labels are classes")
}

fn fitted(threads: usize, seed: u64, batch: usize) -> Vec<f32> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started");
    pool.install(|| {
        let mut model = Regularised::new(3);
        let trainer = Trainer::new(Adam::new(0.01)).epochs(3).batch_size(batch).seed(seed);
        trainer.fit(&mut model, &dataset(5000), None).expect("it trains");
        model.params_flat().to_vec()
    })
}

/// Batches that are worth several threads, and that are not.
#[test]
fn masks_do_not_depend_on_threads_but_on_the_seed() {
    for batch in [64, 5000] {
        let one = fitted(1, 5, batch);
        for threads in [2, 3, 8] {
            assert_eq!(fitted(threads, 5, batch), one, "{threads} threads, batches of {batch}");
        }
        assert_ne!(fitted(1, 6, batch), one);
    }
}

/// Steps differ in what they drop, and outside of training nothing is dropped.
#[test]
fn only_training_drops() {
    let (model, data) = (Regularised::new(3), dataset(100));
    let mut gradients = Gradients::<Regularised>::new(100);
    let plain = gradients.loss(&model, &data.batch());
    let step = |step| data.batch().with_noise(Noise { seed: 1, step });
    let [first, again, second] = [0, 0, 1].map(|at| gradients.loss(&model, &step(at)));
    assert!(first == again && first != second && first != plain);
    let loss = evaluate(&model, &data).expect("the data fit").loss;
    assert!((loss - f64::from(plain)).abs() < 1e-6);
    let outputs = model.predict(data.inputs()).expect("the data fit");
    assert_eq!(outputs, model.predict(data.inputs()).expect("the data fit"));
}

/// The mean over many masks is what comes out without one: that is what the factor `1 / (1 - p)` is for.
#[test]
fn masks_keep_the_mean_of_a_linear_layer() {
    type Model = f64s::regularised::Regularised;
    let [Extra::Mask { site, len, drop }, Extra::Weight] = Model::EXTRAS else {
        panic!("{:?}", Model::EXTRAS)
    };
    let (steps, mut sum) = (4000, vec![0.0; *len]);
    for step in 0..steps {
        let mut mask = vec![0.0; *len];
        Noise { seed: 2, step }.mask(*site, *drop, 7, &mut mask);
        sum.iter_mut().zip(mask).for_each(|(sum, m)| *sum += m / steps as f64);
    }
    // Five standard deviations of the mean.
    let bound = 5.0 * (drop / (1.0 - drop) / steps as f64).sqrt();
    assert!(sum.iter().all(|mean| (mean - 1.0).abs() < bound), "{sum:?}");
}

/// Whole weights are as good as repeated rows, up to the number of rows that the mean is over.
#[test]
fn a_weight_of_three_is_as_good_as_three_rows() {
    type Model = f64s::regularised::Regularised;
    let model = Model::new(3);
    let (inputs, targets) = (noise(5, 8 * 10), (0..10).map(|i| f64::from(i % 4)).collect::<Vec<_>>());
    let weights: Vec<f64> = (0..10).map(|i| f64::from(i % 4)).collect();
    let batch = Batch::new(&inputs, 8, &targets, 1);
    let mut gradients = Gradients::<Model>::new(30);
    let (weighted, gradient) = gradients.loss_and_gradient(&model, &batch.with_weights(&weights));
    let (weighted, gradient) = (weighted, gradient.to_vec());
    let order: Vec<u32> = (0..10).flat_map(|row| std::iter::repeat_n(row, row as usize % 4)).collect();
    let (repeated, expected) = gradients.loss_and_gradient(&model, &batch.with_order(&order));
    // The penalty is of the mean, not of a row.
    let penalty = {
        let h: f64 = model.params.h_weight.iter().flatten().map(|w| w * w).sum();
        1e-3 * h
    };
    let scale = order.len() as f64 / 10.0;
    assert!((weighted - penalty - scale * (repeated - penalty)).abs() < 1e-12);
    let of_penalty = |at: usize| if at < 128 { 2e-3 * model.params_flat()[at] } else { 0.0 };
    for (at, (ours, theirs)) in gradient.iter().zip(expected).enumerate() {
        let difference = ours - of_penalty(at) - scale * (theirs - of_penalty(at));
        assert!(difference.abs() < 1e-12, "parameter {at}: {difference:e}");
    }
}

#[test]
fn weights_of_a_dataset_reach_the_loss_or_are_refused() {
    let data = dataset(200);
    let balanced = data.clone().balanced().expect("the target is a class");
    let model = Regularised::new(1);
    let (plain, weighted) = (evaluate(&model, &data), evaluate(&model, &balanced));
    assert_ne!(plain.expect("the data fit").loss, weighted.expect("the data fit").loss);
    let mut jet = Jet::new(1);
    let inputs = ndarray::Array2::zeros((4, 16));
    let data =
        Dataset::with_classes(inputs, &[0, 1, 2, 3], &["a", "b", "c", "d"]).expect("labels are classes");
    let weighted = data.with_weights(vec![1.0; 4]).expect("as many as rows");
    let error = Trainer::new(Sgd::new(0.1)).fit(&mut jet, &weighted, None).expect_err("there is no `weight`");
    assert!(matches!(error, Error::UnusedWeights { model: "Jet" }), "{error}");
}
