//! Event files, read by a decoder of this file and, where Python has it, by the `tensorboard` package.
#![cfg(feature = "train")]

use std::path::{Path, PathBuf};
use std::process::Command;

use nn_runtime::tensorboard::TensorBoard;

/// A field of a message: its number, and its content.
#[derive(Debug, PartialEq)]
enum Field {
    Integer(u64, u64),
    Fixed(u64, Vec<u8>),
    Bytes(u64, Vec<u8>),
}

fn take<'b>(bytes: &mut &'b [u8], count: usize) -> &'b [u8] {
    let (taken, rest) = bytes.split_at(count);
    *bytes = rest;
    taken
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let (mut value, mut shift) = (0, 0);
    loop {
        let byte = take(bytes, 1)[0];
        value |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte < 0x80 {
            return value;
        }
    }
}

fn fields(mut bytes: &[u8]) -> Vec<Field> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        fields.push(match key & 7 {
            0 => Field::Integer(key >> 3, varint(&mut bytes)),
            1 => Field::Fixed(key >> 3, take(&mut bytes, 8).to_vec()),
            2 => {
                let length = varint(&mut bytes) as usize;
                Field::Bytes(key >> 3, take(&mut bytes, length).to_vec())
            }
            5 => Field::Fixed(key >> 3, take(&mut bytes, 4).to_vec()),
            other => panic!("wire type {other}"),
        });
    }
    fields
}

/// The bytes of a field.
fn bytes(fields: &[Field], wanted: u64) -> &[u8] {
    let found = fields.iter().find_map(|field| match field {
        Field::Bytes(number, bytes) | Field::Fixed(number, bytes) if *number == wanted => Some(bytes),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("no field {wanted} in {fields:?}"))
}

fn double(bytes: &[u8]) -> f64 {
    f64::from_le_bytes(bytes.try_into().expect("eight bytes"))
}

/// The data of the records of a file. Checksums are left to unit tests and to `TensorBoard`, which refuses wrong ones.
fn records(path: &Path) -> Vec<Vec<u8>> {
    let file = std::fs::read(path).expect("the file is there");
    let (mut rest, mut records) = (&file[..], Vec::new());
    while !rest.is_empty() {
        let length = u64::from_le_bytes(take(&mut rest, 8).try_into().expect("eight bytes"));
        take(&mut rest, 4);
        records.push(take(&mut rest, length as usize).to_vec());
        take(&mut rest, 4);
    }
    records
}

/// A folder of this test alone, empty.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).expect("the folder of an earlier run goes");
    }
    folder
}

/// What `tests/golden/check_tensorboard.py` expects.
fn write(folder: &Path) -> PathBuf {
    let mut board = TensorBoard::create(folder).unwrap();
    for step in 0..300 {
        board.scalar("loss/train", step, 1.0 / (1.0 + step as f64)).unwrap();
    }
    board.scalar("größe", 1 << 40, -2.5).unwrap();
    for step in [0, 10] {
        let values = (0..1000).map(|i| f64::from(i) / 1000.0 + step as f64).chain([f64::NAN, f64::INFINITY]);
        board.histogram("h1.weight", step, values).unwrap();
    }
    board.histogram("constant", 3, [0.5; 7]).unwrap();
    board.histogram("none", 3, []).unwrap();
    board.flush().unwrap();
    board.path().to_owned()
}

#[test]
fn events_can_be_decoded() {
    let path = write(&folder("decoded"));
    let records = records(&path);
    assert_eq!(records.len(), 1 + 300 + 1 + 2 + 1);
    assert_eq!(bytes(&fields(&records[0]), 3), b"brain.Event:2");

    let event = fields(&records[8]);
    assert!(double(bytes(&event, 1)) > 1.7e9, "seconds since 1970");
    assert!(event.contains(&Field::Integer(2, 7)));
    let value = fields(bytes(&fields(bytes(&event, 5)), 1));
    assert_eq!(bytes(&value, 1), b"loss/train");
    assert_eq!(bytes(&value, 2), 0.125_f32.to_le_bytes());
    assert!(fields(&records[301]).contains(&Field::Integer(2, 1 << 40)));

    let value = fields(bytes(&fields(bytes(&fields(&records[303]), 5)), 1));
    let histogram = fields(bytes(&value, 5));
    let expected = [10.0, 10.999, 1000.0, 10_499.5];
    for (number, expected) in (1..).zip(expected) {
        approx::assert_relative_eq!(double(bytes(&histogram, number)), expected, max_relative = 1e-12);
    }
    let counts: f64 = bytes(&histogram, 7).chunks_exact(8).map(double).sum();
    assert_eq!(counts, 1000.0);
    assert_eq!(bytes(&histogram, 6).len(), bytes(&histogram, 7).len());
}

#[test]
fn writers_of_one_folder_have_files_of_their_own() {
    let folder = folder("two");
    let (first, second) = (TensorBoard::create(&folder).unwrap(), TensorBoard::create(&folder).unwrap());
    assert_ne!(first.path(), second.path());
    let file = folder.join("file");
    std::fs::write(&file, "").unwrap();
    let error = TensorBoard::create(&file).unwrap_err().to_string();
    assert!(error.starts_with("cannot write `") && error.ends_with("file`"), "{error}");
}

/// Python is `NN_PYTHON`, or `python3`.
#[test]
fn tensorboard_reads_what_was_written() {
    let folder = folder("read");
    write(&folder);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/check_tensorboard.py");
    let python = std::env::var_os("NN_PYTHON").unwrap_or_else(|| "python3".into());
    let Ok(output) = Command::new(&python).arg(script).arg(&folder).output() else {
        println!("skipped: there is no {}", python.display());
        return;
    };
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    match output.status.code() {
        Some(0) => println!("{said}"),
        Some(77) => println!("skipped: {said}"),
        _ => panic!("{said}"),
    }
}
