//! `NN_MODEL_DUMP=folder cargo build` writes what each model becomes into files to look at. Without it nothing is written.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use crate::emit;
use crate::schedule::Plan;

/// The environment variable that names the folder.
const VARIABLE: &str = "NN_MODEL_DUMP";

/// Writes all models, if that is asked for: `Name.rs`, `Name.dot`, `Name.txt` with the explanation, `Name.tex`, and
/// `Name.svg` if the graph is small enough to read.
///
/// # Errors
/// A message, if a file can't be written.
pub(crate) fn all(plans: &[Plan]) -> Result<(), String> {
    let Some(folder) = env::var_os(VARIABLE).filter(|folder| !folder.is_empty()) else { return Ok(()) };
    let folder = PathBuf::from(folder);
    let failed =
        |path: &Path, error: &io::Error| format!("{VARIABLE}: cannot write `{}`: {error}", path.display());
    fs::create_dir_all(&folder).map_err(|error| failed(&folder, &error))?;
    for plan in plans {
        let name = &plan.program.model.name;
        let files = [
            ("rs", Some(emit::rust::text(plan))),
            ("dot", Some(emit::dot::text(&plan.program))),
            ("txt", Some(emit::explain::text(plan))),
            ("tex", Some(emit::latex::text(plan))),
            ("svg", emit::svg::text(&plan.program)),
        ];
        for (extension, content) in files {
            let Some(content) = content else { continue };
            let path = folder.join(format!("{name}.{extension}"));
            fs::write(&path, content).map_err(|error| failed(&path, &error))?;
        }
    }
    Ok(())
}
