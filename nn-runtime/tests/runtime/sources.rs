//! Training through a source, whether its rows are in memory or not.

use std::ops::ControlFlow;

use ndarray::Array2;
use nn_runtime::prelude::*;
use nn_runtime::{Order, Source, Stepper, Stream};

use crate::models::Linear;

const ROWS: usize = 103;

fn row(i: usize) -> ([f32; 2], [f32; 1]) {
    let x = [(i % 7) as f32 - 3.0, (i % 11) as f32 / 11.0];
    (x, [x[0] - 2.0 * x[1] + 0.25])
}

fn dataset() -> Dataset<f32> {
    let inputs = Array2::from_shape_fn((ROWS, 2), |(i, j)| row(i).0[j]);
    Dataset::new(inputs, Array2::from_shape_fn((ROWS, 1), |(i, _)| row(i).1[0])).unwrap()
}

/// Three epochs, step by step.
fn train(source: &impl Source<f32>) -> Vec<f32> {
    let sgd = Sgd::new(0.05);
    let mut model = Linear::<f32>::new(3);
    let mut stepper = Stepper::new(&sgd, 16);
    for epoch in 1..=3 {
        let order = Order::shuffled(7, epoch);
        let mut visit = |batch: &nn_runtime::model::Batch<'_, f32>| {
            stepper.step(&mut model, batch);
            Ok(ControlFlow::Continue(()))
        };
        source.epoch(order, 16, 0, &mut visit).unwrap();
    }
    model.params
}

#[test]
fn a_source_is_trained_on_as_a_dataset() {
    let mut model = Linear::<f32>::new(3);
    Trainer::new(Sgd::new(0.05)).epochs(3).batch_size(16).seed(7).fit(&mut model, &dataset(), None).unwrap();
    let data = dataset();
    assert_eq!(train(&data), model.params, "a dataset through the trait");
    let stream = |buffer| {
        let rows = |_| Ok((0..ROWS).map(|i| Ok(row(i))));
        Stream::from_rows(2, 1, rows).unwrap().buffer(buffer).unwrap()
    };
    for buffer in [ROWS, ROWS + 1, 10_000] {
        assert_eq!(train(&stream(buffer)), model.params, "a stream with a buffer of {buffer} rows");
    }
    let small = train(&stream(20));
    assert_ne!(small, model.params, "a small buffer shuffles in another way");
    for (a, b) in small.iter().zip(&model.params) {
        assert!((a - b).abs() < 0.2, "{a} and {b}");
    }
}
