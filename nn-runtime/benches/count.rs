//! Runs a few steps of one workload: what the script `counts` gives to Valgrind.
//!
//! `count WORKLOAD STEPS` runs at the AVX2 level at most, because Valgrind knows no AVX-512.

use nn_runtime::kernels::{Level, with_level};
use workloads::table::{WORKLOADS, Workload};

#[allow(dead_code, unreachable_pub, reason = "shared with what uses other parts of it")]
mod workloads;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [name, steps] = &args[..] else {
        for workload in WORKLOADS {
            println!("{}", workload.name);
        }
        return;
    };
    let workload = Workload::named(name).expect("the name of a workload");
    let steps = steps.parse().expect("a number of steps");
    let level = Level::available().filter(|level| level.name() != "avx512").last();
    // A level holds for one thread: a pool of one keeps all the work there.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| {
        with_level(level.unwrap_or_else(Level::baseline), || workloads::job(workload).steps(steps));
    });
}
