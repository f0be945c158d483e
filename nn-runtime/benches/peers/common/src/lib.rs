//! What every Rust peer shares: arguments, timing, and the line of json that is all its output.
//!
//! The workloads are those of the benches, so that data and initial weights are the same.

use std::time::Instant;

#[allow(dead_code, reason = "no peer needs all of it")]
#[path = "../../../workloads/table.rs"]
mod table;

pub use table::{Activation, CHECK_STEPS, Loss, Optimizer, Task, Workload};

/// A run: `PEER WORKLOAD [--threads N] [--seconds S]`.
pub struct Run {
    pub peer: &'static str,
    pub version: String,
    pub workload: &'static Workload,
    pub threads: usize,
    seconds: f64,
}

/// What was measured, in microseconds per step.
struct Times {
    median: f64,
    least: f64,
    tenth: f64,
}

impl Run {
    /// Reads the arguments, pins the process to N processors, and tells rayon how many threads to start. Call it
    /// before anything starts a thread.
    pub fn new(peer: &'static str, version: &str) -> Self {
        let args: Vec<String> = std::env::args().skip(1).collect();
        let number = |option: &str, default: f64| {
            args.iter()
                .position(|arg| arg == option)
                .map_or(default, |i| args[i + 1].parse().expect("a number"))
        };
        let name = args.first().map_or("", String::as_str);
        let workload = Workload::named(name).unwrap_or_else(|| panic!("no workload is called `{name}`"));
        let threads = number("--threads", 1.0) as usize;
        pin(threads);
        // SAFETY: there is no other thread yet.
        unsafe { std::env::set_var("RAYON_NUM_THREADS", threads.to_string()) };
        Self { peer, version: version.to_owned(), workload, threads, seconds: number("--seconds", 3.0) }
    }

    /// Times `epochs`, which is given a number of passes over the data, and prints the result.
    ///
    /// `check` is what has to agree between peers: the loss of the first batch after [`CHECK_STEPS`] steps, or the
    /// first row's largest output.
    pub fn report(&self, check: f64, notes: &str, epochs: impl FnMut(usize)) {
        let steps = if matches!(self.workload.task, Task::Train(..)) { self.workload.steps() } else { 1 };
        let Times { median, least, tenth } = measure(epochs, steps, self.seconds);
        println!(
            "{{{}, \"version\": \"{}\", \"median_us\": {median:.5}, \"min_us\": {least:.5}, \"p10_us\": {tenth:.5}, \
             \"check\": {check:.7}, \"notes\": \"{notes}\"}}",
            self.head(),
            self.version,
        );
    }

    /// Says why there is nothing to time, and ends the process.
    pub fn skip(&self, why: &str) -> ! {
        println!("{{{}, \"skipped\": \"{why}\"}}", self.head());
        std::process::exit(0)
    }

    fn head(&self) -> String {
        let Self { peer, workload, threads, .. } = self;
        format!("\"peer\": \"{peer}\", \"workload\": \"{}\", \"threads\": {threads}", workload.name)
    }
}

/// Leaves the process the last `threads` of its processors.
#[cfg(target_os = "linux")]
pub fn pin(threads: usize) {
    // SAFETY: a set of processors is plain bits, and both calls are given its size.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::sched_getaffinity(0, size_of_val(&set), &mut set);
        let all: Vec<usize> = (0..libc::CPU_SETSIZE as usize).filter(|&i| libc::CPU_ISSET(i, &set)).collect();
        libc::CPU_ZERO(&mut set);
        for &i in &all[all.len().saturating_sub(threads)..] {
            libc::CPU_SET(i, &mut set);
        }
        libc::sched_setaffinity(0, size_of_val(&set), &set);
    }
}

/// Elsewhere the system decides.
#[cfg(not(target_os = "linux"))]
pub fn pin(_: usize) {}

/// Times groups of epochs that last at least 200 µs, so that reading the clock costs nothing.
fn measure(mut epochs: impl FnMut(usize), steps: usize, seconds: f64) -> Times {
    let (start, warm) = (Instant::now(), (seconds / 3.0).min(1.0));
    let (mut runs, mut last) = (0, 0.0);
    while start.elapsed().as_secs_f64() < warm || runs < 2 {
        let one = Instant::now();
        epochs(1);
        last = one.elapsed().as_secs_f64();
        runs += 1;
    }
    let group = (200e-6 / f64::max(last, 1e-8)) as usize + 1;
    let (mut times, start) = (Vec::new(), Instant::now());
    while start.elapsed().as_secs_f64() < seconds || times.len() < 3 {
        let one = Instant::now();
        epochs(group);
        times.push(one.elapsed().as_secs_f64() / (group * steps) as f64 * 1e6);
    }
    times.sort_by(f64::total_cmp);
    Times { median: times[times.len() / 2], least: times[0], tenth: times[times.len() / 10] }
}
