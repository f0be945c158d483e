//! Comma-separated text into columns of cells.

use std::io::Read;

use csv::{ErrorKind, ReaderBuilder, StringRecord, Trim};

use crate::{Error, Result};

/// The cells of a file, all of the header's width.
pub(in crate::data) struct Cells {
    /// The names of the columns.
    pub(super) header: Vec<String>,
    /// The rows.
    pub(super) rows: Vec<StringRecord>,
    /// The line of the file on which each row starts, counted from 1.
    pub(super) lines: Vec<u64>,
}

/// Parses `text`, whose first line is the header. Space around cells does not count; blank lines are skipped.
pub(super) fn parse(text: &[u8], file: &str) -> Result<Cells> {
    let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(text);
    let mut lines = Lines { text, read: 0, line: 1 };

    let header = reader.headers().map_err(|error| failure(&error, &mut lines, file))?;
    let header: Vec<String> = header.iter().map(str::to_owned).collect();
    if header.is_empty() {
        return Err(Error::EmptyTable { file: file.to_owned(), missing: "header line" });
    }

    let mut cells = Cells { header, rows: Vec::new(), lines: Vec::new() };
    for row in reader.records() {
        let row = row.map_err(|error| failure(&error, &mut lines, file))?;
        cells.lines.push(lines.of(row.position()));
        cells.rows.push(row);
    }
    if cells.rows.is_empty() {
        return Err(Error::EmptyTable { file: file.to_owned(), missing: "rows below its header" });
    }
    Ok(cells)
}

/// Rows that are read one after another, of a file that need not fit into memory.
pub(in crate::data) struct Records<R> {
    reader: csv::Reader<R>,
    file: String,
    /// The names of the columns.
    pub(in crate::data) header: Vec<String>,
}

impl<R: Read> Records<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// If there is none, or it cannot be read.
    pub(in crate::data) fn new(reader: R, file: &str) -> Result<Self> {
        let mut reader = ReaderBuilder::new().trim(Trim::All).buffer_capacity(1 << 16).from_reader(reader);
        let header = reader.headers().map_err(|error| failed(&error, line, file))?;
        let header: Vec<String> = header.iter().map(str::to_owned).collect();
        if header.is_empty() {
            return Err(Error::EmptyTable { file: file.to_owned(), missing: "header line" });
        }
        Ok(Self { reader, file: file.to_owned(), header })
    }

    /// Reads the next row, and gives the line that it starts on. Blank lines before a row belong to it.
    ///
    /// # Errors
    /// If it cannot be read, or has another length than the header.
    pub(in crate::data) fn next(&mut self, row: &mut StringRecord) -> Result<Option<u64>> {
        match self.reader.read_record(row) {
            Ok(true) => Ok(Some(line(row.position()))),
            Ok(false) => Ok(None),
            Err(error) => Err(failed(&error, line, &self.file)),
        }
    }

    /// Reads up to `most` rows.
    ///
    /// # Errors
    /// If there is none, or one cannot be read.
    pub(in crate::data) fn head(&mut self, most: usize) -> Result<Cells> {
        let mut cells = Cells { header: self.header.clone(), rows: Vec::new(), lines: Vec::new() };
        let mut row = StringRecord::new();
        while cells.rows.len() < most
            && let Some(line) = self.next(&mut row)?
        {
            cells.lines.push(line);
            cells.rows.push(row.clone());
        }
        if cells.rows.is_empty() {
            return Err(Error::EmptyTable { file: self.file.clone(), missing: "rows below its header" });
        }
        Ok(cells)
    }
}

/// The parser's own count.
fn line(position: Option<&csv::Position>) -> u64 {
    position.map_or(0, csv::Position::line)
}

fn failure(error: &csv::Error, lines: &mut Lines<'_>, file: &str) -> Error {
    failed(error, |position| lines.of(position), file)
}

fn failed(error: &csv::Error, mut line: impl FnMut(Option<&csv::Position>) -> u64, file: &str) -> Error {
    let file = file.to_owned();
    match error.kind() {
        ErrorKind::UnequalLengths { pos, expected_len, len } => Error::RaggedRow {
            file,
            line: line(pos.as_ref()),
            expected: *expected_len as usize,
            found: *len as usize,
        },
        ErrorKind::Utf8 { pos, err } => {
            Error::NotUtf8 { file, line: line(pos.as_ref()), field: err.field() + 1 }
        }
        ErrorKind::Io(source) => {
            Error::Read { file, source: std::io::Error::new(source.kind(), source.to_string()) }
        }
        _ => Error::Read { file, source: std::io::Error::other(error.to_string()) },
    }
}

/// Counts lines. The parser's own count is that of the line after the previous row, which is not where a row
/// starts if blank lines precede it.
struct Lines<'a> {
    text: &'a [u8],
    read: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of the first character of the row that the parser found at `position`; positions must not go back.
    fn of(&mut self, position: Option<&csv::Position>) -> u64 {
        let start = position.map_or(self.read, |p| p.byte() as usize);
        let breaks = self.text[start..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let skipped = &self.text[self.read..start + breaks];
        self.line += skipped.split(|&byte| byte == b'\n').count() as u64 - 1;
        self.read = start + breaks;
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::Error;

    #[test]
    fn quotes_spaces_and_line_ends() {
        let cells = parse(b"name , value\r\n\"a, \"\"b\"\"\", 1\r\nc,2", "t").unwrap();
        assert_eq!(cells.header, ["name", "value"]);
        assert_eq!(cells.rows[0], vec!["a, \"b\"", "1"]);
        assert_eq!(cells.rows[1], vec!["c", "2"]);
        assert_eq!(cells.lines, [2, 3]);
    }

    #[test]
    fn lines_count_blank_lines_and_breaks_in_quotes() {
        let cells = parse(b"\nx,y\n\n1,\"two\nlines\"\n3,4\n\n\n5,6\n", "t").unwrap();
        assert_eq!(cells.lines, [4, 6, 9]);
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_name() {
        assert_eq!(parse(b"\xef\xbb\xbfx,y\n1,2\n", "t").unwrap().header, ["x", "y"]);
    }

    #[test]
    fn ragged_rows_name_their_line() {
        for (text, line, found) in [("x,y\n1,2\n\n3\n", 4, 1), ("x,y\n1,2,3\n", 2, 3)] {
            match parse(text.as_bytes(), "t.csv") {
                Err(Error::RaggedRow { file, line: l, expected: 2, found: f }) => {
                    assert_eq!((file.as_str(), l, f), ("t.csv", line, found));
                }
                other => panic!("{:?}", other.err()),
            }
        }
    }

    #[test]
    fn bytes_that_are_not_text_name_their_place() {
        let error = parse(b"x,y\n1,2\n3,\xff\n", "t").err();
        assert!(matches!(error, Some(Error::NotUtf8 { line: 3, field: 2, .. })), "{error:?}");
        let error = parse(b"x,\xff\n1,2\n", "t").err();
        assert!(matches!(error, Some(Error::NotUtf8 { line: 1, field: 2, .. })), "{error:?}");
    }

    #[test]
    fn empty_files() {
        for text in ["", "\n\n"] {
            assert!(matches!(
                parse(text.as_bytes(), "t"),
                Err(Error::EmptyTable { missing: "header line", .. })
            ));
        }
        let error = parse(b"x,y\n", "t").err();
        assert!(matches!(error, Some(Error::EmptyTable { missing: "rows below its header", .. })));
    }
}
