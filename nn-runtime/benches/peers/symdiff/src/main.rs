//! symdiff: an attribute derives the gradient of one example when it compiles, in double precision alone. The loop over
//! the batch and the descent are written here.

use common::{CHECK_STEPS, Run, Task};
use symdiff::gradient;

#[gradient(var = w, dim = 3)]
fn logistic(w: &[f64], x: &[f64]) -> f64 {
    let z = w[0] * x[0] + w[1] * x[1] + w[2];
    (1.0 + (-z).exp()).ln() + (1.0 - x[2]) * z
}

#[gradient(var = w, dim = 17)]
fn linear(w: &[f64], x: &[f64]) -> f64 {
    let d = w[0] * x[0]
        + w[1] * x[1]
        + w[2] * x[2]
        + w[3] * x[3]
        + w[4] * x[4]
        + w[5] * x[5]
        + w[6] * x[6]
        + w[7] * x[7]
        + w[8] * x[8]
        + w[9] * x[9]
        + w[10] * x[10]
        + w[11] * x[11]
        + w[12] * x[12]
        + w[13] * x[13]
        + w[14] * x[14]
        + w[15] * x[15]
        + w[16]
        - x[16];
    d.powi(2)
}

type OfOneExample<T> = fn(&[f64], &[f64]) -> T;

fn train<const P: usize>(run: &Run, loss: OfOneExample<f64>, gradient: impl Fn(&[f64], &[f64]) -> [f64; P]) {
    let workload = run.workload;
    let Task::Train(_, rate) = workload.task else { run.skip("trains only") };
    let width = workload.features() + 1;
    let (x, y) = workload.data();
    // Each row is its features, then its target.
    let rows = x.chunks(width - 1).zip(&y);
    let rows: Vec<f64> = rows.flat_map(|(x, y)| x.iter().chain([y]).map(|&v| f64::from(v))).collect();
    let batches: Vec<&[f64]> = rows.chunks(workload.batch * width).collect();
    let mut params = [0.0; P];
    for (param, &weight) in params.iter_mut().zip(&workload.weights()[0].2) {
        *param = f64::from(weight);
    }
    let step = |params: &mut [f64; P], batch: &[f64]| {
        let (mut sums, mut total) = ([0.0; P], 0.0);
        for row in batch.chunks_exact(width) {
            total += loss(params, row);
            for (sum, d) in sums.iter_mut().zip(gradient(params, row)) {
                *sum += d;
            }
        }
        for (param, sum) in params.iter_mut().zip(sums) {
            *param -= rate / workload.batch as f64 * sum;
        }
        std::hint::black_box(total);
    };
    for i in 0..CHECK_STEPS {
        step(&mut params, batches[i % batches.len()]);
    }
    let check = batches[0].chunks(width).map(|row| loss(&params, row)).sum::<f64>() / workload.batch as f64;
    run.report(check, "f64; loop over the batch and SGD by hand", |count| {
        for _ in 0..count {
            for batch in &batches {
                step(&mut params, batch);
            }
        }
    });
}

fn main() {
    let run = Run::new("symdiff", "2.1.0");
    if run.threads > 1 {
        run.skip("has one thread")
    }
    match run.workload.name {
        "logreg2" | "logreg2_full" => train::<3>(&run, logistic, logistic_gradient),
        "linreg16" => train::<17>(&run, linear, linear_gradient),
        _ => run.skip("differentiates scalar formulas of indexed variables, without tanh or max"),
    }
}
