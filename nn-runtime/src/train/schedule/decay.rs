//! Powers of a factor.

use super::{Clock, Schedule, Time, at_least_one, decaying};
use crate::InvalidSetting;
use crate::optim::power;

/// The learning rate times γ after every so many epochs: `γ^⌊t / period⌋`. `PyTorch` calls it `StepLR`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepDecay {
    period: u64,
    gamma: f64,
    clock: Clock,
}

impl StepDecay {
    /// Times `gamma`, above 0 and at most 1 (often 0.1), after every `period` epochs, at least 1.
    pub fn new(period: u64, gamma: f64) -> Self {
        Self { period, gamma, clock: Clock::Epochs }
    }

    /// Counts updates, not epochs.
    #[must_use]
    pub fn per_update(self) -> Self {
        Self { clock: Clock::Updates, ..self }
    }
}

impl Schedule for StepDecay {
    fn validate(&self, _total: Option<u64>) -> Result<(), InvalidSetting> {
        at_least_one("period of the schedule", self.period)?;
        decaying("gamma of the schedule", self.gamma)
    }

    fn factor(&self, time: Time) -> f64 {
        power(self.gamma, self.clock.read(time) / self.period.max(1))
    }
}

/// The learning rate times γ after every epoch: `γᵗ`. `PyTorch` calls it `ExponentialLR`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exponential {
    gamma: f64,
    clock: Clock,
}

impl Exponential {
    /// Times `gamma`, above 0 and at most 1 (often 0.95), after every epoch.
    pub fn new(gamma: f64) -> Self {
        Self { gamma, clock: Clock::Epochs }
    }

    /// Counts updates, not epochs.
    #[must_use]
    pub fn per_update(self) -> Self {
        Self { clock: Clock::Updates, ..self }
    }
}

impl Schedule for Exponential {
    fn validate(&self, _total: Option<u64>) -> Result<(), InvalidSetting> {
        decaying("gamma of the schedule", self.gamma)
    }

    fn factor(&self, time: Time) -> f64 {
        power(self.gamma, self.clock.read(time))
    }
}
