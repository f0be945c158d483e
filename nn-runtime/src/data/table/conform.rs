//! A table is made to follow a schema: kinds of columns, categories, missing values.

use super::column::{Column, Fill, NO_CATEGORY, OTHER, Origin, Values, number, retain, same_category};
use super::schema::{Kind, Rule};
use super::{Missing, Schema, Table, Unseen};
use crate::data::statistics;
use crate::error::quoted;
use crate::{Error, Result};

impl Table {
    /// The table with its columns as the schema says.
    ///
    /// # Errors
    /// If the table lacks a column of the schema, a column that should hold numbers has text, a value is none of the
    /// categories where that is an error, or a missing value cannot be filled in as the schema says.
    pub fn with_schema(mut self, schema: &Schema) -> Result<Self> {
        for (name, rule) in schema.rules() {
            let at = self.position(name)?;
            self.follow(at, rule)?;
        }
        // What is filled in is computed before rows are dropped for the sake of other columns.
        for at in 0..self.columns.len() {
            let name = &self.columns[at].name;
            let rule = schema.rules().find(|(column, _)| column == name);
            match (rule.and_then(|(_, rule)| rule.missing.as_ref()), schema.everywhere()) {
                (Some(missing), _) => self.set_fill(at, missing)?,
                (None, Some(missing)) => {
                    let missing = self.fitting(at, missing);
                    self.set_fill(at, &missing)?;
                }
                (None, None) => {}
            }
        }
        self.drop_marked_rows();
        Ok(self)
    }

    /// The table with this column as numbers.
    ///
    /// # Errors
    /// If there is no such column, or it has text.
    pub fn numeric(self, column: &str) -> Result<Self> {
        self.with_schema(&Schema::new().numbers(column))
    }

    /// The table with this column as categories, whatever its cells look like. Numbers become categories by their
    /// value: `1` and `1.0` are the same one.
    ///
    /// # Errors
    /// If there is no such column.
    pub fn categorical(self, column: &str) -> Result<Self> {
        self.with_schema(&Schema::new().categorical(column))
    }

    /// The table with this column as these categories, in this order, and what becomes of other values.
    ///
    /// # Errors
    /// If there is no such column, or it has another value and that is an error.
    pub fn with_categories(self, column: &str, names: &[&str], unseen: Unseen) -> Result<Self> {
        self.with_schema(&Schema::new().categories(column, names).unseen(column, unseen))
    }

    /// The table without missing values in this column. Mean, median and most frequent value are those of the whole
    /// table; [`Preprocessor::impute`](crate::Preprocessor::impute) learns them from the training part alone.
    ///
    /// # Errors
    /// If there is no such column, or it holds something that cannot be filled in that way.
    pub fn fill_missing(self, column: &str, missing: Missing) -> Result<Self> {
        self.with_schema(&Schema::new().missing(column, missing))
    }

    /// The table without the rows in which any column has no value.
    #[must_use]
    pub fn drop_missing(mut self) -> Self {
        let complete: Vec<bool> = (0..self.len())
            .map(|row| !self.columns.iter().any(|column| column.values.is_missing(row)))
            .collect();
        self.keep(&complete);
        self
    }

    /// Makes a column what a rule says, but for its missing values.
    fn follow(&mut self, at: usize, rule: &Rule) -> Result<()> {
        if let Some(unseen) = rule.unseen {
            self.columns[at].unseen = unseen;
        }
        self.columns[at].ordinal |= rule.ordinal;
        let column = &self.columns[at];
        let values = match (&rule.kind, &column.values) {
            (None, _) | (Some(Kind::Numbers), Values::Numbers(_)) => return Ok(()),
            (Some(Kind::Numbers), Values::Categories { codes, names, .. }) => {
                let mut numbers = Vec::new();
                for (row, code) in codes.iter().enumerate() {
                    let name = code.and_then(|code| names.get(code as usize));
                    let value = name.map(|name| number(name).ok_or(name)).transpose();
                    numbers.push(value.map_err(|name| self.not_a_number(row, at, name))?);
                }
                Values::Numbers(numbers)
            }
            (Some(Kind::Categories), Values::Numbers(numbers)) => Values::categories_of(numbers),
            (Some(Kind::Categories), Values::Categories { codes, names, origin }) => {
                let origin = if *origin == Origin::Declared { Origin::Declared } else { Origin::Found };
                Values::Categories { codes: codes.clone(), names: names.clone(), origin }
            }
            (Some(Kind::Listed(names)), values) => {
                let found = match values {
                    Values::Numbers(numbers) => &Values::categories_of(numbers),
                    values @ Values::Categories { .. } => values,
                };
                self.listed(at, found, names)?
            }
        };
        self.columns[at].values = values;
        Ok(())
    }

    /// Values as these categories.
    fn listed(&self, at: usize, found: &Values, listed: &[String]) -> Result<Values> {
        let Values::Categories { codes, names, .. } = found else { return Ok(found.clone()) };
        let unseen = self.columns[at].unseen;
        let mut listed = listed.to_owned();
        if unseen == Unseen::Other && !listed.iter().any(|name| name == OTHER) {
            listed.push(OTHER.to_owned());
        }
        let other = listed.iter().position(|name| name == OTHER);
        let recoded: Vec<Option<u32>> = names
            .iter()
            .map(|name| {
                let same = listed.iter().position(|category| same_category(category, name));
                match unseen {
                    Unseen::Error => same.map(|code| code as u32),
                    Unseen::Ignore => Some(same.map_or(NO_CATEGORY, |code| code as u32)),
                    Unseen::Other => same.or(other).map(|code| code as u32),
                }
            })
            .collect();
        let mut new = Vec::new();
        for (row, code) in codes.iter().enumerate() {
            let Some(code) = code else {
                new.push(None);
                continue;
            };
            // A value that was unseen by an earlier list is unseen by this one.
            let code = recoded.get(*code as usize).copied().unwrap_or(Some(NO_CATEGORY));
            let Some(code) = code else {
                let value = codes[row].and_then(|code| names.get(code as usize)).cloned().unwrap_or_default();
                let (unit, line) = self.place(row);
                return Err(Error::UnseenCategory {
                    file: self.file.clone(),
                    unit,
                    line,
                    column: self.columns[at].name.clone(),
                    value,
                    available: quoted(listed.iter().map(String::as_str)),
                });
            };
            new.push(Some(code));
        }
        Ok(Values::Categories { codes: new, names: listed, origin: Origin::Declared })
    }

    /// What is said about all columns, where it makes sense for this one.
    fn fitting(&self, at: usize, missing: &Missing) -> Missing {
        match (missing, &self.columns[at].values) {
            (Missing::Mean | Missing::Median, Values::Categories { .. }) => Missing::MostFrequent,
            (Missing::Number(_), Values::Categories { .. }) | (Missing::Category(_), Values::Numbers(_)) => {
                Missing::Error
            }
            (missing, _) => missing.clone(),
        }
    }

    /// Decides what is filled in where a column has no value, and fills it in.
    fn set_fill(&mut self, at: usize, missing: &Missing) -> Result<()> {
        let column = &self.columns[at];
        let wrong = |found, needed| {
            Err(Error::ColumnKind { file: self.file.clone(), column: column.name.clone(), found, needed })
        };
        let fill = match (missing, &column.values) {
            (Missing::Error, _) => Fill::Error,
            (Missing::DropRow, _) => Fill::DropRow,
            (Missing::Keep, _) => Fill::Keep,
            (Missing::Number(value), Values::Numbers(_)) => Fill::Number(*value),
            (Missing::Mean | Missing::Median | Missing::MostFrequent, Values::Numbers(numbers)) => {
                let mut present: Vec<f64> = numbers.iter().flatten().copied().collect();
                let value = match missing {
                    Missing::Mean => statistics::mean(&present),
                    Missing::Median => statistics::median(&mut present),
                    _ => statistics::most_frequent(&mut present),
                };
                match value {
                    Some(value) => Fill::Number(value),
                    None => return wrong("without any value", "one is needed to fill in the missing ones"),
                }
            }
            (Missing::MostFrequent, Values::Categories { codes, names, .. }) => {
                let mut counts = vec![0_usize; names.len()];
                for &code in codes.iter().flatten() {
                    if let Some(count) = counts.get_mut(code as usize) {
                        *count += 1;
                    }
                }
                // The first of several that are as frequent.
                match (0..names.len()).rev().max_by_key(|&code| counts[code]) {
                    Some(code) if counts[code] > 0 => Fill::Category(code as u32),
                    _ => return wrong("without any value", "one is needed to fill in the missing ones"),
                }
            }
            (Missing::Category(name), Values::Categories { .. }) => {
                return self.fill_with_category(at, name);
            }
            (Missing::Mean | Missing::Median | Missing::Number(_), Values::Categories { .. }) => {
                return wrong(
                    "of categories",
                    "only numbers can be filled in with a mean, a median or a number",
                );
            }
            (Missing::Category(_), Values::Numbers(_)) => {
                return wrong("of numbers", "a category can only be filled in among categories");
            }
        };
        self.columns[at].fill(fill);
        Ok(())
    }

    /// Fills in a category, which is added if the column's categories are those that occur.
    fn fill_with_category(&mut self, at: usize, name: &str) -> Result<()> {
        let column = &mut self.columns[at];
        let Values::Categories { codes, names, origin } = &mut column.values else { return Ok(()) };
        let code = match names.iter().position(|category| same_category(category, name)) {
            Some(code) => code,
            None if *origin == Origin::Declared => {
                return Err(Error::UnknownCategory {
                    file: self.file.clone(),
                    column: column.name.clone(),
                    category: name.to_owned(),
                    available: quoted(names.iter().map(String::as_str)),
                });
            }
            None => {
                let code = names.partition_point(|category| category.as_str() < name);
                names.insert(code, name.to_owned());
                for other in codes.iter_mut().flatten().filter(|other| **other as usize >= code) {
                    *other += 1;
                }
                code
            }
        };
        column.fill(Fill::Category(code as u32));
        Ok(())
    }

    /// Drops the rows that are to be dropped because a value is missing.
    fn drop_marked_rows(&mut self) {
        let marked = |row: usize| {
            let drops = |column: &Column| column.fill == Fill::DropRow && column.values.is_missing(row);
            self.columns.iter().any(drops)
        };
        let kept: Vec<bool> = (0..self.len()).map(|row| !marked(row)).collect();
        if kept.contains(&false) {
            self.keep(&kept);
        }
    }

    /// Keeps the rows that are marked.
    fn keep(&mut self, marked: &[bool]) {
        for column in &mut self.columns {
            column.values.keep(marked);
        }
        retain(&mut self.lines, marked);
    }
}

impl Column {
    /// Fills in what is missing, now and in rows that come later.
    fn fill(&mut self, fill: Fill) {
        self.fill = fill;
        match (&mut self.values, fill) {
            (Values::Numbers(numbers), Fill::Number(value)) => {
                for number in numbers.iter_mut().filter(|number| number.is_none()) {
                    *number = Some(value);
                }
            }
            (Values::Categories { codes, .. }, Fill::Category(value)) => {
                for code in codes.iter_mut().filter(|code| code.is_none()) {
                    *code = Some(value);
                }
            }
            _ => {}
        }
    }
}
