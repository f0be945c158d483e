//! Rows of Parquet files.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use parquet::basic::{ConvertedType, LogicalType, Type as Physical};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::reader::RowIter;
use parquet::record::{Field, Row};

use super::gzip::quoted_path;
use crate::{Error, Result};

/// The rows of a file, one after another.
pub(super) struct Rows {
    file: String,
    columns: Vec<Info>,
    /// None after an error.
    reader: Option<RowIter<'static>>,
    /// How many rows the file says that it has.
    pub(super) len: usize,
}

/// What is known of a column before it is read.
#[derive(Clone, Debug)]
pub(super) struct Info {
    pub(super) name: String,
    pub(super) is_text: bool,
}

/// A cell.
pub(super) enum Value<'a> {
    Missing,
    Number(f64),
    Text(&'a str),
}

impl Rows {
    /// Opens a file.
    ///
    /// # Errors
    /// If it cannot be read, is damaged, or has nested columns.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = quoted_path(path);
        let damaged = |what: String| Error::Damaged { file: file.clone(), what };
        let open = File::open(path);
        let open = open.map_err(|source| Error::File { action: "read", path: path.to_owned(), source })?;
        let reader = guarded(|| SerializedFileReader::new(open).map_err(|error| error.to_string()))
            .map_err(damaged)?;
        let metadata = reader.metadata().file_metadata();
        let len = usize::try_from(metadata.num_rows()).unwrap_or(0);
        let mut columns = Vec::new();
        for field in metadata.schema().get_fields() {
            if !field.is_primitive() {
                return Err(damaged(format!("its column `{}` is nested", field.name())));
            }
            let info = field.get_basic_info();
            let is_bytes =
                matches!(field.get_physical_type(), Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY);
            let is_decimal = info.converted_type() == ConvertedType::DECIMAL
                || matches!(info.logical_type_ref(), Some(LogicalType::Decimal { .. }));
            let is_half = matches!(info.logical_type_ref(), Some(LogicalType::Float16));
            let is_text = is_bytes && !is_decimal && !is_half;
            columns.push(Info { name: field.name().to_owned(), is_text });
        }
        let reader = guarded(|| Ok(RowIter::from_file_into(Box::new(reader)))).map_err(damaged)?;
        Ok(Self { file, columns, reader: Some(reader), len })
    }

    /// The columns.
    pub(super) fn columns(&self) -> &[Info] {
        &self.columns
    }

    /// Reads the next row.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn next(&mut self) -> Result<Option<Row>> {
        let Some(mut reader) = self.reader.take() else { return Ok(None) };
        let row = guarded(|| reader.next().transpose().map_err(|error| error.to_string()));
        let row = row.map_err(|what| Error::Damaged { file: self.file.clone(), what })?;
        self.reader = Some(reader);
        Ok(row)
    }
}

/// What `work` gives. The decoder panics on some damaged pages: that is an error of the file like others, and what it
/// worked on is thrown away.
fn guarded<R>(work: impl FnOnce() -> Result<R, String>) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err("a page cannot be decoded".to_owned()))
}

impl<'a> Value<'a> {
    pub(super) fn of(field: &'a Field) -> Self {
        let number = match field {
            Field::Bool(value) => f64::from(u8::from(*value)),
            Field::Byte(value) => f64::from(*value),
            Field::Short(value) => f64::from(*value),
            Field::Int(value) | Field::Date(value) | Field::TimeMillis(value) => f64::from(*value),
            Field::Long(value)
            | Field::TimeMicros(value)
            | Field::TimestampMillis(value)
            | Field::TimestampMicros(value) => *value as f64,
            Field::UByte(value) => f64::from(*value),
            Field::UShort(value) => f64::from(*value),
            Field::UInt(value) => f64::from(*value),
            Field::ULong(value) => *value as f64,
            Field::Float16(value) => f64::from(*value),
            Field::Float(value) => f64::from(*value),
            Field::Double(value) => *value,
            Field::Decimal(value) => decimal(value.data(), value.scale()),
            Field::Str(text) => return Self::Text(text.trim()),
            Field::Bytes(bytes) => {
                return bytes.as_utf8().map_or(Self::Missing, |text| Self::Text(text.trim()));
            }
            _ => f64::NAN,
        };
        if number.is_finite() { Self::Number(number) } else { Self::Missing }
    }
}

/// The big-endian whole number `bytes` over ten to the power of `scale`.
fn decimal(bytes: &[u8], scale: i32) -> f64 {
    let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    let whole = bytes.iter().fold(if negative { -1.0 } else { 0.0 }, |n, &byte| n * 256.0 + f64::from(byte));
    whole / 10.0_f64.powi(scale)
}
