//! Streams from the files of `NumPy`.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use super::{RowReader, Stream};
use crate::data::gzip::quoted_path;
use crate::data::npy::{Header, Numbers};
use crate::data::{TargetColumns, dataset};
use crate::kernels::Real;
use crate::{Error, Result};

impl<T: Real> Stream<T> {
    /// Streams the rows of two arrays of numbers that `NumPy` saved: `[n, …]` inputs and `[n]` or `[n, …]` targets. Rows
    /// of more than one axis are flat, the last axis fastest. Files are read in pieces, not mapped into memory.
    ///
    /// Class indices are targets like any other, until [`with_classes`](Self::with_classes) names the classes.
    ///
    /// # Errors
    /// If a file cannot be read, is damaged or empty, holds something else than rows of numbers or stores them column by column,
    /// or there are more or fewer targets than inputs.
    pub fn from_npy(inputs: impl AsRef<Path>, targets: impl AsRef<Path>) -> Result<Self> {
        let paths = [inputs.as_ref().to_owned(), targets.as_ref().to_owned()];
        let [x, y] = [Array::open(&paths[0])?, Array::open(&paths[1])?];
        if x.left != y.left {
            return Err(Error::RowCount { inputs: x.left, targets: y.left });
        }
        let rows = x.left;
        let file = x.file.clone();
        let features = x.names::<T>("x")?;
        let names = y.names::<T>("target")?;
        let stream = Self::new(features, TargetColumns::Values { names }, file, move |_| {
            Ok(Arrays([Array::open(&paths[0])?, Array::open(&paths[1])?]))
        })?;
        Ok(stream.with_rows(rows))
    }
}

/// Rows of an array.
struct Array {
    file: String,
    numbers: Numbers<BufReader<File>>,
    columns: usize,
    left: usize,
}

/// Rows of inputs and of targets.
struct Arrays([Array; 2]);

impl Array {
    fn open(path: &Path) -> Result<Self> {
        let file = quoted_path(path);
        let open = File::open(path);
        let open = open.map_err(|source| Error::File { action: "read", path: path.to_owned(), source })?;
        let mut reader = BufReader::with_capacity(1 << 16, open);
        let header = Header::read(&mut reader, &file)?;
        if !header.is_row_major() {
            let what = "it is stored column by column; save `numpy.ascontiguousarray` of it".to_owned();
            return Err(Error::Damaged { file, what });
        }
        let (columns, left) = (header.columns, header.rows);
        Ok(Self { file, numbers: Numbers::new(reader, header), columns, left })
    }

    /// The names of the columns. They take more memory than a row, so the first one has to be there.
    fn names<T: Real>(mut self, name: &str) -> Result<Vec<String>> {
        if !self.read::<T>(&mut [])? {
            return Err(Error::EmptyTable { file: self.file, missing: "rows" });
        }
        Ok(dataset::numbered(name, self.columns))
    }

    fn read<T: Real>(&mut self, row: &mut [T]) -> Result<bool> {
        if self.left == 0 {
            return Ok(false);
        }
        let mut to = row.iter_mut();
        let read = self.numbers.next(self.columns, |number| {
            if let Some(to) = to.next() {
                *to = T::from_f64(number);
            }
        });
        self.left -= 1;
        match read {
            Ok(()) => Ok(true),
            Err(error) => {
                let what = format!("{} more rows were to come, but {error}", self.left + 1);
                Err(Error::Damaged { file: self.file.clone(), what })
            }
        }
    }
}

impl<T: Real> RowReader<T> for Arrays {
    fn read(&mut self, inputs: &mut [T], targets: &mut [T]) -> Result<bool> {
        let [x, y] = &mut self.0;
        Ok(x.read(inputs)? && y.read(targets)?)
    }
}
