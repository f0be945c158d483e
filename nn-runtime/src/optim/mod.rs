//! Optimisers: from a gradient to an update of the parameters.
//!
//! An optimiser is a value that holds its settings; what it remembers between steps lives in a slice that the
//! caller owns. It thus runs without a heap, and its state can be saved like any other array.
//!
//! | optimiser | state | from |
//! |---|---|---|
//! | [`Sgd`] | 0, with momentum 1 | Robbins and Monro 1951; Polyak 1964; Nesterov 1983 |
//! | [`Adam`] | 2 | Kingma and Ba 2015 |
//! | [`AdamW`] | 2 | Loshchilov and Hutter 2019 |
//! | [`Nadam`] | 2 | Dozat 2016 |
//! | [`RmsProp`] | 1, with momentum 2 | Tieleman and Hinton 2012 |
//! | [`Adagrad`] | 1 | Duchi, Hazan and Singer 2011 |
//! | [`Lion`] | 1 | Chen et al. 2023 |
//!
//! The conventions are those of `PyTorch`: where a paper says something else, the optimiser's page tells.

mod adagrad;
mod adam;
mod adamw;
mod lion;
mod nadam;
mod rmsprop;
mod setting;
mod sgd;
mod step;

pub use adagrad::Adagrad;
pub use adam::Adam;
pub use adamw::AdamW;
pub use lion::Lion;
pub use nadam::Nadam;
pub use rmsprop::RmsProp;
pub use setting::InvalidSetting;
pub use sgd::Sgd;
pub use step::Step;

use crate::kernels::Real;

/// A rule that moves parameters along their gradient.
///
/// ```
/// use nn_runtime::{InvalidSetting, Optimizer, Step};
///
/// /// Every parameter moves by the same small amount, against the sign of its gradient.
/// struct SignDescent(f32);
///
/// impl Optimizer<f32> for SignDescent {
///     fn validate(&self) -> Result<(), InvalidSetting> {
///         InvalidSetting::unless_positive("step size", self.0.into())
///     }
///
///     fn learning_rate(&self) -> f64 {
///         self.0.into()
///     }
///
///     fn state_per_parameter(&self) -> usize {
///         0
///     }
///
///     fn begin(&self, step: Step) -> impl Fn(&mut [f32], &[f32], &mut [f32]) + Send + Sync {
///         let size = step.rate(self.0.into()) as f32;
///         move |parameters: &mut [f32], gradient: &[f32], _: &mut [f32]| {
///             for (p, g) in parameters.iter_mut().zip(gradient) {
///                 *p -= size * g.signum();
///             }
///         }
///     }
/// }
///
/// let mut parameters = [1.0, 2.0];
/// SignDescent(0.5).update(1, &mut parameters, &[3.0, -0.1], &mut []);
/// assert_eq!(parameters, [0.5, 2.5]);
/// ```
pub trait Optimizer<T: Real>: Send + Sync {
    /// Whether the settings make sense; [`Trainer`](crate::Trainer) asks once before it starts.
    ///
    /// # Errors
    /// Names the first setting that does not.
    fn validate(&self) -> Result<(), InvalidSetting>;

    /// The learning rate as it was set, before a schedule.
    fn learning_rate(&self) -> f64;

    /// Whether [`Step::decay`] is heeded, so that some parameters can have a weight decay of their own.
    fn has_weight_decay(&self) -> bool {
        false
    }

    /// Scalars of state for each parameter: 0 for plain gradient descent, 2 for methods with two moments.
    fn state_per_parameter(&self) -> usize;

    /// Computes what is the same for all parameters in one step, and returns the update.
    ///
    /// The step has the number of the update, and changes learning rate and weight decay: use [`Step::rate`] and
    /// [`Step::decay`] in the place of the settings. The update takes any range of parameters, their gradient of the mean loss,
    /// and their state: `state_per_parameter() * parameters.len()` scalars, which are zero before the first step.
    /// Each parameter is moved alone: a model can be updated as a whole, or range by range on several threads, with
    /// the same results, as long as every range keeps its own state.
    fn begin(&self, step: Step) -> impl Fn(&mut [T], &[T], &mut [T]) + Send + Sync;

    /// The update with this number of a single range of parameters: [`begin`](Self::begin), applied once.
    fn update(&self, step: u64, parameters: &mut [T], gradient: &[T], state: &mut [T]) {
        self.begin(Step::new(step))(parameters, gradient, state);
    }
}

/// `x` to the power of a number of steps: what bias corrections are made of.
pub(crate) fn power(mut x: f64, mut steps: u64) -> f64 {
    let mut result = 1.0;
    while steps > 0 {
        if steps % 2 == 1 {
            result *= x;
        }
        x *= x;
        steps /= 2;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::{Adagrad, Adam, AdamW, InvalidSetting, Lion, Nadam, Optimizer, RmsProp, Sgd, power};

    fn setting<O: Optimizer<f32>>(optimizer: O) -> &'static str {
        match optimizer.validate() {
            Ok(()) => "",
            Err(InvalidSetting { setting, .. }) => setting,
        }
    }

    #[test]
    fn descent_subtracts_the_scaled_gradient() {
        let mut parameters = [1.0_f64, -2.0, 0.5];
        Sgd::new(0.25).update(1, &mut parameters, &[4.0, -8.0, 0.0], &mut []);
        assert_eq!(parameters, [0.0, 0.0, 0.5]);
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(setting(Sgd::new(rate)), "learning rate");
            assert_eq!(setting(Adam::new(rate)), "learning rate");
            assert_eq!(setting(AdamW::new(rate)), "learning rate");
            assert_eq!(setting(Nadam::new(rate)), "learning rate");
            assert_eq!(setting(RmsProp::new(rate)), "learning rate");
            assert_eq!(setting(Adagrad::new(rate)), "learning rate");
            assert_eq!(setting(Lion::new(rate)), "learning rate");
            assert_eq!(setting(Adam::new(1.0).epsilon(rate)), "epsilon");
            assert_eq!(setting(AdamW::new(1.0).epsilon(rate)), "epsilon");
            assert_eq!(setting(Nadam::new(1.0).epsilon(rate)), "epsilon");
            assert_eq!(setting(RmsProp::new(1.0).epsilon(rate)), "epsilon");
            assert_eq!(setting(Adagrad::new(1.0).epsilon(rate)), "epsilon");
        }
        for fraction in [-0.1, 1.0, f64::NAN] {
            assert_eq!(setting(Sgd::new(0.1).momentum(fraction)), "momentum");
            assert_eq!(setting(RmsProp::new(0.1).momentum(fraction)), "momentum");
            assert_eq!(setting(RmsProp::new(0.1).alpha(fraction)), "alpha");
            assert_eq!(setting(Adam::new(0.1).betas(fraction, 0.9)), "beta1");
            assert_eq!(setting(AdamW::new(0.1).betas(0.9, fraction)), "beta2");
            assert_eq!(setting(Nadam::new(0.1).betas(0.9, fraction)), "beta2");
            assert_eq!(setting(Lion::new(0.1).betas(fraction, 0.9)), "beta1");
            assert_eq!(setting(Lion::new(0.1).betas(0.9, fraction)), "beta2");
        }
        for decay in [-1e-4, f64::NAN, f64::INFINITY] {
            assert_eq!(setting(Sgd::new(0.1).weight_decay(decay)), "weight decay");
            assert_eq!(setting(Adam::new(0.1).weight_decay(decay)), "weight decay");
            assert_eq!(setting(AdamW::new(0.1).weight_decay(decay)), "weight decay");
            assert_eq!(setting(Nadam::new(0.1).weight_decay(decay)), "weight decay");
            assert_eq!(setting(RmsProp::new(0.1).weight_decay(decay)), "weight decay");
            assert_eq!(setting(Adagrad::new(0.1).weight_decay(decay)), "weight decay");
            assert_eq!(setting(Lion::new(0.1).weight_decay(decay)), "weight decay");
        }
        assert_eq!(setting(Sgd::new(0.1).nesterov()), "momentum");
        assert_eq!(setting(Sgd::new(0.1).momentum(0.9).nesterov().weight_decay(1e-4)), "");
        assert_eq!(setting(Adam::new(1e-3).betas(0.0, 0.99).epsilon(1e-6).weight_decay(0.1)), "");
    }

    #[test]
    fn powers_of_step_counts() {
        for (x, steps) in [(0.9_f64, 0), (0.9, 1), (0.999, 2), (0.999, 12_345), (0.5, 64), (0.0, 3)] {
            let want = x.powf(steps as f64);
            assert!((power(x, steps) - want).abs() <= 1e-12 * want, "{x} {steps}");
        }
        assert_eq!(power(0.999, u64::MAX), 0.0);
    }
}
