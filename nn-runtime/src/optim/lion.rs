//! Steps of one size, against the sign of a momentum.

use super::{InvalidSetting, Optimizer, Step};
use crate::kernels::Real;
use crate::kernels::optimize::{Rule, Sign};

/// Lion: Chen et al., *Symbolic discovery of optimization algorithms* (2023), program 1, with its defaults.
///
/// With the gradient g of the mean loss:
///
/// ```text
/// p ← (1 - η λ) p - η sign(β₁ m + (1 - β₁) g)         m ← β₂ m + (1 - β₂) g
/// ```
///
/// Every parameter moves by η in every step: η has to be some three to ten times smaller than for
/// [`AdamW`](super::AdamW), and λ larger by as much (the paper, section 5).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lion {
    learning_rate: f64,
    beta1: f64,
    beta2: f64,
    weight_decay: f64,
}

impl Lion {
    /// Lion with the learning rate η, a positive number (often 0.0001), β₁ = 0.9, β₂ = 0.99 and λ = 0.
    pub fn new(learning_rate: f64) -> Self {
        Self { learning_rate, beta1: 0.9, beta2: 0.99, weight_decay: 0.0 }
    }

    /// How much of the momentum counts in a step, and how much of it is kept: each in `[0, 1)`.
    #[must_use]
    pub fn betas(self, beta1: f64, beta2: f64) -> Self {
        Self { beta1, beta2, ..self }
    }

    /// Decoupled decay λ, at least 0.
    #[must_use]
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Self { weight_decay, ..self }
    }
}

impl<T: Real> Optimizer<T> for Lion {
    fn validate(&self) -> Result<(), InvalidSetting> {
        InvalidSetting::unless_positive("learning rate", self.learning_rate)?;
        InvalidSetting::unless_fraction("beta1", self.beta1)?;
        InvalidSetting::unless_fraction("beta2", self.beta2)?;
        InvalidSetting::unless_not_negative("weight decay", self.weight_decay)
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn has_weight_decay(&self) -> bool {
        true
    }

    fn state_per_parameter(&self) -> usize {
        1
    }

    fn begin(&self, step: Step) -> impl Fn(&mut [T], &[T], &mut [T]) + Send + Sync {
        let rule = Sign {
            keep: T::from_f64(1.0 - step.rate(self.learning_rate) * step.decay(self.weight_decay)),
            first: T::from_f64(1.0 - self.beta1),
            second: T::from_f64(1.0 - self.beta2),
            rate: T::from_f64(step.rate(self.learning_rate)),
        };
        move |parameters: &mut [T], gradient: &[T], state: &mut [T]| rule.apply(parameters, gradient, state)
    }
}
