//! Streams from files give the rows that tables of the same files have.

use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::Stream;
use super::files::HEAD;
use crate::{Dataset, Error, Missing, Order, Result, Schema, Source, Table, Target, Unseen};

const PETS: &str = "age,kind,weight,tag\n3,dog,10.5,1\n,cat,4,2\n2,dog,NA,3.0\n5,emu,40,2\n";

fn write(folder: &tempfile::TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn both(path: &Path, features: &[&str], target: &Target, schema: &Schema) -> [Result<Dataset<f64>>; 2] {
    let table = Table::from_csv(path).and_then(|table| table.with_schema(schema));
    let stream = Stream::from_csv(path, features, target.clone(), schema);
    [
        table.and_then(|table| table.dataset(features, target.clone())),
        stream.and_then(|s| s.to_dataset(100_000)),
    ]
}

#[test]
fn text_files_give_what_their_tables_give() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, gzip) =
        (write(&folder, "a", PETS.as_bytes()), write(&folder, "b", &compressed(PETS.as_bytes())));
    let kinds = || Schema::new().categories("kind", &["emu", "dog"]).missing_everywhere(Missing::DropRow);
    for schema in [
        Schema::new().missing_everywhere(Missing::Mean),
        Schema::new().missing_everywhere(Missing::MostFrequent).categorical("tag"),
        Schema::new().missing("age", Missing::Number(-1.0)).missing("weight", Missing::Median),
        kinds().unseen("kind", Unseen::Ignore),
        kinds().unseen("kind", Unseen::Other),
        kinds(),
        Schema::new(),
    ] {
        for target in [
            Target::column("weight"),
            Target::class("kind"),
            Target::class("tag"),
            Target::equals("tag", "2.0"),
            Target::none(),
        ] {
            for features in [&["age", "kind", "tag"][..], &["kind"], &["tag", "age"]] {
                for path in [&plain, &gzip] {
                    match both(path, features, &target, &schema) {
                        [Ok(table), Ok(stream)] => assert_eq!(table, stream),
                        [Err(table), Err(stream)] => assert_eq!(table.to_string(), stream.to_string()),
                        [table, stream] => {
                            panic!("{table:?} but {stream:?} of {features:?}, {target:?}, {schema:?}")
                        }
                    }
                }
            }
        }
    }
}

/// A file whose first rows say less than there is in it.
fn long(last: &str) -> String {
    let mut text = "x,kind\n".to_owned();
    for row in 0..HEAD {
        text.push_str(&format!("{row},{}\n", ["a", "b"][row % 2]));
    }
    text + last
}

#[test]
fn rows_that_disagree_with_the_first_ones_name_their_line() {
    let folder = tempfile::tempdir().unwrap();
    let line = HEAD as u64 + 2;
    let fails = |last: &str, schema: &Schema| {
        let path = write(&folder, "long", long(last).as_bytes());
        let stream = Stream::<f64>::from_csv(path, &["x", "kind"], Target::none(), schema).unwrap();
        stream.to_dataset(usize::MAX).unwrap_err()
    };
    let error = fails("oops,a\n", &Schema::new());
    assert!(
        matches!(&error, Error::NotANumber { line: l, column, .. } if *l == line && column == "x"),
        "{error}"
    );
    let error = fails("1,c\n", &Schema::new());
    assert!(
        matches!(&error, Error::UnseenCategory { line: l, value, .. } if *l == line && value == "c"),
        "{error}"
    );
    let error = fails("1,\n", &Schema::new());
    assert!(matches!(&error, Error::MissingValue { line: l, .. } if *l == line), "{error}");
    let error = fails("1,a,7\n", &Schema::new());
    assert!(matches!(&error, Error::RaggedRow { line: l, found: 3, .. } if *l == line), "{error}");
    let error = fails("1e999,a\n", &Schema::new());
    assert!(matches!(&error, Error::NotANumber { .. }), "{error}");

    let path = write(&folder, "other", long("1,c\n,b\n").as_bytes());
    let schema = Schema::new().categories("kind", &["a", "b", "c"]).missing("x", Missing::DropRow);
    let [table, stream] = both(&path, &["x", "kind"], &Target::none(), &schema);
    let stream = stream.unwrap();
    assert_eq!(stream.features(), ["x", "kind=a", "kind=b", "kind=c"]);
    assert_eq!(stream.len(), HEAD + 1);
    assert_eq!(stream, table.unwrap());
}

#[test]
fn streams_of_files_can_be_visited_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(&folder, "a", long("").as_bytes());
    let stream = Stream::<f32>::from_csv(&path, &["x", "kind"], Target::none(), &Schema::new()).unwrap();
    let data: Dataset<f32> = Table::from_csv(&path).unwrap().dataset(&["x", "kind"], Target::none()).unwrap();
    for epoch in [1, 2] {
        let order = Order::shuffled(3, epoch);
        let rows = |source: &dyn Source<f32>| {
            let mut rows = Vec::new();
            let mut visit = |batch: &crate::model::Batch<'_, f32>| {
                rows.extend((0..batch.len()).map(|i| batch.input_row(i).to_vec()));
                Ok(std::ops::ControlFlow::Continue(()))
            };
            source.epoch(order, 100, 0, &mut visit).unwrap();
            rows
        };
        assert_eq!(rows(&stream), rows(&data));
    }
    std::fs::write(&path, "y,kind\n1,a\n").unwrap();
    let error = stream.epoch(Order::sequential(3), 100, 0, &mut |_| unreachable!()).unwrap_err();
    assert!(error.to_string().contains("its header has changed"), "{error}");
}
