//! Tables from the files of `NumPy`.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::Table;
use super::column::{Column, Values};
use crate::data::gzip::quoted_path;
use crate::data::npy::Matrix;
use crate::{Error, Result};

impl Table {
    /// Reads an array of numbers, `[n]` or `[n, columns]`, that `NumPy` saved. The columns are named `x[0]`, `x[1]`, …;
    /// NaN is a missing value.
    ///
    /// # Errors
    /// If the file cannot be read, is damaged, or holds something else.
    pub fn from_npy(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|source| cannot_read(path, source))?;
        let matrix = Matrix::read(std::io::BufReader::new(file), &quoted_path(path))?;
        let columns = columns(&quoted_path(path), "x", &matrix)?;
        Self::of_numbers(quoted_path(path), columns, matrix.rows)
    }

    /// Reads the arrays of numbers, `[n]` or `[n, columns]` with the same n, that `NumPy` saved together. An array `a` is
    /// the column `a`, or the columns `a[0]`, `a[1]`, …; they come in the order of the file.
    ///
    /// # Errors
    /// If the file cannot be read, is damaged, holds something else, or arrays of different lengths.
    pub fn from_npz(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = quoted_path(path);
        let open = File::open(path).map_err(|source| cannot_read(path, source))?;
        let damaged =
            |error: zip::result::ZipError| Error::Damaged { file: file.clone(), what: error.to_string() };
        let mut archive = zip::ZipArchive::new(open).map_err(damaged)?;
        let (mut all, mut rows) = (Vec::new(), None);
        for i in 0..archive.len() {
            let entry = archive.by_index(i).map_err(damaged)?;
            let name = entry.name().map_err(damaged)?.trim_end_matches(".npy").to_owned();
            let matrix = Matrix::read(entry.take(u64::MAX), &format!("{file}, `{name}`"))?;
            let first = *rows.get_or_insert(matrix.rows);
            if first != matrix.rows {
                let what = format!("`{name}` has {} rows, but the arrays before it {first}", matrix.rows);
                return Err(Error::Damaged { file, what });
            }
            all.extend(columns(&file, &name, &matrix)?);
        }
        Self::of_numbers(file, all, rows.unwrap_or(0))
    }

    fn of_numbers(file: String, columns: Vec<Column>, rows: usize) -> Result<Self> {
        if rows == 0 {
            return Err(Error::EmptyTable { file, missing: "rows" });
        }
        Self::from_columns(file, columns, (0..).take(rows).collect(), "row")
    }
}

/// The columns of an array. Without rows there is nothing behind them, and their number is only a claim.
fn columns(file: &str, name: &str, matrix: &Matrix) -> Result<Vec<Column>> {
    if matrix.rows == 0 {
        return Err(Error::EmptyTable { file: file.to_owned(), missing: "rows" });
    }
    let column = |i: usize| {
        let values = (0..matrix.rows).map(|row| matrix.value(row, i)).map(|v| v.is_finite().then_some(v));
        let name = if matrix.is_vector && name != "x" { name.to_owned() } else { format!("{name}[{i}]") };
        Column::new(name, Values::Numbers(values.collect()))
    };
    Ok((0..matrix.columns).map(column).collect())
}

fn cannot_read(path: &Path, source: std::io::Error) -> Error {
    Error::File { action: "read", path: path.to_owned(), source }
}
