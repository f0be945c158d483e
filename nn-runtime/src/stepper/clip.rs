//! Gradients that are kept small.

use crate::InvalidSetting;
use crate::kernels::Real;

/// How gradients are clipped before the optimiser gets them.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Clip {
    /// The gradient of all parameters together is made shorter if its Euclidean norm is above this: it is multiplied
    /// with `limit / (norm + 1e-6)`, as by `torch.nn.utils.clip_grad_norm_`. Pascanu, Mikolov and Bengio, *On the
    /// difficulty of training recurrent neural networks* (2013), algorithm 1.
    Norm(f64),
    /// Each element is moved into `[-limit, limit]`, as by `torch.nn.utils.clip_grad_value_`.
    Value(f64),
}

/// Elements whose squares are added up in parts of their own, and then to the sum.
const BLOCK: usize = 4096;

impl Clip {
    /// Whether the limit makes sense: finite and above 0.
    ///
    /// # Errors
    /// If it does not.
    pub fn validate(self) -> Result<(), InvalidSetting> {
        match self {
            Self::Norm(limit) => InvalidSetting::unless_positive("limit of the gradient's norm", limit),
            Self::Value(limit) => InvalidSetting::unless_positive("limit of the gradient's elements", limit),
        }
    }

    /// Clips a gradient, unless it has no norm.
    pub(super) fn apply<T: Real>(self, gradient: &mut [T]) -> bool {
        match self {
            Self::Norm(limit) => {
                let norm = norm(gradient);
                if !norm.is_finite() {
                    return false;
                }
                let factor = limit / (norm + 1e-6);
                if factor < 1.0 {
                    let factor = T::from_f64(factor);
                    for value in gradient {
                        *value *= factor;
                    }
                }
            }
            Self::Value(limit) => {
                let limit = T::from_f64(limit);
                for value in gradient {
                    if *value > limit {
                        *value = limit;
                    } else if *value < -limit {
                        *value = -limit;
                    }
                }
            }
        }
        true
    }
}

/// The Euclidean norm, added up in double precision and in the same order on any machine.
fn norm<T: Real>(gradient: &[T]) -> f64 {
    let mut sum = 0.0;
    for block in gradient.chunks(BLOCK) {
        // Eight sums, so that additions do not wait for each other.
        let mut sums = [0.0; 8];
        let (whole, rest) = block.as_chunks::<8>();
        for values in whole {
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum += value.to_f64() * value.to_f64();
            }
        }
        for (sum, value) in sums.iter_mut().zip(rest) {
            *sum += value.to_f64() * value.to_f64();
        }
        sum += sums.iter().sum::<f64>();
    }
    sum.sqrt()
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, Clip, norm};

    #[test]
    fn norms_of_any_length() {
        for len in [0, 1, 7, 8, 9, BLOCK - 1, BLOCK, 3 * BLOCK + 5] {
            assert_eq!(norm(&vec![2.0_f32; len]), (4.0 * len as f64).sqrt());
        }
        assert_eq!(norm(&[3.0, -4.0]), 5.0);
        assert!(norm(&[1e30_f32; 3]).is_finite());
    }

    #[test]
    fn short_gradients_stay_as_they_are() {
        let mut gradient = [3.0, -4.0];
        assert!(Clip::Norm(5.1).apply(&mut gradient));
        assert!(Clip::Value(4.0).apply(&mut gradient));
        assert_eq!(gradient, [3.0, -4.0]);
        assert!(Clip::Value(3.5).apply(&mut gradient));
        assert_eq!(gradient, [3.0, -3.5]);
    }

    #[test]
    fn a_gradient_without_a_norm_is_left_alone() {
        let mut gradient = [1.0, f64::INFINITY];
        assert!(!Clip::Norm(1.0).apply(&mut gradient));
        assert_eq!(gradient, [1.0, f64::INFINITY]);
        assert!(!Clip::Norm(1.0).apply(&mut [f64::NAN]));
    }

    #[test]
    fn limits_are_above_zero() {
        for limit in [0.0, -1.0, f64::NAN] {
            assert!(Clip::Norm(limit).validate().is_err() && Clip::Value(limit).validate().is_err());
        }
    }
}
