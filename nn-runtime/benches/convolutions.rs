//! The convolutions of `GoogLeNet`: `cargo bench -p nn-runtime --bench convolutions`.
//!
//! The ten largest of the 57 layers (Szegedy et al., Going Deeper with Convolutions, 2014, Table 1), forward and both
//! adjoints, for batches of one and eight, on one thread and two; then the sums over all layers. Beside every figure
//! stands its share of the peak of fused multiply-adds in registers, which is measured in the same moments on as many
//! threads; of Winograd's algorithm, the share that plain products would need. Arguments choose layers by parts of their names (`-- 3x3`), or `sums` alone.

use std::hint::black_box;
use std::time::{Duration, Instant};

use nn_runtime::dispatch;
use nn_runtime::kernels::{
    Activation, AlignedVec, ConvolutionSizes, Lanes, Level, convolve, convolve_input, convolve_weight_sum,
    convolve_winograd, level, tile_len,
};
use rayon::ThreadPool;

/// A convolution: its name, channels and side of the image, units, side and stride of the window. Padded by half.
#[derive(Clone)]
struct Layer {
    name: String,
    channels: usize,
    side: usize,
    units: usize,
    kernel: usize,
    stride: usize,
}

/// Of each module: side, channels; units of 1x1, of 3x3 with what reduces before, of 5x5 likewise, after the pooling.
const MODULES: [(&str, usize, usize, [usize; 6]); 9] = [
    ("3a", 28, 192, [64, 96, 128, 16, 32, 32]),
    ("3b", 28, 256, [128, 128, 192, 32, 96, 64]),
    ("4a", 14, 480, [192, 96, 208, 16, 48, 64]),
    ("4b", 14, 512, [160, 112, 224, 24, 64, 64]),
    ("4c", 14, 512, [128, 128, 256, 24, 64, 64]),
    ("4d", 14, 512, [112, 144, 288, 32, 64, 64]),
    ("4e", 14, 528, [256, 160, 320, 32, 128, 128]),
    ("5a", 7, 832, [256, 160, 320, 32, 128, 128]),
    ("5b", 7, 832, [384, 192, 384, 48, 128, 128]),
];

fn layers() -> Vec<Layer> {
    let layer = |name: String, side, channels, units, kernel, stride| Layer {
        name,
        channels,
        side,
        units,
        kernel,
        stride,
    };
    let mut layers = vec![
        layer("1 7x7".into(), 224, 3, 64, 7, 2),
        layer("2 1x1".into(), 56, 64, 64, 1, 1),
        layer("2 3x3".into(), 56, 64, 192, 3, 1),
    ];
    for (name, side, channels, units) in MODULES {
        let [plain, reduced3, window3, reduced5, window5, pooled] = units;
        for (what, channels, units, kernel) in [
            ("1x1", channels, plain, 1),
            ("3x3 reduced", channels, reduced3, 1),
            ("3x3", reduced3, window3, 3),
            ("5x5 reduced", channels, reduced5, 1),
            ("5x5", reduced5, window5, 5),
            ("pooled", channels, pooled, 1),
        ] {
            layers.push(layer(format!("{name} {what}"), side, channels, units, kernel, 1));
        }
    }
    layers
}

impl Layer {
    fn output(&self) -> usize {
        (self.side - 1) / self.stride + 1
    }

    fn sizes(&self) -> ConvolutionSizes {
        let (side, out, k, s, pad) = (self.side, self.output(), self.kernel, self.stride, self.kernel / 2);
        [self.channels, side, side, self.units, out, out, k, k, s, s, pad, pad, 1, 1, 1]
    }

    fn image(&self) -> usize {
        self.channels * self.side * self.side
    }

    fn result(&self) -> usize {
        self.units * self.output() * self.output()
    }

    fn weight(&self) -> usize {
        self.units * self.channels * self.kernel * self.kernel
    }

    /// Operations of one example: two for each product.
    fn flops(&self) -> f64 {
        2.0 * (self.output() * self.output() * self.weight()) as f64
    }
}

/// Numbers between -1 and 1.
fn numbers(len: usize, seed: usize) -> AlignedVec<f32> {
    let mut numbers = AlignedVec::zeroed(len);
    for (i, x) in numbers.iter_mut().enumerate() {
        *x = ((i + seed) * 7919 % 1009) as f32 / 504.5 - 1.0;
    }
    numbers
}

/// Operations per nanosecond of multiply-adds in registers, on this thread.
fn spin() -> f64 {
    match level() {
        Level::Avx512(_) => sums_of::<24>(),
        // Half the registers, and a line takes at least two of them.
        _ => sums_of::<6>(),
    }
}

/// The same with so many sums, which have to hide the latency and to fit the registers.
fn sums_of<const N: usize>() -> f64 {
    const ROUNDS: usize = 4000;
    let factors = black_box([0.999_f32, 0.001]);
    let start = Instant::now();
    let total = dispatch!(s => {
        let [a, b] = factors.map(|x| Lanes::splat(s, x));
        let mut sums = [b; N];
        for _ in 0..ROUNDS {
            // Plain indices let the compiler keep the sums in registers.
            #[allow(clippy::needless_range_loop)]
            for i in 0..N {
                sums[i] = sums[i] * a + b;
            }
        }
        sums.into_iter().map(Lanes::sum).sum::<f32>()
    });
    black_box(total);
    (ROUNDS * N * 2 * 16) as f64 / start.elapsed().as_nanos() as f64
}

/// Operations per nanosecond of multiply-adds in registers, on all threads of the pool together.
fn peak(pool: &ThreadPool) -> f64 {
    pool.broadcast(|_| spin()).into_iter().sum()
}

/// The shortest time of a job, in nanoseconds, and the highest peak in the same moments.
fn measure(pool: &ThreadPool, time: Duration, job: &mut (dyn FnMut() + Send)) -> (f64, f64) {
    let (mut best, mut highest) = (f64::MAX, 0.0_f64);
    let start = Instant::now();
    let mut rounds = 0;
    while rounds < 3 || start.elapsed() < time {
        let of_job = pool.install(|| {
            let start = Instant::now();
            job();
            start.elapsed().as_nanos() as f64
        });
        best = best.min(of_job);
        highest = (0..3).map(|_| peak(pool)).fold(highest, f64::max);
        rounds += 1;
    }
    (best, highest)
}

/// Nanoseconds of forward, input adjoint, weight adjoint and forward by Winograd, with the peak beside each.
fn times(layer: &Layer, rows: usize, pool: &ThreadPool, time: Duration) -> [(f64, f64); 4] {
    let sizes = layer.sizes();
    let (x, d) =
        (numbers(tile_len::<f32>(rows, layer.image()), 1), numbers(tile_len::<f32>(rows, layer.result()), 2));
    let w = numbers(layer.weight(), 3);
    let (mut y, mut dx, mut dw) = (d.clone(), x.clone(), w.clone());
    [
        measure(pool, time, &mut || convolve(rows, sizes, &x, &w, None, Activation::Linear, &mut y)),
        measure(pool, time, &mut || convolve_input(rows, sizes, &d, &w, &mut dx)),
        measure(pool, time, &mut || convolve_weight_sum(rows, sizes, &x, &d, &mut dw)),
        measure(pool, time, &mut || convolve_winograd(rows, sizes, &x, &w, None, Activation::Linear, &mut y)),
    ]
}

fn main() {
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let only_sums = wanted.iter().any(|name| name == "sums");
    let chosen =
        |layer: &&Layer| wanted.is_empty() || wanted.iter().any(|name| layer.name.contains(name.as_str()));
    let all = layers();
    let mut largest = all.clone();
    largest.sort_by(|a, b| b.flops().total_cmp(&a.flops()));
    largest.truncate(10);
    println!(
        "level {}; peak of this thread {:.0}; GFLOP/s and share of the peak",
        level().name(),
        (0..1000).map(|_| spin()).fold(0.0, f64::max)
    );
    println!(
        "{:>16} {:>5} {:>7} {:>15} {:>15} {:>15}",
        "layer", "batch", "threads", "forward", "input", "weight"
    );
    let configurations = [(1, 1), (1, 2), (8, 1), (8, 2)];
    let pools =
        [1, 2].map(|threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool"));
    for layer in largest.iter().filter(chosen).filter(|_| !only_sums) {
        for (rows, threads) in configurations {
            print!("{:>16} {rows:>5} {threads:>7}", layer.name);
            for (best, peak) in times(layer, rows, &pools[threads - 1], Duration::from_millis(100)) {
                let rate = layer.flops() * rows as f64 / best;
                print!(" {rate:>8.1} {:>4.0} %", 100.0 * rate / peak);
            }
            println!();
        }
    }
    if !wanted.is_empty() && !only_sums {
        return;
    }
    println!("all {} layers: milliseconds and share of the peak", all.len());
    for (rows, threads) in configurations {
        print!("{:>16} {rows:>5} {threads:>7}", "sum");
        let mut sums = [(0.0, 0.0); 4];
        for layer in &all {
            let found = times(layer, rows, &pools[threads - 1], Duration::from_millis(20));
            for (sum, (best, peak)) in sums.iter_mut().zip(found) {
                sum.0 += best;
                sum.1 += layer.flops() * rows as f64 / peak;
            }
        }
        for (time, at_peak) in sums {
            print!(" {:>8.2} {:>4.0} %", time / 1e6, 100.0 * at_peak / time);
        }
        println!();
    }
}
