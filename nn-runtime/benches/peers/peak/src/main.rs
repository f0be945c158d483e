//! The most that this processor's arithmetic can do: independent fused multiply-adds in registers, in GFLOP/s.
//!
//! `peer-peak [--threads N]` prints one number, of the widest vectors that the processor has.

use std::hint::black_box;
use std::time::Instant;

/// Enough sums at once that none waits for its predecessor: a latency of 4 and two units.
#[cfg(target_arch = "x86_64")]
const CHAINS: usize = 12;

#[cfg(target_arch = "x86_64")]
macro_rules! peak {
    ($name:ident, $features:literal, $lanes:literal, $set:ident, $fma:ident, $store:ident) => {
        #[target_feature(enable = $features)]
        fn $name(rounds: u64) -> f32 {
            use std::arch::x86_64::*;
            let (factor, addend) = ($set(black_box(0.999_999)), $set(black_box(1e-7)));
            let mut sums = [$set(1.0); CHAINS];
            for _ in 0..rounds {
                for sum in &mut sums {
                    *sum = $fma(*sum, factor, addend);
                }
            }
            let mut out = [0.0; CHAINS * $lanes];
            for (out, sum) in out.chunks_exact_mut($lanes).zip(sums) {
                // SAFETY: the chunk has room for all lanes.
                unsafe { $store(out.as_mut_ptr(), sum) };
            }
            out.iter().sum()
        }
    };
}

#[cfg(target_arch = "x86_64")]
peak!(avx2, "avx2,fma", 8, _mm256_set1_ps, _mm256_fmadd_ps, _mm256_storeu_ps);
#[cfg(target_arch = "x86_64")]
peak!(avx512, "avx512f", 16, _mm512_set1_ps, _mm512_fmadd_ps, _mm512_storeu_ps);

/// The name of the vectors, their operations a round, and how to run so many rounds.
#[cfg(target_arch = "x86_64")]
fn widest() -> Option<(&'static str, f64, fn(u64) -> f32)> {
    if is_x86_feature_detected!("avx512f") {
        // SAFETY: the processor has just said so.
        return Some(("AVX-512", (CHAINS * 32) as f64, |rounds| unsafe { avx512(rounds) }));
    }
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        // SAFETY: the processor has just said so.
        return Some(("AVX2", (CHAINS * 16) as f64, |rounds| unsafe { avx2(rounds) }));
    }
    None
}

#[cfg(not(target_arch = "x86_64"))]
fn widest() -> Option<(&'static str, f64, fn(u64) -> f32)> {
    None
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let threads = args.iter().position(|arg| arg == "--threads").map_or(1, |i| args[i + 1].parse().unwrap());
    common::pin(threads);
    let Some((vectors, flops, run)) = widest() else {
        println!("{{\"skipped\": \"written for x86-64 with fused multiply-adds only\"}}");
        return;
    };
    // A millisecond or so: short enough to be undisturbed now and then on a busy machine.
    let rounds = 400_000;
    let mut best = f64::MAX;
    for _ in 0..300 {
        let start = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| black_box(run(rounds)));
            }
        });
        best = best.min(start.elapsed().as_secs_f64());
    }
    let gflops = flops * rounds as f64 * threads as f64 / best / 1e9;
    println!("{{\"vectors\": \"{vectors}\", \"threads\": {threads}, \"gflops\": {gflops:.1}}}");
}
