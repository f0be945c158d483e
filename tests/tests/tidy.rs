//! The structure that ARCHITECTURE.md promises.

use std::fs;
use std::path::{Path, PathBuf};

use nn_compiler::ops;
use nn_tests::root;

/// Every source of a folder but tests, with its code.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("..").join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("an entry can be read").path();
            if path.is_dir() {
                if !path.ends_with("tests") {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a source can be read");
                // Unit tests may use what their module must not.
                let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned();
                found.push((path, code));
            }
        }
    }
    found.sort();
    found
}

/// The module of a file of the compiler: `ops` for `ops/add.rs`.
fn module(path: &Path) -> String {
    let inside = path.components().skip_while(|part| part.as_os_str() != "src").nth(1);
    let name = inside.map(|part| part.as_os_str().to_string_lossy().into_owned()).unwrap_or_default();
    name.trim_end_matches(".rs").to_owned()
}

/// From the bottom: a module imports from its own layer and those before it.
const LAYERS: &[&[&str]] = &[
    &["diag", "shape", "notation", "window"],
    &["model"],
    // A node holds its operation's record, a record's rules build nodes: one thing in three files.
    &["graph", "ops", "term"],
    &["ast"],
    &["parse", "build", "check", "grad", "optimize", "interpret", "local"],
    &["schedule"],
    &["emit"],
    // Whole compilations, for the macro, for build scripts and for the command line.
    &["lib", "stages", "dump", "file", "bin"],
];

#[test]
fn imports_go_down() {
    let layer = |module: &str| LAYERS.iter().position(|layer| layer.contains(&module));
    for (path, text) in sources("nn-compiler/src") {
        let own = module(&path);
        let at = layer(&own).unwrap_or_else(|| panic!("{} is in no layer", path.display()));
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for part in code.split("crate::").skip(1) {
                let imported: String =
                    part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if let Some(below) = layer(&imported) {
                    assert!(below <= at, "{}:{}: `{own}` imports `{imported}`", path.display(), number + 1);
                }
            }
        }
    }
}

#[test]
fn every_operation_file_is_listed() {
    let no_operations = ["mod"];
    for (path, text) in sources("nn-compiler/src/ops") {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if no_operations.contains(&stem.as_str()) {
            continue;
        }
        let records = text.matches(": Op = ").count();
        assert!(records > 0 || text.contains("-> Op"), "{} holds no record", path.display());
        let list = fs::read_to_string(path.with_file_name("mod.rs")).expect("the list is there");
        assert!(list.contains(&format!("    &{stem}::")), "{stem} is not in ops::ALL");
    }
    assert!(ops::ALL.len() >= 60, "{} operations", ops::ALL.len());
}

/// Stages that name an operation's record outside of `ops/`, and why.
const NAMED: &[(&str, &str, &str)] = &[
    ("term.rs", "*", "the operators of formulas are operations"),
    ("grad.rs", "batch_mean::BATCH_MEAN", "the batch convention is the mean over the examples"),
    ("grad.rs", "batch_statistic::BATCH_STATISTIC", "and where all examples follow from it, a statistic"),
    (
        "schedule/layout.rs",
        "interleave::INTERLEAVE",
        "a change of layout is an operation, so that plans show it",
    ),
    ("schedule/layout.rs", "interleave::DEINTERLEAVE", "and so is the way back"),
    ("build/mod.rs", "batch_mean::BATCH_MEAN", "the loss of a batch is the mean of its examples'"),
    ("build/expr.rs", "broadcast::BROADCAST", "broadcasting is syntax that becomes an operation"),
    ("build/expr.rs", "slice::SLICE", "so is indexing"),
    ("build/parts.rs", "reshape::RESHAPE", "so are tensors that are put together"),
    ("build/parts.rs", "concat::CONCAT", "so are tensors that are put together"),
    ("build/expr.rs", "neg::NEG", "and the minus sign"),
];

/// Files that hold the name of an operation as text, and why: elsewhere, names end at name resolution.
const SPELT: &[(&str, &str)] = &[
    ("build/call.rs", "what arguments are called in other libraries, some of which are operations here"),
    ("build/short.rs", "the loss of a formula without one is `mse`"),
    ("dump.rs", "files are called after formats, one of which is an operation too"),
    ("emit/explain.rs", "what a state follows is the mean or the variance of a batch"),
    ("emit/rust/names.rs", "the kernels that emitted code imports, which no name of the user's may hide"),
];

#[test]
fn no_stage_spells_the_name_of_an_operation() {
    for (path, text) in sources("nn-compiler/src") {
        let inside = path.to_string_lossy().split("/src/").last().unwrap_or_default().to_owned();
        if inside.starts_with("ops/") || SPELT.iter().any(|(file, _)| *file == inside) {
            continue;
        }
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for op in ops::ALL.iter() {
                assert!(!line.contains(&format!("\"{}\"", op.name)), "{inside} spells `{}`: {line}", op.name);
            }
        }
    }
}

#[test]
fn no_stage_names_an_operation() {
    let records: Vec<String> = sources("nn-compiler/src/ops")
        .iter()
        .flat_map(|(path, text)| {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            text.lines()
                .filter_map(|line| line.strip_prefix("pub static ")?.split(':').next())
                .map(|record| format!("{stem}::{record}"))
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(records.len() >= 60);
    for (path, text) in sources("nn-compiler/src") {
        let inside = path.to_string_lossy().split("/src/").last().unwrap_or_default().to_owned();
        if inside.starts_with("ops/") {
            continue;
        }
        for record in &records {
            let excused =
                NAMED.iter().any(|(file, name, _)| *file == inside && (*name == "*" || name == record));
            assert!(excused || !text.contains(record.as_str()), "{inside} names {record}");
        }
    }
}

/// Unsafe code is in the kernels, and every use says why it is sound.
#[test]
fn unsafe_code_is_in_the_kernels_and_explained() {
    for folder in ["nn-compiler/src", "nn-macros/src", "nn-runtime/src"] {
        for (path, text) in sources(folder) {
            let code = || text.lines().filter(|line| !line.trim_start().starts_with("//"));
            let discharged =
                code().filter(|line| line.contains("unsafe {") || line.contains("unsafe impl")).count();
            let promised = code().filter(|line| line.contains("unsafe fn")).count();
            if discharged + promised > 0 {
                let at = path.display();
                assert!(path.to_string_lossy().contains("/kernels/"), "unsafe code in {at}");
                // A block says why it is sound, a function what its caller has to see to.
                let (reasons, duties) = (text.matches("SAFETY").count(), text.matches("# Safety").count());
                assert!(reasons >= discharged, "{at}: {discharged} unsafe blocks, {reasons} reasons");
                assert!(duties >= promised, "{at}: {promised} unsafe functions, {duties} state their duty");
            }
        }
    }
}

/// Files that may not be readable in one sitting: a list to look at, not a failure.
#[test]
fn long_files_are_listed() {
    for folder in ["nn-compiler/src", "nn-macros/src", "nn-runtime/src"] {
        for (path, text) in sources(folder) {
            let lines = text.lines().count();
            if lines > 500 {
                println!("warning: {} has {lines} lines", path.display());
            }
        }
    }
}
