//! Training and prediction for as long as one likes: `cargo run --release -p nn-runtime --example soak -- 30`.
//!
//! So many minutes of trainings, each from new data, with checkpoints, files of models and predictions of several threads
//! beside them. Prints every ten seconds what is allocated between two trainings, to the byte, and the memory of the
//! process. Fails if the last third has more allocated than the second, or if the process has grown from one to the other.
//!
//! The first third is warm-up: every thread that allocates gets a pool of the allocator's own, of which glibc makes eight
//! for each core, and each of them keeps the pages that it needed at most.
#![allow(unsafe_code)] // an allocator that counts

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::process::ExitCode;
use std::sync::atomic::{AtomicIsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use ndarray::Array2;
use nn_runtime::prelude::*;

nn_model! {
    /// A network of which every step uses all kinds of memory.
    model Soaked(x: [16]) -> y: [4] {
        h = relu(dense(x, 64));
        y = softmax(dense(h, 4));
        loss cross_entropy(y, target);
    }
}

struct Counting;

/// Bytes that are allocated.
static ALLOCATED: AtomicIsize = AtomicIsize::new(0);

// SAFETY: every call is handed to the system's allocator as it came. What the trait does by default with these two
// (zeroed memory, other sizes) goes through them.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.fetch_add(layout.size() as isize, Relaxed);
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        ALLOCATED.fetch_sub(layout.size() as isize, Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Kilobytes that this process has in memory, where the system says so.
fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().strip_suffix(" kB")?.parse().ok()
}

/// Classes that are the signs of two sums.
fn data(round: usize) -> nn_runtime::Result<Dataset> {
    let inputs = Array2::from_shape_fn((2000, 16), |(i, j)| ((i * 16 + j + round) as f32 * 0.37).sin());
    let class = |row: ndarray::ArrayView1<'_, f32>| {
        usize::from(row[0] + row[1] > 0.0) + 2 * usize::from(row[2] - row[3] > 0.0)
    };
    let labels: Vec<usize> = inputs.rows().into_iter().map(class).collect();
    Dataset::with_classes(inputs, &labels, &["a", "b", "c", "d"])
}

fn round(number: usize, folder: &std::path::Path) -> nn_runtime::Result<f64> {
    let (train, valid) = data(number)?.split(0.8, number as u64);
    let mut model = Soaked::new(number as u64);
    let shared = model.clone();
    let history = std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..20).try_for_each(|_| shared.predict(valid.inputs()).map(drop)));
        }
        Trainer::new(Adam::new(0.01))
            .epochs(5)
            .batch_size(64)
            .seed(number as u64)
            .checkpoint(folder.join("checkpoint.safetensors"))
            .fit(&mut model, &train, &valid)
    })?;
    let path = folder.join("model.safetensors");
    model.save(&path)?;
    let loaded = Soaked::load(&path)?;
    Ok(f64::from(loaded.params_flat()[0]) + history.epochs().len() as f64)
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let minutes: f64 = std::env::args().nth(1).map_or(Ok(1.0), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let began = Instant::now();
    let (mut rounds, mut next) = (0, Duration::ZERO);
    // Room for more than a day, so that the curve is no part of what it shows.
    let mut curve: Vec<(isize, u64)> = Vec::with_capacity(10_000);
    while began.elapsed().as_secs_f64() < 60.0 * minutes {
        std::hint::black_box(round(rounds, folder.path())?);
        rounds += 1;
        if began.elapsed() >= next && curve.len() < curve.capacity() {
            next = began.elapsed() + Duration::from_secs(10);
            let point = (ALLOCATED.load(Relaxed), resident().unwrap_or(0));
            curve.push(point);
            let seconds = began.elapsed().as_secs_f64();
            println!("{seconds:6.0} s {rounds:7} trainings {:9} bytes {:8} kB", point.0, point.1);
        }
    }
    println!("{rounds} trainings");
    let third = curve.len() / 3;
    if third == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    let (second, last) = (&curve[third..curve.len() - third], &curve[curve.len() - third..]);
    let most = |part: &[(isize, u64)]| {
        (
            part.iter().map(|point| point.0).max().unwrap_or(0),
            part.iter().map(|point| point.1).max().unwrap_or(0),
        )
    };
    let ((bytes_before, before), (bytes, after)) = (most(second), most(last));
    println!("second third: {bytes_before} bytes, {before} kB at most; last: {bytes} bytes, {after} kB");
    // A round's own threads may still be on their way out; pages move by some.
    let grows = bytes > bytes_before + 4096 || after > before + before / 20;
    Ok(if grows { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
