//! Files that `NumPy` and pandas wrote, as tables and as streams; see `tests/golden/README.md`.
#![cfg(all(feature = "npy", feature = "parquet"))]

use std::path::PathBuf;

use ndarray::{Array2, s};
use nn_runtime::prelude::*;
use nn_runtime::{Error, Missing, Schema, Source, Stream};

fn file(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/formats")).join(name)
}

/// All numbers of a table; missing ones are NaN.
fn numbers(table: Table) -> Array2<f64> {
    let names: Vec<String> = table.columns().map(str::to_owned).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let table = table.with_schema(&Schema::new().missing_everywhere(Missing::Keep)).unwrap();
    table.dataset::<f64>(&names, Target::none()).unwrap().inputs().to_owned()
}

/// The same numbers, and gaps at the same places.
fn same(a: &Array2<f64>, b: &Array2<f64>, epsilon: f64) {
    assert_eq!(a.dim(), b.dim());
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() <= epsilon || (a.is_nan() && b.is_nan()), "{a} against {b}");
    }
}

const PARQUET: [&str; 5] = ["snappy", "zstd", "gzip", "lz4", "none"];

fn parquet(compression: &str) -> PathBuf {
    file(&format!("messy.{compression}.parquet"))
}

#[test]
fn parquet_has_what_the_text_has() {
    // Text says `True`, and rounds numbers of single precision.
    let text = Table::from_csv(file("messy.csv")).unwrap();
    assert_eq!(text, {
        let path = file("messy.csv.gz");
        let compressed = Table::from_csv(&path).unwrap();
        assert_eq!(compressed.len(), text.len());
        text.clone()
    });
    let text = numbers(text);
    for compression in PARQUET {
        let table = Table::from_parquet(parquet(compression)).unwrap();
        assert_eq!(table.columns().collect::<Vec<_>>(), ["number", "kind", "yes", "count", "single"]);
        let ours = numbers(table);
        // number, three kinds, yes (one column here, two as text), count, single.
        same(&ours.slice(s![.., ..4]).to_owned(), &text.slice(s![.., ..4]).to_owned(), 0.0);
        same(&ours.slice(s![.., 4..5]).to_owned(), &text.slice(s![.., 5..6]).to_owned(), 0.0);
        same(&ours.slice(s![.., 5..]).to_owned(), &text.slice(s![.., 6..]).to_owned(), 1e-6);
    }
}

#[test]
fn parquet_is_described_as_by_pandas() {
    let text = std::fs::read_to_string(file("../describe.json")).unwrap();
    let record: serde_json::Value = serde_json::from_str(&text).unwrap();
    let description = Table::from_parquet(parquet("snappy")).unwrap().describe();
    assert_eq!(description.numbers().len(), 4);
    for s in description.numbers() {
        let ours =
            [s.count as f64, s.mean, s.std, s.min, s.lower_quartile, s.median, s.upper_quartile, s.max];
        for (ours, theirs) in ours.into_iter().zip(record["messy"]["numbers"][&s.column].as_array().unwrap())
        {
            let theirs = theirs.as_f64().unwrap();
            assert!(
                (ours - theirs).abs() <= 1e-12 * theirs.abs().max(1.0),
                "{}: {ours} against {theirs}",
                s.column
            );
        }
    }
    let kind = &description.categories()[0];
    let ours =
        serde_json::json!({ "count": kind.count, "unique": kind.unique, "top": kind.top, "freq": kind.freq });
    assert_eq!(ours, record["messy"]["categories"]["kind"]);
}

#[test]
fn parquet_streams_have_the_rows_of_their_table() {
    let features = ["number", "kind", "count"];
    for (schema, rows) in [
        (Schema::new().missing_everywhere(Missing::MostFrequent), 23),
        (Schema::new().missing("number", Missing::DropRow).missing("kind", Missing::DropRow), 20),
    ] {
        let table = Table::from_parquet(parquet("zstd")).unwrap().with_schema(&schema).unwrap();
        let data: Dataset<f64> = table.dataset(&features, Target::equals("yes", "1")).unwrap();
        let stream =
            Stream::from_parquet(parquet("zstd"), &features, Target::equals("yes", "1"), &schema).unwrap();
        assert_eq!((data.len(), stream.rows().unwrap_or(rows)), (rows, rows));
        assert_eq!(stream.to_dataset(100).unwrap(), data);
    }
    let error =
        Stream::<f64>::from_parquet(parquet("zstd"), &features, Target::none(), &Schema::new()).unwrap_err();
    assert!(matches!(&error, Error::MissingValue { unit: "row", line: 3, .. }), "{error}");
}

#[test]
fn arrays_in_either_order_and_any_type() {
    let rows = numbers(Table::from_npy(file("rows.npy")).unwrap());
    assert_eq!(rows.dim(), (23, 2));
    same(&numbers(Table::from_npy(file("columns.npy")).unwrap()), &rows, 0.0);
    same(&numbers(Table::from_npy(file("big_endian.npy")).unwrap()), &rows, 0.0);
    let vector = numbers(Table::from_npy(file("vector.npy")).unwrap());
    same(&vector, &rows.slice(s![.., ..1]).to_owned(), 0.0);
    for kind in ["i1", "u1", "i2", "u2", "i8", "u8"] {
        let column = numbers(Table::from_npy(file(&format!("type_{kind}.npy"))).unwrap());
        assert_eq!(column.column(0).to_vec(), [0.0, 1.0, 100.0, 7.0], "{kind}");
    }
    let column = numbers(Table::from_npy(file("type_b1.npy")).unwrap());
    assert_eq!(column.column(0).to_vec(), [0.0, 1.0, 1.0, 1.0]);
    for (name, says) in
        [("text.npy", "not numbers"), ("cube.npy", "a table two axes"), ("messy.csv", "damaged")]
    {
        let error = Table::from_npy(file(name)).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
    for name in ["arrays.npz", "compressed.npz"] {
        let table = Table::from_npz(file(name)).unwrap();
        assert_eq!(table.columns().collect::<Vec<_>>(), ["count", "pair[0]", "pair[1]"]);
        same(&numbers(table).slice(s![.., 1..]).to_owned(), &rows, 0.0);
    }
}

#[test]
fn arrays_are_streamed_row_by_row() {
    let rows = numbers(Table::from_npy(file("rows.npy")).unwrap());
    let stream = Stream::<f64>::from_npy(file("rows.npy"), file("vector.npy")).unwrap();
    assert_eq!(stream.rows(), Some(23));
    let data = stream.to_dataset(100).unwrap();
    assert_eq!(data.inputs(), rows);
    assert_eq!(data.targets(), rows.slice(s![.., ..1]));
    let cubes = Stream::<f32>::from_npy(file("cube.npy"), file("cube.npy")).unwrap();
    assert_eq!((cubes.rows(), cubes.features().len()), (Some(10), 4));
    assert_eq!(cubes.to_dataset(3).unwrap().targets().dim(), (3, 4));
    let error = Stream::<f64>::from_npy(file("columns.npy"), file("vector.npy")).unwrap_err();
    assert!(error.to_string().contains("ascontiguousarray"), "{error}");
    let error = Stream::<f64>::from_npy(file("rows.npy"), file("cube.npy")).unwrap_err();
    assert!(matches!(error, Error::RowCount { inputs: 23, targets: 10 }), "{error}");
}

#[test]
fn arrays_that_are_shorter_than_their_header_says() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("short.npy");
    let whole = std::fs::read(file("rows.npy")).unwrap();
    for len in [0, 10, 100, 127, 128, 200, whole.len() - 1] {
        std::fs::write(&path, &whole[..len]).unwrap();
        assert!(matches!(Table::from_npy(&path), Err(Error::Damaged { .. })), "{len}");
        let streamed =
            Stream::<f64>::from_npy(&path, file("vector.npy")).and_then(|stream| stream.to_dataset(100));
        assert!(matches!(streamed, Err(Error::Damaged { .. })), "{len}");
    }
    // As many rows as nobody has memory for, of the same length as text.
    let claimed = String::from_utf8_lossy(&whole[..128])
        .replace("(23, 2), }                 ", "(1152921504606846976, 2), }");
    assert!(claimed.contains("1152921504606846976"), "{claimed}");
    for shape in ["(1152921504606846976, 2), }", "(1152921504606846, 2), }   "] {
        let header: Vec<u8> = [
            &whole[..10],
            &claimed.replace("(1152921504606846976, 2), }", shape).as_bytes()[claimed.len() - 118..],
        ]
        .concat();
        std::fs::write(&path, [&header[..], &whole[128..]].concat()).unwrap();
        assert!(matches!(Table::from_npy(&path), Err(Error::Damaged { .. })), "{shape}");
        let stream = Stream::<f64>::from_npy(&path, &path).and_then(|stream| stream.to_dataset(100));
        assert!(matches!(stream, Err(Error::Damaged { .. })), "{shape}");
    }
}

#[test]
fn pictures_that_python_wrote() {
    let data: Dataset<f32> = Dataset::from_idx(file("images.idx.gz"), file("labels.idx.gz")).unwrap();
    assert_eq!((data.len(), data.input_shape()), (5, &[2, 3][..]));
    assert_eq!(data.inputs().row(4).to_vec(), [24.0, 25.0, 26.0, 27.0, 28.0, 29.0]);
    assert_eq!(data.targets().column(0).to_vec(), [2.0, 0.0, 1.0, 2.0, 0.0]);
}
