//! Which columns of a table a model learns to predict.

/// What a model learns to predict from a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target(pub(super) Choice);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    Columns(Vec<String>),
    Class(String),
    Equals { column: String, category: String },
}

impl Target {
    /// The numbers in a column.
    pub fn column(name: &str) -> Self {
        Self::columns(&[name])
    }

    /// The numbers in several columns, in this order.
    pub fn columns(names: &[&str]) -> Self {
        Self(Choice::Columns(names.iter().map(|&name| name.to_owned()).collect()))
    }

    /// The index of the category in a column, among its categories in ascending order. A column of whole numbers
    /// has a category for each number that occurs.
    pub fn class(column: &str) -> Self {
        Self(Choice::Class(column.to_owned()))
    }

    /// 1 where the column holds this category, 0 elsewhere.
    pub fn equals(column: &str, category: &str) -> Self {
        Self(Choice::Equals { column: column.to_owned(), category: category.to_owned() })
    }

    /// Nothing, for models whose loss does not mention the target.
    pub fn none() -> Self {
        Self::columns(&[])
    }
}
