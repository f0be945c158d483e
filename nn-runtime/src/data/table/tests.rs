//! Tables from text to datasets.

use ndarray::array;

use super::{Missing, Schema, Table, Unseen};
use crate::data::{Dataset, Target, TargetColumns};
use crate::{Error, Result};

const PETS: &str = "age,kind,weight,tag\n3,dog,10.5,1\n1,cat,4,2\n\n2,dog,8,3\n5,emu,40,2\n";

fn table(text: &str) -> Table {
    Table::from_reader(text.as_bytes()).unwrap()
}

fn dataset(text: &str, features: &[&str], target: Target) -> Result<Dataset<f64>> {
    table(text).dataset(features, target)
}

#[test]
fn numbers_and_categories_become_columns() {
    let data = dataset(PETS, &["age", "kind"], Target::column("weight")).unwrap();
    assert_eq!(data.features(), ["age", "kind=cat", "kind=dog", "kind=emu"]);
    assert_eq!(
        data.inputs(),
        array![[3.0, 0.0, 1.0, 0.0], [1.0, 1.0, 0.0, 0.0], [2.0, 0.0, 1.0, 0.0], [5.0, 0.0, 0.0, 1.0]]
    );
    assert_eq!(data.targets(), array![[10.5], [4.0], [8.0], [40.0]]);
}

#[test]
fn targets_of_every_kind() {
    let several = dataset(PETS, &["age"], Target::columns(&["weight", "tag"])).unwrap();
    assert_eq!(several.targets(), array![[10.5, 1.0], [4.0, 2.0], [8.0, 3.0], [40.0, 2.0]]);

    let class = dataset(PETS, &["age"], Target::class("kind")).unwrap();
    assert_eq!(class.targets(), array![[1.0], [0.0], [1.0], [2.0]]);
    assert_eq!(class.classes(), Some(["cat", "dog", "emu"].map(String::from).as_slice()));

    let numbered = dataset(PETS, &["age"], Target::class("tag")).unwrap();
    assert_eq!(numbered.targets(), array![[0.0], [1.0], [2.0], [1.0]]);
    assert_eq!(numbered.classes(), Some(["1", "2", "3"].map(String::from).as_slice()));

    for (column, category, expected) in
        [("kind", "dog", [1.0, 0.0, 1.0, 0.0]), ("tag", "2.0", [0.0, 1.0, 0.0, 1.0])]
    {
        let equals = dataset(PETS, &["age"], Target::equals(column, category)).unwrap();
        assert_eq!(equals.targets().column(0).to_vec(), expected);
        assert!(matches!(equals.target(), TargetColumns::Equals { .. }));
    }

    let none = dataset(PETS, &["age"], Target::none()).unwrap();
    assert_eq!(none.targets().dim(), (4, 0));
}

#[test]
fn missing_values_name_their_line_once_their_column_is_used() {
    for missing in ["", "?", "NA", "N/A", "NaN", "nan", "NULL", "null"] {
        let text = format!("a,b,c\n1,2,x\n\n3, {missing} ,y\n");
        assert!(dataset(&text, &["a"], Target::class("c")).is_ok());
        let error = dataset(&text, &["a", "b"], Target::class("c")).unwrap_err();
        assert!(matches!(&error, Error::MissingValue { line: 4, column, .. } if column == "b"), "{error}");
    }
    let error = dataset("a,c\n1,x\n2,\n", &["a"], Target::equals("c", "x")).unwrap_err();
    assert!(matches!(&error, Error::MissingValue { line: 3, column, .. } if column == "c"), "{error}");
}

#[test]
fn rows_with_missing_values_can_be_dropped() {
    let table = table("a,b,c,d\n1,x,7,1\n2,,8,oops\n3,z,9,3\n4,x,NA,4\n").drop_missing();
    assert_eq!(table.len(), 2);
    let data: Dataset<f64> = table.dataset(&["a", "d"], Target::class("b")).unwrap();
    assert_eq!(data.inputs(), array![[1.0, 1.0], [3.0, 3.0]]);
    assert_eq!(data.targets(), array![[0.0], [1.0]]);
    assert_eq!(data.classes(), Some(["x", "z"].map(String::from).as_slice()));
}

#[test]
fn categories_that_no_longer_occur_are_dropped() {
    let data: Dataset<f64> =
        table("a,b\n1,x\n,y\n3,z\n").drop_missing().dataset(&["a"], Target::class("b")).unwrap();
    assert_eq!(data.classes(), Some(["x", "z"].map(String::from).as_slice()));
    assert_eq!(data.targets(), array![[0.0], [1.0]]);
}

#[test]
fn text_among_numbers_is_an_error_unless_declared() {
    for typo in ["1O", "inf", "1e999"] {
        let text = format!("a,b\n1,5\n2,6\n{typo},7\n");
        let error = dataset(&text, &["a"], Target::column("b")).unwrap_err();
        assert!(matches!(&error, Error::NotANumber { line: 4, value, .. } if value == typo), "{error}");
    }
    let declared = table("a,b\n1,5\n3+,6\n").categorical("a").unwrap();
    let data: Dataset<f64> = declared.dataset(&["a"], Target::column("b")).unwrap();
    assert_eq!(data.features(), ["a=1", "a=3+"]);
}

#[test]
fn numbers_can_be_declared_categories() {
    let declared = table("zip,b\n10,5\n9,6\n10.0,7\n").categorical("zip").unwrap();
    let data: Dataset<f64> = declared.dataset(&["zip"], Target::column("b")).unwrap();
    assert_eq!(data.features(), ["zip=9", "zip=10"]);
    assert_eq!(data.inputs(), array![[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]);
}

#[test]
fn wrong_names_list_the_right_ones() {
    let error = dataset(PETS, &["ages"], Target::column("weight")).unwrap_err();
    assert!(error.to_string().contains("no column `ages`; its columns are `age`, `kind`, `weight`, `tag`"));
    let error = dataset(PETS, &["age"], Target::equals("kind", "cow")).unwrap_err();
    assert!(error.to_string().contains("never `cow`; its values are `cat`, `dog`, `emu`"), "{error}");
    assert!(matches!(table(PETS).categorical("x"), Err(Error::UnknownColumn { .. })));
}

#[test]
fn targets_of_the_wrong_kind() {
    let error = dataset(PETS, &["age"], Target::column("kind")).unwrap_err();
    assert!(error.to_string().contains("Target::class"), "{error}");
    let error = dataset(PETS, &["age"], Target::class("weight")).unwrap_err();
    assert!(error.to_string().contains("Target::column"), "{error}");
}

#[test]
fn a_column_has_one_use() {
    for (features, target) in [
        (&["age", "age"][..], Target::column("weight")),
        (&["age", "weight"], Target::column("weight")),
        (&["kind"], Target::equals("kind", "dog")),
        (&["age"], Target::columns(&["weight", "weight"])),
    ] {
        assert!(matches!(dataset(PETS, features, target), Err(Error::ColumnUsedTwice { .. })));
    }
    let error = Table::from_reader("a,b,a\n1,2,3\n".as_bytes()).unwrap_err();
    assert!(matches!(&error, Error::DuplicateColumn { column, .. } if column == "a"), "{error}");
}

#[test]
fn datasets_need_features_and_numbers_that_fit() {
    assert!(matches!(dataset(PETS, &[], Target::column("age")), Err(Error::Empty { .. })));
    let none = table("a,b\n1,\n,2\n").drop_missing();
    assert!(matches!(none.dataset::<f64>(&["a"], Target::none()), Err(Error::Empty { missing: "rows", .. })));
    let big = table("a,b\n1,2\n1e39,3\n");
    let error = big.dataset::<f32>(&["a"], Target::column("b")).unwrap_err();
    assert!(matches!(&error, Error::NonFinite { row: 1, column, .. } if column == "a"), "{error}");
    assert!(big.dataset::<f64>(&["a"], Target::column("b")).is_ok());
}

#[test]
fn a_missing_file_is_named() {
    let error = Table::from_csv("no/such/file.csv").unwrap_err();
    assert!(error.to_string().contains("no/such/file.csv"), "{error}");
}

#[test]
fn display_describes_the_columns() {
    let text = table("a,kind\n1,x\n,y\n-3,x\n").to_string();
    assert_eq!(text, "3 rows\n  a     -3 to 1, 1 missing\n  kind  `x`, `y`");
}

#[test]
fn a_compressed_file_is_read_whatever_its_name() {
    use std::io::Write;

    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(PETS.as_bytes()).unwrap();
    let bytes = encoder.finish().unwrap();
    assert_eq!(Table::from_reader(&bytes[..]).unwrap(), table(PETS));
    assert!(matches!(Table::from_reader(&bytes[..bytes.len() / 2]), Err(Error::Read { .. })));
    // What is too short to be compressed is text.
    assert!(matches!(Table::from_reader(&b"\x1f"[..]), Err(Error::EmptyTable { .. })));
}

#[test]
fn categories_have_the_order_that_was_declared() {
    let sizes = table("size\nlarge\nsmall\nsmall\n");
    let listed = sizes.clone().with_categories("size", &["small", "medium", "large"], Unseen::Error).unwrap();
    let data: Dataset<f64> = listed.dataset(&["size"], Target::none()).unwrap();
    assert_eq!(data.features(), ["size=small", "size=medium", "size=large"]);
    assert_eq!(data.inputs(), array![[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]);
    // Declared categories stay when their last row goes.
    let kept = listed.drop_missing().dataset::<f64>(&["size"], Target::none()).unwrap();
    assert_eq!(kept.features().len(), 3);

    let numbers = table("n\n2\n1.0\n").with_categories("n", &["2", "1", "3"], Unseen::Error).unwrap();
    let data: Dataset<f64> = numbers.dataset(&["n"], Target::none()).unwrap();
    assert_eq!(data.inputs(), array![[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]);
}

#[test]
fn values_that_were_not_declared() {
    let sizes = || table("size,x\nlarge,1\n\nvast,2\n");
    let error = sizes().with_categories("size", &["small", "large"], Unseen::Error).unwrap_err();
    assert!(matches!(&error, Error::UnseenCategory { line: 4, value, .. } if value == "vast"), "{error}");
    let ignored = sizes().with_categories("size", &["small", "large"], Unseen::Ignore).unwrap();
    let data: Dataset<f64> = ignored.dataset(&["size"], Target::none()).unwrap();
    assert_eq!(data.inputs(), array![[0.0, 1.0], [0.0, 0.0]]);
    let error = ignored.dataset::<f64>(&["x"], Target::class("size")).unwrap_err();
    assert!(matches!(&error, Error::NoCategory { line: 4, .. }), "{error}");
    let equals: Dataset<f64> = ignored.dataset(&["x"], Target::equals("size", "large")).unwrap();
    assert_eq!(equals.targets(), array![[1.0], [0.0]]);
    let other = sizes().with_categories("size", &["small", "large"], Unseen::Other).unwrap();
    let data: Dataset<f64> = other.dataset(&["size"], Target::none()).unwrap();
    assert_eq!(data.features(), ["size=small", "size=large", "size=other"]);
    assert_eq!(data.inputs(), array![[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]);
}

#[test]
fn numbers_are_numbers_when_they_have_to_be() {
    let error = table("a\n1\n\nx\n").numeric("a").unwrap_err();
    assert!(matches!(&error, Error::NotANumber { line: 4, value, .. } if value == "x"), "{error}");
    let back = table("a\n1\n2\n").categorical("a").unwrap().numeric("a").unwrap();
    assert_eq!(back.dataset::<f64>(&["a"], Target::none()).unwrap().features(), ["a"]);
}

#[test]
fn missing_values_are_filled_in_as_asked() {
    let text = "n,c\n1,x\n,y\n3,y\n8,\n1,x\n";
    let column = |missing: Missing| -> Result<Vec<f64>> {
        let data: Dataset<f64> = table(text).fill_missing("n", missing)?.dataset(&["n"], Target::none())?;
        Ok(data.inputs().column(0).to_vec())
    };
    assert_eq!(column(Missing::Mean).unwrap()[1], 13.0 / 4.0);
    assert_eq!(column(Missing::Median).unwrap()[1], 2.0);
    assert_eq!(column(Missing::MostFrequent).unwrap()[1], 1.0);
    assert_eq!(column(Missing::Number(-7.0)).unwrap()[1], -7.0);
    assert_eq!(column(Missing::DropRow).unwrap(), [1.0, 3.0, 8.0, 1.0]);
    assert!(column(Missing::Keep).unwrap()[1].is_nan());
    assert!(matches!(column(Missing::Error), Err(Error::MissingValue { line: 3, .. })));
    assert!(matches!(column(Missing::Category("x".to_owned())), Err(Error::ColumnKind { .. })));

    let kinds = |missing: Missing| -> Result<Dataset<f64>> {
        table(text).fill_missing("c", missing)?.dataset(&["c"], Target::none())
    };
    assert_eq!(kinds(Missing::MostFrequent).unwrap().inputs().row(3).to_vec(), [1.0, 0.0]);
    let added = kinds(Missing::Category("unknown".to_owned())).unwrap();
    assert_eq!(added.features(), ["c=unknown", "c=x", "c=y"]);
    assert_eq!(added.inputs().column(0).to_vec(), [0.0, 0.0, 0.0, 1.0, 0.0]);
    assert_eq!(added.inputs().column(1).to_vec(), [1.0, 0.0, 0.0, 0.0, 1.0]);
    assert_eq!(kinds(Missing::Keep).unwrap().inputs().row(3).to_vec(), [0.0, 0.0]);
    assert!(matches!(kinds(Missing::Mean), Err(Error::ColumnKind { .. })));
    let empty = table("n,c\n,x\n,y\n").fill_missing("n", Missing::Mean);
    assert!(matches!(empty, Err(Error::ColumnKind { .. })));

    let all = Schema::new().missing_everywhere(Missing::Median).missing("c", Missing::DropRow);
    let data: Dataset<f64> =
        table(text).with_schema(&all).unwrap().dataset(&["n", "c"], Target::none()).unwrap();
    assert_eq!(data.inputs().column(0).to_vec(), [1.0, 2.0, 3.0, 1.0]);
}

#[test]
fn what_is_missing_cannot_be_trained_on() {
    let data: Dataset<f32> = table("a,b\n1,2\n,3\n")
        .fill_missing("a", Missing::Keep)
        .unwrap()
        .dataset(&["a"], Target::column("b"))
        .unwrap();
    assert!(data.inputs()[[1, 0]].is_nan());
}
