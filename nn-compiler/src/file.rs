//! A way in beside the macro: from a file of models to a file of Rust, for a build script.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

use proc_macro2::TokenStream;

use crate::diag::{Diagnostic, Diagnostics};
use crate::emit::rust;
use crate::{compile, parse, texts};

/// Why a file of models could not be compiled.
#[derive(Debug)]
#[non_exhaustive]
pub enum FileError {
    /// A file could not be read or written.
    File {
        /// "read" or "write".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The models have mistakes.
    Models {
        /// The file.
        path: PathBuf,
        /// The mistakes.
        errors: Diagnostics,
    },
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { action, path, .. } => write!(f, "cannot {action} `{}`", path.display()),
            Self::Models { path, errors } => {
                for (number, error) in errors.iter().enumerate() {
                    let start = error.region.start.start();
                    let separator = if number > 0 { "\n" } else { "" };
                    let (line, column) = (start.line, start.column + 1);
                    write!(f, "{separator}{}:{line}:{column}: {}", path.display(), error.text())?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for FileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::File { source, .. } => Some(source),
            Self::Models { .. } => None,
        }
    }
}

/// Compiles a file of models, written as between the brackets of `nn_model!`, to a file of Rust that a crate includes:
/// to open it, to step through it in a debugger, to put it under review. The file is replaced as a whole or not at all,
/// and only if it changes.
///
/// ```no_run
/// // build.rs, with `nn-compiler` among the build dependencies
/// # use std::path::Path;
/// fn main() {
///     println!("cargo::rerun-if-changed=src/model.nn");
///     let out = Path::new(&std::env::var("OUT_DIR").unwrap()).join("model.rs");
///     if let Err(error) = nn_compiler::compile_file("src/model.nn", out) {
///         println!("cargo::error={}", error.to_string().replace('\n', "\ncargo::error="));
///     }
/// }
/// ```
///
/// ```ignore
/// include!(concat!(env!("OUT_DIR"), "/model.rs"));
/// ```
///
/// # Errors
/// If a file can't be read or written, or the models have mistakes.
pub fn compile_file(input: impl AsRef<Path>, output: impl AsRef<Path>) -> Result<(), FileError> {
    let (input, output) = (input.as_ref(), output.as_ref());
    let failed = |action, path: &Path| {
        let path = path.to_owned();
        move |source| FileError::File { action, path, source }
    };
    let text = fs::read_to_string(input).map_err(failed("read", input))?;
    let code = code(&text).map_err(|errors| FileError::Models { path: input.to_owned(), errors })?;
    if fs::read(output).is_ok_and(|known| known == code.as_bytes()) {
        return Ok(());
    }
    replace(output, code.as_bytes()).map_err(failed("write", output))
}

/// The Rust that a text of models becomes, formatted.
fn code(text: &str) -> Result<String, Diagnostics> {
    let tokens: TokenStream = text.parse().map_err(|error: proc_macro2::LexError| {
        let fact = "this can't be read: a bracket or a quote is not closed, or a character means nothing";
        Diagnostics::from(Diagnostic::new(error.span(), fact))
    })?;
    let plans = parse::source(tokens.clone()).and_then(compile)?;
    let items: TokenStream = plans.iter().map(|plan| rust::items(plan, &texts(plan, text))).collect();
    let file =
        syn::parse2(items).unwrap_or_else(|error| panic!("the compiler emits what is no Rust: {error}"));
    Ok(format!(
        "// Made by nn_compiler::compile_file. Changes belong into the models.\n\n{}",
        prettyplease::unparse(&file)
    ))
}

/// Writes beside the file and renames, so that nobody ever sees half of it.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.part", std::process::id()));
    let beside = PathBuf::from(beside);
    let written = fs::File::create(&beside)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // The first error is the one to report; that a file which may not exist could not be removed is no news.
        let _ = fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::code;

    #[test]
    fn models_become_a_file_of_rust() {
        let code = code("pub model M(x: [3]) -> y { y = sum(dense(x, 1)); loss mse(y, target); }");
        let code = code.unwrap_or_else(|errors| panic!("{errors:?}"));
        assert!(code.contains("pub struct M {") && code.contains("fn train"), "{code}");
    }

    #[test]
    fn mistakes_have_a_line_and_a_column() {
        let errors = code("model M(x) -> y {\n    y = x * q;\n}").expect_err("there is no `q`");
        let start = errors.iter().next().expect("there is one").region.start.start();
        assert_eq!((start.line, start.column), (2, 12));
        assert!(code("model M(x) -> y { y = x").is_err());
    }
}
