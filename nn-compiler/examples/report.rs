//! Writes a page about each model of Rust files: `cargo run -p nn-compiler --features report --example report -- out/
//! tests/models/*.rs`. Beside each page, `reference.json` says what the interpreter computes for the page's first
//! numbers, and for them with one input and one parameter changed: what a test in a browser compares with.

use std::path::Path;
use std::{env, fs};

use nn_compiler::build::Program;
use nn_compiler::emit::report::{self, Numbers};
use nn_compiler::graph::Root;
use nn_compiler::interpret::{Bindings, Example, evaluate};
use nn_compiler::ops::Tensor;
use nn_compiler::shape::Shape;
use nn_compiler::{compile, grad, parse, stable};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = env::args().skip(1);
    let folder = arguments.next().ok_or("where to? The first argument is a folder")?;
    fs::create_dir_all(&folder)?;
    for path in arguments {
        let text = fs::read_to_string(&path)?;
        let stem = Path::new(&path).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        for item in syn::parse_file(&text)?.items {
            let syn::Item::Macro(call) = item else { continue };
            let source = parse::source(call.mac.tokens).map_err(|errors| format!("{path}: {errors:?}"))?;
            for plan in compile(source).map_err(|errors| format!("{path}: {errors:?}"))? {
                let name = format!("{folder}/{stem}-{}", plan.program.model.name);
                fs::write(format!("{name}.html"), report::html(&plan, &text))?;
                fs::write(format!("{name}.reference.json"), reference(&plan.program)?.to_string())?;
            }
        }
    }
    Ok(())
}

/// What the interpreter computes, of the graph that is compiled.
fn reference(program: &Program) -> Result<Value, Box<dyn std::error::Error>> {
    let model = &program.model;
    let stable = stable(program);
    let graph = grad::of_loss(&stable).map_err(|errors| format!("{errors:?}"))?;
    let mut numbers = Numbers::new(model);
    let mut cases = Vec::new();
    if numbers.count() > report::LARGEST {
        return Ok(json!(cases));
    }
    for is_edited in [false, true] {
        let mut edits = Vec::new();
        if is_edited {
            let names = [
                model.inputs.first().map(|input| input.name.to_string()),
                model.params.first().map(|param| param.name.clone()),
            ];
            let firsts = [numbers.inputs.first_mut(), numbers.params.first_mut()];
            for ((name, numbers), value) in names.into_iter().zip(firsts).zip([0.75, -0.25]) {
                if let (Some(name), Some(numbers)) = (name, numbers) {
                    numbers[0] = value;
                    edits.push(json!({ "leaf": name, "at": 0, "value": value }));
                }
            }
        }
        let tensor = |shape: &Shape, values: &Vec<f64>| Tensor::from_shape_vec(&shape[..], values.clone());
        let inputs =
            model.inputs.iter().zip(&numbers.inputs).map(|(input, values)| tensor(&input.shape, values));
        let params =
            model.params.iter().zip(&numbers.params).map(|(param, values)| tensor(&param.shape, values));
        let target = model
            .target
            .as_ref()
            .zip(numbers.target.as_ref())
            .map(|(target, values)| tensor(&target.shape(), values));
        let example = Example {
            inputs: inputs.collect::<Result<_, _>>()?,
            target: target.transpose()?,
            ..Example::default()
        };
        let found = evaluate(
            &graph,
            &Bindings { params: params.collect::<Result<_, _>>()?, examples: vec![example] },
        );
        let mut values = serde_json::Map::new();
        let mut adjoints = serde_json::Map::new();
        for &(root, id) in &graph.roots {
            let elements: Vec<f64> = found.example(id, 0).iter().copied().collect();
            match root {
                Root::Output(at) => values.insert(model.outputs[at].name.to_string(), json!(elements)),
                Root::Loss => values.insert("J".to_owned(), json!(elements)),
                Root::ParamGradient(at) => adjoints.insert(model.params[at].name.clone(), json!(elements)),
                Root::InputGradient(_) | Root::State(_) => None,
            };
        }
        cases.push(json!({ "edits": edits, "values": values, "adjoints": adjoints }));
    }
    Ok(json!(cases))
}
