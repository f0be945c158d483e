//! Columns of numbers and of categories, and which of them cells are.

use std::collections::BTreeMap;

/// What a cell may say instead of its value.
const MISSING: [&str; 8] = ["", "?", "NA", "N/A", "NaN", "nan", "NULL", "null"];

/// A column of a table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) values: Values,
}

/// One value per row, or none where it is missing.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Values {
    /// One number per row.
    Numbers(Vec<Option<f64>>),
    /// One index into `names`, which ascend, per row.
    Categories {
        codes: Vec<Option<u32>>,
        names: Vec<String>,
        /// Whether some names are numbers and some are not, and the user did not say that all are categories.
        mixed: bool,
    },
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
            mixed: numeric > 0,
        }
    }

    /// A category for each number that occurs.
    pub(super) fn categories_of(numbers: &[Option<f64>]) -> Self {
        let mut distinct: Vec<f64> = numbers.iter().flatten().copied().collect();
        distinct.sort_by(f64::total_cmp);
        distinct.dedup();
        let code = |n: &f64| distinct.partition_point(|d| d < n) as u32;
        Self::Categories {
            codes: numbers.iter().map(|n| n.as_ref().map(code)).collect(),
            names: distinct.iter().map(f64::to_string).collect(),
            mixed: false,
        }
    }

    pub(super) fn is_missing(&self, row: usize) -> bool {
        match self {
            Self::Numbers(numbers) => numbers[row].is_none(),
            Self::Categories { codes, .. } => codes[row].is_none(),
        }
    }

    /// Keeps the rows that are marked, and the categories that still occur.
    pub(super) fn keep(&mut self, marked: &[bool]) {
        match self {
            Self::Numbers(numbers) => retain(numbers, marked),
            Self::Categories { codes, names, mixed } => {
                retain(codes, marked);
                if *mixed {
                    *self =
                        Self::infer(codes.iter().map(|code| code.map_or("", |code| &names[code as usize])));
                    return;
                }
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
        }
    }
}

/// Keeps the values that are marked.
pub(super) fn retain<V>(values: &mut Vec<V>, marked: &[bool]) {
    let mut marks = marked.iter();
    values.retain(|_| marks.next() == Some(&true));
}

fn is_missing(cell: &str) -> bool {
    MISSING.contains(&cell)
}

/// The finite number that a cell says.
pub(super) fn number(cell: &str) -> Option<f64> {
    cell.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Whether the user's text names this category, which may come from a number: `1.0` is `1`.
pub(super) fn same_category(category: &str, text: &str) -> bool {
    category == text || number(category).is_some_and(|n| number(text) == Some(n))
}
