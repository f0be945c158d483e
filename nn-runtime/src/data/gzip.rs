//! Files that may be compressed.

use std::fs::File;
use std::io::{self, BufReader, Chain, Cursor, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::{Error, Result};

/// How compressed files start.
const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// What a reader gives, decompressed if it is compressed by gzip.
pub(super) enum Text<R: Read> {
    /// As it is.
    Plain(Whole<R>),
    /// Compressed.
    Gzip(Box<MultiGzDecoder<Whole<R>>>),
}

/// The bytes that were looked at, and the others.
type Whole<R> = Chain<Cursor<Vec<u8>>, BufReader<R>>;

impl<R: Read> Text<R> {
    /// Looks at the first bytes of a reader.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn new(reader: R) -> io::Result<Self> {
        let mut reader = BufReader::with_capacity(1 << 16, reader);
        let mut start = Vec::new();
        reader.by_ref().take(MAGIC.len() as u64).read_to_end(&mut start)?;
        let compressed = start == MAGIC;
        let whole = Cursor::new(start).chain(reader);
        Ok(if compressed { Self::Gzip(Box::new(MultiGzDecoder::new(whole))) } else { Self::Plain(whole) })
    }
}

impl Text<File> {
    /// Opens a file, whatever it is called.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let failed = |source| Error::File { action: "read", path: path.to_owned(), source };
        File::open(path).and_then(Self::new).map_err(failed)
    }
}

impl<R: Read> Read for Text<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(reader) => reader.read(buffer),
            Self::Gzip(reader) => reader.read(buffer),
        }
    }
}

/// The name of a file, for messages.
pub(super) fn quoted_path(path: &Path) -> String {
    format!("`{}`", path.display())
}
