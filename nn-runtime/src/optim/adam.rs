//! Adam.

use super::{InvalidSetting, Optimizer, Step, power};
use crate::kernels::Real;
use crate::kernels::optimize::{Moments, Rule};

/// Adam: Kingma and Ba, *Adam: a method for stochastic optimization* (2015), algorithm 1, with its defaults.
///
/// With the gradient g of the mean loss, in step t:
///
/// ```text
/// m ← β₁ m + (1 - β₁) g        v ← β₂ v + (1 - β₂) g²
/// p ← p - η m̂ / (√v̂ + ε)       m̂ = m / (1 - β₁ᵗ), v̂ = v / (1 - β₂ᵗ)
/// ```
///
/// A [`weight_decay`](Self::weight_decay) λ, which the paper does not have, puts `g + λ p` in the place of g, as
/// `PyTorch` does; [`AdamW`](super::AdamW) is what most people mean by it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    pub(super) learning_rate: f64,
    pub(super) beta1: f64,
    beta2: f64,
    epsilon: f64,
    weight_decay: f64,
}

impl Adam {
    /// Adam with the learning rate η, a positive number (the paper suggests 0.001), β₁ = 0.9, β₂ = 0.999 and ε = 1e-8.
    pub fn new(learning_rate: f64) -> Self {
        Self { learning_rate, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 }
    }

    /// How much the running means of the gradient and of its square keep: each in `[0, 1)`.
    #[must_use]
    pub fn betas(self, beta1: f64, beta2: f64) -> Self {
        Self { beta1, beta2, ..self }
    }

    /// What keeps the denominator from zero: a positive number.
    #[must_use]
    pub fn epsilon(self, epsilon: f64) -> Self {
        Self { epsilon, ..self }
    }

    /// L2 regularisation λ, at least 0 (the default).
    #[must_use]
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Self { weight_decay, ..self }
    }

    /// `√(1 - β₂ᵗ)`
    pub(super) fn root(&self, step: u64) -> f64 {
        libm::sqrt(1.0 - power(self.beta2, step))
    }

    /// √v̂ + ε = (√v + ε √(1 - β₂ᵗ)) / √(1 - β₂ᵗ): both corrections leave the loop.
    pub(super) fn rule<T: Real>(&self, step: Step) -> Moments<T> {
        let root = self.root(step.number());
        Moments {
            decay: T::from_f64(step.decay(self.weight_decay)),
            keep: T::ONE,
            first: T::from_f64(1.0 - self.beta1),
            second: T::from_f64(1.0 - self.beta2),
            gradient_rate: T::ZERO,
            moment_rate: T::from_f64(
                step.rate(self.learning_rate) * root / (1.0 - power(self.beta1, step.number())),
            ),
            epsilon: T::from_f64(self.epsilon * root),
        }
    }
}

impl<T: Real> Optimizer<T> for Adam {
    fn validate(&self) -> Result<(), InvalidSetting> {
        InvalidSetting::unless_positive("learning rate", self.learning_rate)?;
        InvalidSetting::unless_fraction("beta1", self.beta1)?;
        InvalidSetting::unless_fraction("beta2", self.beta2)?;
        InvalidSetting::unless_positive("epsilon", self.epsilon)?;
        InvalidSetting::unless_not_negative("weight decay", self.weight_decay)
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn has_weight_decay(&self) -> bool {
        true
    }

    fn state_per_parameter(&self) -> usize {
        2
    }

    fn begin(&self, step: Step) -> impl Fn(&mut [T], &[T], &mut [T]) + Send + Sync {
        let rule = self.rule(step);
        move |parameters: &mut [T], gradient: &[T], state: &mut [T]| rule.apply(parameters, gradient, state)
    }
}
