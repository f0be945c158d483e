//! Every reader of files, samples of what it reads, and ways to damage them.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::{fs, io};

use ndarray::Array2;
use nn_runtime::prelude::*;
use nn_runtime::{Missing, Order, Pipeline, Schema, Source, Stream};

nn_model! {
    /// What files of models and of trainings hold here.
    pub(crate) model Small(x: [3]) -> y: [2] {
        y = softmax(dense(x, 2));
        loss cross_entropy(y, target);
    }
}

/// A kind of file.
pub(crate) struct Format {
    pub(crate) name: &'static str,
    /// Good files.
    pub(crate) samples: Vec<Vec<u8>>,
    /// Reads a file in all ways that there are, and looks at what it got.
    pub(crate) read: fn(&Path) -> nn_runtime::Result<()>,
}

/// Where the files of other programs are.
fn golden(name: &str) -> io::Result<Vec<u8>> {
    fs::read(PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/formats")).join(name))
}

fn all_golden(names: &[&str]) -> io::Result<Vec<Vec<u8>>> {
    names.iter().map(|name| golden(name)).collect()
}

/// Three pictures of 2 × 2 pixels, and their labels.
const PICTURES: &[u8] =
    &[0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 1, 2, 3, 10, 11, 12, 13, 255, 254, 253, 252];
const LABELS: &[u8] = &[0, 0, 8, 1, 0, 0, 0, 3, 2, 0, 2];

/// All of them; `folder` is for samples that have to be written first.
pub(crate) fn formats(folder: &Path) -> Result<Vec<Format>, Box<dyn std::error::Error>> {
    let path = folder.join("sample");
    Small::new(1).save(&path)?;
    let plain = fs::read(&path)?;
    let inputs = Array2::from_shape_fn((8, 3), |(i, j)| (i * 3 + j) as f32);
    let data = Dataset::with_classes(inputs, &[0, 1, 0, 1, 0, 1, 0, 1], &["a", "b"])?;
    Pipeline::new(Small::new(1), Scaler::standard().fit(&data)?)?.save(&path)?;
    let scaled = fs::read(&path)?;
    fs::remove_file(&path)?;
    Trainer::new(Adam::new(0.1)).epochs(1).checkpoint(path.clone()).fit(&mut Small::new(1), &data, None)?;
    let training = fs::read(&path)?;

    let csv = ["messy.csv", "messy.csv.gz", "iris_uneven.csv"];
    let npy =
        ["big_endian.npy", "columns.npy", "cube.npy", "rows.npy", "text.npy", "type_i2.npy", "vector.npy"];
    let parquet = ["gzip", "lz4", "none", "snappy", "zstd"].map(|kind| format!("messy.{kind}.parquet"));
    let parquet: Vec<&str> = parquet.iter().map(String::as_str).collect();
    Ok(vec![
        Format { name: "csv", samples: all_golden(&csv)?, read: read_csv },
        Format { name: "npy", samples: all_golden(&npy)?, read: read_npy },
        Format { name: "npz", samples: all_golden(&["arrays.npz", "compressed.npz"])?, read: read_npz },
        Format { name: "idx", samples: vec![PICTURES.into(), golden("images.idx.gz")?], read: read_pictures },
        Format { name: "labels", samples: vec![LABELS.into(), golden("labels.idx.gz")?], read: read_labels },
        Format { name: "parquet", samples: all_golden(&parquet)?, read: read_parquet },
        Format { name: "model", samples: vec![plain, scaled], read: read_model },
        Format { name: "training", samples: vec![training], read: read_training },
    ])
}

/// Describes a table, makes a dataset of all of its columns, and streams it, whatever comes out.
fn look(table: &Table) -> Vec<String> {
    let names: Vec<String> = table.columns().map(str::to_owned).collect();
    let _ = table.describe().to_string();
    let features: Vec<&str> = names.iter().map(String::as_str).collect();
    let _ = table.dataset::<f32>(&features, Target::none());
    names
}

fn pass(stream: &Stream<f32>) -> nn_runtime::Result<()> {
    stream.epoch(Order::shuffled(1, 1), 4, 0, &mut |_| Ok(ControlFlow::Continue(())))?;
    stream.to_dataset(1000).map(|_| ())
}

fn read_csv(path: &Path) -> nn_runtime::Result<()> {
    let table = Table::from_csv(path)?;
    let names = look(&table);
    let features: Vec<&str> = names.iter().map(String::as_str).collect();
    pass(&Stream::from_csv(
        path,
        &features,
        Target::none(),
        &Schema::new().missing_everywhere(Missing::Keep),
    )?)
}

fn read_npy(path: &Path) -> nn_runtime::Result<()> {
    if let Ok(stream) = Stream::<f32>::from_npy(path, path) {
        let _ = pass(&stream);
    }
    Table::from_npy(path).map(|table| drop(look(&table)))
}

fn read_npz(path: &Path) -> nn_runtime::Result<()> {
    Table::from_npz(path).map(|table| drop(look(&table)))
}

/// The other file of a pair.
fn beside(path: &Path, bytes: &[u8]) -> nn_runtime::Result<PathBuf> {
    let other = path.with_extension("other");
    match fs::write(&other, bytes) {
        Ok(()) => Ok(other),
        Err(source) => Err(nn_runtime::Error::File { action: "write", path: other, source }),
    }
}

fn read_pictures(path: &Path) -> nn_runtime::Result<()> {
    // As many labels as the pictures seem to be, where that is few.
    let bytes = fs::read(path).unwrap_or_default();
    let rows = bytes.get(7).copied().unwrap_or(3);
    let labels = [&[0, 0, 8, 1, 0, 0, 0, rows][..], &vec![1; rows.into()]].concat();
    read_pair(path, &beside(path, &labels)?)
}

fn read_labels(path: &Path) -> nn_runtime::Result<()> {
    read_pair(&beside(path, PICTURES)?, path)
}

fn read_pair(pictures: &Path, labels: &Path) -> nn_runtime::Result<()> {
    if let Ok(stream) = Stream::<f32>::from_idx(pictures, labels) {
        let _ = pass(&stream);
    }
    Dataset::<f32>::from_idx(pictures, labels).map(|_| ())
}

fn read_parquet(path: &Path) -> nn_runtime::Result<()> {
    let table = Table::from_parquet(path)?;
    let names = look(&table);
    let features: Vec<&str> = names.iter().map(String::as_str).collect();
    pass(&Stream::from_parquet(
        path,
        &features,
        Target::none(),
        &Schema::new().missing_everywhere(Missing::Keep),
    )?)
}

fn read_model(path: &Path) -> nn_runtime::Result<()> {
    let model = Small::load(path);
    let pipeline: Pipeline<Small> = Pipeline::load(path)?;
    let _ = pipeline.predict(Array2::ones((2, 3)).view());
    model.map(|_| ())
}

fn read_training(path: &Path) -> nn_runtime::Result<()> {
    let inputs = Array2::from_shape_fn((8, 3), |(i, j)| (i * 3 + j) as f32);
    let data = Dataset::with_classes(inputs, &[0, 1, 0, 1, 0, 1, 0, 1], &["a", "b"])?;
    Trainer::new(Adam::new(0.1)).epochs(1).resume(path).fit(&mut Small::new(1), &data, None).map(|_| ())
}

/// Numbers that headers should not be believed in.
const NUMBERS: [u64; 10] =
    [0, 1, 0x7f, 0xff, 0x7fff_ffff, 0xffff_ffff, 1 << 40, 1 << 60, u64::MAX >> 1, u64::MAX];

/// What separates, quotes or negates.
const BYTES: [u8; 12] = [0, 1, 0x7f, 0x80, 0xff, b'-', b'9', b'\n', b',', b'"', b'e', b'{'];

/// A sample with a few things wrong, all chosen by `choose(n)`, which gives a number below `n`.
pub(crate) fn damage(samples: &[Vec<u8>], mut choose: impl FnMut(usize) -> usize) -> Vec<u8> {
    let mut bytes = samples[choose(samples.len())].clone();
    for _ in 0..=choose(4) {
        let len = bytes.len();
        // Headers are at the start, those of Parquet and of archives at the end.
        let at = match choose(4) {
            0 => choose(64),
            1 => len.saturating_sub(choose(256)),
            _ => choose(len + 1),
        };
        let at = at.min(len);
        let mut overwrite = |with: &[u8]| {
            for (byte, with) in bytes[at..].iter_mut().zip(with) {
                *byte = *with;
            }
        };
        match choose(11) {
            0 => overwrite(&[BYTES[choose(BYTES.len())]]),
            1 => overwrite(&[choose(256) as u8]),
            2 => overwrite(&(NUMBERS[choose(NUMBERS.len())] as u32).to_le_bytes()),
            3 => overwrite(&(NUMBERS[choose(NUMBERS.len())] as u32).to_be_bytes()),
            4 => overwrite(&NUMBERS[choose(NUMBERS.len())].to_le_bytes()),
            5 => bytes.truncate(at),
            6 => drop(bytes.drain(at..(at + choose(40)).min(len))),
            7 => {
                let copy = bytes[at..(at + choose(40)).min(len)].to_vec();
                let to = choose(len + 1);
                drop(bytes.splice(to..to, copy));
            }
            8 => {
                // A number in a text becomes another one of the same length, or any.
                let digits = |byte: &u8| byte.is_ascii_digit();
                let start = (at..len).find(|&i| digits(&bytes[i])).unwrap_or(len);
                let end = (start..len).find(|&i| !digits(&bytes[i])).unwrap_or(len);
                let text = NUMBERS[choose(NUMBERS.len())].to_string();
                // Where padding follows, as in the headers of NumPy, lengths stay what they were.
                let longer = text.len().saturating_sub(end - start);
                let spaces = bytes.windows(longer + 1).rposition(|w| w.iter().all(|&byte| byte == b' '));
                if let Some(spaces) = spaces.filter(|&spaces| spaces > end) {
                    drop(bytes.drain(spaces..spaces + longer));
                }
                drop(bytes.splice(start..end, text.bytes()));
            }
            9 => bytes.extend((0..choose(64)).map(|_| choose(256) as u8)),
            _ => {
                let other = &samples[choose(samples.len())];
                bytes.truncate(at);
                bytes.extend_from_slice(&other[choose(other.len())..]);
            }
        }
    }
    bytes
}
