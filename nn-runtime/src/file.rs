//! Files that are replaced as a whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use crate::{Error, Result};

/// Writes a file as [`replace`] does, with an error that names it.
pub(crate) fn save(path: &Path, bytes: &[u8]) -> Result<()> {
    replace(path, bytes).map_err(|source| Error::File { action: "write", path: path.to_owned(), source })
}

/// Writes beside the file and renames, so that nobody ever sees half of it.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Several processes may write the same file.
    replace_through(path, &format!(".{}.part", std::process::id()), bytes)
}

/// As [`replace`], of a file that only one process writes at a time: the next one tidies up after one that was killed.
pub(crate) fn replace_alone(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_through(path, ".part", bytes)
}

fn replace_through(path: &Path, ending: &str, bytes: &[u8]) -> io::Result<()> {
    let Some(name) = path.file_name() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"));
    };
    let mut beside_name = name.to_owned();
    beside_name.push(ending);
    let beside = path.with_file_name(beside_name);
    let written = write_through(&beside, bytes).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // The first error is the one to report; that a file which may not exist could not be removed is no news.
        let _ = fs::remove_file(&beside);
        return written;
    }
    keep_name(path)
}

fn write_through(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Lets the new name of a file outlive the machine: it is in the folder.
#[cfg(unix)]
fn keep_name(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Where folders cannot be opened as files.
#[cfg(not(unix))]
fn keep_name(_path: &Path) -> io::Result<()> {
    Ok(())
}
