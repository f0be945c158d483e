//! What a second thread costs on a loaded machine: `cargo bench -p nn-runtime --bench loaded`.
//!
//! Two busy processes run beside training on one thread and on two, in turn. Work is handed out by stealing, and a
//! thread that has no processor takes none: two threads may need at most 1.3 times the time of one. Fails if they do.

use std::process::{Child, Command, ExitCode};
use std::time::{Duration, Instant};

use nn_runtime::model::Batch;
use nn_runtime::prelude::*;
use nn_runtime::{Optimizer, Stepper};

nn_model! {
    /// Its products are cut among the threads.
    pub model Digits(x: [784]) -> y: [10] {
        h1 = relu(dense(x, 128));
        y = softmax(dense(h1, 10));
        loss cross_entropy(y, target);
    }

    /// Its batches are cut.
    pub model Jet(x: [16]) -> y: [5] {
        h1 = relu(dense(x, 64));
        h2 = relu(dense(h1, 32));
        h3 = relu(dense(h2, 32));
        y = softmax(dense(h3, 5));
        loss cross_entropy(y, target);
    }
}

/// Most time of two threads for that of one.
const BOUND: f64 = 1.3;
const ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_millis(400);

/// A process that does nothing but be busy, until it is dropped.
struct Busy(Child);

impl Busy {
    fn start() -> Self {
        let program = std::env::current_exe().expect("the path of this program");
        Self(Command::new(program).arg("busy").spawn().expect("a busy process"))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Microseconds of a step, over a round.
fn round<M: Train<Scalar = f32>, O: Optimizer<f32>>(
    stepper: &mut Stepper<'_, M, O>,
    model: &mut M,
    batch: &Batch<'_, f32>,
) -> f64 {
    let start = Instant::now();
    let mut steps = 0;
    while start.elapsed() < ROUND {
        for _ in 0..10 {
            stepper.step(model, batch);
        }
        steps += 10;
    }
    start.elapsed().as_secs_f64() * 1e6 / f64::from(steps)
}

/// Prints the medians of one thread and of two, and returns their ratio.
fn compare<M: Train<Scalar = f32>>(rows: usize, classes: usize) -> f64 {
    let inputs: Vec<f32> = (0..rows * M::INPUT_LEN).map(|i| (i % 17) as f32 / 17.0).collect();
    let targets: Vec<f32> = (0..rows).map(|i| (i % classes) as f32).collect();
    let batch = Batch::new(&inputs, M::INPUT_LEN, &targets, 1);
    let adam = Adam::new(1e-3);
    let mut times = [const { Vec::new() }; 2];
    let pools =
        [1, 2].map(|threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool"));
    for _ in 0..ROUNDS {
        for (pool, times) in pools.iter().zip(&mut times) {
            let mut model = M::new(1);
            let mut stepper = Stepper::new(&adam, rows);
            times.push(pool.install(|| round(&mut stepper, &mut model, &batch)));
        }
    }
    let [one, two] = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[ROUNDS / 2]
    });
    println!("{:8} {rows:5} rows: {one:8.1} µs on one thread, {two:8.1} µs on two", M::NAME);
    two / one
}

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "busy") {
        loop {
            std::hint::spin_loop();
        }
    }
    let busy = [Busy::start(), Busy::start()];
    let ratios = [compare::<Digits>(64, 10), compare::<Jet>(128, 5), compare::<Jet>(1024, 5)];
    drop(busy);
    let worst = ratios.into_iter().fold(0.0, f64::max);
    println!("at worst {worst:.2} times the time of one thread");
    if worst <= BOUND { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
