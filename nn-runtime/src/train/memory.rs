//! What callbacks remember in a checkpoint.

use std::collections::BTreeMap;

/// What [callbacks](super::Callback) need to go on after an interruption, by names of their choice.
///
/// A checkpoint keeps it. Every number comes back as it was.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    pub(super) numbers: BTreeMap<String, Vec<f64>>,
    pub(super) parameters: BTreeMap<String, Vec<f64>>,
    /// A name that was given twice.
    pub(super) twice: Option<String>,
}

impl Memory {
    /// Keeps numbers under a name that no other callback of the training uses.
    pub fn numbers(&mut self, name: impl Into<String>, numbers: Vec<f64>) {
        let name = name.into();
        if self.numbers.insert(name.clone(), numbers).is_some() {
            self.twice = Some(name);
        }
    }

    /// Keeps numbers like the parameters of the model, of its precision and in the order of
    /// [`params_flat`](crate::Model::params_flat), or of [`stored_flat`](crate::Model::stored_flat): in the file, they are tensors `name/parameter`.
    pub fn parameters(&mut self, name: impl Into<String>, parameters: Vec<f64>) {
        let name = name.into();
        if self.parameters.insert(name.clone(), parameters).is_some() {
            self.twice = Some(name);
        }
    }

    /// The numbers that were kept under a name.
    pub fn get_numbers(&self, name: &str) -> Option<&[f64]> {
        self.numbers.get(name).map(Vec::as_slice)
    }

    /// The numbers like parameters that were kept under a name.
    pub fn get_parameters(&self, name: &str) -> Option<&[f64]> {
        self.parameters.get(name).map(Vec::as_slice)
    }
}
