//! Draws the models of Rust files: `cargo run -p nn-compiler --features cli --example draw -- out/ tests/models/*.rs`
//! writes an SVG, a PNG, and Mermaid and DOT text for each model.

use std::path::Path;
use std::{env, fs};

use nn_compiler::emit::{dot, draw, mermaid};
use nn_compiler::{compile, parse};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = env::args().skip(1);
    let folder = arguments.next().ok_or("where to? The first argument is a folder")?;
    fs::create_dir_all(&folder)?;
    for path in arguments {
        let file = syn::parse_file(&fs::read_to_string(&path)?)?;
        let stem = Path::new(&path).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        for item in file.items {
            let syn::Item::Macro(call) = item else { continue };
            let source = parse::source(call.mac.tokens).map_err(|errors| format!("{path}: {errors:?}"))?;
            for plan in compile(source).map_err(|errors| format!("{path}: {errors:?}"))? {
                let out = |ending: &str| format!("{folder}/{stem}-{}.{ending}", plan.program.model.name);
                let options = draw::Options::default();
                fs::write(out("svg"), draw::svg(&plan.program, &options))?;
                fs::write(out("png"), draw::png(&plan.program, &options, 1.0)?)?;
                fs::write(out("mmd"), mermaid::text(&plan.program))?;
                fs::write(out("dot"), dot::text(&plan.program))?;
            }
        }
    }
    Ok(())
}
