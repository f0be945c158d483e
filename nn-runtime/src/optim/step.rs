//! What an optimiser is told about one update.

/// One update of the parameters: its number, and what holds for it alone.
///
/// ```
/// use nn_runtime::{Optimizer, Sgd, Step};
///
/// let mut parameters = [1.0_f32];
/// // The third update, at half of the learning rate.
/// let sgd = Sgd::new(0.5);
/// sgd.begin(Step::new(3).with_factor(0.5))(&mut parameters, &[4.0], &mut []);
/// assert_eq!(parameters, [0.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    number: u64,
    factor: f64,
    weight_decay: Option<f64>,
}

impl Step {
    /// The update with this number, counted from 1, with the settings of the optimiser.
    pub fn new(number: u64) -> Self {
        Self { number, factor: 1.0, weight_decay: None }
    }

    /// The learning rate of this update is that of the optimiser times `factor`, which is finite and at least 0.
    #[must_use]
    pub fn with_factor(self, factor: f64) -> Self {
        Self { factor, ..self }
    }

    /// The weight decay of this update, in the place of the optimiser's.
    #[must_use]
    pub fn with_weight_decay(self, weight_decay: f64) -> Self {
        Self { weight_decay: Some(weight_decay), ..self }
    }

    /// The number of the update, counted from 1.
    pub fn number(self) -> u64 {
        self.number
    }

    /// What the learning rate is multiplied with.
    pub fn factor(self) -> f64 {
        self.factor
    }

    /// The learning rate of this update, for an optimiser with this learning rate.
    pub fn rate(self, learning_rate: f64) -> f64 {
        learning_rate * self.factor
    }

    /// The weight decay of this update, for an optimiser with this weight decay.
    pub fn decay(self, weight_decay: f64) -> f64 {
        self.weight_decay.unwrap_or(weight_decay)
    }
}
