//! Adam with decoupled weight decay.

use super::{Adam, InvalidSetting, Optimizer, Step};
use crate::kernels::Real;
use crate::kernels::optimize::Rule;

/// `AdamW`: Loshchilov and Hutter, *Decoupled weight decay regularization* (2019), algorithm 2.
///
/// [`Adam`], after `p ← (1 - η λ) p`: the decay does not go through the moments. The paper multiplies λ by a schedule
/// alone and not by η; here, as in `PyTorch`, its λ is our `η λ`. The default λ = 0.01 is `PyTorch`'s; the paper tunes
/// its own for every task.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamW {
    adam: Adam,
    weight_decay: f64,
}

impl AdamW {
    /// `AdamW` with the learning rate η, a positive number, the defaults of [`Adam::new`] and λ = 0.01.
    pub fn new(learning_rate: f64) -> Self {
        Self { adam: Adam::new(learning_rate), weight_decay: 0.01 }
    }

    /// How much the running means of the gradient and of its square keep: each in `[0, 1)`.
    #[must_use]
    pub fn betas(self, beta1: f64, beta2: f64) -> Self {
        Self { adam: self.adam.betas(beta1, beta2), ..self }
    }

    /// What keeps the denominator from zero: a positive number.
    #[must_use]
    pub fn epsilon(self, epsilon: f64) -> Self {
        Self { adam: self.adam.epsilon(epsilon), ..self }
    }

    /// Decay λ, at least 0.
    #[must_use]
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Self { weight_decay, ..self }
    }
}

impl<T: Real> Optimizer<T> for AdamW {
    fn validate(&self) -> Result<(), InvalidSetting> {
        Optimizer::<T>::validate(&self.adam)?;
        InvalidSetting::unless_not_negative("weight decay", self.weight_decay)
    }

    fn learning_rate(&self) -> f64 {
        self.adam.learning_rate
    }

    fn has_weight_decay(&self) -> bool {
        true
    }

    fn state_per_parameter(&self) -> usize {
        2
    }

    fn begin(&self, step: Step) -> impl Fn(&mut [T], &[T], &mut [T]) + Send + Sync {
        let mut rule = self.adam.rule(step.with_weight_decay(0.0));
        rule.keep = T::from_f64(1.0 - step.rate(self.adam.learning_rate) * step.decay(self.weight_decay));
        move |parameters: &mut [T], gradient: &[T], state: &mut [T]| rule.apply(parameters, gradient, state)
    }
}
