//! What the tests share: the models of `tests/models`, and how to run one through the compiler.

pub mod case;
pub mod random;

use std::path::{Path, PathBuf};

use nn_compiler::schedule::Plan;
use nn_runtime::model::{Inspect, Pullback, PullbackParams, Train};
use proc_macro2::{TokenStream, TokenTree};

/// The models of `tests/models`, compiled by the macro.
#[allow(missing_docs, clippy::pedantic)]
mod zoo {
    include!(concat!(env!("OUT_DIR"), "/zoo.rs"));
}

pub use zoo::{
    f32s, f64s, operations_in_lanes_f64, operations_in_rows_f64, operations_in_tiles_f32, random_f32,
    random_f64, unusual_f32, unusual_f64,
};

/// What is done with every compiled model.
pub trait Visitor<T> {
    /// A model that can be trained.
    fn with_loss<M: Train<Scalar = T> + Pullback + Inspect>(&mut self, name: &str);
    /// A model that only has outputs.
    fn without_loss<M: PullbackParams<Scalar = T> + Inspect>(&mut self, name: &str);
}

/// A file of `tests/models`: its name without the ending, and the tokens between the brackets of `nn_model!`.
pub struct ModelFile {
    /// `logistic` for `logistic.rs`.
    pub name: String,
    /// What the macro gets.
    pub tokens: TokenStream,
}

impl ModelFile {
    /// The tokens with a layout that overrules the compiler's choice: `lanes` or `tiles`.
    ///
    /// # Panics
    /// If the layout is no word.
    pub fn in_layout(&self, layout: &str) -> TokenStream {
        let attribute: TokenStream = format!("#[layout({layout})]").parse().expect("an attribute is tokens");
        attribute.into_iter().chain(self.tokens.clone()).collect()
    }
}

/// The folder of this crate.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Every file of `tests/models`, by name.
pub fn model_files() -> Vec<ModelFile> {
    files("models")
}

/// The first so many models of random shapes.
///
/// # Panics
/// If one is no Rust.
pub fn random_models(count: usize) -> Vec<ModelFile> {
    (0..count)
        .map(|number| {
            let source = random::source(&format!("Random{number}"), number);
            let tokens = source.parse().unwrap_or_else(|error| panic!("{error}: {source}"));
            ModelFile { name: format!("random{number}"), tokens }
        })
        .collect()
}

/// Every file of a folder of models, by name; `random` has no files.
///
/// # Panics
/// If a file can't be read or holds no `nn_model!`.
pub fn files(folder: &str) -> Vec<ModelFile> {
    if folder == "random" {
        return random_models(random::COMPILED);
    }
    let folder = root().join(folder);
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("tests/models is there")
        .map(|entry| entry.expect("an entry can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let text = std::fs::read_to_string(path).expect("a model file can be read");
            let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a file has a name").to_owned();
            let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{name}: {error}"));
            let group = tokens.into_iter().find_map(|tree| match tree {
                TokenTree::Group(group) => Some(group.stream()),
                _ => None,
            });
            ModelFile { tokens: group.unwrap_or_else(|| panic!("{name} has no nn_model!")), name }
        })
        .collect()
}

/// The plan of the only model in some tokens.
///
/// # Panics
/// If they hold mistakes.
pub fn plan(tokens: &TokenStream) -> Plan {
    let compiled = nn_compiler::parse::source(tokens.clone()).and_then(nn_compiler::compile);
    match compiled {
        Ok(mut plans) => plans.remove(0),
        Err(errors) => {
            let texts: Vec<String> = errors.iter().map(nn_compiler::diag::Diagnostic::text).collect();
            panic!("{}", texts.join("\n"))
        }
    }
}
