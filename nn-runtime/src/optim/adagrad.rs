//! Gradients divided by the root of the sum of their squares.

use super::{InvalidSetting, Optimizer, Step};
use crate::kernels::Real;
use crate::kernels::optimize::{Rule, Scaled};

/// `Adagrad`: Duchi, Hazan and Singer, *Adaptive subgradient methods for online learning and stochastic optimization*
/// (2011), with diagonal matrices.
///
/// With the gradient g of the mean loss:
///
/// ```text
/// v ← v + g²         p ← p - η g / (√v + ε)
/// ```
///
/// The paper calls ε δ and leaves it open: 1e-10 is `PyTorch`'s. A [`weight_decay`](Self::weight_decay) λ, which the
/// paper does not have, puts `g + λ p` in the place of g.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adagrad {
    learning_rate: f64,
    epsilon: f64,
    weight_decay: f64,
}

impl Adagrad {
    /// `Adagrad` with the learning rate η, a positive number (often 0.01), and ε = 1e-10.
    pub fn new(learning_rate: f64) -> Self {
        Self { learning_rate, epsilon: 1e-10, weight_decay: 0.0 }
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
}

impl<T: Real> Optimizer<T> for Adagrad {
    fn validate(&self) -> Result<(), InvalidSetting> {
        InvalidSetting::unless_positive("learning rate", self.learning_rate)?;
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
        1
    }

    fn begin(&self, step: Step) -> impl Fn(&mut [T], &[T], &mut [T]) + Send + Sync {
        let rule = Scaled {
            decay: T::from_f64(step.decay(self.weight_decay)),
            keep: T::ONE,
            add: T::ONE,
            rate: T::from_f64(step.rate(self.learning_rate)),
            epsilon: T::from_f64(self.epsilon),
        };
        move |parameters: &mut [T], gradient: &[T], state: &mut [T]| rule.apply(parameters, gradient, state)
    }
}
