//! What a step does to the values of one column.

use serde::{Deserialize, Serialize};

use super::Unseen;

/// What is done to a value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Rule {
    /// (value - center) / scale.
    Scale {
        /// What becomes 0.
        center: f64,
        /// What becomes 1 above that.
        scale: f64,
    },
    /// The logarithm of 1 + value.
    Log1p,
    /// A number instead of a missing one.
    Fill {
        /// The number.
        value: f64,
    },
    /// A 1 among zeros.
    OneHot {
        /// The values that occurred, ascending.
        categories: Vec<f64>,
        /// What becomes of others.
        unseen: Unseen,
    },
    /// The place among the values that occurred.
    Ordinal {
        /// The values that occurred, ascending.
        categories: Vec<f64>,
        /// What becomes of others.
        unseen: Unseen,
    },
}

impl Rule {
    /// How many values one becomes.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::OneHot { categories, unseen } => categories.len() + usize::from(*unseen == Unseen::Other),
            _ => 1,
        }
    }

    /// The names of the columns that a column becomes.
    pub(super) fn names(&self, name: &str) -> Vec<String> {
        match self {
            Self::OneHot { categories, unseen } => {
                let values = categories.iter().map(|value| format!("{name}={value}"));
                values.chain((*unseen == Unseen::Other).then(|| format!("{name}=other"))).collect()
            }
            _ => vec![name.to_owned()],
        }
    }

    /// Appends what a value becomes, or says what is needed instead of it.
    pub(super) fn push(&self, value: f64, out: &mut Vec<f64>) -> Result<(), &'static str> {
        match self {
            Self::OneHot { categories, unseen } => {
                let hot = place(categories, *unseen, value)?;
                out.extend((0..self.width()).map(|i| if Some(i) == hot { 1.0 } else { 0.0 }));
            }
            _ => out.push(self.single(value)?),
        }
        Ok(())
    }

    /// What a value becomes by a rule that makes one of it, or what is needed instead of it.
    pub(super) fn single(&self, value: f64) -> Result<f64, &'static str> {
        Ok(match self {
            Self::Scale { center, scale } => (value - center) / scale,
            Self::Log1p if value <= -1.0 => return Err("the logarithm of 1 + x needs numbers above -1"),
            Self::Log1p => value.ln_1p(),
            Self::Fill { value: fill } if value.is_nan() => *fill,
            Self::Fill { .. } => value,
            Self::Ordinal { categories, unseen } | Self::OneHot { categories, unseen } => {
                place(categories, *unseen, value)?.map_or(-1.0, |place| place as f64)
            }
        })
    }

    /// The value that became these, as far as it can be told; NaN if it was none of the categories.
    pub(super) fn invert(&self, values: &[f64]) -> f64 {
        let Some(&value) = values.first() else { return f64::NAN };
        let category = |categories: &[f64], place: Option<usize>| {
            place.and_then(|place| categories.get(place)).copied().unwrap_or(f64::NAN)
        };
        match self {
            Self::Scale { center, scale } => value * scale + center,
            Self::Log1p => value.exp_m1(),
            Self::Fill { .. } => value,
            Self::OneHot { categories, .. } => {
                category(categories, values.iter().position(|&value| value > 0.5))
            }
            Self::Ordinal { categories, .. } => {
                category(categories, (value >= 0.0).then_some(value.round() as usize))
            }
        }
    }

    /// Whether the rule can be applied, which a file that was edited may have broken.
    pub(super) fn is_valid(&self) -> bool {
        match self {
            Self::Scale { center, scale } => center.is_finite() && scale.is_finite() && *scale > 0.0,
            Self::Log1p => true,
            Self::Fill { value } => value.is_finite(),
            Self::OneHot { categories, .. } | Self::Ordinal { categories, .. } => {
                !categories.is_empty() && categories.windows(2).all(|pair| pair[0] < pair[1])
            }
        }
    }
}

/// The place of a value among categories; none if it is to be ignored.
fn place(categories: &[f64], unseen: Unseen, value: f64) -> Result<Option<usize>, &'static str> {
    let at = categories.partition_point(|&category| category < value);
    match (categories.get(at) == Some(&value), unseen) {
        (true, _) => Ok(Some(at)),
        (false, Unseen::Ignore) => Ok(None),
        (false, Unseen::Other) => Ok(Some(categories.len())),
        (false, Unseen::Error) => {
            Err("the training part had no such category; `Unseen` says what becomes of it")
        }
    }
}
