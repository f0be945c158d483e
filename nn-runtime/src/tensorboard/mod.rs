//! Event files for [TensorBoard](https://www.tensorflow.org/tensorboard): scalars and histograms over the steps of a
//! training.
//!
//! The format: records as `TFRecord` frames them, each an `Event` of TensorFlow's `event.proto`.

mod callback;
mod event;
mod record;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use event::Histogram;

use crate::{Error, Result};

/// A writer of one run, to be shown by `tensorboard --logdir` of the folder or one above it.
///
/// Events are buffered; [`flush`](Self::flush) makes them visible to a `TensorBoard` that is watching. What is buffered is
/// written when the writer is dropped, too, but then an error would go unnoticed.
///
/// ```no_run
/// use nn_runtime::tensorboard::TensorBoard;
///
/// let mut board = TensorBoard::create("runs/first")?;
/// for step in 0..100 {
///     board.scalar("loss/train", step, 1.0 / (1.0 + step as f64))?;
/// }
/// board.flush()?;
/// # Ok::<(), nn_runtime::Error>(())
/// ```
#[derive(Debug)]
pub struct TensorBoard {
    path: PathBuf,
    file: BufWriter<File>,
}

impl TensorBoard {
    /// Starts a new event file in a folder, which is made if it is not there. Other files stay: `TensorBoard` shows those
    /// of one folder as one run.
    ///
    /// # Errors
    /// If the folder or the file cannot be made.
    pub fn create(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        let failed = |path: &Path, source| Error::File { action: "write", path: path.to_owned(), source };
        fs::create_dir_all(folder).map_err(|source| failed(folder, source))?;
        let (seconds, process) = (now() as u64, std::process::id());
        // Another writer of this process may have begun in the same second.
        let mut number = 0;
        let (path, file) = loop {
            let path = folder.join(format!("events.out.tfevents.{seconds:010}.{process}.{number}"));
            match File::create_new(&path) {
                Ok(file) => break (path, file),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(source) => return Err(failed(&path, source)),
            }
        };
        let mut board = Self { path, file: BufWriter::new(file) };
        board.write(&event::version(now()))?;
        board.flush()?;
        Ok(board)
    }

    /// The event file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a value to the curve with this tag, such as "loss/train": what stands before the slash is a group. The
    /// file holds it in single precision.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn scalar(&mut self, tag: &str, step: u64, value: f64) -> Result<()> {
        self.write(&event::scalar(now(), step, tag, value))
    }

    /// Adds the distribution of values, such as a layer's weights, in thirty bins. Values that are not finite are left
    /// out; nothing is added if none is left.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn histogram(&mut self, tag: &str, step: u64, values: impl IntoIterator<Item = f64>) -> Result<()> {
        let values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        match Histogram::of(&values) {
            Some(histogram) => self.write(&event::histogram(now(), step, tag, &histogram)),
            None => Ok(()),
        }
    }

    /// Hands everything to the operating system.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn flush(&mut self) -> Result<()> {
        let done = self.file.flush();
        done.map_err(|source| Error::File { action: "write", path: self.path.clone(), source })
    }

    fn write(&mut self, event: &[u8]) -> Result<()> {
        let done = self.file.write_all(&record::framed(event));
        done.map_err(|source| Error::File { action: "write", path: self.path.clone(), source })
    }
}

/// Seconds since 1970; 0 if the clock is before that.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}
