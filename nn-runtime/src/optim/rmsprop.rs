//! Gradients divided by their running root mean square.

use super::{InvalidSetting, Optimizer, Step};
use crate::kernels::Real;
use crate::kernels::optimize::{Rule, Scaled, ScaledMomentum};

/// `RMSProp`: Tieleman and Hinton, *Neural networks for machine learning*, lecture 6e (2012).
///
/// With the gradient g of the mean loss:
///
/// ```text
/// v ← α v + (1 - α) g²         p ← p - η g / (√v + ε)
/// ```
///
/// With a [`momentum`](Self::momentum) μ: `b ← μ b + g / (√v + ε)`, `p ← p - η b`. A
/// [`weight_decay`](Self::weight_decay) λ puts `g + λ p` in the place of g. The lecture has neither, nor ε, which is
/// `PyTorch`'s; `PyTorch`'s default α is 0.99, the lecture's 0.9.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RmsProp {
    learning_rate: f64,
    alpha: f64,
    epsilon: f64,
    momentum: f64,
    weight_decay: f64,
}

impl RmsProp {
    /// `RMSProp` with the learning rate η, a positive number (often 0.001), α = 0.9 and ε = 1e-8.
    pub fn new(learning_rate: f64) -> Self {
        Self { learning_rate, alpha: 0.9, epsilon: 1e-8, momentum: 0.0, weight_decay: 0.0 }
    }

    /// How much the running mean of the squares keeps: in `[0, 1)`.
    #[must_use]
    pub fn alpha(self, alpha: f64) -> Self {
        Self { alpha, ..self }
    }

    /// What keeps the denominator from zero: a positive number.
    #[must_use]
    pub fn epsilon(self, epsilon: f64) -> Self {
        Self { epsilon, ..self }
    }

    /// How much of its velocity a parameter keeps: in `[0, 1)`, 0 (the default) for none.
    #[must_use]
    pub fn momentum(self, momentum: f64) -> Self {
        Self { momentum, ..self }
    }

    /// L2 regularisation λ, at least 0 (the default).
    #[must_use]
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Self { weight_decay, ..self }
    }

    fn has_velocity(&self) -> bool {
        self.momentum != 0.0
    }
}

impl<T: Real> Optimizer<T> for RmsProp {
    fn validate(&self) -> Result<(), InvalidSetting> {
        InvalidSetting::unless_positive("learning rate", self.learning_rate)?;
        InvalidSetting::unless_fraction("alpha", self.alpha)?;
        InvalidSetting::unless_positive("epsilon", self.epsilon)?;
        InvalidSetting::unless_fraction("momentum", self.momentum)?;
        InvalidSetting::unless_not_negative("weight decay", self.weight_decay)
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn has_weight_decay(&self) -> bool {
        true
    }

    fn state_per_parameter(&self) -> usize {
        1 + usize::from(self.has_velocity())
    }

    fn begin(&self, step: Step) -> impl Fn(&mut [T], &[T], &mut [T]) + Send + Sync {
        let plain = Scaled {
            decay: T::from_f64(step.decay(self.weight_decay)),
            keep: T::from_f64(self.alpha),
            add: T::from_f64(1.0 - self.alpha),
            rate: T::from_f64(step.rate(self.learning_rate)),
            epsilon: T::from_f64(self.epsilon),
        };
        let momentum = ScaledMomentum { scaled: plain, mu: T::from_f64(self.momentum) };
        let has_velocity = self.has_velocity();
        move |parameters: &mut [T], gradient: &[T], state: &mut [T]| {
            if has_velocity {
                momentum.apply(parameters, gradient, state);
            } else {
                plain.apply(parameters, gradient, state);
            }
        }
    }
}
