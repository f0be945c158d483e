//! Rows of cells as numbers, as a table of the first rows has them.

use std::collections::BTreeMap;

use crate::data::table::{Column, Fill, NO_CATEGORY, OTHER, Values, number};
use crate::data::target::Choice;
use crate::data::{Table, Target, TargetColumns, Unseen};
use crate::error::quoted;
use crate::kernels::Real;
use crate::{Error, Result};

/// What a row says in a column.
#[derive(Clone, Copy)]
pub(super) enum Cell<'a> {
    Missing,
    #[cfg_attr(not(feature = "parquet"), allow(dead_code, reason = "text files have no numbers"))]
    Number(f64),
    Text(&'a str),
}

/// How rows become inputs and targets.
pub(super) struct Encoder {
    file: String,
    unit: &'static str,
    header: Vec<String>,
    features: Vec<String>,
    target: TargetColumns,
    inputs: Vec<Slot>,
    targets: Vec<Slot>,
    /// The columns, used or not, without whose value a row is left out.
    needed: Vec<usize>,
}

/// What becomes of a cell.
struct Slot {
    column: usize,
    name: String,
    fill: Fill,
    unseen: Unseen,
    kind: Kind,
}

enum Kind {
    /// The number.
    Number,
    /// A 1 among zeros.
    OneHot(Categories),
    /// The index.
    Index(Categories),
    /// 1 for the category with this index.
    Equals(Categories, u32),
}

/// The categories of a column.
struct Categories {
    codes: BTreeMap<String, u32>,
    names: Vec<String>,
}

impl Encoder {
    /// Encodes rows as `table` does with its own.
    ///
    /// # Errors
    /// As [`Table::dataset`].
    pub(super) fn new<T: Real>(table: &Table, features: &[&str], target: Target) -> Result<Self> {
        // All that can be wrong with columns and targets is found here.
        let data = table.dataset::<T>(features, target.clone())?;
        let slot = |name: &str, kind: &dyn Fn(&Values) -> Kind| -> Result<Slot> {
            let (column, Column { name, values, unseen, fill, .. }) = table.column(name)?;
            let kind = kind(values);
            Ok(Slot { column, name: name.clone(), fill: *fill, unseen: *unseen, kind })
        };
        let feature = |values: &Values| match values {
            Values::Numbers(_) => Kind::Number,
            Values::Categories { names, .. } => Kind::OneHot(Categories::new(names)),
        };
        let code = |values: &Values| match values {
            Values::Numbers(_) => Kind::Number,
            Values::Categories { names, .. } => Kind::Index(Categories::new(names)),
        };
        let classes = |values: &Values| match values {
            Values::Numbers(numbers) => match Values::categories_of(numbers) {
                Values::Categories { names, .. } => Categories::new(&names),
                Values::Numbers(_) => Categories::new(&[]),
            },
            Values::Categories { names, .. } => Categories::new(names),
        };
        let mut inputs = Vec::new();
        for name in features {
            let ordinal = table.column(name)?.1.ordinal;
            inputs.push(if ordinal { slot(name, &code)? } else { slot(name, &feature)? });
        }
        let targets = match &target.0 {
            Choice::Columns(names) => names.iter().map(|name| slot(name, &|_| Kind::Number)).collect(),
            Choice::Class(column) => {
                slot(column, &|values| Kind::Index(classes(values))).map(|slot| vec![slot])
            }
            Choice::Equals { column, category } => {
                let equals = |values: &Values| {
                    let classes = classes(values);
                    let code = classes.code(Cell::Text(category)).unwrap_or(NO_CATEGORY);
                    Kind::Equals(classes, code)
                };
                slot(column, &equals).map(|slot| vec![slot])
            }
        }?;
        Ok(Self {
            file: table.file().to_owned(),
            unit: table.unit(),
            header: table.columns().map(str::to_owned).collect(),
            features: data.features().to_vec(),
            target: data.target().clone(),
            inputs,
            targets,
            needed: table.needed(),
        })
    }

    /// Names of features, and the target columns.
    pub(super) fn columns(&self) -> (Vec<String>, TargetColumns) {
        (self.features.clone(), self.target.clone())
    }

    /// The names of all columns.
    pub(super) fn header(&self) -> &[String] {
        &self.header
    }

    /// Whether rows may be left out.
    #[cfg(feature = "parquet")]
    pub(super) fn drops_rows(&self) -> bool {
        !self.needed.is_empty()
    }

    /// Writes a row, and says whether it is to be kept.
    ///
    /// # Errors
    /// If a cell is not what its column holds. The error names `line`.
    pub(super) fn encode<'c, T: Real>(
        &self,
        cell: impl Fn(usize) -> Cell<'c>,
        line: u64,
        inputs: &mut [T],
        targets: &mut [T],
    ) -> Result<bool> {
        if self.needed.iter().any(|&column| matches!(cell(column), Cell::Missing)) {
            return Ok(false);
        }
        for (slots, mut out) in [(&self.inputs, inputs), (&self.targets, targets)] {
            for slot in slots {
                let width = match &slot.kind {
                    Kind::OneHot(categories) => categories.names.len(),
                    _ => 1,
                };
                let (here, rest) = out.split_at_mut(width);
                self.write(slot, cell(slot.column), line, here)?;
                out = rest;
            }
        }
        Ok(true)
    }

    fn write<T: Real>(&self, slot: &Slot, cell: Cell<'_>, line: u64, out: &mut [T]) -> Result<()> {
        if matches!(cell, Cell::Missing) && slot.fill == Fill::Error {
            let (file, unit, column) = (self.file.clone(), self.unit, slot.name.clone());
            return Err(Error::MissingValue { file, unit, line, column });
        }
        match &slot.kind {
            Kind::Number => out[0] = T::from_f64(self.number(slot, cell, line)?),
            Kind::OneHot(categories) => {
                let code = self.code(slot, categories, cell, line)?;
                out.fill(T::ZERO);
                if let Some(out) = out.get_mut(code as usize) {
                    *out = T::ONE;
                }
            }
            Kind::Index(categories) => {
                let code = self.code(slot, categories, cell, line)?;
                if code == NO_CATEGORY && matches!(cell, Cell::Missing) {
                    out[0] = T::NAN;
                    return Ok(());
                }
                if code == NO_CATEGORY {
                    let (file, unit, column) = (self.file.clone(), self.unit, slot.name.clone());
                    return Err(Error::NoCategory { file, unit, line, column });
                }
                out[0] = T::from_f64(f64::from(code));
            }
            Kind::Equals(categories, of) => {
                let code = self.code(slot, categories, cell, line)?;
                out[0] = if code == *of { T::ONE } else { T::ZERO };
            }
        }
        Ok(())
    }

    fn number(&self, slot: &Slot, cell: Cell<'_>, line: u64) -> Result<f64> {
        match (cell, slot.fill) {
            (Cell::Number(value), _) | (Cell::Missing, Fill::Number(value)) => Ok(value),
            (Cell::Missing, _) => Ok(f64::NAN),
            (Cell::Text(text), _) => number(text).ok_or_else(|| Error::NotANumber {
                file: self.file.clone(),
                unit: self.unit,
                line,
                column: slot.name.clone(),
                value: text.to_owned(),
            }),
        }
    }

    /// The code of a category, or of none.
    fn code(&self, slot: &Slot, categories: &Categories, cell: Cell<'_>, line: u64) -> Result<u32> {
        match (cell, slot.fill) {
            (Cell::Missing, Fill::Category(code)) => return Ok(code),
            (Cell::Missing, _) => return Ok(NO_CATEGORY),
            _ => {}
        }
        let code = categories.code(cell);
        match (code, slot.unseen) {
            (Some(code), _) => Ok(code),
            (None, Unseen::Ignore) => Ok(NO_CATEGORY),
            (None, Unseen::Other) if categories.codes.contains_key(OTHER) => Ok(categories.codes[OTHER]),
            (None, _) => Err(Error::UnseenCategory {
                file: self.file.clone(),
                unit: self.unit,
                line,
                column: slot.name.clone(),
                value: match cell {
                    Cell::Number(value) => value.to_string(),
                    Cell::Text(text) => text.to_owned(),
                    Cell::Missing => String::new(),
                },
                available: quoted(categories.names.iter().map(String::as_str)),
            }),
        }
    }
}

impl Categories {
    fn new(names: &[String]) -> Self {
        Self { codes: names.iter().cloned().zip(0..).collect(), names: names.to_owned() }
    }

    /// The code of what a cell says: `1.0` is `1`.
    fn code(&self, cell: Cell<'_>) -> Option<u32> {
        let of_number = |value: f64| self.codes.get(&value.to_string()).copied();
        match cell {
            Cell::Missing => None,
            Cell::Number(value) => of_number(value),
            Cell::Text(text) => self.codes.get(text).copied().or_else(|| of_number(number(text)?)),
        }
    }
}
