//! A line up to the start of another schedule.

use super::{Schedule, Time, at_least_one, decaying};
use crate::InvalidSetting;

/// A linear warm-up before another schedule: Goyal et al., *Accurate, large minibatch SGD: training `ImageNet` in 1
/// hour* (2017), section 2.2.
///
/// After t of n updates the factor is `start + (1 - start) t / n`. Then comes the other schedule, which counts updates
/// from the end of the warm-up, and epochs from the start of the training. `PyTorch` has it as `LinearLR` before another
/// one in `SequentialLR`.
///
/// ```
/// use nn_runtime::schedule::{Constant, OneCycle, Schedule, StepDecay, Time, WarmUp};
///
/// let schedule = WarmUp::new(4, Constant).start(0.2);
/// let factors: Vec<f64> = (0..6).map(|update| schedule.factor(Time::new(update, 0))).collect();
/// assert_eq!(factors, [0.2, 0.4, 0.6000000000000001, 0.8, 1.0, 1.0]);
///
/// // The same before another schedule.
/// let schedule = StepDecay::new(30, 0.1).after_warm_up(500);
/// # let _ = (schedule, OneCycle::new());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WarmUp<S> {
    updates: u64,
    start: f64,
    then: S,
}

impl<S: Schedule> WarmUp<S> {
    /// A warm-up of `updates` updates, at least 1, from a third of the learning rate, before `then`.
    pub fn new(updates: u64, then: S) -> Self {
        Self { updates, start: 1.0 / 3.0, then }
    }

    /// The factor of the first update: above 0 and at most 1.
    #[must_use]
    pub fn start(self, start: f64) -> Self {
        Self { start, ..self }
    }
}

impl<S: Schedule> Schedule for WarmUp<S> {
    fn validate(&self, total: Option<u64>) -> Result<(), InvalidSetting> {
        at_least_one("number of updates of the warm-up", self.updates)?;
        decaying("start of the warm-up", self.start)?;
        self.then.validate(total.map(|total| total.saturating_sub(self.updates)))
    }

    fn factor(&self, time: Time) -> f64 {
        if time.updates < self.updates {
            return self.start + (1.0 - self.start) * time.updates as f64 / self.updates as f64;
        }
        self.then.factor(Time {
            updates: time.updates - self.updates,
            epochs: time.epochs,
            total: time.total.map(|total| total.saturating_sub(self.updates)),
        })
    }

    fn observe(&mut self, loss: f64) {
        self.then.observe(loss);
    }

    fn state(&self) -> Vec<f64> {
        self.then.state()
    }

    fn restore(&mut self, state: &[f64]) -> bool {
        self.then.restore(state)
    }
}
