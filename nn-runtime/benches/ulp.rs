//! Every single-precision argument of every elementary function: `cargo bench -p nn-runtime --bench ulp`.
//!
//! All 2³² numbers at every SIMD level of this machine, against double precision; some minutes on two cores. Writes the
//! table of `benches/ULP.md`, and fails where a bound of `kernels::lane_math` does not hold. Names as arguments choose
//! functions (`-- exp tanh`); nothing is written then.

use std::fmt::Write as _;
use std::time::Instant;

use nn_runtime::dispatch;
use nn_runtime::kernels::{Lanes, Level, cos, erf, exp, log, sigmoid, sin, softplus, sqrt, tanh, with_level};
use rayon::prelude::*;

/// What holds for `f(-x)`.
#[derive(Clone, Copy, PartialEq)]
enum Symmetry {
    /// Nothing.
    None,
    /// `f(-x) = f(x)`.
    Even,
    /// `f(-x) = -f(x)`.
    Odd,
}

/// A function, its reference, and what is claimed of it.
struct Function {
    name: &'static str,
    /// Of as many elements as two registers hold.
    ours: fn(&[f32], &mut [f32]),
    exact: fn(f64) -> f64,
    /// Units in the last place.
    bound: f64,
    symmetry: Symmetry,
    /// Whether the function never decreases.
    grows: bool,
    /// Results that are no normal numbers may be 0.
    vanishes: bool,
}

/// What is found over some arguments at one level.
#[derive(Clone, Copy, Default)]
struct Found {
    worst: f64,
    at: f32,
    /// Neighbours whose results are in the wrong order, and by how many units in the last place at most.
    drops: u64,
    drop: f64,
    /// Arguments whose mirror image has another result.
    asymmetric: u64,
}

impl Found {
    fn and(self, other: Self) -> Self {
        let worse = if other.worst > self.worst { other } else { self };
        Self {
            drops: self.drops + other.drops,
            drop: self.drop.max(other.drop),
            asymmetric: self.asymmetric + other.asymmetric,
            ..worse
        }
    }
}

/// Magnitudes looked at in one go.
const CHUNK: u32 = 1 << 15;

/// The bits of infinity: magnitudes end here, above is NaN.
const INFINITY: u32 = 0x7f80_0000;

/// Two registers of one function after the other.
macro_rules! over_lanes {
    ($f:ident) => {
        |x: &[f32], y: &mut [f32]| {
            dispatch!(s => {
                for (x, y) in x.chunks_exact(16).zip(y.chunks_exact_mut(16)) {
                    $f(Lanes::load(s, x)).store(y);
                }
            });
        }
    };
}

const FUNCTIONS: [Function; 9] = [
    Function {
        name: "exp",
        ours: over_lanes!(exp),
        exact: f64::exp,
        bound: 1.0,
        symmetry: Symmetry::None,
        grows: true,
        vanishes: false,
    },
    Function {
        name: "log",
        ours: over_lanes!(log),
        exact: f64::ln,
        bound: 1.0,
        symmetry: Symmetry::None,
        grows: true,
        vanishes: false,
    },
    Function {
        name: "sigmoid",
        ours: over_lanes!(sigmoid),
        exact: |x| 1.0 / (1.0 + (-x).exp()),
        bound: 2.5,
        symmetry: Symmetry::None,
        grows: true,
        vanishes: true,
    },
    Function {
        name: "tanh",
        ours: over_lanes!(tanh),
        exact: f64::tanh,
        bound: 2.5,
        symmetry: Symmetry::Odd,
        grows: true,
        vanishes: false,
    },
    Function {
        name: "softplus",
        ours: over_lanes!(softplus),
        exact: |x| x.max(0.0) + if x.is_nan() { x } else { (-x.abs()).exp().ln_1p() },
        bound: 2.0,
        symmetry: Symmetry::None,
        grows: true,
        vanishes: true,
    },
    Function {
        name: "erf",
        ours: over_lanes!(erf),
        exact: libm::erf,
        bound: 1.5,
        symmetry: Symmetry::Odd,
        grows: true,
        vanishes: false,
    },
    Function {
        name: "sin",
        ours: over_lanes!(sin),
        exact: f64::sin,
        bound: 1.0,
        symmetry: Symmetry::Odd,
        grows: false,
        vanishes: false,
    },
    Function {
        name: "cos",
        ours: over_lanes!(cos),
        exact: f64::cos,
        bound: 1.0,
        symmetry: Symmetry::Even,
        grows: false,
        vanishes: false,
    },
    Function {
        name: "sqrt",
        ours: over_lanes!(sqrt),
        exact: f64::sqrt,
        bound: 0.5,
        symmetry: Symmetry::None,
        grows: true,
        vanishes: false,
    },
];

/// A unit in the last place of single precision, at the magnitude of `x`.
fn unit(x: f64) -> f64 {
    let exponent = ((x.to_bits() >> 52) & 0x7ff).clamp(1023 - 126, 1023 + 127);
    f64::from_bits((exponent - 23) << 52)
}

/// The distance of `got` to `want`, in units in the last place of `want`; infinite where one of them is special and the
/// other is not.
fn ulps(got: f32, want: f64) -> f64 {
    if got.is_nan() || want.is_nan() {
        return if got.is_nan() && want.is_nan() { 0.0 } else { f64::INFINITY };
    }
    // What rounds to infinity is infinite, within a unit.
    let largest = f64::from(f32::MAX);
    if got.is_infinite() || want.abs() > largest {
        let edge = want.abs() > largest - unit(largest) && got.abs() >= f32::MAX;
        return if edge && (got > 0.0) == (want > 0.0) { 0.0 } else { f64::INFINITY };
    }
    (f64::from(got) - want).abs() / unit(want)
}

/// Compares one function with its reference at the magnitudes from `start` on, of both signs; one result for each level.
fn look(function: &Function, start: u32, levels: &[Level]) -> Vec<Found> {
    // One more, so that the order is also checked from chunk to chunk; and whole registers.
    let count = (INFINITY - start + 1).min(CHUNK + 1);
    let mut found = vec![Found::default(); levels.len()];
    let mut positive = vec![Vec::new(); levels.len()];
    for sign in [0, 1 << 31] {
        let x: Vec<f32> =
            (0..count.next_multiple_of(16)).map(|i| f32::from_bits((start + i) | sign)).collect();
        let want: Vec<f64> = x.iter().map(|&x| (function.exact)(x.into())).collect();
        for (level, (found, positive)) in levels.iter().zip(found.iter_mut().zip(&mut positive)) {
            let mut y = vec![0.0; x.len()];
            with_level(*level, || (function.ours)(&x, &mut y));
            for ((&x, &y), &want) in x.iter().zip(&y).zip(&want) {
                let vanishes =
                    function.vanishes && y == 0.0 && want.abs() < 1.0001 * f64::from(f32::MIN_POSITIVE);
                let error = if vanishes { 0.0 } else { ulps(y, want) };
                if error > found.worst {
                    (found.worst, found.at) = (error, x);
                }
            }
            if function.grows {
                for pair in y[..count as usize].windows(2) {
                    let (low, high) = if sign == 0 { (pair[0], pair[1]) } else { (pair[1], pair[0]) };
                    if low > high {
                        found.drops += 1;
                        let step = (f64::from(low) - f64::from(high)) / unit(low.into());
                        found.drop = found.drop.max(step);
                    }
                }
            }
            if sign == 0 {
                *positive = y;
            } else if function.symmetry != Symmetry::None {
                let mirrored = |y: f32| if function.symmetry == Symmetry::Odd { -y } else { y };
                let differ = |(&a, &b): (&f32, &f32)| {
                    mirrored(a).to_bits() != b.to_bits() && !(a.is_nan() && b.is_nan())
                };
                found.asymmetric +=
                    positive[..(count - 1) as usize].iter().zip(&y).filter(|&pair| differ(pair)).count()
                        as u64;
            }
        }
    }
    found
}

/// Whether every NaN gives NaN: all payloads, both signs.
fn keeps_nan(function: &Function, levels: &[Level]) -> bool {
    (INFINITY / CHUNK..=(u32::MAX >> 1) / CHUNK).into_par_iter().all(|chunk| {
        let start = (INFINITY + 1).max(chunk * CHUNK);
        [0, 1 << 31].iter().all(|sign| {
            let last = chunk * CHUNK + (CHUNK - 1);
            let mut x: Vec<f32> = (start..=last).map(|bits| f32::from_bits(bits | sign)).collect();
            x.resize(x.len().next_multiple_of(16), f32::NAN);
            levels.iter().all(|level| {
                let mut y = vec![0.0; x.len()];
                with_level(*level, || (function.ours)(&x, &mut y));
                y.iter().all(|y| y.is_nan())
            })
        })
    })
}

fn main() {
    let chosen: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let levels: Vec<Level> = Level::available().collect();
    let began = Instant::now();
    let mut page = String::from(
        "# Elementary functions at every argument\n\n\
         The largest error over all 2³² single-precision numbers against double precision, in units in the last place \
         (ulp) of\nthe exact result; infinities, zeros, subnormal numbers and NaN of every payload included. Written by \
         one command:\n\n```sh\ncargo bench -p nn-runtime --bench ulp\n```\n\n\
         *Order* counts the neighbours `x < y` with `f(x) > f(y)`, for functions that never decrease, and says by how \
         many ulp\nat most. *Mirror* counts the arguments where `f(-x)` is not `f(x)`, or `-f(x)`, to the bit.\n\n\
         | function | bound | level | largest error | at | order | mirror |\n|---|---|---|---|---|---|---|\n",
    );
    let mut broken = Vec::new();
    for function in FUNCTIONS.iter().filter(|f| chosen.is_empty() || chosen.iter().any(|name| name == f.name))
    {
        let found = (0..INFINITY / CHUNK + 1)
            .into_par_iter()
            .map(|chunk| look(function, chunk * CHUNK, &levels))
            .reduce(
                || vec![Found::default(); levels.len()],
                |a, b| a.into_iter().zip(b).map(|(a, b)| a.and(b)).collect(),
            );
        if !keeps_nan(function, &levels) {
            broken.push(format!("{} of a NaN is a number", function.name));
        }
        for (level, found) in levels.iter().zip(&found) {
            let Found { worst, at, drops, drop, asymmetric } = *found;
            let order = match (function.grows, drops) {
                (false, _) => "-".to_owned(),
                (true, 0) => "kept".to_owned(),
                (true, _) => format!("{drops}, {drop:.0} ulp"),
            };
            let mirror =
                if function.symmetry == Symmetry::None { "-".to_owned() } else { asymmetric.to_string() };
            let name = level.name();
            let row = format!(
                "| `{}` | {} | {name} | {worst:.3} | {at:e} | {order} | {mirror} |",
                function.name, function.bound
            );
            println!("{row}");
            let _ = writeln!(page, "{row}");
            if worst > function.bound {
                broken.push(format!("{} is {worst:.3} ulp off at {at:e}, {name}", function.name));
            }
            if asymmetric > 0 {
                broken.push(format!("{} has {asymmetric} results without symmetry, {name}", function.name));
            }
        }
        // After each function: the whole takes long where the machine is shared.
        if chosen.is_empty() {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/ULP.md");
            std::fs::write(path, &page).unwrap_or_else(|error| panic!("{path}: {error}"));
        }
    }
    println!("{:.0} s", began.elapsed().as_secs_f64());
    assert!(broken.is_empty(), "{}", broken.join("; "));
}
