//! Arrays of numbers in the files of `NumPy`, as a whole or row by row.

use std::io::{self, Read};

use npyz::{DType, NpyHeader, Order, TypeChar};

use crate::{Error, Result};

/// The most bytes that are read at once: a header may claim any size.
const CHUNK: usize = 1 << 16;

/// The most bytes of a header that is read.
const LONGEST: usize = 1 << 16;

/// How the numbers of an array are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Float(usize),
    Int(usize),
    Uint(usize),
    Bool,
}

/// What the header of an array says.
#[derive(Clone, Debug)]
pub(super) struct Header {
    kind: Kind,
    big_endian: bool,
    row_major: bool,
    /// Rows: the first axis.
    pub(super) rows: usize,
    /// Numbers of a row: the product of the other axes.
    pub(super) columns: usize,
    /// All axes.
    pub(super) shape: Vec<usize>,
}

/// An array in memory.
pub(super) struct Matrix {
    values: Vec<f64>,
    row_major: bool,
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// Whether the array has one axis.
    pub(super) is_vector: bool,
}

/// Reads the numbers of an array one after another.
pub(super) struct Numbers<R> {
    reader: R,
    header: Header,
    buffer: Vec<u8>,
}

impl Header {
    /// Reads the header of an array, named `file` in messages.
    ///
    /// # Errors
    /// If it cannot be read or the array holds something else than numbers.
    pub(super) fn read(reader: &mut impl Read, file: &str) -> Result<Self> {
        let damaged = |what: String| Error::Damaged { file: file.to_owned(), what };
        let text = text(reader).map_err(|error| damaged(error.to_string()))?;
        let header = NpyHeader::from_reader(&text[..]).map_err(|error| damaged(error.to_string()))?;
        let DType::Plain(kind) = header.dtype() else {
            return Err(damaged("it holds records, not numbers".to_owned()));
        };
        let bytes = kind.size_field() as usize;
        let stored = match (kind.type_char(), bytes) {
            (TypeChar::Float, 4 | 8) => Kind::Float(bytes),
            (TypeChar::Int, 1 | 2 | 4 | 8) => Kind::Int(bytes),
            (TypeChar::Uint, 1 | 2 | 4 | 8) => Kind::Uint(bytes),
            (TypeChar::Bool, 1) => Kind::Bool,
            _ => return Err(damaged(format!("it holds {kind}, not numbers of up to 64 bits"))),
        };
        let too_large = || damaged("its shape is too large".to_owned());
        let mut shape = Vec::new();
        for &len in header.shape() {
            shape.push(usize::try_from(len).map_err(|_| too_large())?);
        }
        let Some((&rows, inner)) = shape.split_first() else {
            return Err(damaged("it holds one number, not rows".to_owned()));
        };
        let columns = inner.iter().try_fold(1_usize, |product, &len| product.checked_mul(len));
        let columns = columns.filter(|columns| columns.checked_mul(rows).is_some()).ok_or_else(too_large)?;
        let big_endian = kind.endianness() == npyz::Endianness::Big;
        let row_major = header.order() == Order::C || shape.len() == 1;
        Ok(Self { kind: stored, big_endian, row_major, rows, columns, shape })
    }

    /// Whether rows lie one after another.
    pub(super) fn is_row_major(&self) -> bool {
        self.row_major
    }
}

/// The bytes of a header, looked at before they are understood: whoever does multiplies the lengths of the axes, and
/// takes the memory that the header says it has.
fn text(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let mut text = vec![0; 10];
    reader.read_exact(&mut text)?;
    if !text.starts_with(b"\x93NUMPY") {
        return Err(invalid("it does not start as an array of `NumPy`"));
    }
    // The length of the rest has two bytes in the first version, four in later ones.
    let mut len = usize::from(u16::from_le_bytes([text[8], text[9]]));
    if text[6] > 1 {
        let mut upper = [0; 2];
        reader.read_exact(&mut upper)?;
        text.extend(upper);
        len |= usize::from(u16::from_le_bytes(upper)) << 16;
    }
    if len > LONGEST {
        return Err(invalid("its header is longer than any of an array of numbers"));
    }
    let start = text.len();
    text.resize(start + len, 0);
    reader.read_exact(&mut text[start..])?;
    let group_fits = |group: &[u8]| {
        let numbers = group.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
        let mut numbers = numbers.filter(|number| number.first().is_some_and(u8::is_ascii_digit));
        let len = |number: &[u8]| std::str::from_utf8(number).ok()?.trim_end_matches('L').parse::<u64>().ok();
        numbers.try_fold(1_u64, |product, number| product.checked_mul(len(number)?.max(1))).is_some()
    };
    // A shape is one such group, wherever it stands.
    if text[start..].split(|byte| b"()[]".contains(byte)).all(group_fits) {
        Ok(text)
    } else {
        Err(invalid("its shape is too large"))
    }
}

impl Kind {
    fn bytes(self) -> usize {
        match self {
            Self::Float(bytes) | Self::Int(bytes) | Self::Uint(bytes) => bytes,
            Self::Bool => 1,
        }
    }

    /// The number that these little-endian bytes are.
    fn number(self, bytes: &[u8]) -> f64 {
        let mut word = [0; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        let word = u64::from_le_bytes(word);
        match self {
            Self::Float(4) => f64::from(f32::from_bits(word as u32)),
            Self::Float(_) => f64::from_bits(word),
            Self::Bool => f64::from(u8::from(word != 0)),
            Self::Uint(_) => word as f64,
            Self::Int(bytes) => {
                // The sign bit moves to the top and back.
                let shift = 64 - 8 * bytes as u32;
                (((word << shift) as i64) >> shift) as f64
            }
        }
    }
}

impl<R: Read> Numbers<R> {
    /// Reads what comes after a header.
    pub(super) fn new(reader: R, header: Header) -> Self {
        Self { reader, header, buffer: Vec::new() }
    }

    /// Hands the next `count` numbers to `take`.
    ///
    /// # Errors
    /// If the file cannot be read or ends before.
    pub(super) fn next(&mut self, count: usize, mut take: impl FnMut(f64)) -> io::Result<()> {
        let Header { kind, big_endian, .. } = self.header;
        let mut left = count;
        while left > 0 {
            let now = left.min(CHUNK / 8);
            self.buffer.resize(now * kind.bytes(), 0);
            self.reader.read_exact(&mut self.buffer)?;
            for bytes in self.buffer.chunks_exact_mut(kind.bytes()) {
                if big_endian {
                    bytes.reverse();
                }
                take(kind.number(bytes));
            }
            left -= now;
        }
        Ok(())
    }
}

impl Matrix {
    /// Reads an array with one or two axes. What the header claims is not allocated before it was read.
    ///
    /// # Errors
    /// If it cannot be read, is shorter than its header says, or has more axes.
    pub(super) fn read(mut reader: impl Read, file: &str) -> Result<Self> {
        let header = Header::read(&mut reader, file)?;
        let damaged = |what: String| Error::Damaged { file: file.to_owned(), what };
        if header.shape.len() > 2 {
            return Err(damaged(format!("it has the shape {:?}, and a table two axes", header.shape)));
        }
        let Header { rows, columns, row_major, .. } = header;
        let (is_vector, count) = (header.shape.len() == 1, rows * columns);
        let mut values = Vec::new();
        Numbers::new(reader, header)
            .next(count, |number| values.push(number))
            .map_err(|error| damaged(format!("{count} numbers were to come, but {error}")))?;
        Ok(Self { values, row_major, rows, columns, is_vector })
    }

    pub(super) fn value(&self, row: usize, column: usize) -> f64 {
        let at = if self.row_major { row * self.columns + column } else { column * self.rows + row };
        self.values[at]
    }
}
