//! Adam with Nesterov's momentum.

use super::{Adam, InvalidSetting, Optimizer, Step, power};
use crate::kernels::Real;
use crate::kernels::optimize::{Moments, Rule};

/// `Nadam`: Dozat, *Incorporating Nesterov momentum into Adam* (2016), algorithm 2, with its schedule of momenta.
///
/// With the gradient g of the mean loss, in step t, and `μₜ = β₁ (1 - 0.5 · 0.96^(t/250))`:
///
/// ```text
/// m ← β₁ m + (1 - β₁) g        v ← β₂ v + (1 - β₂) g²
/// p ← p - η ((1 - μₜ) g / (1 - Πₜ) + μₜ₊₁ m / (1 - Πₜ₊₁)) / (√v̂ + ε)
/// Πₜ = μ₁ ⋯ μₜ,  v̂ = v / (1 - β₂ᵗ)
/// ```
///
/// The paper has `μₜ` in the place of β₁ in the update of m as well; this is `PyTorch`'s form, with its defaults.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nadam {
    adam: Adam,
}

impl Nadam {
    /// `Nadam` with the learning rate η, a positive number (often 0.002), β₁ = 0.9, β₂ = 0.999 and
    /// ε = 1e-8.
    pub fn new(learning_rate: f64) -> Self {
        Self { adam: Adam::new(learning_rate) }
    }

    /// How much the running means of the gradient and of its square keep: each in `[0, 1)`.
    #[must_use]
    pub fn betas(self, beta1: f64, beta2: f64) -> Self {
        Self { adam: self.adam.betas(beta1, beta2) }
    }

    /// What keeps the denominator from zero: a positive number.
    #[must_use]
    pub fn epsilon(self, epsilon: f64) -> Self {
        Self { adam: self.adam.epsilon(epsilon) }
    }

    /// L2 regularisation λ, at least 0 (the default).
    #[must_use]
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Self { adam: self.adam.weight_decay(weight_decay) }
    }

    /// `[μₜ, μₜ₊₁, Πₜ, Πₜ₊₁]`
    fn momenta(&self, step: u64) -> [f64; 4] {
        let mu = |t| self.adam.beta1 * (1.0 - 0.5 * power(DECAY, t));
        // The first factors are about a half: the product is soon beneath every rounding error.
        let mut product = 1.0;
        let mut ratio = 1.0;
        for _ in 0..step {
            ratio *= DECAY;
            product *= self.adam.beta1 * (1.0 - 0.5 * ratio);
            if product < f64::EPSILON / 16.0 {
                break;
            }
        }
        let next = mu(step + 1);
        [mu(step), next, product, product * next]
    }
}

/// `0.96^(1/250)`
const DECAY: f64 = 0.999_836_725_352_675_3;

impl<T: Real> Optimizer<T> for Nadam {
    fn validate(&self) -> Result<(), InvalidSetting> {
        Optimizer::<T>::validate(&self.adam)
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
        let [mu, next_mu, product, next_product] = self.momenta(step.number());
        let rate = step.rate(self.adam.learning_rate) * self.adam.root(step.number());
        let rule = Moments {
            gradient_rate: T::from_f64(rate * (1.0 - mu) / (1.0 - product)),
            moment_rate: T::from_f64(rate * next_mu / (1.0 - next_product)),
            ..self.adam.rule(step)
        };
        move |parameters: &mut [T], gradient: &[T], state: &mut [T]| rule.apply(parameters, gradient, state)
    }
}

#[cfg(test)]
mod tests {
    use super::{DECAY, Nadam};

    #[test]
    fn momenta_follow_their_schedule() {
        assert!((DECAY.powi(250) - 0.96).abs() < 1e-14);
        for beta1 in [0.0, 0.9, 0.999] {
            let nadam = Nadam::new(0.1).betas(beta1, 0.999);
            let mu = |t: i32| beta1 * (1.0 - 0.5 * 0.96_f64.powf(f64::from(t) / 250.0));
            let mut product = 1.0;
            for step in 1..2000 {
                product *= mu(step);
                let got = nadam.momenta(step as u64);
                let want = [mu(step), mu(step + 1), product, product * mu(step + 1)];
                assert!(
                    got.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-12),
                    "{step}: {got:?}, not {want:?}"
                );
            }
        }
    }
}
