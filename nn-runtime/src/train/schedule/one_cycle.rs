//! Up, and down again.

use std::f64::consts::PI;

use super::{Schedule, Time};
use crate::InvalidSetting;

/// One cycle: Smith and Topin, *Super-convergence: very fast training of neural networks using large learning rates*
/// (2018), in the form of `PyTorch`'s `OneCycleLR`, with its defaults.
///
/// The learning rate of the optimiser is the largest one. The training starts at 1/25 of it, is there after three tenths
/// of all updates, and ends at 1/250 000. It counts updates. The momentum stays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OneCycle {
    updates: Option<u64>,
    rise: f64,
    divisor: f64,
    final_divisor: f64,
    linear: bool,
    three_phases: bool,
}

impl OneCycle {
    /// A cycle as long as the training.
    pub fn new() -> Self {
        Self {
            updates: None,
            rise: 0.3,
            divisor: 25.0,
            final_divisor: 1e4,
            linear: false,
            three_phases: false,
        }
    }

    /// A cycle of so many updates, at least 2. Afterwards the learning rate stays where it ends.
    #[must_use]
    pub fn updates(self, updates: u64) -> Self {
        Self { updates: Some(updates), ..self }
    }

    /// The part of the cycle in which the learning rate rises: above 0 and below 1, or at most a half with
    /// [`three_phases`](Self::three_phases).
    #[must_use]
    pub fn rise(self, fraction: f64) -> Self {
        Self { rise: fraction, ..self }
    }

    /// What the largest learning rate is divided by at the start, and the one at the start by at the end: positive
    /// numbers, by default 25 and 10 000.
    #[must_use]
    pub fn divisors(self, start: f64, end: f64) -> Self {
        Self { divisor: start, final_divisor: end, ..self }
    }

    /// Straight lines in the place of half waves of a cosine.
    #[must_use]
    pub fn linear(self) -> Self {
        Self { linear: true, ..self }
    }

    /// Down to the start as fast as up from there, and then down to the end, as in the paper.
    #[must_use]
    pub fn three_phases(self) -> Self {
        Self { three_phases: true, ..self }
    }

    /// From one factor to another, `done` from 0 to 1.
    fn between(&self, from: f64, to: f64, done: f64) -> f64 {
        if self.linear {
            from + (to - from) * done
        } else {
            to + (from - to) / 2.0 * (1.0 + libm::cos(PI * done))
        }
    }
}

impl Default for OneCycle {
    fn default() -> Self {
        Self::new()
    }
}

impl Schedule for OneCycle {
    fn validate(&self, total: Option<u64>) -> Result<(), InvalidSetting> {
        let updates = self.updates.or(total).unwrap_or(0);
        if updates < 2 {
            let range = "at least 2; with data whose rows were not counted, give it to `OneCycle::updates`";
            let setting = "number of updates of the cycle";
            return Err(InvalidSetting { setting, value: updates as f64, range });
        }
        let (value, setting) = (self.rise, "rising part of the cycle");
        if self.three_phases && !(value > 0.0 && value <= 0.5) {
            return Err(InvalidSetting { setting, value, range: "above 0 and at most 0.5 of three phases" });
        }
        if !(value > 0.0 && value < 1.0) {
            return Err(InvalidSetting { setting, value, range: "above 0 and below 1" });
        }
        InvalidSetting::unless_positive("divisor at the start of the cycle", self.divisor)?;
        InvalidSetting::unless_positive("divisor at the end of the cycle", self.final_divisor)
    }

    fn factor(&self, time: Time) -> f64 {
        let start = 1.0 / self.divisor;
        let end = start / self.final_divisor;
        let total = self.updates.or(time.total).unwrap_or(2).max(2) as f64;
        let last = total - 1.0;
        // Each phase ends at a time that need not be a whole number, with a factor.
        let top = self.rise * total - 1.0;
        let phases = if self.three_phases {
            [(top, 1.0), (2.0 * self.rise * total - 2.0, start), (last, end)]
        } else {
            [(top, 1.0), (last, end), (last, end)]
        };
        let now = (time.updates as f64).min(last);
        let (mut since, mut from) = (0.0, start);
        for (until, to) in phases {
            if now <= until {
                let done = if until > since { (now - since) / (until - since) } else { 1.0 };
                return self.between(from, to, done);
            }
            (since, from) = (until, to);
        }
        end
    }
}
