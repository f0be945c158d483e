//! A training step leaves the heap alone: more epochs allocate no more than few.
#![cfg(feature = "train")]
#![allow(unsafe_code)] // an allocator that counts

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use ndarray::Array2;
use nn_runtime::model::Batch;
use nn_runtime::prelude::*;
use nn_runtime::{Clip, Gradients, Predictor, Stepper};

#[path = "runtime/models.rs"]
#[allow(dead_code)] // the models that other tests use
mod models;

use models::Linear;

nn_model! {
    /// Its products and its update are cut among threads.
    pub model Wide(x: [2]) -> y: [1] {
        h1 = relu(dense(x, 256));
        h2 = relu(dense(h1, 256));
        y = dense(h2, 1);
        loss mse(y, target);
    }
}

nn_model! {
    /// Straight-line code.
    pub model Small(x1, x2) -> y {
        param w1, w2, b;
        y = sigmoid(x1*w1 + x2*w2 + b);
    }

    /// Arrays of lanes.
    pub model Arrays(x: [2]) -> y: [3] {
        y = softmax(dense(tanh(dense(x, 8)), 3));
    }
}

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is handed to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations<R>(f: impl FnOnce() -> R) -> usize {
    let before = ALLOCATIONS.load(Relaxed);
    std::hint::black_box(f());
    ALLOCATIONS.load(Relaxed) - before
}

/// Whether there are runs that allocate nothing. A thread that steals work for the first time registers with the collector
/// of the queues, which on a busy machine may be late; what a step allocates, each run does.
#[cfg(feature = "rayon")]
fn is_free_of_allocations(mut run: impl FnMut()) -> bool {
    (0..20).any(|_| allocations(&mut run) == 0)
}

// One test: the counter sees every thread of the process.
#[test]
fn steps_allocate_nothing() {
    let inputs = Array2::from_shape_fn((1000, 2), |(i, j)| (i % 7) as f32 - j as f32);
    let data = Dataset::new(inputs, Array2::zeros((1000, 1))).unwrap();
    let batch: Batch<'_, f32> = data.batch();
    let mut model = Linear::<f32, false>::new(1);

    let sgd = Sgd::new(1e-3);
    let mut stepper = Stepper::new(&sgd, 1000);
    let adam = Adam::new(1e-3);
    let mut adam = Stepper::new(&adam, 1000);
    let clipped = Sgd::new(1e-3);
    let mut clipped = Stepper::new(&clipped, 1000).with_clip(Clip::Norm(1e-3));
    let mut gradients = Gradients::new(1000);
    assert_eq!(allocations(|| stepper.step(&mut model, &batch.slice(0..500))), 0);
    assert_eq!(allocations(|| adam.step(&mut model, &batch.slice(0..500))), 0);
    assert_eq!(allocations(|| clipped.step(&mut model, &batch.slice(0..500))), 0);
    assert_eq!(allocations(|| gradients.loss(&model, &batch)), 0);

    #[cfg(feature = "rayon")]
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let adam = Adam::new(1e-3);
            let (mut stepper, mut wide) = (Stepper::new(&adam, 1000), Wide::new(1));
            let mut steps = |count| {
                for _ in 0..count {
                    stepper.step(&mut wide, &batch);
                }
            };
            assert!(is_free_of_allocations(|| steps(50)), "{threads} threads");
        });
    }

    let wide = Wide::new(1);
    let mut outputs = vec![0.0; 1000];
    assert_eq!(allocations(|| wide.infer(&[0.5, -1.0])), 0);
    assert_eq!(allocations(|| Small::new(1).infer(0.5, -1.0)), 0);
    assert_eq!(allocations(|| Arrays::new(1).infer(&[0.5, -1.0])), 0);
    #[cfg(feature = "rayon")]
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut predictor = Predictor::new(1000);
            let mut predict = |count| {
                for _ in 0..count {
                    predictor.predict(&wide, &batch, &mut outputs);
                }
            };
            assert!(is_free_of_allocations(|| predict(50)), "{threads} threads");
        });
    }
    #[cfg(not(feature = "rayon"))]
    {
        let mut predictor = Predictor::new(1000);
        assert_eq!(allocations(|| predictor.predict(&wide, &batch, &mut outputs)), 0);
    }

    let mut fit = |epochs| {
        let trainer = Trainer::new(sgd).epochs(epochs).batch_size(64);
        allocations(|| trainer.fit(&mut model, &data, &data).unwrap())
    };
    fit(1);
    let few = fit(10);
    let many = fit(60);
    // The record grows, the list of epochs and the metrics of each, and each epoch has an order of rows.
    println!("{few} allocations in 10 epochs, {many} in 60");
    assert!(many - few <= 2 * 50 + 8, "{few} allocations in 10 epochs, {many} in 60");
}
