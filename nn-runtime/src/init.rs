//! Initial values of parameters: seeded, and the same on every machine.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::Rng;

use crate::kernels::Real;
use crate::model::{Init, ParamInfo};
use crate::random;

/// Fills `flat`, all parameters of a model, with their initial values.
///
/// Every parameter draws from a stream of its own, chosen by its name: adding or removing a parameter leaves the
/// initial values of the others as they were. The values are computed in `f64` and rounded to `T`.
///
/// # Panics
/// If a parameter lies outside of `flat`.
pub fn fill<T: Real>(params: &[ParamInfo], seed: u64, flat: &mut [T]) {
    for param in params {
        let mut random = random::stream(seed, hash(param.name));
        let values = &mut flat[param.offset..param.offset + param.len()];
        match Distribution::of(param.init, param.shape) {
            Distribution::Constant(value) => values.fill(T::from_f64(value)),
            Distribution::Uniform { low, high } => {
                values.fill_with(|| T::from_f64(low + (high - low) * uniform(&mut random)));
            }
            Distribution::Normal { mean, std } => {
                values.fill_with(|| T::from_f64(mean + std * standard_normal(&mut random)));
            }
        }
    }
}

/// What an [`Init`] means for one shape.
#[derive(Debug, PartialEq)]
enum Distribution {
    Constant(f64),
    Uniform { low: f64, high: f64 },
    Normal { mean: f64, std: f64 },
}

impl Distribution {
    /// The rules of Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks"
    /// (2010), eq. 16, and of He et al., "Delving deep into rectifiers" (2015), eq. 10; a uniform distribution on
    /// ±√3 σ has the standard deviation σ.
    fn of(init: Init, shape: &[usize]) -> Self {
        let (fan_in, fan_out) = fans(shape);
        let glorot = 2.0 / (fan_in + fan_out);
        let he = 2.0 / fan_in;
        match init {
            Init::Constant(value) => Self::Constant(value),
            Init::Uniform { low, high } => Self::Uniform { low, high },
            Init::Normal { mean, std } => Self::Normal { mean, std },
            Init::GlorotUniform => Self::symmetric(libm::sqrt(3.0 * glorot)),
            Init::GlorotNormal => Self::Normal { mean: 0.0, std: libm::sqrt(glorot) },
            Init::HeUniform => Self::symmetric(libm::sqrt(3.0 * he)),
            Init::HeNormal => Self::Normal { mean: 0.0, std: libm::sqrt(he) },
        }
    }

    fn symmetric(bound: f64) -> Self {
        Self::Uniform { low: -bound, high: bound }
    }
}

/// Inputs that feed one output, and outputs that one input feeds: `[in, out]` for a matrix, `[out, in, …window]`
/// for a convolution, the length and 1 for a vector, 1 and 1 for a scalar. At least 1 each.
fn fans(shape: &[usize]) -> (f64, f64) {
    let (fan_in, fan_out) = match *shape {
        [] => (1, 1),
        [n] => (n, 1),
        [inputs, outputs] => (inputs, outputs),
        [outputs, inputs, ref window @ ..] => {
            let area: usize = window.iter().product();
            (area * inputs, area * outputs)
        }
    };
    (fan_in.max(1) as f64, fan_out.max(1) as f64)
}

/// The 64-bit FNV-1a hash of a name.
fn hash(name: &str) -> u64 {
    name.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A number in `[0, 1)` with 53 random bits.
fn uniform(random: &mut ChaCha12Rng) -> f64 {
    const UNIT: f64 = 1.0 / (1_u64 << 53) as f64;
    (random.next_u64() >> 11) as f64 * UNIT
}

/// A draw from the standard normal distribution, by the transform of Box and Muller (1958).
fn standard_normal(random: &mut ChaCha12Rng) -> f64 {
    let radius = libm::sqrt(-2.0 * libm::log(1.0 - uniform(random)));
    radius * libm::cos(core::f64::consts::TAU * uniform(random))
}

#[cfg(test)]
mod tests {
    use super::{Distribution, fans, fill};
    use crate::model::{Init, ParamInfo};

    const SHAPE: &[usize] = &[100, 50];

    fn draw(init: Init, seed: u64) -> Vec<f64> {
        let mut flat = vec![0.0; 5000];
        fill(&[ParamInfo { name: "w", shape: SHAPE, offset: 0, init }], seed, &mut flat);
        flat
    }

    fn mean_and_std(values: &[f64]) -> (f64, f64) {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        (mean, (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt())
    }

    #[test]
    fn moments_and_ranges_are_those_of_the_distribution() {
        let glorot = (2.0_f64 / 150.0).sqrt();
        let he = (2.0_f64 / 100.0).sqrt();
        let cases = [
            (Init::Uniform { low: 1.0, high: 3.0 }, 2.0, 1.0 / 3.0_f64.sqrt()),
            (Init::Normal { mean: -1.0, std: 0.5 }, -1.0, 0.5),
            (Init::GlorotUniform, 0.0, glorot),
            (Init::GlorotNormal, 0.0, glorot),
            (Init::HeUniform, 0.0, he),
            (Init::HeNormal, 0.0, he),
        ];
        for (init, mean, std) in cases {
            let (m, s) = mean_and_std(&draw(init, 3));
            assert!((m - mean).abs() < 4.0 * std / 5000.0_f64.sqrt(), "{init:?}: mean {m}, expected {mean}");
            assert!((s / std - 1.0).abs() < 0.04, "{init:?}: deviation {s}, expected {std}");
        }
        let bound = 3.0_f64.sqrt() * he;
        assert!(draw(Init::HeUniform, 1).iter().all(|v| v.abs() <= bound));
        assert!(draw(Init::Constant(0.25), 1).iter().all(|&v| v == 0.25));
    }

    #[test]
    fn fans_follow_the_shape() {
        assert_eq!(fans(&[]), (1.0, 1.0));
        assert_eq!(fans(&[7]), (7.0, 1.0));
        assert_eq!(fans(&[16, 64]), (16.0, 64.0));
        assert_eq!(fans(&[32, 8, 3, 3]), (72.0, 288.0));
        assert_eq!(Distribution::of(Init::HeNormal, &[8, 3]), Distribution::Normal { mean: 0.0, std: 0.5 });
    }

    #[test]
    fn seeds_differ_and_repeat() {
        assert_eq!(draw(Init::HeNormal, 7), draw(Init::HeNormal, 7));
        assert_ne!(draw(Init::HeNormal, 7), draw(Init::HeNormal, 8));
    }

    #[test]
    fn a_parameter_keeps_its_values_when_another_is_added() {
        let init = Init::Normal { mean: 0.0, std: 1.0 };
        let w = ParamInfo { name: "w", shape: &[4], offset: 0, init };
        let mut alone = [0.0_f64; 4];
        fill(&[w], 5, &mut alone);

        let added = ParamInfo { name: "v", shape: &[3], offset: 0, init };
        let moved = ParamInfo { offset: 3, ..w };
        let mut both = [0.0_f64; 7];
        fill(&[added, moved], 5, &mut both);

        assert_eq!(both[3..], alone);
        assert_ne!(both[..3], alone[..3]);
    }

    #[test]
    fn single_precision_rounds_the_same_values() {
        let params = [ParamInfo { name: "w", shape: &[9, 9], offset: 0, init: Init::GlorotNormal }];
        let (mut single, mut double) = ([0.0_f32; 81], [0.0_f64; 81]);
        fill(&params, 11, &mut single);
        fill(&params, 11, &mut double);
        assert!(single.iter().zip(double).all(|(&s, d)| s == d as f32));
    }
}
