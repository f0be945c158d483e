//! Streams from files with named columns.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use csv::StringRecord;

use super::encode::{Cell, Encoder};
use super::{RowReader, Stream};
use crate::data::gzip::{Text, quoted_path};
use crate::data::table::csv::Records;
use crate::data::table::is_missing;
use crate::data::{Schema, Table, Target};
use crate::kernels::Real;
use crate::{Error, Result};

/// Rows that are looked at to find out what is not declared.
pub(super) const HEAD: usize = 10_000;

impl<T: Real> Stream<T> {
    /// Streams the rows of a file of comma-separated values, which [`Table::from_csv`] describes, as
    /// [`Table::dataset`] makes features and targets of them. The file may be compressed by gzip.
    ///
    /// What the schema does not say is found out from the first 10 000 rows: whether a column holds numbers or
    /// categories, and which, and the values that are filled in. Rows further on that disagree are an error that names
    /// their line.
    ///
    /// # Errors
    /// As [`Table::from_csv`], [`Table::with_schema`] and [`Table::dataset`] of the first rows. Errors of later rows
    /// come up in the epoch.
    pub fn from_csv(
        path: impl AsRef<Path>,
        features: &[&str],
        target: Target,
        schema: &Schema,
    ) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let file = quoted_path(&path);
        let head = Records::new(Text::open(&path)?, &file)?.head(HEAD)?;
        let table = Table::from_cells(head, file.clone())?.with_schema(schema)?;
        let encoder = Arc::new(Encoder::new::<T>(&table, features, target)?);
        let (names, target) = encoder.columns();
        Self::new(names, target, file.clone(), move |_| {
            let records = Records::new(Text::open(&path)?, &file)?;
            if records.header != encoder.header() {
                let what = "its header has changed since it was opened first".to_owned();
                return Err(Error::Damaged { file: file.clone(), what });
            }
            Ok(CsvRows { records, row: StringRecord::new(), encoder: Arc::clone(&encoder) })
        })
    }

    /// Streams the rows of a Parquet file, which [`Table::from_parquet`] describes, otherwise as
    /// [`from_csv`](Self::from_csv).
    ///
    /// # Errors
    /// As [`from_csv`](Self::from_csv).
    #[cfg(feature = "parquet")]
    pub fn from_parquet(
        path: impl AsRef<Path>,
        features: &[&str],
        target: Target,
        schema: &Schema,
    ) -> Result<Self> {
        use crate::data::parquet::Rows;

        let path = path.as_ref().to_owned();
        let file = quoted_path(&path);
        let table = Table::parquet_head(&path, HEAD)?.with_schema(schema)?;
        let encoder = Arc::new(Encoder::new::<T>(&table, features, target)?);
        let (names, target) = encoder.columns();
        let (rows, drops) = (Rows::open(&path)?.len, encoder.drops_rows());
        let stream = Self::new(names, target, file, move |_| {
            Ok(ParquetRows { rows: Rows::open(&path)?, row: 0, encoder: Arc::clone(&encoder) })
        })?;
        Ok(if drops { stream } else { stream.with_rows(rows) })
    }
}

struct CsvRows {
    records: Records<Text<File>>,
    row: StringRecord,
    encoder: Arc<Encoder>,
}

impl<T: Real> RowReader<T> for CsvRows {
    fn read(&mut self, inputs: &mut [T], targets: &mut [T]) -> Result<bool> {
        while let Some(line) = self.records.next(&mut self.row)? {
            let cell = |column: usize| match self.row.get(column) {
                None => Cell::Missing,
                Some(text) if is_missing(text) => Cell::Missing,
                Some(text) => Cell::Text(text),
            };
            if self.encoder.encode(cell, line, inputs, targets)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

#[cfg(feature = "parquet")]
struct ParquetRows {
    rows: crate::data::parquet::Rows,
    row: u64,
    encoder: Arc<Encoder>,
}

#[cfg(feature = "parquet")]
impl<T: Real> RowReader<T> for ParquetRows {
    fn read(&mut self, inputs: &mut [T], targets: &mut [T]) -> Result<bool> {
        use crate::data::parquet::Value;

        while let Some(row) = self.rows.next()? {
            let cells: Vec<Cell<'_>> = row
                .get_column_iter()
                .map(|(_, field)| match Value::of(field) {
                    Value::Number(number) => Cell::Number(number),
                    Value::Text(text) if !is_missing(text) => Cell::Text(text),
                    Value::Text(_) | Value::Missing => Cell::Missing,
                })
                .collect();
            let cell = |column: usize| cells.get(column).copied().unwrap_or(Cell::Missing);
            self.row += 1;
            if self.encoder.encode(cell, self.row - 1, inputs, targets)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
