//! Schedules: how the learning rate changes in the course of a training.
//!
//! A schedule is a factor of the learning rate that the optimiser was given. The conventions are those of `PyTorch`'s
//! `lr_scheduler`, with which every schedule agrees over its whole run.
//!
//! | schedule | counts | factor |
//! |---|---|---|
//! | [`Constant`] | | 1 |
//! | [`StepDecay`] | epochs | γ after every so many epochs once more |
//! | [`Exponential`] | epochs | γ after every epoch once more |
//! | [`Cosine`] | epochs | half a wave of a cosine, from 1 down to a floor, again and again with warm restarts |
//! | [`OneCycle`] | updates | up and, for longer, down |
//! | [`Plateau`] | epochs | γ once more whenever the loss stops falling |
//! | [`WarmUp`] | updates | a line up to 1; then any other schedule |
//!
//! Those that count epochs can count updates instead. A closure that takes a [`Time`] is a schedule, too.

mod cosine;
mod decay;
mod one_cycle;
mod plateau;
mod warm_up;

use crate::InvalidSetting;

pub use cosine::Cosine;
pub use decay::{Exponential, StepDecay};
pub use one_cycle::OneCycle;
pub use plateau::Plateau;
pub use warm_up::WarmUp;

/// How far a training is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Time {
    /// Updates so far.
    pub updates: u64,
    /// Whole epochs so far.
    pub epochs: u64,
    /// Updates of the whole training, if the number of rows is known.
    pub total: Option<u64>,
}

impl Time {
    /// After so many updates, and so many whole epochs.
    pub fn new(updates: u64, epochs: u64) -> Self {
        Self { updates, epochs, total: None }
    }

    /// In a training of so many updates altogether.
    #[must_use]
    pub fn of(self, total: u64) -> Self {
        Self { total: Some(total), ..self }
    }
}

/// What the learning rate is multiplied with at any time of a training.
///
/// ```
/// use nn_runtime::schedule::{Schedule, Time};
///
/// // With the inverse of the square root of the number of updates.
/// let root = |time: Time| 1.0 / ((time.updates + 1) as f64).sqrt();
/// assert_eq!(root.factor(Time::new(3, 0)), 0.5);
/// ```
pub trait Schedule: Send {
    /// Whether the settings make sense, for a training of so many updates if that is known;
    /// [`Trainer`](crate::Trainer) asks once before it starts.
    ///
    /// # Errors
    /// Names the first setting that does not.
    fn validate(&self, total: Option<u64>) -> Result<(), InvalidSetting> {
        let _ = total;
        Ok(())
    }

    /// The factor, finite and at least 0, of the update that comes next.
    fn factor(&self, time: Time) -> f64;

    /// Told after every epoch: the loss on the validation data if there is any, and on the training data otherwise.
    fn observe(&mut self, loss: f64) {
        let _ = loss;
    }

    /// What was remembered of the observations, for a checkpoint.
    fn state(&self) -> Vec<f64> {
        Vec::new()
    }

    /// Goes on from a state that [`state`](Self::state) gave. Says whether it makes sense.
    fn restore(&mut self, state: &[f64]) -> bool {
        state.is_empty()
    }

    /// This schedule, after a linear warm-up of so many updates, from a third of the learning rate.
    fn after_warm_up(self, updates: u64) -> WarmUp<Self>
    where
        Self: Sized,
    {
        WarmUp::new(updates, self)
    }
}

/// The learning rate of the optimiser, all the time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Constant;

impl Schedule for Constant {
    fn factor(&self, _time: Time) -> f64 {
        1.0
    }
}

impl<F: Fn(Time) -> f64 + Send> Schedule for F {
    fn factor(&self, time: Time) -> f64 {
        self(time)
    }
}

/// What a schedule counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clock {
    Epochs,
    Updates,
}

impl Clock {
    /// The number of epochs or updates so far.
    fn read(self, time: Time) -> u64 {
        match self {
            Self::Epochs => time.epochs,
            Self::Updates => time.updates,
        }
    }
}

/// Refuses a period of 0.
fn at_least_one(setting: &'static str, value: u64) -> Result<(), InvalidSetting> {
    if value > 0 { Ok(()) } else { Err(InvalidSetting { setting, value: 0.0, range: "at least 1" }) }
}

/// Refuses a factor that is not above 0 and at most 1.
fn decaying(setting: &'static str, value: f64) -> Result<(), InvalidSetting> {
    let range = "above 0 and at most 1";
    if value > 0.0 && value <= 1.0 { Ok(()) } else { Err(InvalidSetting { setting, value, range }) }
}

/// Refuses a floor that is not in `[0, 1]`.
fn floor(value: f64) -> Result<(), InvalidSetting> {
    let range = "from 0 to 1";
    let within = (0.0..=1.0).contains(&value);
    if within { Ok(()) } else { Err(InvalidSetting { setting: "floor of the schedule", value, range }) }
}
