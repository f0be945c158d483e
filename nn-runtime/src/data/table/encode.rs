//! The columns of a table as numbers: features and targets of a dataset.

use ndarray::Array2;

use super::Table;
use super::column::{Column, Fill, NO_CATEGORY, Origin, Values, number, same_category};
use crate::data::target::Choice;
use crate::data::{Dataset, Target, TargetColumns, dataset};
use crate::error::quoted;
use crate::kernels::Real;
use crate::{Error, Result};

impl Table {
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
            self.filled(column)?;
            self.no_text_among_numbers(column)?;
            match &column.values {
                Values::Numbers(numbers) => {
                    names.push(column.name.clone());
                    parts.push(Part::Number(numbers));
                }
                Values::Categories { codes, .. } if column.ordinal => {
                    self.no_unseen(column, codes)?;
                    names.push(column.name.clone());
                    parts.push(Part::Code(codes));
                }
                Values::Categories { codes, names: categories, .. } => {
                    names.extend(categories.iter().map(|category| format!("{}={category}", column.name)));
                    parts.push(Part::OneHot(codes, categories.len()));
                }
            }
        }
        let inputs = self.matrix(names.len(), &parts)?;
        let (targets, description) = self.targets(target)?;
        Dataset::with_missing_from_parts(inputs, targets, names, description)
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
                self.no_unseen(&self.columns[self.position(&column)?], &codes)?;
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

    /// Checks that a column has all its values, unless they may be missing.
    fn filled(&self, column: &Column) -> Result<()> {
        if column.fill == Fill::Keep { Ok(()) } else { self.complete(column) }
    }

    /// Checks that a column has all its values.
    fn complete(&self, column: &Column) -> Result<()> {
        match (0..self.len()).find(|&row| column.values.is_missing(row)) {
            None => Ok(()),
            Some(row) => {
                let (unit, line) = self.place(row);
                Err(Error::MissingValue { file: self.file.clone(), unit, line, column: column.name.clone() })
            }
        }
    }

    /// Checks that every value is one of the categories.
    fn no_unseen(&self, column: &Column, codes: &[Option<u32>]) -> Result<()> {
        match codes.iter().position(|&code| code == Some(NO_CATEGORY)) {
            None => Ok(()),
            Some(row) => {
                let (unit, line) = self.place(row);
                Err(Error::NoCategory { file: self.file.clone(), unit, line, column: column.name.clone() })
            }
        }
    }

    fn no_text_among_numbers(&self, column: &Column) -> Result<()> {
        let Values::Categories { codes, names, origin: Origin::Mixed } = &column.values else {
            return Ok(());
        };
        for (row, code) in codes.iter().enumerate() {
            if let Some(value) = code.map(|code| &names[code as usize])
                && number(value).is_none()
            {
                let (unit, line) = self.place(row);
                let (file, column, value) = (self.file.clone(), column.name.clone(), value.clone());
                return Err(Error::NotANumber { file, unit, line, column, value });
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

    /// The parts side by side. A number that is missing is NaN, a category that is missing none of them.
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
                        Part::Code(codes) => {
                            out[offset] = T::from_f64(codes[row].map_or(f64::NAN, f64::from));
                            offset += 1;
                        }
                        Part::OneHot(codes, categories) => {
                            if let Some(code) = codes[row].filter(|&code| code != NO_CATEGORY) {
                                out[offset + code as usize] = T::ONE;
                            }
                            offset += categories;
                        }
                    }
                }
            }
        }
        dataset::matrix(self.len(), width, data)
    }
}

/// What a column adds to each row.
enum Part<'a> {
    /// A number.
    Number(&'a [Option<f64>]),
    /// The place of a category.
    Code(&'a [Option<u32>]),
    /// A 1 among as many zeros as there are other categories.
    OneHot(&'a [Option<u32>], usize),
}
