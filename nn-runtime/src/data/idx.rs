//! Pictures and labels in the format of MNIST.
//!
//! Two zero bytes, the type of the numbers, how many axes there are, the length of each axis (32 bits, big-endian),
//! and the numbers, the last axis fastest: <http://yann.lecun.com/exdb/mnist/>.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use ndarray::Array2;

use super::gzip::{Text, quoted_path};
use super::{Dataset, RowReader, Stream, TargetColumns};
use crate::kernels::Real;
use crate::{Error, Result};

/// The most bytes that are read at once: a header may claim any size.
const CHUNK: usize = 1 << 16;

/// A file whose header was read.
struct Idx {
    file: String,
    reader: Text<File>,
    /// Decodes the bytes of a number.
    number: fn(&[u8]) -> f64,
    /// Bytes of a number.
    width: usize,
    /// The length of the first axis.
    rows: usize,
    /// The lengths of the other axes.
    shape: Vec<usize>,
    /// Numbers of a row.
    columns: usize,
    buffer: Vec<u8>,
}

impl Idx {
    fn open(path: &Path) -> Result<Self> {
        let file = quoted_path(path);
        let mut reader = Text::open(path)?;
        let damaged = |what: String| Error::Damaged { file: file.clone(), what };
        let short = |_| damaged("it ends within its header".to_owned());
        let mut magic = [0; 4];
        reader.read_exact(&mut magic).map_err(short)?;
        let [0, 0, kind, axes] = magic else {
            return Err(damaged("it does not start with two zero bytes".to_owned()));
        };
        let (number, width): (fn(&[u8]) -> f64, usize) = match kind {
            0x08 => (|bytes| f64::from(bytes[0]), 1),
            0x09 => (|bytes| f64::from(bytes[0].cast_signed()), 1),
            0x0b => (|bytes| bytes.try_into().map_or(f64::NAN, |b| f64::from(i16::from_be_bytes(b))), 2),
            0x0c => (|bytes| bytes.try_into().map_or(f64::NAN, |b| f64::from(i32::from_be_bytes(b))), 4),
            0x0d => (|bytes| bytes.try_into().map_or(f64::NAN, |b| f64::from(f32::from_be_bytes(b))), 4),
            0x0e => (|bytes| bytes.try_into().map_or(f64::NAN, f64::from_be_bytes), 8),
            kind => return Err(damaged(format!("its numbers have the unknown type {kind:#04x}"))),
        };
        let mut lens = Vec::new();
        for _ in 0..axes {
            let mut len = [0; 4];
            reader.read_exact(&mut len).map_err(short)?;
            lens.push(u32::from_be_bytes(len) as usize);
        }
        let Some((&rows, shape)) = lens.split_first() else {
            return Err(damaged("it has no axes".to_owned()));
        };
        let bytes = lens.iter().try_fold(width, |product, &len| product.checked_mul(len));
        if bytes.is_none_or(|bytes| isize::try_from(bytes).is_err()) {
            return Err(damaged(format!("its shape {lens:?} is too large")));
        }
        let columns = shape.iter().product();
        let shape = shape.to_owned();
        Ok(Self { file, reader, number, width, rows, shape, columns, buffer: Vec::new() })
    }

    /// Hands the next `count` numbers to `take`. What a header claims is not allocated before it was read.
    fn next(&mut self, count: usize, mut take: impl FnMut(f64)) -> Result<()> {
        let mut left = count;
        while left > 0 {
            let now = left.min(CHUNK / self.width);
            self.buffer.resize(now * self.width, 0);
            if let Err(error) = self.reader.read_exact(&mut self.buffer) {
                let shape = [&[self.rows][..], &self.shape].concat();
                let what = format!("its header says {shape:?}, but reading its numbers, {error}");
                return Err(Error::Damaged { file: self.file.clone(), what });
            }
            self.buffer.chunks_exact(self.width).map(self.number).for_each(&mut take);
            left -= now;
        }
        Ok(())
    }
}

/// The names of the pixels of a file just opened. Names take more memory than pixels, so the first picture has to be there.
fn pixel_names(inputs: &mut Idx) -> Result<Vec<String>> {
    if inputs.rows == 0 {
        return Err(Error::EmptyTable { file: inputs.file.clone(), missing: "pictures" });
    }
    inputs.next(inputs.columns, |_| {})?;
    Ok(super::dataset::numbered("x", inputs.columns))
}

/// Opens pictures and their labels.
fn open_both(inputs: &Path, labels: &Path) -> Result<(Idx, Idx)> {
    let (inputs, labels) = (Idx::open(inputs)?, Idx::open(labels)?);
    if !labels.shape.is_empty() {
        let what = format!("labels have one axis, but it has {}", labels.shape.len() + 1);
        return Err(Error::Damaged { file: labels.file, what });
    }
    if inputs.rows != labels.rows {
        return Err(Error::RowCount { inputs: inputs.rows, targets: labels.rows });
    }
    Ok((inputs, labels))
}

/// The classes of labels: whole numbers from 0.
fn classes(labels: &mut Idx, mut take: impl FnMut(f64)) -> Result<TargetColumns> {
    // Far more classes than anybody has labels for: a table of their names should not fill the memory.
    const MOST: f64 = 1e6;
    let (mut largest, mut bad, mut row) = (0.0_f64, None, 0);
    labels.next(labels.rows, |label| {
        if label.fract() != 0.0 || !(0.0..MOST).contains(&label) {
            bad = bad.or(Some((row, label)));
        }
        largest = largest.max(label);
        row += 1;
        take(label);
    })?;
    if let Some((row, label)) = bad {
        return Err(Error::ClassLabel { row, label, classes: MOST as usize });
    }
    let classes = (0..=largest as usize).map(|class| class.to_string()).collect();
    Ok(TargetColumns::Class { column: "label".to_owned(), classes })
}

impl<T: Real> Dataset<T> {
    /// Reads pictures and their labels, in the format of MNIST, which may be compressed by gzip. The numbers are as they
    /// are in the files, pixels usually from 0 to 255; [`input_shape`](Self::input_shape) is that of one picture.
    ///
    /// # Errors
    /// If a file cannot be read, is damaged, empty or shorter than its header says, there are more or fewer labels than
    /// pictures, or a label is no whole number from 0.
    pub fn from_idx(inputs: impl AsRef<Path>, labels: impl AsRef<Path>) -> Result<Self> {
        let (mut inputs, mut labels) = open_both(inputs.as_ref(), labels.as_ref())?;
        let (mut x, mut y) = (Vec::new(), Vec::new());
        let target = classes(&mut labels, |label| y.push(T::from_f64(label)))?;
        if inputs.rows == 0 {
            return Err(Error::EmptyTable { file: inputs.file, missing: "pictures" });
        }
        inputs.next(inputs.rows * inputs.columns, |number| x.push(T::from_f64(number)))?;
        let (rows, columns) = (inputs.rows, inputs.columns);
        let matrix = |columns, values| -> Result<Array2<T>> { super::dataset::matrix(rows, columns, values) };
        let features = super::dataset::numbered("x", columns);
        let data = Self::from_parts(matrix(columns, x)?, matrix(1, y)?, features, target)?;
        data.with_input_shape(&inputs.shape)
    }
}

impl<T: Real> Stream<T> {
    /// Streams pictures and their labels, as [`Dataset::from_idx`] reads them.
    ///
    /// # Errors
    /// As [`Dataset::from_idx`]. All pictures but the first are only read later.
    pub fn from_idx(inputs: impl AsRef<Path>, labels: impl AsRef<Path>) -> Result<Self> {
        let paths = (inputs.as_ref().to_owned(), labels.as_ref().to_owned());
        let (mut inputs, mut labels) = open_both(&paths.0, &paths.1)?;
        let target = classes(&mut labels, |_| {})?;
        let features = pixel_names(&mut inputs)?;
        let open = move |_| {
            let (inputs, labels) = open_both(&paths.0, &paths.1)?;
            Ok(Pictures { left: inputs.rows, inputs, labels })
        };
        Ok(Self::new(features, target, inputs.file, open)?.with_rows(inputs.rows))
    }
}

/// Reads pictures one after another.
struct Pictures {
    inputs: Idx,
    labels: Idx,
    left: usize,
}

impl<T: Real> RowReader<T> for Pictures {
    fn read(&mut self, inputs: &mut [T], targets: &mut [T]) -> Result<bool> {
        if self.left == 0 {
            return Ok(false);
        }
        self.left -= 1;
        for (idx, to) in [(&mut self.inputs, inputs), (&mut self.labels, targets)] {
            let count = to.len();
            let mut to = to.iter_mut();
            idx.next(count, |number| {
                if let Some(to) = to.next() {
                    *to = T::from_f64(number);
                }
            })?;
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::ops::ControlFlow;
    use std::path::PathBuf;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use crate::{Dataset, Error, Order, Source, Stream};

    fn file(folder: &tempfile::TempDir, name: &str, bytes: &[u8]) -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn compressed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// Three pictures of 2 × 2 pixels, and their labels.
    const PICTURES: &[u8] =
        &[0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 1, 2, 3, 10, 11, 12, 13, 255, 254, 253, 252];
    const LABELS: &[u8] = &[0, 0, 8, 1, 0, 0, 0, 3, 2, 0, 2];

    #[test]
    fn pictures_and_labels_compressed_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let labels = file(&folder, "labels", LABELS);
        for (name, bytes) in [("plain", PICTURES.to_vec()), ("gzip", compressed(PICTURES))] {
            let pictures = file(&folder, name, &bytes);
            let data: Dataset<f32> = Dataset::from_idx(&pictures, &labels).unwrap();
            assert_eq!(data.inputs().row(2).to_vec(), [255.0, 254.0, 253.0, 252.0]);
            assert_eq!(data.targets().column(0).to_vec(), [2.0, 0.0, 2.0]);
            assert_eq!(data.classes().unwrap(), ["0", "1", "2"]);
            assert_eq!(data.input_shape(), [2, 2]);
            assert_eq!(data.split(0.5, 1).0.input_shape(), [2, 2]);

            let stream: Stream<f32> = Stream::from_idx(&pictures, &labels).unwrap();
            assert_eq!(stream.rows(), Some(3));
            let streamed = stream.to_dataset(10).unwrap();
            assert_eq!((streamed.inputs(), streamed.target()), (data.inputs(), data.target()));
            for epoch in [1, 2] {
                stream
                    .epoch(Order::shuffled(1, epoch), 2, 0, &mut |_| Ok(ControlFlow::Continue(())))
                    .unwrap();
            }
        }
    }

    #[test]
    fn all_types_of_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let labels = file(&folder, "labels", &[0, 0, 8, 1, 0, 0, 0, 1, 0]);
        let half = 0.5_f64.to_be_bytes();
        for (kind, bytes, value) in [
            (0x09, &[0xff_u8][..], -1.0),
            (0x0b, &[0xff, 0xfe], -2.0),
            (0x0c, &[0, 1, 0, 0], 65536.0),
            (0x0d, &0.25_f32.to_be_bytes(), 0.25),
            (0x0e, &half, 0.5),
        ] {
            let inputs = file(&folder, "x", &[&[0, 0, kind, 2, 0, 0, 0, 1, 0, 0, 0, 1], bytes].concat());
            let data: Dataset<f64> = Dataset::from_idx(&inputs, &labels).unwrap();
            assert_eq!(data.inputs()[[0, 0]], value);
        }
    }

    #[test]
    fn headers_are_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let labels = file(&folder, "labels", LABELS);
        let huge = [0, 0, 8, 3, 0, 0, 0, 3, 0x10, 0, 0, 0, 0, 0, 0x10, 0];
        let overflow = [0, 0, 14, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255];
        for (bytes, what) in [
            (&huge[..], "its header says"),
            (&overflow, "is too large"),
            (&PICTURES[..20], "its header says [3, 2, 2]"),
            (&PICTURES[..7], "ends within its header"),
            (&[1, 2, 3, 4], "two zero bytes"),
            (&[0, 0, 7, 1, 0, 0, 0, 1, 0], "unknown type 0x07"),
            (&[0, 0, 8, 0], "no axes"),
        ] {
            for bytes in [bytes.to_vec(), compressed(bytes)] {
                let inputs = file(&folder, "x", &bytes);
                let error = Dataset::<f32>::from_idx(&inputs, &labels).unwrap_err();
                assert!(
                    error.to_string().contains(what) && error.to_string().contains("x` is damaged"),
                    "{error}"
                );
            }
        }
        let few = file(&folder, "few", &[0, 0, 8, 1, 0, 0, 0, 2, 2, 0]);
        let pictures = file(&folder, "pictures", PICTURES);
        let error = Dataset::<f32>::from_idx(&pictures, &few).unwrap_err();
        assert!(matches!(error, Error::RowCount { inputs: 3, targets: 2 }), "{error}");
        let error = Dataset::<f32>::from_idx(&labels, &pictures).unwrap_err();
        assert!(error.to_string().contains("labels have one axis"), "{error}");
    }
}
