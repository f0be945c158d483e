//! Tables of numbers and categories.

mod column;
mod conform;
pub(super) mod csv;
mod describe;
mod encode;
#[cfg(feature = "npy")]
mod npy;
#[cfg(feature = "parquet")]
mod parquet;
mod schema;

use std::fmt;
use std::io::Read;
use std::path::Path;

use super::Unseen;
use super::gzip::{Text, quoted_path};
use crate::error::quoted;
use crate::{Error, Result};

use csv::Cells;

pub(super) use column::{Column, Fill, NO_CATEGORY, OTHER, Values, is_missing, number};

pub use describe::{CategorySummary, Description, NumberSummary};
pub use schema::{Missing, Schema};

/// A table with named columns, each of numbers or of categories.
///
/// ```no_run
/// # fn main() -> nn_runtime::Result<()> {
/// use nn_runtime::prelude::*;
///
/// let table = Table::from_csv("iris.csv")?;
/// println!("{table}");
/// let data: Dataset = table.dataset(&["petal_length", "petal_width"], Target::class("species"))?;
/// let (train, valid) = data.split(0.8, 7);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    file: String,
    columns: Vec<Column>,
    /// The line of the file on which each row starts, or its number.
    lines: Vec<u64>,
    /// What is counted: "line" or "row".
    unit: &'static str,
}

impl Table {
    /// Reads a file of comma-separated values, in UTF-8, whose first line names the columns. It may be compressed by
    /// gzip.
    ///
    /// A column holds numbers if all its cells are finite numbers, and categories otherwise. A cell that is empty
    /// or says `NA`, `N/A`, `NaN`, `nan`, `NULL`, `null` or `?` has no value, which is an error as soon as its
    /// column is used.
    ///
    /// # Errors
    /// If the file cannot be read, has no rows, rows of different lengths, text that is not UTF-8, or two columns
    /// of the same name.
    pub fn from_csv(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::read(Text::open(path)?, quoted_path(path))
    }

    /// Reads comma-separated values, as [`from_csv`](Self::from_csv) does, from anything that can be read.
    ///
    /// # Errors
    /// As [`from_csv`](Self::from_csv).
    pub fn from_reader(reader: impl Read) -> Result<Self> {
        let file = "the table".to_owned();
        match Text::new(reader) {
            Ok(text) => Self::read(text, file),
            Err(source) => Err(Error::Read { file, source }),
        }
    }

    fn read(mut reader: impl Read, file: String) -> Result<Self> {
        let mut text = Vec::new();
        if let Err(source) = reader.read_to_end(&mut text) {
            return Err(Error::Read { file, source });
        }
        let cells = csv::parse(&text, &file)?;
        Self::from_cells(cells, file)
    }

    pub(super) fn from_cells(cells: Cells, file: String) -> Result<Self> {
        let Cells { header, rows, lines } = cells;
        let columns = header
            .into_iter()
            .enumerate()
            .map(|(i, name)| Column::new(name, Values::infer(rows.iter().map(|row| &row[i]))))
            .collect();
        Self::from_columns(file, columns, lines, "line")
    }

    /// A table of these columns, which are all as long as `lines`.
    fn from_columns(file: String, columns: Vec<Column>, lines: Vec<u64>, unit: &'static str) -> Result<Self> {
        for (i, column) in columns.iter().enumerate() {
            if columns[..i].iter().any(|other| other.name == column.name) {
                return Err(Error::DuplicateColumn { file, column: column.name.clone() });
            }
        }
        Ok(Self { file, columns, lines, unit })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there are no rows, because all were dropped.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The names of the columns.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    fn position(&self, name: &str) -> Result<usize> {
        self.columns.iter().position(|column| column.name == name).ok_or_else(|| Error::UnknownColumn {
            file: self.file.clone(),
            column: name.to_owned(),
            available: quoted(self.columns()),
        })
    }

    /// A column and its position.
    pub(super) fn column(&self, name: &str) -> Result<(usize, &Column)> {
        let at = self.position(name)?;
        Ok((at, &self.columns[at]))
    }

    /// The positions of the columns without whose value a row is left out.
    pub(super) fn needed(&self) -> Vec<usize> {
        (0..self.columns.len()).filter(|&at| self.columns[at].fill == Fill::DropRow).collect()
    }

    /// The file, as messages name it.
    pub(super) fn file(&self) -> &str {
        &self.file
    }

    /// What rows are counted by.
    pub(super) fn unit(&self) -> &'static str {
        self.unit
    }

    /// Where a row is: what is counted, and its number.
    fn place(&self, row: usize) -> (&'static str, u64) {
        (self.unit, self.lines.get(row).copied().unwrap_or(row as u64))
    }

    fn not_a_number(&self, row: usize, column: usize, value: &str) -> Error {
        let (unit, line) = self.place(row);
        let column = self.columns[column].name.clone();
        Error::NotANumber { file: self.file.clone(), unit, line, column, value: value.to_owned() }
    }
}

impl fmt::Display for Table {
    /// The number of rows, and the range or the categories of each column.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows", self.len())?;
        let width = self.columns().map(|name| name.chars().count()).max().unwrap_or(0);
        for column in &self.columns {
            write!(f, "\n  {:width$}  ", column.name)?;
            match &column.values {
                Values::Numbers(numbers) => {
                    let (low, high) = numbers
                        .iter()
                        .flatten()
                        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &n| {
                            (low.min(n), high.max(n))
                        });
                    if low <= high { write!(f, "{low} to {high}")? } else { f.write_str("no values")? }
                }
                Values::Categories { names, .. } => f.write_str(&quoted(names.iter().map(String::as_str)))?,
            }
            match (0..self.len()).filter(|&row| column.values.is_missing(row)).count() {
                0 => {}
                missing => write!(f, ", {missing} missing")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
