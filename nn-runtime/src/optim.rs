//! Optimisers: from a gradient to an update of the parameters.
//!
//! An optimiser is a value that holds its settings; what it remembers between steps lives in a slice that the
//! caller owns. It thus runs without a heap, and its state can be saved like any other array.

use crate::kernels::Real;

/// A rule that moves parameters along their gradient.
pub trait Optimizer<T: Real>: Send + Sync {
    /// Scalars of state for each parameter: 0 for plain gradient descent, 2 for methods with two moments.
    const STATE_PER_PARAMETER: usize;

    /// Whether the settings make sense; [`Trainer`](crate::Trainer) asks once before it starts.
    ///
    /// # Errors
    /// Names the first setting that does not.
    fn validate(&self) -> Result<(), InvalidSetting>;

    /// One update of `parameters` (all of a model, flat) for the `gradient` of the mean loss.
    ///
    /// `step` counts the updates from 1. `state` has `STATE_PER_PARAMETER * parameters.len()` scalars, which are
    /// zero before the first step.
    fn update(&self, step: u64, parameters: &mut [T], gradient: &[T], state: &mut [T]);
}

/// Plain stochastic gradient descent: `p ← p - η ∂J/∂p`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    learning_rate: f64,
}

impl Sgd {
    /// Gradient descent with the learning rate η, a positive number.
    pub fn new(learning_rate: f64) -> Self {
        Self { learning_rate }
    }
}

impl<T: Real> Optimizer<T> for Sgd {
    const STATE_PER_PARAMETER: usize = 0;

    fn validate(&self) -> Result<(), InvalidSetting> {
        InvalidSetting::unless_positive("learning rate", self.learning_rate)
    }

    fn update(&self, _step: u64, parameters: &mut [T], gradient: &[T], _state: &mut [T]) {
        let rate = T::from_f64(self.learning_rate);
        for (p, &g) in parameters.iter_mut().zip(gradient) {
            *p -= rate * g;
        }
    }
}

/// A setting outside of its range.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("the {setting} is {value}, but must be {range}")]
pub struct InvalidSetting {
    /// The setting.
    pub setting: &'static str,
    /// The value that it was given.
    pub value: f64,
    /// The values that it can have.
    pub range: &'static str,
}

impl InvalidSetting {
    /// Refuses a value that is not finite and above zero.
    ///
    /// # Errors
    /// If `value` is zero, negative, infinite or NaN.
    pub fn unless_positive(setting: &'static str, value: f64) -> Result<(), Self> {
        let positive = value.is_finite() && value > 0.0;
        if positive { Ok(()) } else { Err(Self { setting, value, range: "finite and above 0" }) }
    }
}

#[cfg(test)]
mod tests {
    use super::{InvalidSetting, Optimizer, Sgd};

    #[test]
    fn sgd_subtracts_the_scaled_gradient() {
        let mut parameters = [1.0_f64, -2.0, 0.5];
        Sgd::new(0.25).update(1, &mut parameters, &[4.0, -8.0, 0.0], &mut []);
        assert_eq!(parameters, [0.0, 0.0, 0.5]);
    }

    #[test]
    fn sgd_refuses_impossible_learning_rates() {
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let error: InvalidSetting = Optimizer::<f32>::validate(&Sgd::new(rate)).unwrap_err();
            assert_eq!(error.setting, "learning rate");
        }
        assert_eq!(Optimizer::<f32>::validate(&Sgd::new(1e-3)), Ok(()));
    }
}
