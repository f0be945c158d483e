//! This project: `nn_model!`, a stepper, and the same loop as everyone else's.

use common::{CHECK_STEPS, Run, Task};

#[allow(dead_code, reason = "shared with the benches")]
#[path = "../../../workloads/mod.rs"]
mod workloads;

fn main() {
    let run = Run::new("ours", env!("CARGO_PKG_VERSION"));
    let workload = workloads::table::Workload::named(run.workload.name).unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(run.threads).build().unwrap();
    // All of it on the pool's side: entering a pool costs more than a small step.
    pool.install(|| {
        let mut job = workloads::job(workload);
        if matches!(run.workload.task, Task::Train(..)) {
            job.steps(CHECK_STEPS);
        }
        let check = job.check();
        run.report(check, "", |count| job.epochs(count));
    });
}
