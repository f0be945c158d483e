//! Tables of numbers and categories.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use ndarray::Array2;

use super::column::{Column, Values, number, retain, same_category};
use super::csv::{self, Cells};
use super::target::Choice;
use super::{Dataset, Target, TargetColumns};
use crate::error::quoted;
use crate::kernels::Real;
use crate::{Error, Result};

/// A table with named columns, each of numbers or of categories.
///
/// ```no_run
/// # fn main() -> nn_runtime::Result<()> {
/// use nn_runtime::prelude::*;
///
/// let table = Table::from_csv("iris.csv")?;
/// println!("{table}");
/// let data: Dataset = table.dataset(&["petal_length", "petal_width"], Target::class("species"))?;
/// let (train, valid) = data.split(0.8, 7);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    file: String,
    columns: Vec<Column>,
    /// The line of the file on which each row starts.
    lines: Vec<u64>,
}

impl Table {
    /// Reads a file of comma-separated values, in UTF-8, whose first line names the columns.
    ///
    /// A column holds numbers if all its cells are finite numbers, and categories otherwise. A cell that is empty
    /// or says `NA`, `N/A`, `NaN`, `nan`, `NULL`, `null` or `?` has no value, which is an error as soon as its
    /// column is used.
    ///
    /// # Errors
    /// If the file cannot be read, has no rows, rows of different lengths, text that is not UTF-8, or two columns
    /// of the same name.
    pub fn from_csv(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|source| Error::File {
            action: "read",
            path: path.to_owned(),
            source,
        })?;
        Self::read(file, format!("`{}`", path.display()))
    }

    /// Reads comma-separated values, as [`from_csv`](Self::from_csv) does, from anything that can be read.
    ///
    /// # Errors
    /// As [`from_csv`](Self::from_csv).
    pub fn from_reader(reader: impl Read) -> Result<Self> {
        Self::read(reader, "the table".to_owned())
    }

    fn read(mut reader: impl Read, file: String) -> Result<Self> {
        let mut text = Vec::new();
        if let Err(source) = reader.read_to_end(&mut text) {
            return Err(Error::Read { file, source });
        }
        let Cells { header, rows, lines } = csv::parse(&text, &file)?;
        for (i, name) in header.iter().enumerate() {
            if header[..i].contains(name) {
                return Err(Error::DuplicateColumn { file, column: name.clone() });
            }
        }
        let columns = header
            .into_iter()
            .enumerate()
            .map(|(i, name)| Column { name, values: Values::infer(rows.iter().map(|row| &row[i])) })
            .collect();
        Ok(Self { file, columns, lines })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there are no rows, which only [`drop_missing`](Self::drop_missing) can bring about.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The names of the columns.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// The table with this column as categories, whatever its cells look like. Numbers become categories by their
    /// value: `1` and `1.0` are the same one.
    ///
    /// # Errors
    /// If there is no such column.
    pub fn categorical(mut self, column: &str) -> Result<Self> {
        let at = self.position(column)?;
        let values = match std::mem::replace(&mut self.columns[at].values, Values::Numbers(Vec::new())) {
            Values::Numbers(numbers) => Values::categories_of(&numbers),
            Values::Categories { codes, names, .. } => Values::Categories { codes, names, mixed: false },
        };
        self.columns[at].values = values;
        Ok(self)
    }

    /// The table without the rows in which any column has no value.
    #[must_use]
    pub fn drop_missing(mut self) -> Self {
        let complete: Vec<bool> = (0..self.len())
            .map(|row| !self.columns.iter().any(|column| column.values.is_missing(row)))
            .collect();
        for column in &mut self.columns {
            column.values.keep(&complete);
        }
        retain(&mut self.lines, &complete);
        self
    }

    /// The rows of these columns as features, with what is to be predicted.
    ///
    /// A column of numbers is one feature; a column of categories becomes one feature for each category, named
    /// `column=category`, which is 1 for that category and 0 elsewhere. `T` is the type of the model's scalars,
    /// `f32` unless the model says otherwise, and is inferred where the dataset meets its model.
    ///
    /// # Errors
    /// If there is no such column or category, no feature or no row, a value is missing or not a number where its
    /// column holds numbers, a number is too large for `T`, a column is used twice, or the target's column is of
    /// another kind than the target.
    pub fn dataset<T: Real>(&self, features: &[&str], target: Target) -> Result<Dataset<T>> {
        Self::each_used_once(features, &target)?;
        if self.is_empty() {
            return Err(Error::Empty { what: "the table", missing: "rows" });
        }
        let mut names = Vec::new();
        let mut parts = Vec::new();
        for feature in features {
            let column = &self.columns[self.position(feature)?];
            self.complete(column)?;
            self.no_text_among_numbers(column)?;
            match &column.values {
                Values::Numbers(numbers) => {
                    names.push(column.name.clone());
                    parts.push(Part::Number(numbers));
                }
                Values::Categories { codes, names: categories, .. } => {
                    names.extend(categories.iter().map(|category| format!("{}={category}", column.name)));
                    parts.push(Part::OneHot(codes, categories.len()));
                }
            }
        }
        let inputs = self.matrix(names.len(), &parts)?;
        let (targets, description) = self.targets(target)?;
        Dataset::from_parts(inputs, targets, names, description)
    }

    fn targets<T: Real>(&self, target: Target) -> Result<(Array2<T>, TargetColumns)> {
        match target.0 {
            Choice::Columns(names) => {
                let mut parts = Vec::new();
                for name in &names {
                    parts.push(Part::Number(self.numbers(name)?));
                }
                Ok((self.matrix(parts.len(), &parts)?, TargetColumns::Values { names }))
            }
            Choice::Class(column) => {
                let (codes, classes) = self.classes(&column)?;
                let codes: Vec<Option<f64>> = codes.iter().map(|code| code.map(f64::from)).collect();
                Ok((self.matrix(1, &[Part::Number(&codes)])?, TargetColumns::Class { column, classes }))
            }
            Choice::Equals { column, category } => {
                let (codes, classes) = self.classes(&column)?;
                let Some(code) = classes.iter().position(|class| same_category(class, &category)) else {
                    return Err(Error::UnknownCategory {
                        file: self.file.clone(),
                        column,
                        category,
                        available: quoted(classes.iter().map(String::as_str)),
                    });
                };
                let hits: Vec<Option<f64>> =
                    codes.iter().map(|&c| Some(if c == Some(code as u32) { 1.0 } else { 0.0 })).collect();
                Ok((self.matrix(1, &[Part::Number(&hits)])?, TargetColumns::Equals { column, category }))
            }
        }
    }

    /// The numbers of a column that has nothing else.
    fn numbers(&self, name: &str) -> Result<&[Option<f64>]> {
        let column = &self.columns[self.position(name)?];
        self.complete(column)?;
        self.no_text_among_numbers(column)?;
        match &column.values {
            Values::Numbers(numbers) => Ok(numbers),
            Values::Categories { .. } => Err(Error::ColumnKind {
                file: self.file.clone(),
                column: column.name.clone(),
                found: "of categories",
                needed: "the target must be numbers; predict a category with `Target::class` or `Target::equals`",
            }),
        }
    }

    /// The categories of a column and their codes, or the whole numbers of a column as categories.
    fn classes(&self, name: &str) -> Result<(Vec<Option<u32>>, Vec<String>)> {
        let column = &self.columns[self.position(name)?];
        self.complete(column)?;
        let of_numbers;
        let values = match &column.values {
            Values::Numbers(numbers) if numbers.iter().flatten().all(|n| n.fract() == 0.0) => {
                of_numbers = Values::categories_of(numbers);
                &of_numbers
            }
            values => values,
        };
        match values {
            Values::Categories { codes, names, .. } => Ok((codes.clone(), names.clone())),
            Values::Numbers(_) => Err(Error::ColumnKind {
                file: self.file.clone(),
                column: column.name.clone(),
                found: "of numbers that are not whole",
                needed: "the target must be categories; predict a number with `Target::column`",
            }),
        }
    }

    fn position(&self, name: &str) -> Result<usize> {
        self.columns.iter().position(|column| column.name == name).ok_or_else(|| Error::UnknownColumn {
            file: self.file.clone(),
            column: name.to_owned(),
            available: quoted(self.columns()),
        })
    }

    fn complete(&self, column: &Column) -> Result<()> {
        match (0..self.len()).find(|&row| column.values.is_missing(row)) {
            None => Ok(()),
            Some(row) => Err(Error::MissingValue {
                file: self.file.clone(),
                line: self.lines[row],
                column: column.name.clone(),
            }),
        }
    }

    fn no_text_among_numbers(&self, column: &Column) -> Result<()> {
        let Values::Categories { codes, names, mixed: true } = &column.values else { return Ok(()) };
        for (&line, code) in self.lines.iter().zip(codes) {
            if let Some(name) = code.map(|code| &names[code as usize])
                && number(name).is_none()
            {
                let (file, column, value) = (self.file.clone(), column.name.clone(), name.clone());
                return Err(Error::NotANumber { file, line, column, value });
            }
        }
        Ok(())
    }

    fn each_used_once(features: &[&str], target: &Target) -> Result<()> {
        let targets: Vec<&str> = match &target.0 {
            Choice::Columns(names) => names.iter().map(String::as_str).collect(),
            Choice::Class(column) | Choice::Equals { column, .. } => vec![column],
        };
        let twice = |uses, column: &str| Err(Error::ColumnUsedTwice { column: column.to_owned(), uses });
        for (i, feature) in features.iter().enumerate() {
            if features[..i].contains(feature) {
                return twice("listed twice among the features", feature);
            }
            if targets.contains(feature) {
                return twice("both a feature and the target: the model would only copy it", feature);
            }
        }
        for (i, name) in targets.iter().enumerate() {
            if targets[..i].contains(name) {
                return twice("listed twice among the targets", name);
            }
        }
        Ok(())
    }

    /// The parts side by side. Every value is there: see `complete`.
    fn matrix<T: Real>(&self, width: usize, parts: &[Part<'_>]) -> Result<Array2<T>> {
        let mut data = vec![T::ZERO; self.len() * width];
        if width > 0 {
            for (row, out) in data.chunks_exact_mut(width).enumerate() {
                let mut offset = 0;
                for part in parts {
                    match part {
                        Part::Number(numbers) => {
                            out[offset] = T::from_f64(numbers[row].unwrap_or(f64::NAN));
                            offset += 1;
                        }
                        Part::OneHot(codes, categories) => {
                            if let Some(code) = codes[row] {
                                out[offset + code as usize] = T::ONE;
                            }
                            offset += categories;
                        }
                    }
                }
            }
        }
        super::dataset::matrix(self.len(), width, data)
    }
}

/// What a column adds to each row.
enum Part<'a> {
    /// A number.
    Number(&'a [Option<f64>]),
    /// A 1 among as many zeros as there are other categories.
    OneHot(&'a [Option<u32>], usize),
}

impl fmt::Display for Table {
    /// The number of rows, and the range or the categories of each column.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows", self.len())?;
        let width = self.columns().map(|name| name.chars().count()).max().unwrap_or(0);
        for column in &self.columns {
            write!(f, "\n  {:width$}  ", column.name)?;
            match &column.values {
                Values::Numbers(numbers) => {
                    let (low, high) = numbers
                        .iter()
                        .flatten()
                        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &n| {
                            (low.min(n), high.max(n))
                        });
                    if low <= high { write!(f, "{low} to {high}")? } else { f.write_str("no values")? }
                }
                Values::Categories { names, .. } => f.write_str(&quoted(names.iter().map(String::as_str)))?,
            }
            match (0..self.len()).filter(|&row| column.values.is_missing(row)).count() {
                0 => {}
                missing => write!(f, ", {missing} missing")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::Table;
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
            assert!(
                matches!(&error, Error::MissingValue { line: 4, column, .. } if column == "b"),
                "{error}"
            );
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
        assert!(
            error.to_string().contains("no column `ages`; its columns are `age`, `kind`, `weight`, `tag`")
        );
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
        assert!(matches!(
            none.dataset::<f64>(&["a"], Target::none()),
            Err(Error::Empty { missing: "rows", .. })
        ));
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
}
