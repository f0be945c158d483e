//! What is in the columns of a table, in figures.

use std::fmt;

use super::Table;
use super::column::Values;
use crate::data::statistics::{mean, quantile, sample_deviation};
use crate::data::text::{aligned, short};

/// The figures of each column of a table, as `describe` of pandas gives them.
///
/// [`Display`](fmt::Display) makes a table of it: one row for each column.
///
/// ```
/// # fn main() -> nn_runtime::Result<()> {
/// use nn_runtime::prelude::*;
///
/// let table = Table::from_reader("age,kind\n3,dog\n1,cat\n2,dog\n".as_bytes())?;
/// let description = table.describe();
/// assert_eq!(description.numbers()[0].median, 2.0);
/// assert_eq!(description.categories()[0].top.as_deref(), Some("dog"));
/// println!("{description}");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    rows: usize,
    numbers: Vec<NumberSummary>,
    categories: Vec<CategorySummary>,
}

/// The figures of a column of numbers. All but the count are NaN if there are no values; the deviation also of one.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NumberSummary {
    /// The column.
    pub column: String,
    /// How many rows have a value.
    pub count: usize,
    /// The mean.
    pub mean: f64,
    /// The standard deviation of a sample: divided by n - 1.
    pub std: f64,
    /// The smallest value.
    pub min: f64,
    /// The value below which a quarter lies, with linear interpolation.
    pub lower_quartile: f64,
    /// The value below which half lies.
    pub median: f64,
    /// The value below which three quarters lie.
    pub upper_quartile: f64,
    /// The largest value.
    pub max: f64,
}

/// The figures of a column of categories.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CategorySummary {
    /// The column.
    pub column: String,
    /// How many rows have a value.
    pub count: usize,
    /// How many categories occur.
    pub unique: usize,
    /// The most frequent category, the first of several.
    pub top: Option<String>,
    /// How often it occurs.
    pub freq: usize,
}

impl Table {
    /// The figures of each column.
    pub fn describe(&self) -> Description {
        let (mut numbers, mut categories) = (Vec::new(), Vec::new());
        for column in &self.columns {
            match &column.values {
                Values::Numbers(values) => {
                    numbers.push(NumberSummary::of(&column.name, values.iter().flatten().copied().collect()));
                }
                Values::Categories { codes, names, .. } => {
                    categories.push(CategorySummary::of(&column.name, codes, names));
                }
            }
        }
        Description { rows: self.len(), numbers, categories }
    }
}

impl Description {
    /// Rows of the table.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The columns of numbers, in the order of the table.
    pub fn numbers(&self) -> &[NumberSummary] {
        &self.numbers
    }

    /// The columns of categories, in the order of the table.
    pub fn categories(&self) -> &[CategorySummary] {
        &self.categories
    }
}

impl NumberSummary {
    fn of(column: &str, mut values: Vec<f64>) -> Self {
        // In the order of the rows, as pandas adds them up.
        let (mean, std) = (mean(&values), sample_deviation(&values));
        values.sort_by(f64::total_cmp);
        let quantile = |q| quantile(&values, q).unwrap_or(f64::NAN);
        Self {
            column: column.to_owned(),
            count: values.len(),
            mean: mean.unwrap_or(f64::NAN),
            std: std.unwrap_or(f64::NAN),
            min: quantile(0.0),
            lower_quartile: quantile(0.25),
            median: quantile(0.5),
            upper_quartile: quantile(0.75),
            max: quantile(1.0),
        }
    }
}

impl CategorySummary {
    fn of(column: &str, codes: &[Option<u32>], names: &[String]) -> Self {
        let mut counts = vec![0; names.len()];
        for &code in codes.iter().flatten() {
            if let Some(count) = counts.get_mut(code as usize) {
                *count += 1;
            }
        }
        let top = (0..names.len()).rev().max_by_key(|&code| counts[code]).filter(|&code| counts[code] > 0);
        Self {
            column: column.to_owned(),
            count: codes.iter().flatten().count(),
            unique: counts.iter().filter(|&&count| count > 0).count(),
            top: top.map(|code| names[code].clone()),
            freq: top.map_or(0, |code| counts[code]),
        }
    }
}

impl fmt::Display for Description {
    /// A table of the columns of numbers, and one of the columns of categories.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows", self.rows)?;
        if !self.numbers.is_empty() {
            let mut rows =
                vec![["", "count", "mean", "std", "min", "25%", "50%", "75%", "max"].map(str::to_owned)];
            for s in &self.numbers {
                let figures = [s.mean, s.std, s.min, s.lower_quartile, s.median, s.upper_quartile, s.max];
                let [mean, std, min, lower, median, upper, max] = figures.map(short);
                rows.push([s.column.clone(), s.count.to_string(), mean, std, min, lower, median, upper, max]);
            }
            aligned(f, &rows)?;
        }
        if !self.categories.is_empty() {
            let mut rows = vec![["", "count", "unique", "top", "freq"].map(str::to_owned)];
            for s in &self.categories {
                let top = s.top.clone().unwrap_or_default();
                let counts = [s.count, s.unique, s.freq].map(|count| count.to_string());
                let [count, unique, freq] = counts;
                rows.push([s.column.clone(), count, unique, top, freq]);
            }
            aligned(f, &rows)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::Table;

    #[test]
    fn figures_are_aligned() {
        let table = Table::from_reader("age,kind,x\n3,dog,1\n1,cat,\n2,dog,2.5\n".as_bytes()).unwrap();
        let text = table.describe().to_string();
        assert_eq!(
            text,
            "3 rows
     count  mean      std  min    25%   50%    75%  max
age      3     2        1    1    1.5     2    2.5    3
x        2  1.75  1.06066    1  1.375  1.75  2.125  2.5
      count  unique  top  freq
kind      3       2  dog     2"
        );
    }
}
