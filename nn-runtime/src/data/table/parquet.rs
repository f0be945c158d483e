//! Tables from Parquet files.

use std::path::Path;

use super::Table;
use super::column::{Column, Values};
use crate::data::gzip::quoted_path;
use crate::data::parquet::{Rows, Value};
use crate::{Error, Result};

/// A column while it is read.
enum Growing {
    Numbers(Vec<Option<f64>>),
    Text(Vec<String>),
}

impl Table {
    /// Reads a Parquet file with columns of numbers, yes-or-no values and text. Dates are numbers of days, and times
    /// those of their unit, since the start of 1970; NaN and null are missing values.
    ///
    /// # Errors
    /// If the file cannot be read, is damaged, or has nested columns or no rows.
    pub fn from_parquet(path: impl AsRef<Path>) -> Result<Self> {
        Self::parquet_head(path.as_ref(), usize::MAX)
    }

    /// Reads up to `most` rows.
    pub(in crate::data) fn parquet_head(path: &Path, most: usize) -> Result<Self> {
        let mut rows = Rows::open(path)?;
        let mut columns: Vec<Growing> = rows
            .columns()
            .iter()
            .map(
                |column| {
                    if column.is_text { Growing::Text(Vec::new()) } else { Growing::Numbers(Vec::new()) }
                },
            )
            .collect();
        let mut count = 0_u64;
        while count < most as u64
            && let Some(row) = rows.next()?
        {
            for (column, (_, field)) in columns.iter_mut().zip(row.get_column_iter()) {
                match (column, Value::of(field)) {
                    (Growing::Numbers(numbers), Value::Number(number)) => numbers.push(Some(number)),
                    (Growing::Numbers(numbers), _) => numbers.push(None),
                    (Growing::Text(cells), Value::Text(cell)) => cells.push(cell.to_owned()),
                    // What an empty cell is.
                    (Growing::Text(cells), _) => cells.push(String::new()),
                }
            }
            count += 1;
        }
        let file = quoted_path(path);
        if count == 0 {
            return Err(Error::EmptyTable { file, missing: "rows" });
        }
        let columns = columns.into_iter().zip(rows.columns()).map(|(column, info)| {
            let values = match column {
                Growing::Numbers(numbers) => Values::Numbers(numbers),
                Growing::Text(cells) => Values::infer(cells.iter().map(String::as_str)),
            };
            Column::new(info.name.clone(), values)
        });
        Self::from_columns(file, columns.collect(), (0..count).collect(), "row")
    }
}
