//! Damaged files for as long as one likes: `cargo run -p nn-runtime --example fuzz_files --features npy,parquet -- 3600`.
//!
//! Every reader gets files with bits, numbers and pieces changed, for so many seconds (and from another seed, if a second
//! number is given). Each has to answer with a value or a typed error, and no memory for what a header only claims. A
//! panic or a jump of memory ends the run; the file is kept and named.

mod readers;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, fs};

/// Kilobytes of address space that this process has ever had, where the system says so.
fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmPeak:"))?.trim().strip_suffix(" kB")?.parse().ok()
}

/// More than any reader needs for a file of some kilobytes.
const MOST_MEMORY: u64 = 2 << 20;

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let numbers: Vec<u64> = env::args().skip(1).map(|text| text.parse()).collect::<Result<_, _>>()?;
    let (seconds, mut state) = (numbers.first().copied().unwrap_or(60), numbers.get(1).copied().unwrap_or(1));
    let folder = tempfile::tempdir()?;
    let formats = readers::formats(folder.path())?;
    let path = folder.path().join("damaged");
    // Panics inside of a library that are answered by an error would fill the terminal; others end the run.
    std::panic::set_hook(Box::new(|_| {}));
    let began = Instant::now();
    let mut reported = began;
    let mut counts: BTreeMap<(&str, bool), u64> = BTreeMap::new();
    // Threads and the first reads have their share.
    let start = peak();
    while began.elapsed() < Duration::from_secs(seconds) {
        for format in &formats {
            let case = state;
            let mut choose = |below: usize| {
                // The upper half of a linear congruential generator.
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                ((u128::from(state >> 32) * below as u128) >> 32) as usize
            };
            let bytes = readers::damage(&format.samples, &mut choose);
            fs::write(&path, &bytes)?;
            let outcome =
                catch_unwind(AssertUnwindSafe(|| (format.read)(&path).map_err(|error| error.to_string())));
            let grown = peak().zip(start).is_some_and(|(now, start)| now > start + MOST_MEMORY);
            match outcome {
                Ok(result) if !grown => *counts.entry((format.name, result.is_ok())).or_default() += 1,
                outcome => {
                    let what = if outcome.is_err() { "a panic" } else { "too much memory" };
                    let kept = env::temp_dir().join(format!("nn-fuzz-{}-{case}", format.name));
                    fs::write(&kept, &bytes)?;
                    println!("{what}: {}", kept.display());
                    return Ok(ExitCode::FAILURE);
                }
            }
        }
        if reported.elapsed() > Duration::from_mins(1) {
            reported = Instant::now();
            println!("{:.0} s, {} files", began.elapsed().as_secs_f64(), counts.values().sum::<u64>());
        }
    }
    for ((name, good), count) in &counts {
        println!("{name:10} {} {count}", if *good { "read   " } else { "refused" });
    }
    println!("{} files in {:.0} s", counts.values().sum::<u64>(), began.elapsed().as_secs_f64());
    Ok(ExitCode::SUCCESS)
}
