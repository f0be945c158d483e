//! Logits as extreme as they come, against references in double precision; and what the SIMD levels have in common.
#![cfg(feature = "train")]

use ndarray::Array2;
use nn_runtime::dispatch;
use nn_runtime::kernels::{
    Lanes, Level, Real, cos, erf, exp, log, log_softmax, logsumexp, sigmoid, sin, softmax,
    softmax_cross_entropy, softplus, sqrt, stride, tanh, tile_len, with_level,
};
use nn_runtime::prelude::*;

nn_model! {
    /// Products, a softmax, and everything that a step needs.
    model Classes(x: [16]) -> y: [5] {
        h = relu(dense(x, 33));
        y = softmax(dense(tanh(h), 5));
        loss cross_entropy(y, target);
    }

    /// Windows.
    model Picture(x: [1, 6, 7]) -> y: [3] {
        y = dense(flatten(max_pool2d(relu(conv2d(x, 5, kernel = 3)), 2)), 3);
        loss mse(y, target);
    }
}

/// The logit of a class, of so many classes.
type Logit = fn(usize, usize) -> f64;

/// Logits of a row, by the number of classes.
const LOGITS: [(&str, Logit); 9] = [
    ("equal", |_, _| 3.25),
    ("equal and large", |_, _| -1e4),
    ("±1e4", |i, _| if i % 2 == 0 { 1e4 } else { -1e4 }),
    ("±88", |i, _| if i % 3 == 0 { 88.0 } else { -88.0 }),
    ("one hot", |i, n| if i == n / 2 { 1e4 } else { 0.0 }),
    ("one cold", |i, _| if i == 0 { -1e4 } else { 0.0 }),
    ("descending", |i, _| -(i as f64) * 7.5),
    ("some of no probability", |i, _| if i % 2 == 1 { f64::NEG_INFINITY } else { i as f64 * 0.25 }),
    ("all but one of no probability", |i, n| if i + 1 == n { 0.5 } else { f64::NEG_INFINITY }),
];

/// The logarithms of the probabilities: what is shifted is exact here, the sum is positive and well-conditioned.
fn reference(logits: &[f64]) -> (f64, Vec<f64>) {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total = logits.iter().map(|x| (x - largest).exp()).sum::<f64>().ln();
    (largest + total, logits.iter().map(|x| x - largest - total).collect())
}

/// Within so many roundings, relative to the result but at least to `least`.
#[track_caller]
fn close<T: Real>(found: T, expected: f64, roundings: f64, least: f64, what: &str) {
    let found = found.to_f64();
    let bound = roundings * T::EPSILON.to_f64() * expected.abs().max(least);
    assert!(found == expected || (found - expected).abs() <= bound, "{what}: {found:e}, not {expected:e}");
}

fn extreme<T: Real>() {
    for level in Level::available() {
        for (name, logit) in LOGITS {
            for classes in [1, 2, 5, 7, 16, 17, 40, 65] {
                let rows = 3;
                let what = format!("{name}, {classes} classes, {} at {level:?}", std::any::type_name::<T>());
                let logits: Vec<f64> =
                    (0..classes).map(|i| T::from_f64(logit(i, classes)).to_f64()).collect();
                let (total, expected) = reference(&logits);
                let wide = stride::<T>(classes);
                let mut x = vec![T::NAN; tile_len::<T>(rows, classes)];
                for row in 0..rows {
                    for (at, &logit) in logits.iter().enumerate() {
                        x[row * wide + at] = T::from_f64(logit);
                    }
                }
                let narrow = stride::<T>(1);
                let (mut p, mut log_p, mut d) = (x.clone(), x.clone(), x.clone());
                let mut sum = vec![T::NAN; tile_len::<T>(rows, 1)];
                let mut loss = sum.clone();
                let mut target = sum.clone();
                for row in 0..rows {
                    target[row * narrow] = T::from_f64((row * 2 % classes) as f64);
                }
                with_level(level, || {
                    softmax(rows, [1, classes, 1], &x, &mut p);
                    log_softmax(rows, [1, classes, 1], &x, &mut log_p);
                    logsumexp(rows, [1, classes, 1], &x, &mut sum);
                    softmax_cross_entropy(rows, classes, &x, &target, &mut loss, &mut d);
                });
                for row in 0..rows {
                    let class = row * 2 % classes;
                    close(sum[row * narrow], total, 4.0, 1.0, &format!("logsumexp of {what}"));
                    let lost = -expected[class];
                    close(loss[row * narrow], lost, 4.0, 1.0, &format!("cross-entropy of {what}"));
                    for (at, &log_of_p) in expected.iter().enumerate() {
                        let at_row = row * wide + at;
                        close(log_p[at_row], log_of_p, 4.0, 1.0, &format!("log_softmax of {what}"));
                        // What is far below a unit in the last place of 1 vanishes.
                        let probability = log_of_p.exp();
                        close(p[at_row], probability, 8.0, 1e-3, &format!("softmax of {what}"));
                        // A probability near 1 is rounded before 1 is taken off.
                        let (hot, least) = if at == class { (1.0, 1.0) } else { (0.0, 1e-3) };
                        let expected = probability - hot;
                        close(d[at_row], expected, 8.0, least, &format!("derivative of {what}"));
                    }
                }
            }
        }
    }
}

#[test]
fn softmax_and_its_losses_hold_at_extreme_logits() {
    extreme::<f32>();
    extreme::<f64>();
}

/// The bits of some results at each level.
fn at_each_level(compute: impl Fn() -> Vec<f32>) -> Vec<(Level, Vec<f32>)> {
    Level::available().map(|level| (level, with_level(level, &compute))).collect()
}

/// Levels with fused multiply-add say the same to the bit; the baseline, which has none, is as close as `bound` says,
/// relative to the largest result.
#[track_caller]
fn levels_agree(what: &str, bound: f32, compute: impl Fn() -> Vec<f32>) {
    let results = at_each_level(compute);
    let (_, best) = results.last().expect("there is a level");
    let scale = best.iter().filter(|x| x.is_finite()).fold(f32::MIN_POSITIVE, |most, x| most.max(x.abs()));
    for (level, result) in &results {
        if level.name() != "baseline" {
            let differ = result.iter().zip(best).filter(|(a, b)| a.to_bits() != b.to_bits()).count();
            assert_eq!(differ, 0, "{what} at {level:?}: bits of {} of {}", differ, best.len());
        }
        for (a, b) in result.iter().zip(best) {
            let is_same = a == b || (a.is_nan() && b.is_nan());
            assert!(is_same || (a - b).abs() <= bound * scale, "{what} at {level:?}: {a:e}, {b:e}");
        }
    }
}

macro_rules! over_lanes {
    ($f:ident, $x:expr) => {
        || {
            let mut y = vec![0.0; $x.len()];
            dispatch!(s => {
                for (x, y) in $x.chunks_exact(16).zip(y.chunks_exact_mut(16)) {
                    $f(Lanes::load(s, x)).store(y);
                }
            });
            y
        }
    };
}

#[test]
fn elementary_functions_are_the_same_at_every_level_with_fused_products() {
    // Every magnitude, both signs, in steps that hit all exponents and mantissas of every kind.
    let x: Vec<f32> = (0..1 << 18).map(|i: u32| f32::from_bits(i.wrapping_mul(16_369))).collect();
    let moderate: Vec<f32> = (0..1 << 16).map(|i| (i as f32 - 32_768.0) / 1024.0).collect();
    for x in [&x, &moderate] {
        levels_agree("exp", 4e-7, over_lanes!(exp, x));
        levels_agree("log", 4e-7, over_lanes!(log, x));
        levels_agree("sigmoid", 4e-7, over_lanes!(sigmoid, x));
        levels_agree("tanh", 4e-7, over_lanes!(tanh, x));
        levels_agree("softplus", 4e-7, over_lanes!(softplus, x));
        levels_agree("erf", 4e-7, over_lanes!(erf, x));
        levels_agree("sin", 4e-7, over_lanes!(sin, x));
        levels_agree("cos", 4e-7, over_lanes!(cos, x));
        levels_agree("sqrt", 0.0, over_lanes!(sqrt, x));
    }
}

#[test]
fn a_training_step_is_the_same_at_every_level_with_fused_products() {
    let inputs =
        |width: usize| Array2::from_shape_fn((37, width), |(i, j)| ((i * width + j) as f32 * 0.37).sin());
    let (x, target) = (inputs(16), Array2::from_shape_fn((37, 1), |(i, _)| (i * 7 % 5) as f32));
    let classes = Classes::new(3);
    levels_agree("predictions of layers", 1e-6, || {
        classes.predict(x.view()).unwrap().into_raw_vec_and_offset().0
    });
    levels_agree("gradient of layers", 4e-6, || {
        classes.loss_and_gradient(x.view(), target.view()).unwrap().1
    });
    let (x, target) = (inputs(42), inputs(3));
    let picture = Picture::new(3);
    levels_agree("predictions of windows", 1e-6, || {
        picture.predict(x.view()).unwrap().into_raw_vec_and_offset().0
    });
    levels_agree("gradient of windows", 4e-6, || {
        picture.loss_and_gradient(x.view(), target.view()).unwrap().1
    });
}
