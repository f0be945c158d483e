//! Where results go: to standard output, or to a file that is replaced as a whole.

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Why a command ends before it is done.
pub(crate) enum Failure {
    /// The mistakes of a model have been reported.
    Reported,
    /// Something else, in words.
    Said(String),
    /// Nobody reads the output any more.
    Closed,
}

impl Failure {
    /// A failure of the operating system.
    pub(crate) fn io(what: &str, path: &Path, error: &io::Error) -> Self {
        Self::Said(format!("cannot {what} `{}`: {error}", path.display()))
    }
}

/// What is written, until it is known that all of it can be.
pub(crate) struct Output {
    file: Option<PathBuf>,
    content: Vec<u8>,
}

impl Output {
    pub(crate) fn new(file: Option<PathBuf>) -> Self {
        Self { file, content: Vec::new() }
    }

    /// Text, whose colours are for terminals alone.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Failure> {
        match self.file {
            Some(_) => self.bytes(anstream::adapter::strip_str(text).to_string().as_bytes()),
            None => written(anstream::stdout().lock().write_all(text.as_bytes())),
        }
    }

    /// Bytes as they are, which may be no text at all.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if self.file.is_some() {
            self.content.extend_from_slice(bytes);
            return Ok(());
        }
        written(io::stdout().lock().write_all(bytes))
    }

    /// Puts the file in its place.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        let Some(path) = self.file else {
            return match io::stdout().flush() {
                Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                    Err(Failure::Said(format!("cannot write to standard output: {error}")))
                }
                _ => Ok(()),
            };
        };
        replace(&path, &self.content).map_err(|error| Failure::io("write", &path, &error))
    }
}

/// Whether standard output took all of it.
fn written(result: io::Result<()>) -> Result<(), Failure> {
    result.map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Failure::Closed,
        _ => Failure::Said(format!("cannot write to standard output: {error}")),
    })
}

/// Writes beside the file and renames, so that nobody ever sees half of it.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut beside = tempfile::NamedTempFile::new_in(folder)?;
    beside.write_all(content)?;
    beside.as_file().sync_all()?;
    beside.persist(path)?;
    Ok(())
}
