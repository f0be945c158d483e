//! What the user says about the columns of a table.

use std::collections::BTreeMap;

use crate::data::Unseen;

/// What the columns of a table hold, and what becomes of cells that do not fit.
///
/// What is not said is found out from the cells. A schema that is applied to several tables, or to a stream and a
/// table, gives them the same columns.
///
/// ```
/// # fn main() -> nn_runtime::Result<()> {
/// use nn_runtime::prelude::*;
/// use nn_runtime::{Missing, Schema, Unseen};
///
/// let schema = Schema::new()
///     .categories("size", &["small", "medium", "large"])
///     .unseen("size", Unseen::Other)
///     .missing("age", Missing::Median);
/// let table = Table::from_reader("age,size\n3,large\n,small\n5,vast\n".as_bytes())?.with_schema(&schema)?;
/// let data: Dataset = table.dataset(&["age", "size"], Target::none())?;
/// assert_eq!(data.features(), ["age", "size=small", "size=medium", "size=large", "size=other"]);
/// assert_eq!(data.inputs().row(1).to_vec(), [4.0, 1.0, 0.0, 0.0, 0.0]);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schema {
    rules: BTreeMap<String, Rule>,
    everywhere: Option<Missing>,
}

/// What was said about one column.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::data) struct Rule {
    pub(in crate::data) kind: Option<Kind>,
    pub(in crate::data) unseen: Option<Unseen>,
    pub(in crate::data) missing: Option<Missing>,
    pub(in crate::data) ordinal: bool,
}

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::data) enum Kind {
    Numbers,
    /// The categories that occur.
    Categories,
    /// These categories, in this order.
    Listed(Vec<String>),
}

/// What becomes of a row without a value in a column.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Missing {
    /// An error that names the row, once the column is used.
    #[default]
    Error,
    /// The row is left out.
    DropRow,
    /// The mean of the column.
    Mean,
    /// The median of the column, the mean of the two middle values if their number is even.
    Median,
    /// The most frequent value of the column, the smallest or first of several.
    MostFrequent,
    /// This number.
    Number(f64),
    /// This category.
    Category(String),
    /// NaN in the dataset, which has to be filled before training: with [`Preprocessor::impute`], which learns from the
    /// training part alone. In a column of categories, zeros for all of them.
    ///
    /// [`Preprocessor::impute`]: crate::Preprocessor::impute
    Keep,
}

impl Schema {
    /// A schema that leaves everything to the cells.
    pub fn new() -> Self {
        Self::default()
    }

    /// The column holds numbers. Text in it is an error.
    #[must_use]
    pub fn numbers(self, column: &str) -> Self {
        self.rule(column, |rule| rule.kind = Some(Kind::Numbers))
    }

    /// The column holds categories, whatever its cells look like.
    #[must_use]
    pub fn categorical(self, column: &str) -> Self {
        self.rule(column, |rule| rule.kind = Some(Kind::Categories))
    }

    /// The column holds these categories, in this order. Other values are an error, unless [`unseen`](Self::unseen)
    /// says what becomes of them.
    #[must_use]
    pub fn categories(self, column: &str, names: &[&str]) -> Self {
        let names = names.iter().map(|&name| name.to_owned()).collect();
        self.rule(column, |rule| rule.kind = Some(Kind::Listed(names)))
    }

    /// The categories of the column become one number in a dataset, their place in the order of the categories from 0,
    /// and not a feature for each category. For sizes and grades; or for a
    /// [`Preprocessor`](crate::Preprocessor) that makes features of the numbers.
    #[must_use]
    pub fn ordinal(self, column: &str) -> Self {
        self.rule(column, |rule| rule.ordinal = true)
    }

    /// What becomes of values of the column that are none of its categories.
    #[must_use]
    pub fn unseen(self, column: &str, unseen: Unseen) -> Self {
        self.rule(column, |rule| rule.unseen = Some(unseen))
    }

    /// What becomes of rows without a value in the column. Mean, median and most frequent value are those of the table,
    /// or of the first rows of a stream; [`Preprocessor::impute`](crate::Preprocessor::impute) learns them from the
    /// training part alone.
    #[must_use]
    pub fn missing(self, column: &str, missing: Missing) -> Self {
        self.rule(column, |rule| rule.missing = Some(missing))
    }

    /// What becomes of rows without a value in any column for which [`missing`](Self::missing) says nothing. Mean and
    /// median are taken in columns of numbers, and the most frequent value in columns of categories.
    #[must_use]
    pub fn missing_everywhere(self, missing: Missing) -> Self {
        Self { everywhere: Some(missing), ..self }
    }

    fn rule(mut self, column: &str, set: impl FnOnce(&mut Rule)) -> Self {
        set(self.rules.entry(column.to_owned()).or_default());
        self
    }

    /// What was said about single columns.
    pub(in crate::data) fn rules(&self) -> impl Iterator<Item = (&str, &Rule)> {
        self.rules.iter().map(|(column, rule)| (column.as_str(), rule))
    }

    /// What was said about all columns.
    pub(in crate::data) fn everywhere(&self) -> Option<&Missing> {
        self.everywhere.as_ref()
    }
}
