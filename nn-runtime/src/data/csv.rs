//! Comma-separated text into columns of cells.

use csv::{ErrorKind, ReaderBuilder, StringRecord, Trim};

use crate::{Error, Result};

/// The cells of a file, all of the header's width.
pub(super) struct Cells {
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

fn failure(error: &csv::Error, lines: &mut Lines<'_>, file: &str) -> Error {
    let file = file.to_owned();
    match error.kind() {
        ErrorKind::UnequalLengths { pos, expected_len, len } => Error::RaggedRow {
            file,
            line: lines.of(pos.as_ref()),
            expected: *expected_len as usize,
            found: *len as usize,
        },
        ErrorKind::Utf8 { pos, err } => {
            Error::NotUtf8 { file, line: lines.of(pos.as_ref()), field: err.field() + 1 }
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
