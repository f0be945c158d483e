//! `nnc new`.

use std::fs;
use std::path::Path;

use nn_compiler::model::{Model, Target};

use super::arguments::New;
use super::input::Input;
use super::output::{Failure, Output, replace};

pub(crate) fn run(arguments: &New, out: &mut Output) -> Result<(), Failure> {
    let path = &arguments.path;
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if !is_name {
        return Err(Failure::Said(format!("`{name}` is no name for a crate: letters, digits, `-` and `_`")));
    }
    if path.exists() {
        return Err(Failure::Said(format!("`{}` exists already", path.display())));
    }
    let input = Input::read(&arguments.model)?;
    let plans = input.plans()?;
    let Some(model) = plans.first().map(|plan| &plan.program.model) else {
        return Err(Failure::Said("there is no model".to_owned()));
    };
    if !model.has_loss {
        return Err(Failure::Said(format!("`{}` has no loss, and could not be trained", model.name)));
    }
    let runtime = match &arguments.runtime {
        Some(folder) => {
            let folder = fs::canonicalize(folder).map_err(|error| Failure::io("find", folder, &error))?;
            format!("{{ path = {:?} }}", folder.display().to_string())
        }
        None => format!("{:?}", env!("CARGO_PKG_VERSION")),
    };
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[dependencies]\nndarray = \"0.17\"\n\
         nn-runtime = {runtime}\n\n# Kernels are fast in debug builds too.\n[profile.dev.package.\"*\"]\nopt-level = 3\n"
    );
    let write = |file: &str, content: &str| {
        let file = path.join(file);
        replace(&file, content.as_bytes()).map_err(|error| Failure::io("write", &file, &error))
    };
    let source = path.join("src");
    fs::create_dir_all(&source).map_err(|error| Failure::io("make", &source, &error))?;
    write("Cargo.toml", &manifest)?;
    write(".gitignore", "/target\n")?;
    write("src/main.rs", &program(&input, model, Path::new(name)))?;
    out.text(&format!("made `{}`: cd {0} && cargo run --release\n", path.display()))
}

/// A program that trains the model on made-up data, which its owner replaces.
fn program(input: &Input, model: &Model, name: &Path) -> String {
    let is_short = !input.text.contains("model ");
    let text = input.text.trim().trim_end_matches(';');
    let (declaration, new) = if is_short {
        (String::new(), format!("nn_model!({text})"))
    } else if input.text.contains("nn_model!") {
        (format!("{text}\n\n"), format!("{}::new(7)", model.name))
    } else {
        (format!("nn_model! {{\n{text}\n}}\n\n"), format!("{}::new(7)", model.name))
    };
    let inputs: usize = model.inputs.iter().map(|input| input.shape.count()).sum();
    let (width, target) = match &model.target {
        None => (0, "0.0".to_owned()),
        Some(Target::Values(shape)) => (shape.count(), "sum.sin()".to_owned()),
        Some(Target::Binary(shape)) => (shape.count(), "if sum > 0.0 { 1.0 } else { 0.0 }".to_owned()),
        Some(Target::Class(classes, shape)) => (
            shape.count(),
            format!("((sum + 2.0) * {}.0 / 4.0).floor().clamp(0.0, {}.0)", classes, classes - 1),
        ),
    };
    let real = model.dtype.name();
    format!(
        "//! `{}`: made by `nnc new`.\n\nuse ndarray::Array2;\nuse nn_runtime::prelude::*;\n\n{declaration}\
         fn main() -> nn_runtime::Result<()> {{\n    \
             // Made-up examples: put your own in their place, `Table::from_csv(\"data.csv\")?` for instance.\n    \
             let inputs = Array2::from_shape_fn((512, {inputs}), |(row, column)| {{\n        \
                 ((row * 37 + column * 101) % 97) as {real} / 48.0 - 1.0\n    }});\n    \
             let targets = Array2::from_shape_fn((512, {width}), |(row, _)| {{\n        \
                 let sum: {real} = inputs.row(row).sum();\n        {target}\n    }});\n    \
             let (train, valid) = Dataset::new(inputs, targets)?.split(0.8, 7);\n\n    \
             let mut model = {new};\n    \
             let history = Trainer::new(Adam::new(0.01)).epochs(100).fit(&mut model, &train, &valid)?;\n    \
             println!(\"{{history}}\");\n    \
             model.save(\"{}.safetensors\")\n}}\n",
        name.display(),
        name.display(),
    )
}
