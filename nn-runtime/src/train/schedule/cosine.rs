//! Half a wave of a cosine.

use std::f64::consts::PI;

use super::{Clock, Schedule, Time, at_least_one, floor};
use crate::InvalidSetting;

/// Cosine annealing, with warm restarts if they are asked for: Loshchilov and Hutter, *SGDR: stochastic gradient descent
/// with warm restarts* (2017), equation 5.
///
/// ```text
/// floor + (1 - floor) (1 + cos(π t / T)) / 2
/// ```
///
/// with the time t since the last restart. Without restarts the factor stays at the floor after T. `PyTorch` calls it
/// `CosineAnnealingLR` up to T, and with restarts `CosineAnnealingWarmRestarts`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cosine {
    period: u64,
    growth: Option<u64>,
    floor: f64,
    clock: Clock,
}

impl Cosine {
    /// From the learning rate down to 0 in `period` epochs, at least 1: the T of the formula.
    pub fn new(period: u64) -> Self {
        Self { period, growth: None, floor: 0.0, clock: Clock::Epochs }
    }

    /// Starts again after each period, of which every one is `growth` times, at least once, as long as the last.
    #[must_use]
    pub fn warm_restarts(self, growth: u64) -> Self {
        Self { growth: Some(growth), ..self }
    }

    /// The factor at the end of a period: in `[0, 1]`, 0 by default.
    #[must_use]
    pub fn floor(self, floor: f64) -> Self {
        Self { floor, ..self }
    }

    /// Counts updates, not epochs.
    #[must_use]
    pub fn per_update(self) -> Self {
        Self { clock: Clock::Updates, ..self }
    }

    /// The time since the last restart, and the length of the period.
    fn phase(&self, time: u64) -> (u64, u64) {
        let period = self.period.max(1);
        match self.growth {
            None => (time.min(period), period),
            Some(0 | 1) => (time % period, period),
            Some(growth) => {
                let (mut since, mut period) = (time, period);
                while since >= period {
                    since -= period;
                    period = period.saturating_mul(growth);
                }
                (since, period)
            }
        }
    }
}

impl Schedule for Cosine {
    fn validate(&self, _total: Option<u64>) -> Result<(), InvalidSetting> {
        at_least_one("period of the schedule", self.period)?;
        at_least_one("growth of the schedule's periods", self.growth.unwrap_or(1))?;
        floor(self.floor)
    }

    fn factor(&self, time: Time) -> f64 {
        let (since, period) = self.phase(self.clock.read(time));
        let wave = 0.5 * (1.0 + libm::cos(PI * since as f64 / period as f64));
        self.floor + (1.0 - self.floor) * wave
    }
}
