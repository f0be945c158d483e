//! Networks of convolutions, timed like those of `peers/python/peer_images.py`: `peers/convolutions` runs both.
//!
//! `networks WORKLOAD [--threads N] [--seconds S] [--winograd]` prints one line of JSON. Nothing else is timed here.

use std::time::{Duration, Instant};

use nn_runtime::model::Batch;
use nn_runtime::prelude::*;
use nn_runtime::{Predictor, Stepper};

/// `GoogLeNet` as in the example of that name, with attributes.
macro_rules! googlenet {
    ($(#[$attribute:meta])* $Name:ident) => {
        nn_model! {
            $(#[$attribute])*
            model $Name(x: [3, 224, 224]) -> p: [1000] {
                s = stem(x);
                i3a = inception(s, 64, 96, 128, 16, 32, 32);
                i3b = inception(i3a, 128, 128, 192, 32, 96, 64);
                i4a = inception(max_pool2d(i3b, 3, stride = 2, ceil_mode = true), 192, 96, 208, 16, 48, 64);
                i4b = inception(i4a, 160, 112, 224, 24, 64, 64);
                i4c = inception(i4b, 128, 128, 256, 24, 64, 64);
                i4d = inception(i4c, 112, 144, 288, 32, 64, 64);
                i4e = inception(i4d, 256, 160, 320, 32, 128, 128);
                i5a = inception(max_pool2d(i4e, 3, stride = 2, ceil_mode = true), 256, 160, 320, 32, 128, 128);
                i5b = inception(i5a, 384, 192, 384, 48, 128, 128);
                linear = dense(dropout(global_avg_pool(i5b), 0.4), 1000);
                p = softmax(linear);
                aux1 = auxiliary(avg_pool2d(i4a, 5, stride = 3), 1000);
                aux2 = auxiliary(avg_pool2d(i4d, 5, stride = 3), 1000);
                loss cross_entropy(p, target)
                    + 0.3 * (cross_entropy(softmax(aux1), target) + cross_entropy(softmax(aux2), target));
            }

            /// All before the first module: from the image to 192 channels of an eighth of its height and width.
            fn stem(x) {
                c1 = relu(conv2d(x, 64, kernel = 7, stride = 2, padding = 3));
                n1 = local_response_norm(max_pool2d(c1, 3, stride = 2, ceil_mode = true), 5, alpha = 1e-4, beta = 0.75);
                reduce2 = relu(conv2d(n1, 64, kernel = 1));
                c2 = relu(conv2d(reduce2, 192, kernel = 3, padding = 1));
                n2 = local_response_norm(c2, 5, alpha = 1e-4, beta = 0.75);
                max_pool2d(n2, 3, stride = 2, ceil_mode = true)
            }

            /// Four ways side by side, whose channels are joined (Figure 2b): 1×1, 3×3 and 5×5 convolutions, the larger ones
            /// after a 1×1 one that reduces the channels, and a pooling with a 1×1 convolution after it.
            fn inception(x, wide1, narrow3, wide3, narrow5, wide5, pooled) {
                one = relu(conv2d(x, wide1, kernel = 1));
                reduce3 = relu(conv2d(x, narrow3, kernel = 1));
                three = relu(conv2d(reduce3, wide3, kernel = 3, padding = 1));
                reduce5 = relu(conv2d(x, narrow5, kernel = 1));
                five = relu(conv2d(reduce5, wide5, kernel = 5, padding = 2));
                pool = relu(conv2d(max_pool2d(x, 3, stride = 1, padding = 1), pooled, kernel = 1));
                concat(one, three, five, pool)
            }

            /// A classifier beside the network, which passes a gradient to its middle while it trains (section 5).
            fn auxiliary(x, classes) {
                c = relu(conv2d(x, 128, kernel = 1));
                h = dropout(relu(dense(flatten(c), 1024)), 0.7);
                linear = dense(h, classes);
                linear
            }
        }
    };
}

googlenet!(GoogLeNet);
googlenet!(
    #[winograd]
    QuickGoogLeNet
);

nn_model! {
    /// `LeNet-5` with rectified units and the largest of each window.
    model LeNet(x: [1, 28, 28]) -> p: [10] {
        c1 = max_pool2d(relu(conv2d(x, 6, kernel = 5, padding = 2)), 2);
        c2 = max_pool2d(relu(conv2d(c1, 16, kernel = 5)), 2);
        h1 = relu(dense(flatten(c2), 120));
        h2 = relu(dense(h1, 84));
        p = softmax(dense(h2, 10));
        loss cross_entropy(p, target);
    }
}

/// Microseconds of calls in ascending order, after a third of the time to warm up.
fn measure(time: Duration, mut job: impl FnMut()) -> Vec<f64> {
    let start = Instant::now();
    job();
    while start.elapsed() < time / 3 {
        job();
    }
    let (start, mut times) = (Instant::now(), Vec::new());
    while start.elapsed() < time || times.len() < 3 {
        let start = Instant::now();
        job();
        times.push(start.elapsed().as_secs_f64() * 1e6);
    }
    times.sort_by(f64::total_cmp);
    times
}

/// Numbers between -1 and 1.
fn numbers(len: usize) -> Vec<f32> {
    (0..len).map(|i| (i * 7919 % 1009) as f32 / 504.5 - 1.0).collect()
}

fn forward<M: Model<Scalar = f32>>(time: Duration) -> Vec<f64> {
    let (model, x) = (M::new(7), numbers(M::INPUT_LEN));
    let mut predictor = Predictor::<M>::new(1);
    let mut p = vec![0.0; M::OUTPUT_LEN];
    measure(time, || predictor.predict(&model, &Batch::inputs(&x, M::INPUT_LEN), &mut p))
}

fn train<M: Train<Scalar = f32>>(rows: usize, classes: usize, time: Duration) -> Vec<f64> {
    let (mut model, x) = (M::new(7), numbers(rows * M::INPUT_LEN));
    let targets: Vec<f32> = (0..rows).map(|row| (row * 7 % classes) as f32).collect();
    let descent = Sgd::new(1e-3).momentum(0.9);
    let mut stepper = Stepper::new(&descent, rows);
    measure(time, || {
        stepper.step(&mut model, &Batch::new(&x, M::INPUT_LEN, &targets, 1));
    })
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let after = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)?.parse::<f64>().ok()
    };
    let threads = after("--threads").unwrap_or(1.0) as usize;
    let time = Duration::from_secs_f64(after("--seconds").unwrap_or(3.0));
    let winograd = arguments.iter().any(|argument| argument == "--winograd");
    let workload = arguments.first().map_or("", String::as_str);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
    let times = pool.install(|| match (workload, winograd) {
        ("googlenet_infer1", false) => forward::<GoogLeNet>(time),
        ("googlenet_infer1", true) => forward::<QuickGoogLeNet>(time),
        ("googlenet_train8", false) => train::<GoogLeNet>(8, 1000, time),
        ("googlenet_train8", true) => train::<QuickGoogLeNet>(8, 1000, time),
        ("lenet_train64", _) => train::<LeNet>(64, 10, time),
        _ => {
            eprintln!("networks googlenet_infer1|googlenet_train8|lenet_train64 [--threads N] [--seconds S] [--winograd]");
            std::process::exit(2);
        }
    });
    println!(
        "{{\"peer\": \"ours\", \"workload\": \"{workload}\", \"threads\": {threads}, \"version\": \"{}\", \"notes\": \"\", \
         \"median_us\": {}, \"p10_us\": {}, \"min_us\": {}}}",
        env!("CARGO_PKG_VERSION"),
        times[times.len() / 2],
        times[times.len() / 10],
        times[0]
    );
}
