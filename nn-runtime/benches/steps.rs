//! Time of one training step, one gradient, or one prediction of every workload, on one thread and on two.
//!
//! `cargo bench -p nn-runtime --bench steps -- jet` measures those whose name contains `jet`.

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use workloads::table::WORKLOADS;

#[allow(dead_code, unreachable_pub, reason = "shared with what uses other parts of it")]
mod workloads;

fn steps(criterion: &mut Criterion) {
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut group = criterion.benchmark_group(format!("{threads} threads"));
        for workload in WORKLOADS {
            group.throughput(Throughput::Elements(workload.batch as u64));
            group.bench_function(workload.name, |bencher| {
                let mut job = workloads::job(workload);
                // The loop is on the pool's side: entering a pool costs more than a small step.
                bencher.iter_custom(|count| {
                    pool.install(|| {
                        let start = Instant::now();
                        job.steps(count as usize);
                        start.elapsed()
                    })
                });
            });
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = steps
}
criterion_main!(benches);
