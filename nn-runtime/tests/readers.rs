//! Damaged files: every reader answers with a value or a typed error. `examples/fuzz_files` does this for hours.
#![cfg(all(feature = "npy", feature = "parquet"))]

#[path = "../examples/fuzz_files/readers.rs"]
mod readers;

use std::fs;

use nn_runtime::prelude::*;
use nn_runtime::{Error, Stream};
use proptest::prelude::*;

/// What the headers say of sizes is nothing that anybody allocates: 2⁶⁰ columns of no rows, and of a row that is missing.
#[test]
fn columns_that_are_only_claimed_are_not_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let npy = |name: &str, shape: &str| {
        let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}");
        let header = format!("{header:117}\n");
        file(name, &[b"\x93NUMPY\x01\x00\x76\x00", header.as_bytes()].concat())
    };
    for shape in ["(0, 1152921504606846976)", "(1, 1152921504606846975)"] {
        let path = npy("x.npy", shape);
        assert!(matches!(Table::from_npy(&path), Err(Error::EmptyTable { .. } | Error::Damaged { .. })));
        let stream = Stream::<f32>::from_npy(&path, &path);
        assert!(matches!(stream, Err(Error::EmptyTable { .. } | Error::Damaged { .. })), "{shape}");
    }
    let huge = |rows: u8| [&[0, 0, 8, 3, 0, 0, 0, rows][..], &[0, 255, 255, 255, 0, 0, 255, 255]].concat();
    for rows in [0, 1] {
        let pictures = file("pictures", &huge(rows));
        let labels = file("labels", &[&[0, 0, 8, 1, 0, 0, 0, rows][..], &vec![0; rows.into()]].concat());
        let whole = Dataset::<f32>::from_idx(&pictures, &labels);
        assert!(matches!(whole, Err(Error::EmptyTable { .. } | Error::Damaged { .. })), "{rows}");
        let stream = Stream::<f32>::from_idx(&pictures, &labels);
        assert!(matches!(stream, Err(Error::EmptyTable { .. } | Error::Damaged { .. })), "{rows}");
    }
}

proptest! {
    #[test]
    fn damaged_files_are_read_or_refused(choices in prop::collection::vec(any::<u32>(), 1..60)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("damaged");
        for format in readers::formats(folder.path()).unwrap() {
            let mut next = choices.iter().cycle();
            let choose = |below: usize| *next.next().unwrap_or(&0) as usize % below.max(1);
            fs::write(&path, readers::damage(&format.samples, choose)).unwrap();
            if let Err(error) = (format.read)(&path) {
                prop_assert!(!error.to_string().is_empty(), "{}", format.name);
            }
        }
    }
}
