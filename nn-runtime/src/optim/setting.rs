//! Settings and their ranges.

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

    /// Refuses a value that is not finite and at least zero: a weight decay.
    ///
    /// # Errors
    /// If `value` is negative, infinite or NaN.
    pub fn unless_not_negative(setting: &'static str, value: f64) -> Result<(), Self> {
        let not_negative = value.is_finite() && value >= 0.0;
        if not_negative { Ok(()) } else { Err(Self { setting, value, range: "finite and at least 0" }) }
    }

    /// Refuses a value that is not in `[0, 1)`: how much of the past a running mean keeps.
    ///
    /// # Errors
    /// If `value` is negative, 1 or more, or NaN.
    pub fn unless_fraction(setting: &'static str, value: f64) -> Result<(), Self> {
        let fraction = (0.0..1.0).contains(&value);
        if fraction { Ok(()) } else { Err(Self { setting, value, range: "at least 0 and below 1" }) }
    }
}
