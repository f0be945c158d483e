//! Where one example in each lane stops to pay: `cargo bench -p nn-runtime --bench layouts`.
//!
//! Steps of networks of growing width, in the two layouts in turn. The rule in `nn-compiler/src/schedule/arrays.rs` has
//! its limits from here: a ratio above 1 says that lanes are faster.

use std::hint::black_box;
use std::time::{Duration, Instant};

use nn_runtime::model::Batch;
use nn_runtime::prelude::*;
use nn_runtime::{Predictor, Stepper};

/// Both layouts of `inputs`-`width`-`width`-`outputs`, tanh and squared error.
macro_rules! networks {
    ($($lanes:ident $tiles:ident [$inputs:tt $width:tt $outputs:tt])*) => {
        nn_model! {
            $(
                #[layout(lanes)]
                model $lanes(x: [$inputs]) -> y: [$outputs] {
                    h1 = tanh(dense(x, $width));
                    h2 = tanh(dense(h1, $width));
                    y = dense(h2, $outputs);
                    loss mse(y, target);
                }

                #[layout(tiles)]
                model $tiles(x: [$inputs]) -> y: [$outputs] {
                    h1 = tanh(dense(x, $width));
                    h2 = tanh(dense(h1, $width));
                    y = dense(h2, $outputs);
                    loss mse(y, target);
                }
            )*
        }

        fn main() {
            println!("{:>14} {:>7}  ratio of steps at 32, 256, 2048 rows; of predictions at 2048", "network", "params");
            $(compare::<$lanes, $tiles>(concat!($inputs, "-", $width, "-", $width, "-", $outputs));)*
        }
    };
}

networks! {
    L2x4 T2x4 [2 4 1]
    L4x8 T4x8 [4 8 3]
    L8x12 T8x12 [8 12 3]
    L16x16 T16x16 [16 16 4]
    L30x8 T30x8 [30 8 1]
    L60x8 T60x8 [60 8 1]
    L16x20 T16x20 [16 20 4]
    L24x24 T24x24 [24 24 8]
    L32x32 T32x32 [32 32 8]
    L4x40 T4x40 [4 40 4]
}

fn compare<L: Train<Scalar = f32>, T: Train<Scalar = f32>>(name: &str) {
    print!("{name:>14} {:>7} ", L::PARAM_COUNT);
    for rows in [32, 256, 2048] {
        let [lanes, tiles] = in_turn([&mut steps::<L>(rows), &mut steps::<T>(rows)]);
        print!(" {:.2}", tiles.as_secs_f64() / lanes.as_secs_f64());
    }
    let [lanes, tiles] = in_turn([&mut predictions::<L>(2048), &mut predictions::<T>(2048)]);
    println!("  {:.2}", tiles.as_secs_f64() / lanes.as_secs_f64());
}

/// The shortest time of each job over many short runs in turn.
fn in_turn(mut jobs: [&mut dyn FnMut(); 2]) -> [Duration; 2] {
    let mut best = [Duration::MAX; 2];
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(300) {
        for (job, best) in jobs.iter_mut().zip(&mut best) {
            let start = Instant::now();
            job();
            *best = start.elapsed().min(*best);
        }
    }
    best
}

/// Inputs and targets between -1 and 1.
fn data<M: Train<Scalar = f32>>(rows: usize) -> [Vec<f32>; 2] {
    [M::INPUT_LEN, M::TARGET_LEN]
        .map(|width| (0..rows * width).map(|i| (i * 37 % 101) as f32 / 50.0 - 1.0).collect())
}

fn steps<M: Train<Scalar = f32>>(rows: usize) -> impl FnMut() {
    let [inputs, targets] = data::<M>(rows);
    let sgd: &Sgd = Box::leak(Box::new(Sgd::new(1e-3)));
    let (mut model, mut stepper) = (M::new(1), Stepper::new(sgd, rows));
    move || {
        let batch = Batch::new(&inputs, M::INPUT_LEN, &targets, M::TARGET_LEN);
        black_box(stepper.step(&mut model, &batch));
    }
}

fn predictions<M: Train<Scalar = f32>>(rows: usize) -> impl FnMut() {
    let [inputs, _] = data::<M>(rows);
    let (model, mut predictor) = (M::new(1), Predictor::new(rows));
    let mut outputs = vec![0.0; rows * M::OUTPUT_LEN];
    move || predictor.predict(&model, &Batch::inputs(&inputs, M::INPUT_LEN), black_box(&mut outputs))
}
