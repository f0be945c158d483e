//! Compiles every file of `models/`, `operations/` and `unusual/`, and models of random shapes, into the test crate, in
//! single and in double precision, so that a model whose snapshot is taken is always one that runs.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

#[allow(dead_code, reason = "the tests use all of it")]
#[path = "src/random.rs"]
mod random;

fn main() {
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo says where the crate is");
    let out = env::var("OUT_DIR").expect("cargo says where to write");
    let mut zoo = String::new();
    for (folder, dtype, module, layout) in [
        ("models", "f32", "f32s", ""),
        ("models", "f64", "f64s", ""),
        ("operations", "f32", "operations_in_tiles_f32", "#[layout(tiles)]"),
        ("operations", "f64", "operations_in_rows_f64", "#[layout(rows)]"),
        ("operations", "f64", "operations_in_lanes_f64", "#[layout(lanes)]"),
        ("unusual", "f32", "unusual_f32", ""),
        ("unusual", "f64", "unusual_f64", ""),
        ("random", "f32", "random_f32", "#[layout(tiles)]"),
        ("random", "f64", "random_f64", "#[layout(lanes)]"),
    ] {
        let sources =
            if folder == "random" { random_sources() } else { sources(&Path::new(&root).join(folder)) };
        println!("cargo::rerun-if-changed={}", if folder == "random" { "src/random.rs" } else { folder });
        let mut visits = String::new();
        writeln!(zoo, "/// The models of `{folder}/` in {dtype} {layout}.\npub mod {module} {{")
            .expect("a string can be written");
        for (name, text) in &sources {
            // Comments may speak of models, too.
            let text: String =
                text.lines().filter(|line| !line.starts_with("//")).collect::<Vec<_>>().join("\n");
            let (before, header) = text.split_once("model ").expect("a file declares a model");
            let (struct_name, rest) = header.split_at(header.find(['(', '<']).expect("a header has inputs"));
            let rest = rest.strip_prefix("<f64>").unwrap_or(rest);
            let text = format!("{before}model {struct_name}<{dtype}>{rest}");
            // Operations are tried in both layouts, whichever the compiler would choose.
            let text = text.replacen("nn_model! {", &format!("nn_model! {{ {layout}"), 1);
            writeln!(
                zoo,
                "/// `{folder}/{name}.rs`.\npub mod {name} {{\nuse nn_runtime::nn_model;\n{text}\n}}"
            )
            .expect("a string can be written");
            let kind = if text.contains("loss ") { "with_loss" } else { "without_loss" };
            writeln!(visits, "visitor.{kind}::<{name}::{struct_name}>({name:?});")
                .expect("a string can be written");
        }
        writeln!(
            zoo,
            "/// Every model.\npub fn visit(visitor: &mut impl crate::Visitor<{dtype}>) {{ {visits} }}\n}}"
        )
        .expect("a string can be written");
    }
    fs::write(Path::new(&out).join("zoo.rs"), zoo).expect("the output can be written");
}

/// Name and text of every file of a folder.
fn sources(folder: &Path) -> Vec<(String, String)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("the models are there")
        .map(|entry| entry.expect("an entry can be read").path())
        .collect();
    files.sort();
    files
        .iter()
        .map(|file| {
            let name = file.file_stem().and_then(|stem| stem.to_str()).expect("a file has a name").to_owned();
            (name, fs::read_to_string(file).expect("a model can be read"))
        })
        .collect()
}

/// The models of random shapes that are compiled.
fn random_sources() -> Vec<(String, String)> {
    (0..random::COMPILED)
        .map(|number| {
            let text = random::source(&format!("Random{number}"), number);
            (format!("random{number}"), format!("nn_model! {{ pub {text} }}"))
        })
        .collect()
}
