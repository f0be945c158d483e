//! Columns of numbers and of categories, and which of them cells are.

use std::collections::BTreeMap;

use crate::data::Unseen;

/// What a cell may say instead of its value.
const MISSING: [&str; 8] = ["", "?", "NA", "N/A", "NaN", "nan", "NULL", "null"];

/// The code of a value that is none of the declared categories.
pub(in crate::data) const NO_CATEGORY: u32 = u32::MAX;

/// What is added to the declared categories for the values that are none of them.
pub(in crate::data) const OTHER: &str = "other";

/// A column of a table.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::data) struct Column {
    pub(in crate::data) name: String,
    pub(in crate::data) values: Values,
    /// What becomes of a value that is none of the categories.
    pub(in crate::data) unseen: Unseen,
    /// What becomes of a row without a value.
    pub(in crate::data) fill: Fill,
    /// Whether categories become one number.
    pub(in crate::data) ordinal: bool,
}

/// What becomes of a row that has no value in a column.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in crate::data) enum Fill {
    /// An error, once the column is used.
    #[default]
    Error,
    /// The row is left out.
    DropRow,
    /// NaN, or none of the categories.
    Keep,
    /// This number.
    Number(f64),
    /// The category with this code.
    Category(u32),
}

/// One value per row, or none where it is missing.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::data) enum Values {
    /// One number per row.
    Numbers(Vec<Option<f64>>),
    /// One index into `names` per row, or [`NO_CATEGORY`].
    Categories {
        /// The indices.
        codes: Vec<Option<u32>>,
        /// The categories, which ascend unless they were declared.
        names: Vec<String>,
        /// Where the categories come from.
        origin: Origin,
    },
}

/// Where the categories of a column come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::data) enum Origin {
    /// They are the values that occur.
    Found,
    /// They are the values that occur, of which some are numbers and some are not.
    Mixed,
    /// The user listed them.
    Declared,
}

impl Column {
    pub(super) fn new(name: String, values: Values) -> Self {
        Self { name, values, unseen: Unseen::default(), fill: Fill::default(), ordinal: false }
    }
}

impl Values {
    /// Numbers if all cells are finite numbers, and categories otherwise.
    pub(super) fn infer<'a>(cells: impl Iterator<Item = &'a str> + Clone) -> Self {
        let present = cells.clone().filter(|cell| !is_missing(cell));
        let total = present.clone().count();
        let numeric = present.clone().filter(|cell| number(cell).is_some()).count();
        if numeric == total {
            return Self::Numbers(cells.map(number).collect());
        }
        let mut codes_by_name: BTreeMap<&str, u32> = present.map(|cell| (cell, 0)).collect();
        for (code, slot) in codes_by_name.values_mut().enumerate() {
            *slot = code as u32;
        }
        Self::Categories {
            codes: cells.map(|cell| codes_by_name.get(cell).copied()).collect(),
            names: codes_by_name.into_keys().map(str::to_owned).collect(),
            origin: if numeric > 0 { Origin::Mixed } else { Origin::Found },
        }
    }

    /// A category for each number that occurs.
    pub(in crate::data) fn categories_of(numbers: &[Option<f64>]) -> Self {
        let mut distinct: Vec<f64> = numbers.iter().flatten().copied().collect();
        distinct.sort_by(f64::total_cmp);
        distinct.dedup();
        let code = |n: &f64| distinct.partition_point(|d| d < n) as u32;
        Self::Categories {
            codes: numbers.iter().map(|n| n.as_ref().map(code)).collect(),
            names: distinct.iter().map(f64::to_string).collect(),
            origin: Origin::Found,
        }
    }

    pub(super) fn is_missing(&self, row: usize) -> bool {
        match self {
            Self::Numbers(numbers) => numbers[row].is_none(),
            Self::Categories { codes, .. } => codes[row].is_none(),
        }
    }

    /// Keeps the rows that are marked, and of the categories that were not declared those that still occur.
    pub(super) fn keep(&mut self, marked: &[bool]) {
        match self {
            Self::Numbers(numbers) => retain(numbers, marked),
            Self::Categories { codes, names, origin } => {
                retain(codes, marked);
                match origin {
                    Origin::Declared => {}
                    Origin::Mixed => {
                        let cells = codes.iter().map(|code| code.map_or("", |code| &names[code as usize]));
                        *self = Self::infer(cells);
                    }
                    Origin::Found => drop_unused(codes, names),
                }
            }
        }
    }
}

/// Drops the categories that do not occur.
fn drop_unused(codes: &mut [Option<u32>], names: &mut Vec<String>) {
    let mut occurs = vec![false; names.len()];
    for code in codes.iter().flatten() {
        occurs[*code as usize] = true;
    }
    let renumbered: Vec<u32> = occurs
        .iter()
        .scan(0, |next, &occurs| Some(std::mem::replace(next, *next + u32::from(occurs))))
        .collect();
    for code in codes.iter_mut().flatten() {
        *code = renumbered[*code as usize];
    }
    retain(names, &occurs);
}

/// Keeps the values that are marked.
pub(super) fn retain<V>(values: &mut Vec<V>, marked: &[bool]) {
    let mut marks = marked.iter();
    values.retain(|_| marks.next() == Some(&true));
}

/// Whether a cell says that its value is missing.
pub(in crate::data) fn is_missing(cell: &str) -> bool {
    MISSING.contains(&cell)
}

/// The finite number that a cell says.
pub(in crate::data) fn number(cell: &str) -> Option<f64> {
    cell.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Whether the user's text names this category, which may come from a number: `1.0` is `1`.
pub(in crate::data) fn same_category(category: &str, text: &str) -> bool {
    category == text || number(category).is_some_and(|n| number(text) == Some(n))
}
