//! Gradient descent, with and without momentum.

use super::{InvalidSetting, Optimizer, Step};
use crate::kernels::Real;
use crate::kernels::optimize::{Descent, Momentum, Rule};

/// Stochastic gradient descent: `p ← p - η g`, with the learning rate η and the gradient g of the mean loss.
///
/// - [`momentum`](Self::momentum) μ: `v ← μ v + g`, `p ← p - η v`; Polyak, *Some methods of speeding up the
///   convergence of iteration methods* (1964).
/// - [`nesterov`](Self::nesterov): `v ← μ v + g`, `p ← p - η (g + μ v)`; Nesterov 1983, in the form of Sutskever et
///   al., *On the importance of initialization and momentum in deep learning* (2013).
/// - [`weight_decay`](Self::weight_decay) λ: `g + λ p` in the place of g, the gradient of `λ/2 ‖p‖²` added to the loss.
///
/// Sutskever et al. have the learning rate inside of the velocity, `v ← μ v - η g`; `PyTorch` and this optimiser
/// multiply it at the end. The two are the same as long as the learning rate stays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    learning_rate: f64,
    momentum: f64,
    nesterov: bool,
    weight_decay: f64,
}

impl Sgd {
    /// Plain gradient descent with the learning rate η, a positive number.
    pub fn new(learning_rate: f64) -> Self {
        Self { learning_rate, momentum: 0.0, nesterov: false, weight_decay: 0.0 }
    }

    /// How much of its velocity a parameter keeps: in `[0, 1)`, often 0.9. Zero, the default, is plain descent.
    #[must_use]
    pub fn momentum(self, momentum: f64) -> Self {
        Self { momentum, ..self }
    }

    /// Looks ahead along the velocity. Needs a momentum above zero.
    #[must_use]
    pub fn nesterov(self) -> Self {
        Self { nesterov: true, ..self }
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

impl<T: Real> Optimizer<T> for Sgd {
    fn validate(&self) -> Result<(), InvalidSetting> {
        InvalidSetting::unless_positive("learning rate", self.learning_rate)?;
        InvalidSetting::unless_fraction("momentum", self.momentum)?;
        if self.nesterov && !self.has_velocity() {
            let range = "above 0 for Nesterov's method";
            return Err(InvalidSetting { setting: "momentum", value: self.momentum, range });
        }
        InvalidSetting::unless_not_negative("weight decay", self.weight_decay)
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn has_weight_decay(&self) -> bool {
        true
    }

    fn state_per_parameter(&self) -> usize {
        usize::from(self.has_velocity())
    }

    fn begin(&self, step: Step) -> impl Fn(&mut [T], &[T], &mut [T]) + Send + Sync {
        let (rate, mu) = (step.rate(self.learning_rate), self.momentum);
        let (gradient_rate, velocity_rate) = if self.nesterov { (rate, rate * mu) } else { (0.0, rate) };
        let decay = T::from_f64(step.decay(self.weight_decay));
        let plain = Descent { decay, rate: T::from_f64(rate) };
        let momentum = Momentum {
            decay,
            mu: T::from_f64(mu),
            gradient_rate: T::from_f64(gradient_rate),
            velocity_rate: T::from_f64(velocity_rate),
        };
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
