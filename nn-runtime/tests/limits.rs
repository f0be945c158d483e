//! Losses and a causal attention at extreme values, in both layouts and precisions and at every SIMD level, against
//! closed forms in double precision. (Class probabilities of extreme logits are in `extremes.rs`.)
#![cfg(feature = "train")]
#![allow(unreachable_pub, reason = "models in a module of their own, which this test alone reaches")]

use ndarray::{Array2, ArrayView2};
use nn_runtime::kernels::{Level, Real, with_level};
use nn_runtime::prelude::*;

/// The same losses, each of three elements of which `z`, held at 0, takes the gradient; and an attention of three places.
macro_rules! limits {
    ($module:ident, $layout:ident, $dtype:ident) => {
        mod $module {
            nn_runtime::nn_model! {
                #[layout($layout)]
                pub model Logits<$dtype>(x: [3]) -> y: [3] {
                    param z: [3];
                    y = sigmoid(x + z);
                    loss binary_cross_entropy(y, target);
                }

                #[layout($layout)]
                pub model Smooth<$dtype>(x: [3]) -> y: [3] {
                    param z: [3];
                    y = sigmoid(x + z);
                    loss binary_cross_entropy(y, target, label_smoothing = 0.25);
                }

                #[layout($layout)]
                pub model Given<$dtype>(x: [3]) -> y: [3] {
                    param z: [3];
                    y = x + z;
                    loss binary_cross_entropy(y, target);
                }

                #[layout($layout)]
                pub model Squared<$dtype>(x: [3]) -> y: [3] {
                    param z: [3];
                    y = x + z;
                    loss mse(y, target);
                }

                #[layout($layout)]
                pub model Absolute<$dtype>(x: [3]) -> y: [3] {
                    param z: [3];
                    y = x + z;
                    loss mae(y, target);
                }

                #[layout($layout)]
                pub model Robust<$dtype>(x: [3]) -> y: [3] {
                    param z: [3];
                    y = x + z;
                    loss huber(y, target, 0.5);
                }

                #[layout($layout)]
                pub model Classes<$dtype>(x: [3]) -> y: [3] {
                    param z: [3];
                    y = softmax(x + z);
                    loss cross_entropy(y, target, label_smoothing = 0.25);
                }

                #[layout($layout)]
                pub model Attended<$dtype>(q: [3, 1], k: [3, 1], v: [3, 1]) -> y: [3, 1] {
                    y = attention(q, k, v, causal = true);
                }
            }
        }
    };
}

limits!(tiles_f32, tiles, f32);
limits!(tiles_f64, tiles, f64);
limits!(lanes_f32, lanes, f32);
limits!(lanes_f64, lanes, f64);

/// Loss and gradient of one element, and how large the terms are that they are the sums of.
struct Element {
    loss: f64,
    slope: f64,
    terms: f64,
}

/// `log(1 + e^z)`.
fn softplus(z: f64) -> f64 {
    z.max(0.0) + (-z.abs()).exp().ln_1p()
}

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

fn binary(z: f64, t: f64) -> Element {
    Element { loss: softplus(z) - t * z, slope: sigmoid(z) - t, terms: z.abs().max(1.0) }
}

/// Logarithms end at -100, the variance at 10⁻¹², as in `PyTorch`.
fn given(p: f64, t: f64) -> Element {
    let log = |p: f64| p.ln().max(-100.0);
    let slope = (p - t) / (p * (1.0 - p)).max(1e-12);
    Element { loss: -(t * log(p) + (1.0 - t) * log(1.0 - p)), slope, terms: slope.abs().max(1.0) }
}

fn squared(x: f64, t: f64) -> Element {
    let error = x - t;
    Element { loss: error * error, slope: 2.0 * error, terms: error.abs() * error.abs().max(1.0) }
}

fn absolute(x: f64, t: f64) -> Element {
    let error = x - t;
    let slope = if error == 0.0 { 0.0 } else { error.signum() };
    Element { loss: error.abs(), slope, terms: error.abs().max(1.0) }
}

fn robust(x: f64, t: f64) -> Element {
    let error = x - t;
    let inner = error.clamp(-0.5, 0.5);
    Element { loss: inner * (error - 0.5 * inner), slope: inner, terms: error.abs().max(1.0) }
}

/// Within so many roundings of what is expected, both as the precision has them.
fn close<T: Real>(found: T, expected: f64, terms: f64, what: &str) {
    let (found, rounded) = (found.to_f64(), T::from_f64(expected).to_f64());
    let bound = 8.0 * T::EPSILON.to_f64() * terms + 8.0 * T::MIN_POSITIVE.to_f64();
    assert!(found == rounded || (found - rounded).abs() <= bound, "{what}: {found:e}, not {expected:e}");
}

fn row<T: Real>(values: &[f64]) -> Array2<T> {
    let values = values.iter().map(|&x| T::from_f64(x)).collect();
    Array2::from_shape_vec((1, 3), values).expect("three elements")
}

/// A model whose parameters are 0, at every level: `expected` gets its three operands and its targets.
fn at_zero<M: Train>(
    name: &str,
    rows: &[([f64; 3], Vec<f64>)],
    expected: impl Fn(&[f64; 3], &[f64]) -> (f64, Vec<f64>, f64),
) where
    M::Scalar: Real,
{
    let mut model = M::new(1);
    model.params_flat_mut().fill(M::Scalar::ZERO);
    for (x, t) in rows {
        // As the precision has them.
        let x = x.map(|x| M::Scalar::from_f64(x).to_f64());
        let (loss, gradient, terms) = expected(&x, t);
        let inputs = row::<M::Scalar>(&x);
        let targets: Vec<M::Scalar> = t.iter().map(|&t| M::Scalar::from_f64(t)).collect();
        let targets = ArrayView2::from_shape((1, t.len()), &targets).expect("one row");
        for level in Level::available() {
            let what = format!("{name} of {x:?}, {t:?}, {} at {level:?}", std::any::type_name::<M::Scalar>());
            let (found, slopes) = with_level(level, || model.loss_and_gradient(inputs.view(), targets))
                .unwrap_or_else(|error| panic!("{what}: {error}"));
            close(found, loss, terms, &format!("loss, {what}"));
            // With smoothed classes, what is rounded is as large as the logits, and the loss may be 0 within that.
            assert!(found.to_f64() >= 0.0 || name == "classes", "loss, {what}: {found:e} is negative");
            for (slope, &expected) in slopes.iter().zip(&gradient) {
                close(*slope, expected, expected.abs().max(0.5), &format!("gradient, {what}"));
            }
        }
    }
}

/// The mean of a loss that each element has for itself.
fn mean_of(element: impl Fn(f64, f64) -> Element) -> impl Fn(&[f64; 3], &[f64]) -> (f64, Vec<f64>, f64) {
    move |x, t| {
        let elements: Vec<Element> = x.iter().zip(t).map(|(&x, &t)| element(x, t)).collect();
        let loss = elements.iter().map(|e| e.loss / 3.0).sum();
        let terms = elements.iter().map(|e| e.terms).fold(0.0, f64::max);
        (loss, elements.iter().map(|e| e.slope / 3.0).collect(), terms)
    }
}

/// Each value three times, and beside its neighbours.
fn windows(values: &[f64], targets: &[f64]) -> Vec<([f64; 3], Vec<f64>)> {
    let mut rows = Vec::new();
    for (i, &x) in values.iter().enumerate() {
        let beside = |by: usize| values[(i + by) % values.len()];
        for (j, &t) in targets.iter().enumerate() {
            let other = |by: usize| targets[(j + by) % targets.len()];
            rows.push(([x; 3], vec![t; 3]));
            rows.push(([x, beside(1), beside(2)], vec![t, other(1), other(2)]));
        }
    }
    rows
}

/// The largest finite number.
fn largest<T: Real>() -> f64 {
    if T::LANES == 16 { f64::from(f32::MAX) } else { f64::MAX }
}

/// Numbers of both signs, up to a quarter of the largest.
fn numbers<T: Real>() -> Vec<f64> {
    let largest = largest::<T>() / 4.0;
    let positive =
        [0.0, T::MIN_POSITIVE.to_f64(), 1e-9, 0.5, 1.0, 17.0, 88.0, 104.0, 750.0, 1e4, 1e10, largest];
    positive.iter().flat_map(|&x| [x, -x]).collect()
}

macro_rules! losses {
    ($module:ident, $dtype:ident) => {{
        let numbers = numbers::<$dtype>();
        let (yes, no) = (1.0, 0.0);
        let chances = [yes, no, 0.5];
        at_zero::<$module::Logits>("logits", &windows(&numbers, &chances), mean_of(binary));
        let smoothed = |z, t| binary(z, 0.75 * t + 0.125);
        at_zero::<$module::Smooth>("smoothed", &windows(&numbers, &chances), mean_of(smoothed));
        let below_one = 1.0 - f64::from($dtype::EPSILON);
        let probabilities = [0.0, 1e-30, 1e-7, 0.25, below_one, 1.0];
        at_zero::<$module::Given>("probabilities", &windows(&probabilities, &chances), mean_of(given));
        // What squares to more than the largest number is infinite; its derivative is not.
        at_zero::<$module::Squared>("squares", &windows(&numbers, &[0.0, 1.0]), mean_of(squared));
        at_zero::<$module::Absolute>("magnitudes", &windows(&numbers, &[0.0, 1.0]), mean_of(absolute));
        at_zero::<$module::Robust>("huber", &windows(&numbers, &[0.0, 1.0]), mean_of(robust));
        let classes: Vec<_> = numbers
            .iter()
            .enumerate()
            .flat_map(|(i, &z)| {
                let beside = numbers[(i + 5) % numbers.len()];
                (0..3).flat_map(move |class| {
                    [([z; 3], vec![f64::from(class)]), ([z, beside, 1.0], vec![f64::from(class)])]
                })
            })
            .collect();
        at_zero::<$module::Classes>("classes", &classes, |x, t| {
            let largest = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let total: f64 = x.iter().map(|x| (x - largest).exp()).sum();
            let wanted = |i: usize| 0.75 * f64::from(u8::from(i as f64 == t[0])) + 0.25 / 3.0;
            // All terms are positive: how far each logit is below the sum.
            let below = |x: f64| total.ln() + (largest - x);
            let loss = x.iter().enumerate().map(|(i, &x)| wanted(i) * below(x)).sum();
            let slopes = x.iter().enumerate().map(|(i, &x)| (-below(x)).exp() - wanted(i)).collect();
            (loss, slopes, x.iter().fold(1.0, |most: f64, x| most.max(x.abs())))
        });
    }};
}

#[test]
fn losses_hold_at_extreme_values() {
    losses!(tiles_f32, f32);
    losses!(lanes_f32, f32);
    losses!(tiles_f64, f64);
    losses!(lanes_f64, f64);
}

/// The softmax of what each query sees, times the values; NaN where the largest score is not finite.
fn attended(k: &[f64; 3], v: &[f64; 3]) -> Vec<f64> {
    let weigh = |seen: usize| {
        let largest = k[..seen].iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let growth: Vec<f64> = k[..seen].iter().map(|k| (k - largest).exp()).collect();
        growth.iter().zip(v).map(|(growth, v)| growth * v).sum::<f64>() / growth.iter().sum::<f64>()
    };
    (1..=3).map(weigh).collect()
}

/// Queries are 1, so that scores are the keys.
fn attends<M: Pullback>(name: &str)
where
    M::Scalar: Real,
{
    let v = [1.0, 2.0, 4.0];
    let largest = largest::<M::Scalar>();
    let scores =
        [0.0, 5.0, -1e4, 1e4, -1e30, -3e38, -largest, largest, f64::NEG_INFINITY, f64::INFINITY, f64::NAN];
    let model = M::new(1);
    let count = scores.len();
    for place in 0..count.pow(3) {
        let k = [place, place / count, place / count.pow(2)].map(|at| scores[at % count]);
        let k = k.map(|x| M::Scalar::from_f64(x).to_f64());
        let inputs: Vec<M::Scalar> =
            [1.0; 3].iter().chain(&k).chain(&v).map(|&x| M::Scalar::from_f64(x)).collect();
        let inputs = ArrayView2::from_shape((1, 9), &inputs).expect("one row");
        let expected = attended(&k, &v);
        for level in Level::available() {
            let what = format!("{name}: scores {k:?} at {level:?}");
            let y = with_level(level, || model.predict(inputs)).unwrap_or_else(|error| panic!("{error}"));
            for (query, (&found, &expected)) in y.iter().zip(&expected).enumerate() {
                let found = found.to_f64();
                let is_same = (found.is_nan() && expected.is_nan())
                    || (found - expected).abs() <= 16.0 * M::Scalar::EPSILON.to_f64();
                assert!(is_same, "{what}: query {query} is {found:e}, not {expected:e}");
            }
            // The first query sees one key, and takes its value to the bit, whatever the others are.
            if k[0].is_finite() {
                assert_eq!(y[[0, 0]].to_f64(), v[0], "{what}");
            }
            // Nor do the others get a derivative from it.
            if k.iter().all(|k| k.is_finite()) {
                let cotangents = row::<M::Scalar>(&[1.0, 0.0, 0.0]);
                let d = with_level(level, || model.input_gradient(inputs, cotangents.view()))
                    .unwrap_or_else(|error| panic!("{error}"));
                let found: Vec<f64> = d.iter().map(|d| d.to_f64()).collect();
                assert_eq!(found, [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0], "{what}");
            }
        }
    }
}

#[test]
fn causal_attention_never_sees_what_comes_later() {
    attends::<tiles_f32::Attended>("tiles f32");
    attends::<tiles_f64::Attended>("tiles f64");
    attends::<lanes_f32::Attended>("lanes f32");
    attends::<lanes_f64::Attended>("lanes f64");
}
