//! Smaller steps where the loss stops falling.

use super::{Schedule, Time, decaying, floor};
use crate::InvalidSetting;

/// The learning rate times γ whenever the loss has not improved for more than some epochs: the validation loss if there
/// is any. `PyTorch` calls it `ReduceLROnPlateau`; the defaults are the same.
///
/// A loss is an improvement if it is below `best (1 - threshold)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plateau {
    gamma: f64,
    patience: u64,
    threshold: f64,
    absolute: bool,
    cooldown: u64,
    floor: f64,
    factor: f64,
    best: f64,
    bad: u64,
    cooling: u64,
}

impl Plateau {
    /// Times `gamma`, above 0 and at most 1 (often 0.1), once more than `patience` epochs (often 10) in a row are no
    /// improvement.
    pub fn new(gamma: f64, patience: u64) -> Self {
        Self {
            gamma,
            patience,
            threshold: 1e-4,
            absolute: false,
            cooldown: 0,
            floor: 0.0,
            factor: 1.0,
            best: f64::INFINITY,
            bad: 0,
            cooling: 0,
        }
    }

    /// How much better, as a part of the best loss, an improvement is: at least 0, by default 1e-4.
    #[must_use]
    pub fn threshold(self, threshold: f64) -> Self {
        Self { threshold, absolute: false, ..self }
    }

    /// How much smaller than the best loss an improvement is: at least 0.
    #[must_use]
    pub fn absolute_threshold(self, threshold: f64) -> Self {
        Self { threshold, absolute: true, ..self }
    }

    /// Epochs after a reduction in which none is counted as bad.
    #[must_use]
    pub fn cooldown(self, epochs: u64) -> Self {
        Self { cooldown: epochs, ..self }
    }

    /// The smallest factor: in `[0, 1]`, 0 by default.
    #[must_use]
    pub fn floor(self, floor: f64) -> Self {
        Self { floor, ..self }
    }

    fn is_better(&self, loss: f64) -> bool {
        let margin =
            if self.absolute { self.best - self.threshold } else { self.best * (1.0 - self.threshold) };
        loss < margin
    }
}

impl Schedule for Plateau {
    fn validate(&self, _total: Option<u64>) -> Result<(), InvalidSetting> {
        decaying("gamma of the schedule", self.gamma)?;
        InvalidSetting::unless_not_negative("threshold of the schedule", self.threshold)?;
        floor(self.floor)
    }

    fn factor(&self, _time: Time) -> f64 {
        self.factor
    }

    fn observe(&mut self, loss: f64) {
        if self.is_better(loss) {
            self.best = loss;
            self.bad = 0;
        } else {
            self.bad += 1;
        }
        if self.cooling > 0 {
            self.cooling -= 1;
            self.bad = 0;
        }
        if self.bad > self.patience {
            self.factor = (self.factor * self.gamma).max(self.floor);
            self.cooling = self.cooldown;
            self.bad = 0;
        }
    }

    fn state(&self) -> Vec<f64> {
        vec![self.factor, self.best, self.bad as f64, self.cooling as f64]
    }

    fn restore(&mut self, state: &[f64]) -> bool {
        let &[factor, best, bad, cooling] = state else { return false };
        let counts = [bad, cooling].iter().all(|count| *count >= 0.0 && count.fract() == 0.0);
        if !counts || !(0.0..=1.0).contains(&factor) || best.is_nan() {
            return false;
        }
        (self.factor, self.best, self.bad, self.cooling) = (factor, best, bad as u64, cooling as u64);
        true
    }
}
